"""Wrong API keys: limited by address, slower each time, and nobody else's problem."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from psp_api.access.failed_logins import FORGOTTEN_AFTER_S, PAUSE_S_MAX, FailedLogins
from psp_api.server.problems.refusals import Refusal
from psp_core.bootstrap import build_core
from psp_core.domain.access import Scope
from psp_core.settings import Settings
from tests.api.server import Api, api_program

PEPPER = "0123456789abcdef0123456789abcdef"
WRONG = {"Authorization": f"Bearer sk_live_{'0' * 16}_{'0' * 33}"}
FREE = 10
ADDRESS, OTHER = "192.0.2.1/32", "192.0.2.2/32"


@pytest.fixture
def keyed(api: Api, api_settings: Settings, api_environment: dict[str, str], tmp_path: Path) -> Iterator[Api]:
    """An API that wants keys, behind one proxy."""
    environment = {
        **api_environment,
        "PSP_AUTH_MODE": "api-key",
        "PSP_API_KEY_PEPPER": PEPPER,
        "PSP_API_KEY_CACHE_TTL_S": "0",
        "PSP_API_TRUSTED_PROXIES": "1",
    }
    core = build_core(api_settings.model_copy(update={"api_key_pepper": SecretStr(PEPPER)}))
    program, url = api_program(tmp_path, environment=environment)
    with program:
        yield Api(url, core, program.log_file)
    core.store.close()


def from_address(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


class TestAWrongKey:
    def test_is_refused_unseen_after_some_and_only_from_its_address(self, keyed: Api, merchant: str) -> None:
        token = keyed.core.manage_api_keys.create(merchant, scopes=[Scope.READ]).token.text
        good = {"Authorization": f"Bearer {token}"}
        with keyed.client() as client:
            assert client.get("/payables", headers={**good, **from_address("192.0.2.1")}).status_code == 200

            # What a client says itself about where it comes from stands before what the proxy adds.
            answers = [
                client.get("/payables", headers={**WRONG, **from_address(f"203.0.113.{number}, 192.0.2.1")})
                for number in range(FREE + 2)
            ]

            assert [answer.status_code for answer in answers[:-1]] == [401] * (FREE + 1)
            assert (answers[-1].status_code, answers[-1].json()["code"]) == (429, "too_many_failed_logins")
            assert int(answers[-1].headers["Retry-After"]) >= 1
            elsewhere = client.get("/payables", headers={**WRONG, **from_address("192.0.2.2")})
            assert elsewhere.status_code == 401
            # The good key goes on from there, though it has to be looked up each time.
            assert client.get("/payables", headers={**good, **from_address("192.0.2.1")}).status_code == 200

    def test_counts_for_the_whole_network_of_an_ipv6_address(self, keyed: Api) -> None:
        with keyed.client() as client:
            answers = [
                client.get("/payables", headers={**WRONG, **from_address(f"2001:db8::{number:x}")})
                for number in range(FREE + 2)
            ]
            other = client.get("/payables", headers={**WRONG, **from_address("2001:db8:0:1::1")})

        assert answers[-1].status_code == 429
        assert other.status_code == 401

    def test_counts_for_the_peer_where_no_proxy_is_trusted(
        self, keyed: Api, api_environment: dict[str, str], tmp_path: Path
    ) -> None:
        environment = {**api_environment, "PSP_AUTH_MODE": "api-key", "PSP_API_KEY_PEPPER": PEPPER}
        folder = tmp_path / "direct"
        folder.mkdir()
        program, url = api_program(folder, environment=environment)
        with program, Api(url, keyed.core, program.log_file).client() as client:
            answers = [
                client.get("/payables", headers={**WRONG, **from_address(f"192.0.2.{number}")})
                for number in range(FREE + 2)
            ]

        assert answers[-1].status_code == 429


class TestFailedLogins:
    def test_cost_a_pause_that_grows_to_a_bound(self) -> None:
        now_s = 0.0
        logins = FailedLogins(FREE, clock_s=lambda: now_s)
        pauses = []

        for _ in range(FREE + 12):
            logins.require_few(ADDRESS, "wrong")
            logins.note_wrong(ADDRESS)
            pauses.append(pause := pause_of(logins))
            now_s += pause

        assert pauses[:FREE] == [0] * FREE
        assert pauses[FREE : FREE + 4] == [1, 2, 4, 8]
        assert pauses[-1] == PAUSE_S_MAX

    def test_are_forgotten_when_none_has_come_for_long(self) -> None:
        now_s = 0.0
        logins = FailedLogins(FREE, clock_s=lambda: now_s)
        for _ in range(FREE + 1):
            logins.note_wrong(ADDRESS)

        now_s += FORGOTTEN_AFTER_S + 1
        logins.note_wrong(ADDRESS)

        assert pause_of(logins) == 0

    def test_are_kept_for_so_many_addresses_and_no_more(self) -> None:
        logins = FailedLogins(FREE)

        for number in range(20_000):
            logins.note_wrong(str(number))
            logins.note_good(str(number))

        assert len(logins._failures) == len(logins._good) == 10_000


def pause_of(logins: FailedLogins) -> int:
    try:
        logins.require_few(ADDRESS, "wrong")
    except Refusal as refusal:
        return int(refusal.headers["Retry-After"])
    logins.require_few(OTHER, "wrong")
    return 0
