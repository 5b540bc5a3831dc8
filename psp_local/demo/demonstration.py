"""`make demo`: post a day's traffic, settle it in a time-lapse, show the merchants' totals and check them."""

from __future__ import annotations

import secrets
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Lock

from psp_core.settings import CalendarSettings
from psp_local import LocalStackError
from psp_local.demo.accounts import Account, differences, due_on, read_account
from psp_local.demo.merchants import MERCHANTS, Merchant
from psp_local.demo.platform import Platform, api_in_the_past, running_platform
from psp_local.demo.posting import post_day
from psp_local.demo.screen import Screen
from psp_local.demo.settling import Settling
from psp_local.demo.traffic import a_day
from psp_local.demo.ways_in.connection import Connection
from psp_local.demo.ways_in.merchant_api import MerchantApi, Posted
from psp_local.demo.ways_in.operations import Dagster, psp

DAYS_AGO = 31
"""The longest of the merchants' delays: what the day's credit cards bring is due by now, but for later installments."""

_ONE_DAY = timedelta(days=1)
_POSTS_PER_SECOND = 300
_PAYABLES_WITHIN_S = 600
_POLL_S = 0.5
_DIFFERENCES_SHOWN_MAX = 10
_INTERRUPTED = 130


def run_demo(*, root: Path, data_dir: Path, transactions: int, day_seconds: float, keep: bool) -> int:
    """Run the demonstration on the stack in `data_dir`; returns the exit code: 1 when a cent is not where it belongs.

    The day passes in `day_seconds`, or slower when that many transactions take longer.
    """
    screen = Screen()
    try:
        with running_platform(root=root, data_dir=data_dir, say=screen.say) as platform:
            speed = _ONE_DAY.total_seconds() / max(day_seconds, transactions / _POSTS_PER_SECOND)
            agrees = _Demonstration(platform, screen, transactions, speed).run()
            _say_what_to_look_at(platform, screen, stays=keep or platform.started_here is None)
            if keep and platform.started_here is not None:
                screen.say("Ctrl-C ends the platform; the data stays.")
                with suppress(KeyboardInterrupt):
                    while platform.started_here.runs():
                        time.sleep(_POLL_S)
    except LocalStackError as error:
        print(f"psp: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0 if agrees else 1


@dataclass
class _Demonstration:
    platform: Platform
    screen: Screen
    transactions: int
    speed: float
    calendar: CalendarSettings = field(default_factory=CalendarSettings)
    reference: str = field(default_factory=lambda: f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}")

    def run(self) -> bool:
        """Show everything; returns whether the books agree with what was posted."""
        day = self._today() - timedelta(days=DAYS_AGO)
        midnight = datetime(day.year, day.month, day.day, tzinfo=self.calendar.zone).astimezone(UTC)
        self.screen.title(f"{len(MERCHANTS)} merchants agree on their terms")
        self._set_fee_plans()
        with api_in_the_past(self.platform, start=midnight, speed=self.speed) as url, Connection(url) as connection:
            api = MerchantApi(connection)
            known = self._settlements(api)
            self.screen.title(f"{day:%A, %d %B %Y}: a day in {_ONE_DAY.total_seconds() / self.speed:.0f} seconds")
            posted = self._post(url, midnight=midnight)
            self.screen.title("Through outbox, queue and Dagster, every transaction becomes payables")
            self._await_payables(api, posted)
            self.screen.title("Dates pass, and what is due is paid")
            self._settle(api, known=known)
            self.screen.title("What the merchants see")
            return self._check(api, posted)

    def _set_fee_plans(self) -> None:
        environment = {
            **self.platform.environment,
            # The terms of a transaction are those of its day, so they are agreed on the day before.
            "PSP_CLOCK_START": (datetime.now(UTC) - timedelta(days=DAYS_AGO + 1)).isoformat(),
        }

        def agree(merchant: Merchant) -> None:
            options = [
                *("--credit-fee-bps", str(merchant.credit_fee_bps), "--debit-fee-bps", str(merchant.debit_fee_bps)),
                *("--credit-delay-days", str(merchant.credit_delay_days)),
            ]
            psp("fee-plans", "set", merchant.customer_id, *options, environment=environment, root=self.platform.root)

        with self.screen.waiting("psp fee-plans set …"), ThreadPoolExecutor(2) as threads:
            list(threads.map(agree, [merchant for merchant in MERCHANTS if not merchant.has_default_terms]))
        for merchant in MERCHANTS:
            self.screen.say(
                f"{merchant.customer_id:<18}credit {merchant.credit_fee_bps / 100:.2f} % after "
                f"{merchant.credit_delay_days} days, debit {merchant.debit_fee_bps / 100:.2f} % at once"
            )

    def _settlements(self, api: MerchantApi) -> frozenset[str]:
        lists = (api.rows("/settlements", customer_id=merchant.customer_id) for merchant in MERCHANTS)
        return frozenset(row["id"] for rows in lists for row in rows)

    def _post(self, url: str, *, midnight: datetime) -> list[Posted]:
        sales = a_day(count=self.transactions, reference=self.reference)
        done, lock = 0, Lock()
        with self.screen.progress(total=len(sales), what="transactions") as advance:

            def on_posted(one: Posted) -> None:
                nonlocal done
                with lock:
                    done += 1
                    advance(done, f"{datetime.fromisoformat(one.created_at).astimezone(self.calendar.zone):%H:%M}")

            posted = post_day(sales, url=url, midnight=midnight, speed=self.speed, on_posted=on_posted)
        replays = sum(one.replays for one in posted)
        self.screen.good(f"{len(posted):,} transactions accepted; {replays:,} were sent twice and stored once")
        late = sum(datetime.fromisoformat(one.created_at) >= midnight + _ONE_DAY for one in posted)
        if late:
            self.screen.say(f"the machine was slower than the day: {late:,} of them are of the day after")
        return posted

    def _await_payables(self, api: MerchantApi, posted: Sequence[Posted]) -> None:
        wanted: dict[str, int] = defaultdict(int)
        for one in posted:
            wanted[one.sale.merchant.customer_id] += one.sale.installments
        counts = dict.fromkeys(wanted, 0)
        deadline = time.monotonic() + _PAYABLES_WITHIN_S
        with self.screen.progress(total=sum(wanted.values()), what="payables") as advance:
            while True:
                for merchant, count in counts.items():
                    if count < wanted[merchant]:
                        counts[merchant] = api.count(
                            "/payables", customer_id=merchant, at_least=count, reference=self.reference
                        )
                advance(sum(counts.values()), "     ")
                if counts == wanted:
                    break
                if time.monotonic() > deadline:
                    raise LocalStackError(f"After {_PAYABLES_WITHIN_S} s there are payables {counts} of {wanted}.")
                time.sleep(_POLL_S)

    def _settle(self, api: MerchantApi, *, known: frozenset[str]) -> None:
        due: dict[date, set[str]] = defaultdict(set)
        for merchant in (merchant.customer_id for merchant in MERCHANTS):
            for row in api.rows("/payables", customer_id=merchant, reference=self.reference):
                if row["settlement_id"] or row["status"] == "waiting_funds":
                    due[due_on(row, self.calendar.zone)].add(merchant)
        ready = {day: sorted(merchants) for day, merchants in due.items() if day <= self._today()}
        if not ready:
            self.screen.say("nothing is due yet")
            return
        with self.screen.waiting(f"a settlement run in Dagster for {len(ready)} due dates"):
            dagster = Dagster(self.platform.operations_url)
            run_id = Settling(api, dagster, ready, known, on_paid=self.screen.paid)()
        self.screen.say(f"the run: {dagster.page_of(run_id)}")

    def _check(self, api: MerchantApi, posted: Sequence[Posted]) -> bool:
        accounts: list[Account] = []
        wrong: list[str] = []
        for merchant in (merchant.customer_id for merchant in MERCHANTS):
            accounts.append(read_account(api, merchant, reference=self.reference))
            theirs = [one for one in posted if one.sale.merchant.customer_id == merchant]
            wrong += differences(accounts[-1], theirs, today=self._today(), zone=self.calendar.zone)
        self.screen.totals(accounts)
        self.screen.say("")
        for sentence in wrong[:_DIFFERENCES_SHOWN_MAX]:
            self.screen.bad(sentence)
        if not wrong:
            self.screen.good("payables, fees and settlements agree with what was posted, to the cent")
        verdict = psp("check-books", environment=self.platform.environment, root=self.platform.root)
        self.screen.good(f"psp check-books: {verdict}")
        return not wrong

    def _today(self) -> date:
        return datetime.now(self.calendar.zone).date()


def _say_what_to_look_at(platform: Platform, screen: Screen, *, stays: bool) -> None:
    screen.title("Look at it" if stays else "Type `make` to start the platform again, and look at it")
    screen.say(f"curl '{platform.api_url}/settlements' -H 'x-customer-id: {MERCHANTS[0].customer_id}'")
    screen.say(f"{platform.operations_url}/assets/settlement shows the dates that were paid")
    screen.say(f"{platform.environment['PSP_REPORTS_URL']} has a settlement report for each of them")
    screen.say("")
