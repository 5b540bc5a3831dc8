"""Read the ledger: an entry, a merchant's balances, and all of it in Beancount's format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from psp_core.domain.kernel.errors import NotFound
from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger import export
from psp_core.domain.ledger.accounts import Account
from psp_core.domain.ledger.balances import Balance, EntryView
from psp_core.ports.store import Store


@dataclass(frozen=True, slots=True)
class ReadLedger:
    store: Store

    def entry(self, id: UUID) -> EntryView:
        """Return the entry with its postings, or raise NotFound."""
        with self.store.begin() as work:
            found = work.ledger.view(id)
        if found is None:
            raise NotFound("no such entry")
        return found

    def balances(self, customer_id: str) -> list[Balance]:
        """Return what the merchant has, a balance a currency."""
        with self.store.begin() as work:
            return work.ledger.balances(customer_id)

    def most_moved_on(self, day: date, *, limit: int) -> list[tuple[str, Currency, int]]:
        """Return the merchants with the most moved on a business date, in minor units, largest first."""
        with self.store.begin() as work:
            return work.ledger.most_moved_on(day, limit=limit)

    def export(self, write: Callable[[str], object]) -> int:
        """Write everything as lines of a Beancount file, with the stored balances as assertions; count the entries.

        Of one snapshot. Every posting is a line, and every merchant's stored balance is one that Beancount checks.
        """
        count = 0
        with self.store.begin() as work:
            work.freeze()
            first, last = work.ledger.first_day(), work.ledger.last_day()
            if first is None or last is None:
                return 0
            names = {export.account_name(account, customer_id) for account, customer_id in work.ledger.all_accounts()}
            for line in export.opened(names, on=first):
                write(line)
            for day in _days(first, last):
                for entry in work.ledger.entries_of(day):
                    count += 1
                    for line in export.transaction(entry):
                        write(line)
            for customer_id, balance in work.ledger.all_balances():
                for line in _assertions(last + timedelta(days=1), customer_id, balance, opened=names):
                    write(line)
        return count


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _assertions(day: date, customer_id: str, balance: Balance, *, opened: set[str]) -> Iterator[str]:
    for account, minor in (
        (Account.MERCHANT_PENDING, balance.pending_minor),
        (Account.MERCHANT_SETTLING, balance.settling_minor),
        (Account.MERCHANT_AVAILABLE, balance.available_minor),
        (Account.MERCHANT_RESERVE, balance.reserve_minor),
        (Account.PAYOUT_IN_TRANSIT, balance.in_transit_minor),
        (Account.MERCHANT_RECEIVABLE, balance.debt_minor),
    ):
        # An account without a posting is not opened; a balance on it would be a lie that Beancount refuses.
        if minor or export.account_name(account, customer_id) in opened:
            yield export.balance(day, account, customer_id, balance.currency, minor)
