"""Sealing a day: its totals, its trial balance and a hash that stands on the hash of the day before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.accounts import Account, Side
from psp_core.domain.ledger.entries import Entry

GENESIS = bytes(32)
"""What stands before the first sealed day."""


@dataclass(frozen=True, slots=True)
class AccountTotal:
    """What happened on an account in a day, and its balance at the end of it, in minor units.

    The balance is on the side on which the account grows; of a merchant's account it is the sum over all merchants.
    """

    currency: Currency
    account: Account
    debit_minor: int
    credit_minor: int
    balance_minor: int


@dataclass(frozen=True, slots=True)
class SealedDay:
    """A business date that never changes again."""

    day: date
    entries: int
    totals: list[AccountTotal]
    hash: bytes
    previous_hash: bytes
    sealed_at: datetime


@dataclass(frozen=True, slots=True)
class Digest:
    """What a day's entries are: how many, and what stands for them."""

    entries: int
    hash: bytes


def digest_of(day: date, entries: Iterable[Entry], *, previous_hash: bytes) -> Digest:
    """Return the SHA-256 of the hash of the day before, the day, and its entries in the order of their keys.

    An entry with its postings is a line of JSON: no text of one field can be taken for another field.
    """
    digest = hashlib.sha256(previous_hash)
    digest.update(f"{day.isoformat()}\n".encode())
    count = 0
    for entry in entries:
        digest.update(_line(entry))
        count += 1
    return Digest(count, digest.digest())


def _line(entry: Entry) -> bytes:
    fields = [
        str(entry.id),
        entry.kind,
        entry.currency,
        entry.effective_on.isoformat(),
        entry.recorded_at.astimezone(UTC).isoformat(),
        entry.source,
        str(entry.reverses_id) if entry.reverses_id else None,
        [list(posting) for posting in entry.postings],
    ]
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def trial_balance(
    before: Iterable[AccountTotal], moved: Iterable[tuple[Currency, Account, int, int]]
) -> list[AccountTotal]:
    """Return every account that ever had a posting, with the day's debits and credits and its balance at the end."""
    debits_and_credits = {(currency, account): (debit, credit) for currency, account, debit, credit in moved}
    balances = {(total.currency, total.account): total.balance_minor for total in before}
    totals = []
    for currency, account in sorted(debits_and_credits.keys() | balances.keys()):
        debit, credit = debits_and_credits.get((currency, account), (0, 0))
        grown = debit - credit if account.side is Side.DEBIT else credit - debit
        balance = balances.get((currency, account), 0) + grown
        totals.append(AccountTotal(currency, account, debit, credit, balance))
    return totals


def imbalances(totals: Iterable[AccountTotal]) -> dict[Currency, int]:
    """Return by how much the debits exceed the credits, of each currency that does not balance."""
    sums: dict[Currency, int] = {}
    for total in totals:
        signed = total.balance_minor if total.account.side is Side.DEBIT else -total.balance_minor
        sums[total.currency] = sums.get(total.currency, 0) + signed
    return {currency: amount for currency, amount in sums.items() if amount}
