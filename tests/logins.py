"""The platform's programs with their own logins, as they are deployed: a missing grant fails the test that needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast

import psycopg2
from sqlalchemy import URL, make_url

from psp_core.adapters.postgres.schema.logins import Login, derived_password, set_logins
from psp_core.adapters.postgres.store import PoolLimits, PostgresStore, open_store
from psp_core.bootstrap import Core, build_core
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store
from psp_core.settings import Settings


def make_logins(url: str) -> None:
    """Make every login of the database at a superuser's `url`."""
    set_logins(url, {login: str(make_url(url_of(login, url)).password) for login in Login})


def url_of(login: Login, url: str) -> str:
    """Return the URL for the login, of the database at a superuser's `url`."""
    parsed = make_url(url)
    password = derived_password(str(parsed.password), login)
    return parsed.set(username=login, password=password).render_as_string(hide_password=False)


def connect(url: str | URL) -> psycopg2.extensions.connection:
    parsed = make_url(url)
    return psycopg2.connect(
        host=parsed.host, port=parsed.port, user=parsed.username, password=parsed.password, dbname=parsed.database
    )


def api_urls(url: str) -> dict[str, str]:
    """Return the settings by which an API process connects."""
    return {
        "PSP_DATABASE_URL": url_of(Login.API, url),
        "PSP_READ_DATABASE_URL": url_of(Login.READS, url),
        "PSP_RELAY_DATABASE_URL": url_of(Login.RELAY, url),
    }


@dataclass(frozen=True)
class CoreOfLogins(Core):
    """Every use case with the login of the program that it runs in; `store` is the owner's, for the test itself."""

    stores: Mapping[Login, PostgresStore] = field(kw_only=True)
    owners: Store = field(kw_only=True)

    def close(self) -> None:
        """Hang up on all of them."""
        for store in (*self.stores.values(), self.owners):
            cast(PostgresStore, store).close()

    def _store_of(self, login: Login) -> Store:
        # A test that puts a store of its own in between gets what it asked for.
        return self.stores[login] if self.store is self.owners else self.store


_PROGRAMS = {
    "accept_transactions": Login.API,
    "read_merchant": Login.API,
    "read_plans": Login.API,
    "authenticate": Login.API,
    "relay_outbox": Login.RELAY,
    "change_fee_plan": Login.OPERATOR,
    "change_plans": Login.OPERATOR,
    "show_plans": Login.OPERATOR,
    "price_sale": Login.OPERATOR,
    "close_day": Login.OPERATOR,
    "manage_api_keys": Login.OPERATOR,
    "read_fee_plans": Login.OPERATOR,
    "book_what_exists": Login.RUNS,
    "check_books": Login.RUNS,
    "check_flow": Login.RUNS,
    "create_payables": Login.RUNS,
    "explain_merchant": Login.RUNS,
    "find_unsettled_dates": Login.RUNS,
    "purge_idempotency_keys": Login.RUNS,
    "record_operator_action": Login.RUNS,
    "repair_transactions": Login.RUNS,
    "read_ledger": Login.RUNS,
    "reverse_entry": Login.OPERATOR,
    "seal_days": Login.RUNS,
    "settle_payables": Login.RUNS,
    "create_refund": Login.API,
    "compare_settlement": Login.RUNS,
    "write_off_debt": Login.RUNS,
    "list_debts": Login.RUNS,
    "release_reserve": Login.RUNS,
    "fail_refund": Login.RUNS,
    "set_merchant_terms": Login.OPERATOR,
    "verify_ledger": Login.RUNS,
    "write_settlement_report": Login.RUNS,
}


def _under(login: Login, name: str) -> cached_property[Any]:
    def compose(core: CoreOfLogins) -> Any:
        return replace(getattr(super(CoreOfLogins, core), name), store=core._store_of(login))

    return cached_property(compose)


for _name, _login in _PROGRAMS.items():
    _use_case = _under(_login, _name)
    _use_case.__set_name__(CoreOfLogins, _name)
    setattr(CoreOfLogins, _name, _use_case)


def core_of_logins(settings: Settings, *, clock: Clock) -> CoreOfLogins:
    """Compose the core for the database at the owner's `settings.database_url`."""
    url = settings.database_url.get_secret_value()
    core = build_core(settings)
    limits = PoolLimits(size=settings.database_pool_size)
    stores: dict[Login, PostgresStore] = {
        login: open_store(url_of(login, url), limits=limits) for login in Login if login is not Login.API
    }
    stores[Login.API] = open_store(url_of(Login.API, url), limits=limits, read_url=url_of(Login.READS, url))
    return CoreOfLogins(
        settings=core.settings,
        store=core.store,
        queue=core.queue,
        clock=clock,
        ids=core.ids,
        stores=stores,
        owners=core.store,
    )
