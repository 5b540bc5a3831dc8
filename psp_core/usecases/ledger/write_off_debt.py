"""Write off debt: one person asks for it, and another one releases it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.calendar import due_date
from psp_core.domain.kernel.errors import DebtIsLess, NotFound, TwoPeopleNeeded, WriteOffOver
from psp_core.domain.kernel.money import Money, written
from psp_core.domain.ledger.write_offs import WriteOff, write_off_entry
from psp_core.ports.kernel import Clock, Ids
from psp_core.ports.store import Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class WriteOffDebt:
    store: Store
    clock: Clock
    ids: Ids
    zone: ZoneInfo

    def request(self, customer_id: str, amount: Money, *, reason: str, by: str) -> WriteOff:
        """Store and return what is asked for; nothing is posted. Raises DebtIsLess."""
        now = self.clock.now()
        write_off = WriteOff(self.ids.new(at=now, count=1)[0], customer_id, amount, reason, by, now)
        with self.store.begin() as work:
            _require_debt(work, write_off)
            work.ledger.write_offs.add(write_off)
        return write_off

    def release(self, id: UUID, *, by: str) -> WriteOff:
        """Post the write-off, and return it. Raises NotFound, TwoPeopleNeeded, WriteOffOver, DebtIsLess."""
        now = self.clock.now()
        today = due_date(now, self.zone)
        [entry_id] = self.ids.new(at=now, count=1)
        with self.store.begin() as work:
            write_off = work.ledger.write_offs.hold(id)
            if write_off is None:
                raise NotFound("no such write-off")
            if write_off.released_by is not None:
                raise WriteOffOver(f"write-off {id} was released by {write_off.released_by}")
            if write_off.requested_by == by:
                raise TwoPeopleNeeded(f"{by} asked for write-off {id}: somebody else has to release it")
            _require_debt(work, write_off)
            work.ledger.write_offs.release(id, by=by, at=now, entry_id=entry_id)
            work.ledger.post([write_off_entry(write_off, id=entry_id, today=today, now=now)], today=today)
        return write_off._replace(released_by=by, released_at=now, entry_id=entry_id)


def _require_debt(work: UnitOfWork, write_off: WriteOff) -> None:
    """Raise DebtIsLess unless the merchant owes so much; it owes no less before the end of the commit."""
    currency = write_off.amount.currency
    owed_minor = work.ledger.hold_balance(write_off.customer_id, currency).debt_minor
    if owed_minor < write_off.amount.minor:
        raise DebtIsLess(f"{write_off.customer_id} owes {currency} {written(owed_minor, currency)}, which is less")
