"""`make demo`: post a day's traffic, settle it in a time-lapse, show the merchants' totals and check them."""

from __future__ import annotations

import secrets
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from psp_core.settings import CalendarSettings
from psp_local import LocalStackError
from psp_local.demo.accounts import differences, due_on, read_account
from psp_local.demo.merchant_api import MerchantApi, Posted, Row, post_day
from psp_local.demo.platform import Platform, api_in_the_past, running_platform
from psp_local.demo.screen import Screen
from psp_local.demo.settlement import Settlements
from psp_local.demo.traffic import MERCHANTS, Merchant, a_day
from psp_local.supervision.guard import stack_lives
from psp_local.welcome import log_in

DAYS_AGO = 31
"""The longest of the merchants' delays: what the day's credit cards bring is due by now, but for later installments."""

REASON = "make demo: a day's traffic is settled in a time-lapse"
_ONE_DAY = timedelta(days=1)
_POSTS_PER_SECOND = 200
_PAYABLES_WITHIN_S = 600
_SETTLED_WITHIN_S = 900
_POLL_S = 0.5
# The hourly sweep may be settling one of the dates: two at once refuse each other, and the second one finds it done.
_RUNS_MAX = 3
_DIFFERENCES_SHOWN_MAX = 10
_INTERRUPTED = 130


def run_demo(*, root: Path, data_dir: Path, transactions: int, day_seconds: float) -> int:
    """Run the demonstration on the stack in `data_dir`; returns the exit code: 1 when a cent is not where it belongs.

    The day passes in `day_seconds`, or slower when that many transactions take longer.
    """
    screen, stays = Screen(), stack_lives(data_dir)
    speed = _ONE_DAY.total_seconds() / max(day_seconds, transactions / _POSTS_PER_SECOND)
    try:
        with running_platform(root=root, data_dir=data_dir, say=screen.say) as platform:
            agrees = _Demonstration(platform, screen, transactions, speed).run()
            _say_what_to_look_at(platform, screen, stays=stays)
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
    reference: str = field(default_factory=lambda: f"demo-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}")

    def run(self) -> bool:
        """Show everything; returns whether the books agree with what was posted."""
        day = self._today() - timedelta(days=DAYS_AGO)
        midnight = datetime(day.year, day.month, day.day, tzinfo=self.calendar.zone).astimezone(UTC)
        self.screen.title(f"{len(MERCHANTS)} merchants agree on their terms")
        self._set_fee_plans()
        with api_in_the_past(self.platform, start=midnight, speed=self.speed) as url:
            api = MerchantApi(url)
            self.screen.title(f"{day:%A, %d %B %Y}: a day in {_ONE_DAY.total_seconds() / self.speed:.0f} seconds")
            posted = self._post(api, midnight=midnight)
            self.screen.title("Through outbox, queue and Dagster, every transaction becomes payables")
            self._await_payables(api, posted)
            self.screen.title("Dates pass, and what is due is paid")
            self._settle(api)
            self.screen.title("What the merchants see")
            return self._check(api, posted)

    def _set_fee_plans(self) -> None:
        # The terms of a transaction are those of its day, so they are agreed on the day before.
        start = (datetime.now(UTC) - timedelta(days=DAYS_AGO + 1)).isoformat()

        def agree(merchant: Merchant) -> None:
            names = ("--credit-fee-bps", "--debit-fee-bps", "--credit-delay-days")
            options = [word for name, value in zip(names, merchant.terms, strict=True) for word in (name, str(value))]
            options += ["--new-merchant", "--yes", "--reason", "the demonstration"]
            self.platform.psp("fee-plans", "set", merchant.customer_id, *options, PSP_CLOCK_START=start)

        with self.screen.waiting("psp fee-plans set …"), ThreadPoolExecutor(2) as threads:
            # The first one has the terms that everybody has who agreed on none.
            list(threads.map(agree, MERCHANTS[1:]))
        for merchant in MERCHANTS:
            credit_bps, debit_bps, days = merchant.terms
            terms = f"credit {credit_bps / 100:.2f} % after {days} days, debit {debit_bps / 100:.2f} % at once"
            self.screen.say(f"{merchant.customer_id:<18}{terms}")

    def _post(self, api: MerchantApi, *, midnight: datetime) -> list[Posted]:
        sales = a_day(count=self.transactions, reference=self.reference)
        with self.screen.progress("transactions") as bar:
            task = bar.add_task("", total=len(sales))

            def on_posted(one: Posted) -> None:
                bar.update(task, advance=1, description=f"{one.created_at.astimezone(self.calendar.zone):%H:%M}")

            posted = post_day(api, sales, midnight=midnight, speed=self.speed, on_posted=on_posted)
        replays = sum(one.sale.sent_twice for one in posted)
        self.screen.good(f"{len(posted):,} transactions accepted; {replays:,} were sent twice and stored once")
        if late := sum(one.created_at >= midnight + _ONE_DAY for one in posted):
            self.screen.say(f"the machine was slower than the day: {late:,} of them are of the day after")
        return posted

    def _await_payables(self, api: MerchantApi, posted: Sequence[Posted]) -> None:
        wanted, count = sum(one.sale.installments for one in posted), 0
        deadline = time.monotonic() + _PAYABLES_WITHIN_S
        with self.screen.progress("payables") as bar:
            task = bar.add_task("     ", total=wanted)
            while count != wanted:
                if time.monotonic() > deadline:
                    raise LocalStackError(f"After {_PAYABLES_WITHIN_S} s there are {count} of {wanted} payables.")
                time.sleep(_POLL_S)
                count = len(self._payables(api))
                bar.update(task, completed=count)

    def _settle(self, api: MerchantApi) -> None:
        """Settle what is due, and follow through the merchants' eyes how date after date is paid."""
        settlements, dates = Settlements(self.platform.operations_url), self._by_date(api)
        if at_once := dates.get(None):
            self.screen.paid("at once", at_once)
        left = sorted(day for day in dates if day and day <= self._today())
        if not left:
            self.screen.say("nothing is due yet")
            return
        deadline = time.monotonic() + _SETTLED_WITHIN_S
        with self.screen.waiting(f"a settlement run in Dagster for {len(left)} due dates"):
            for _ in range(_RUNS_MAX):
                # One run, launched as the button in the asset's page does: a backfill is looked at every 30 s only.
                run = settlements.launch(first=left[0], last=left[-1], reason=REASON)
                ended = False
                while left and not ended and time.monotonic() < deadline:
                    # Asked before the merchants are: what a run has paid when it ends is then seen.
                    ended = settlements.has_ended(run)
                    dates = self._by_date(api)
                    while left and all(row["status"] == "paid" for row in dates[left[0]]):
                        self.screen.paid(left[0], dates[left.pop(0)])
                    time.sleep(_POLL_S)
                if not left:
                    break
        page = f"{self.platform.operations_url}/runs/{run}"
        if left:
            raise LocalStackError(f"The settlement did not succeed; not paid: {', '.join(map(str, left))}. See {page}")
        self.screen.say(f"the run: {page}")

    def _payables(self, api: MerchantApi) -> list[Row]:
        return [
            {**row, "merchant": merchant.customer_id}
            for merchant in MERCHANTS
            for row in api.rows("/payables", customer_id=merchant.customer_id, reference=self.reference)
        ]

    def _by_date(self, api: MerchantApi) -> dict[date | None, list[Row]]:
        """Return the payables by the date on which they are settled; what was paid at once has none."""
        dates: dict[date | None, list[Row]] = defaultdict(list)
        for row in self._payables(api):
            # To the instant. A settlement pays when it runs; it may gather these meanwhile.
            is_debit = row["paid_at"] == row["payment_date"]
            dates[None if is_debit else due_on(row, self.calendar.zone)].append(row)
        return dates

    def _check(self, api: MerchantApi, posted: Sequence[Posted]) -> bool:
        accounts = [read_account(api, merchant.customer_id, reference=self.reference) for merchant in MERCHANTS]
        wrong: list[str] = []
        for account in accounts:
            theirs = [one for one in posted if one.sale.merchant.customer_id == account.customer_id]
            wrong += differences(account, theirs, today=self._today(), zone=self.calendar.zone)
        self.screen.totals(accounts)
        self.screen.say("")
        for sentence in wrong[:_DIFFERENCES_SHOWN_MAX]:
            self.screen.bad(sentence)
        if not wrong:
            self.screen.good("payables, fees and settlements agree with what was posted, to the cent")
        self.screen.good(f"psp check-books: {self.platform.psp('check-books')}")
        return not wrong

    def _today(self) -> date:
        return datetime.now(self.calendar.zone).date()


def _say_what_to_look_at(platform: Platform, screen: Screen, *, stays: bool) -> None:
    screen.title("Look at it" if stays else "Type `make` to start the platform again, and look at it")
    first, as_merchant = log_in(MERCHANTS[0].customer_id, variables=platform.environment, scopes=("read",))
    screen.say(f"{first}curl '{platform.api_url}/settlements' {as_merchant}")
    screen.say(f"{platform.operations_url}/assets/settlement shows the dates that were paid")
    screen.say(f"{platform.environment['PSP_REPORTS_URL']} has a settlement report for each of them")
    screen.say("")
