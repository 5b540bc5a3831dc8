"""What keeps and proves the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from psp_core.bootstrap.parts import Parts
from psp_core.usecases.ledger.book_what_exists import BookWhatExists
from psp_core.usecases.ledger.list_debts import ListDebts
from psp_core.usecases.ledger.read_ledger import ReadLedger
from psp_core.usecases.ledger.reverse_entry import ReverseEntry
from psp_core.usecases.ledger.seal_days import SealDays
from psp_core.usecases.ledger.verify_ledger import VerifyLedger
from psp_core.usecases.ledger.write_off_debt import WriteOffDebt


@dataclass(frozen=True)
class Ledger(Parts):
    """What keeps and proves the ledger."""

    @cached_property
    def book_what_exists(self) -> BookWhatExists:
        return BookWhatExists(self.store, self.clock, self.ids, self.settings.zone)

    @cached_property
    def seal_days(self) -> SealDays:
        return SealDays(self.store, self.clock, self.settings.zone)

    @cached_property
    def read_ledger(self) -> ReadLedger:
        return ReadLedger(self.store)

    @cached_property
    def reverse_entry(self) -> ReverseEntry:
        return ReverseEntry(self.store, self.clock, self.ids, self.settings.zone)

    @cached_property
    def write_off_debt(self) -> WriteOffDebt:
        return WriteOffDebt(self.store, self.clock, self.ids, self.settings.zone)

    @cached_property
    def list_debts(self) -> ListDebts:
        return ListDebts(self.store, self.clock, self.settings.zone)

    @cached_property
    def verify_ledger(self) -> VerifyLedger:
        return VerifyLedger(self.store)
