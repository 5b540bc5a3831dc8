"""What the merchants' accounts say, and whether it is what was posted, to the cent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.calendar import due_date
from psp_local.demo.merchant_api import MerchantApi, Posted, Row

_AMOUNTS = ("amount", "fee_amount", "receivable_amount")


@dataclass(frozen=True, slots=True)
class Account:
    """One merchant's part of the demonstration, as the API tells it."""

    customer_id: str
    transactions: Sequence[Row]
    payables: Sequence[Row]
    settlements: Mapping[str, Row]
    """Those that paid any of the payables, by their ids."""

    lines: Mapping[str, Sequence[Row]]
    """Everything those settlements paid, which can be more than this demonstration's payables."""

    @property
    def amounts_minor(self) -> tuple[int, int, int, int]:
        """Gross and fees; and without the fees, what was paid to the merchant and what is still waiting."""
        paid = [row for row in self.payables if row["status"] == "paid"]
        gross, fees = total(self.payables, "amount"), total(self.payables, "fee_amount")
        net = total(paid, "receivable_amount")
        return gross, fees, net, total(self.payables, "receivable_amount") - net


def read_account(api: MerchantApi, customer_id: str, *, reference: str) -> Account:
    """Return what the API tells the merchant about everything that carries the reference."""
    payables = api.rows("/payables", customer_id=customer_id, reference=reference)
    paid_by = {row["settlement_id"] for row in payables if row["settlement_id"]}
    settlements = api.rows("/settlements", customer_id=customer_id) if paid_by else []
    return Account(
        customer_id,
        transactions=api.rows("/transactions", customer_id=customer_id, reference=reference),
        payables=payables,
        settlements={row["id"]: row for row in settlements if row["id"] in paid_by},
        lines={id: api.rows("/payables", customer_id=customer_id, settlement_id=id) for id in paid_by},
    )


def due_on(payable: Row, zone: ZoneInfo) -> date:
    """Return the date on which the payable is settled."""
    return due_date(datetime.fromisoformat(payable["payment_date"]), zone)


def differences(account: Account, posted: Sequence[Posted], *, today: date, zone: ZoneInfo) -> Iterator[str]:
    """Yield a sentence for everything that is not as it must be after what the merchant posted; hopefully none."""
    payables: dict[str, list[Row]] = defaultdict(list)
    for row in account.payables:
        payables[row["transaction_id"]].append(row)
        wanted = "paid" if due_on(row, zone) <= today else "waiting_funds"
        if row["status"] != wanted:
            yield f"payable {row['id']} is {row['status']} and should be {wanted}"
    transactions = {row["id"]: row for row in account.transactions}
    for id in (transactions.keys() | payables.keys()) - {one.transaction_id for one in posted}:
        yield f"transaction {id} was never posted"
    for one in posted:
        if one.transaction_id in transactions:
            yield from _of_transaction(one, transactions[one.transaction_id], payables[one.transaction_id])
        else:
            yield f"transaction {one.transaction_id} is lost"
    for id, lines in account.lines.items():
        settlement = account.settlements.get(id)
        if settlement is None:
            yield f"settlement {id} is not listed"
        elif _sums(settlement) != [len(lines), *(total(lines, name) for name in _AMOUNTS)]:
            yield f"settlement {id} says {settlement}, which is not the sum of its lines"


def _sums(settlement: Row) -> list[int]:
    """Return the count and the amounts of all its lines: what it pays out, and what was already available."""
    return [settlement[name] + settlement["already_available"][name] for name in ("payables", *_AMOUNTS)]


def _of_transaction(posted: Posted, transaction: Row, payables: Sequence[Row]) -> Iterator[str]:
    sale, name = posted.sale, f"transaction {posted.transaction_id}"
    if sorted(row["installment"] for row in payables) != list(range(1, sale.installments + 1)):
        yield f"{name} has {len(payables)} payables for {sale.installments} installments"
    if not transaction["amount"] == sale.body["amount"] == total(payables, "amount"):
        yield f"{name} of {sale.body['amount']} has payables over {total(payables, 'amount')}"
    for row in payables:
        if row["amount"] != row["fee_amount"] + row["receivable_amount"]:
            yield f"payable {row['id']} is not its fee and its receivable amount"
    fee_of = partial(sale.merchant.fee_minor, payment_method=sale.body["payment_method"])
    # Of the whole; or, in a database that was begun by an older version, of each installment.
    if total(payables, "fee_amount") not in (
        fee_of(transaction["amount"]),
        sum(fee_of(row["amount"]) for row in payables),
    ):
        yield f"{name} has fees of {total(payables, 'fee_amount')}, which is not the merchant's plan"
    if (transaction["status"] == "paid") != all(row["status"] == "paid" for row in payables):
        yield f"{name} is {transaction['status']}, which its payables are not"


def total(rows: Sequence[Row], name: str) -> int:
    """Return the sum of one field."""
    return sum(row[name] for row in rows)
