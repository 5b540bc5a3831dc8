"""What a test of refunds sells, gives back and sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psp_core.bootstrap import Core
from psp_core.domain.intake.idempotency import IdempotencyKey
from psp_core.domain.payables import Payable
from psp_core.domain.refunds import Refund
from psp_core.usecases.refunds.create_refund import CreateRefund, NewRefund, RefundAnswer
from tests.builders import a_new_transaction
from tests.usecases.ledger.books_of import accept_and_drain, execute, rows_of


def sell(core: Core, **details: Any) -> UUID:
    """Sell something, let its payables be made, and return the transaction's id."""
    before = set(rows_of(core, "SELECT id FROM transactions"))
    accept_and_drain(core, a_new_transaction(**details))
    [(id,)] = set(rows_of(core, "SELECT id FROM transactions")) - before
    return UUID(str(id))


def refund(
    core: Core, transaction_id: UUID, amount_minor: int | None = None, *, customer_id: str = "merchant-1", key: str = ""
) -> UUID:
    """Refund and return the refund's id, or the first one's for a key that was used before."""
    return UUID(refund_answer(core, transaction_id, amount_minor, customer_id=customer_id, key=key).body.decode())


def refund_answer(
    core: Core,
    transaction_id: UUID,
    amount_minor: int | None = None,
    *,
    customer_id: str = "merchant-1",
    key: str = "",
    create: CreateRefund | None = None,
) -> RefundAnswer:
    request = b"\x02" + transaction_id.bytes + str(amount_minor).encode()
    return (create or core.create_refund)(
        NewRefund(customer_id, transaction_id, amount_minor),
        render=_id,
        key=IdempotencyKey(customer_id, key, request) if key else None,
    )


def taken_back(core: Core) -> Sequence[Any]:
    """Return type, installment, amount, fee and due date of what came back, in the order in which it was made."""
    return rows_of(
        core,
        "SELECT type, installment, amount_minor, fee_minor, due_on::text FROM payables WHERE type <> 'credit'"
        " ORDER BY id",
    )


def poured(core: Core) -> Sequence[Any]:
    """Return of each settlement its net, and what was recovered, made available, taken and carried."""
    return rows_of(
        core,
        "SELECT net_minor, recovered_minor, to_available_minor, from_available_minor, from_reserve_minor, carried_minor"
        " FROM settlements ORDER BY id",
    )


def all_balances(core: Core, customer_id: str = "merchant-1") -> Any:
    """Return pending, settling, available, reserve and debt."""
    [found] = rows_of(
        core,
        "SELECT pending_minor, settling_minor, available_minor, reserve_minor, debt_minor FROM ledger_balances"
        f" WHERE customer_id = '{customer_id}' AND currency = 'BRL'",
    )
    return found


def pay_out(core: Core, minor: int) -> None:
    """Take so much of what merchant-1 has available, as a payout will."""
    execute(
        core.settings,
        "WITH entry AS (INSERT INTO ledger_entries SELECT uuid7_at(now()), 'correction', 'BRL', '2026-04-09', now(),"
        " gen_random_uuid()::text, NULL RETURNING id) INSERT INTO ledger_postings"
        f" SELECT id, account, customer_id, side, {minor} FROM entry, (VALUES"
        " ('merchant_available', 'merchant-1', 'debit'), ('settlement_bank', NULL, 'credit'))"
        " AS sides (account, customer_id, side)",
        f"UPDATE ledger_balances SET available_minor = available_minor - {minor} WHERE customer_id = 'merchant-1'",
    )


def _id(refund: Refund, _: Sequence[Payable]) -> bytes:
    return str(refund.id).encode()
