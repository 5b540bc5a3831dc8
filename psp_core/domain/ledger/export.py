"""The ledger in Beancount's format, for whoever wants to balance it with a program that is not ours."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date

from psp_core.domain.kernel.money import Currency, in_major_units
from psp_core.domain.ledger.accounts import Account, Side
from psp_core.domain.ledger.entries import Entry, Posting

_ROOTS = {
    Account.ACQUIRER_RECEIVABLE: "Assets:AcquirerReceivable",
    Account.SETTLEMENT_BANK: "Assets:SettlementBank",
    Account.MERCHANT_RECEIVABLE: "Assets:MerchantDebt",
    Account.MERCHANT_PENDING: "Liabilities:MerchantPending",
    Account.MERCHANT_SETTLING: "Liabilities:MerchantSettling",
    Account.MERCHANT_AVAILABLE: "Liabilities:MerchantAvailable",
    Account.MERCHANT_RESERVE: "Liabilities:MerchantReserve",
    Account.PAYOUT_IN_TRANSIT: "Liabilities:PayoutInTransit",
    Account.FEE_REVENUE: "Income:FeeRevenue",
    Account.ANTICIPATION_REVENUE: "Income:AnticipationRevenue",
    Account.SUSPENSE: "Liabilities:Suspense",
    Account.BANK_DIFFERENCE: "Expenses:BankDifference",
    Account.WRITE_OFF: "Expenses:WriteOff",
}


def account_name(account: Account, customer_id: str | None) -> str:
    """Return what Beancount calls the account. A merchant's name is spelt out in letters, digits and dashes.

    `X`, and each character that Beancount does not take, is an X with its code, so that no two merchants share one.
    """
    root = _ROOTS[account]
    if customer_id is None:
        return root
    spelt = "".join(each if _is_plain(each) else f"X{ord(each):02X}" for each in customer_id)
    return f"{root}:M-{spelt}"


def opened(names: Iterable[str], *, on: date) -> Iterator[str]:
    """Yield the lines that open the accounts; every entry's day is on that day or later."""
    for name in sorted(names):
        yield f"{on} open {name}"


def transaction(entry: Entry) -> Iterator[str]:
    """Yield the entry's lines: debits are positive, credits negative, as in all of Beancount."""
    yield f"{entry.effective_on} * {json.dumps(f'{entry.kind} {entry.id}')}"
    yield f'  recorded_at: "{entry.recorded_at.isoformat()}"'
    if entry.source is not None:
        yield f"  source: {_text(entry.source)}"
    if entry.reverses_id is not None:
        yield f'  reverses: "{entry.reverses_id}"'
    for posting in entry.postings:
        yield f"  {account_name(posting.account, posting.customer_id)}  {_amount(posting, entry.currency)}"


def balance(on: date, account: Account, customer_id: str | None, currency: Currency, minor: int) -> str:
    """Return the line by which Beancount checks the balance at the beginning of a day, to the cent.

    `minor` grows on the account's own side.
    """
    signed = minor if account.side is Side.DEBIT else -minor
    return f"{on} balance {account_name(account, customer_id)}  {in_major_units(signed, currency):f} ~ 0 {currency}"


def _amount(posting: Posting, currency: Currency) -> str:
    signed = posting.amount_minor if posting.side is Side.DEBIT else -posting.amount_minor
    return f"{in_major_units(signed, currency):f} {currency}"


def _is_plain(character: str) -> bool:
    return character == "-" or (character.isascii() and character.isalnum() and character != "X")


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
