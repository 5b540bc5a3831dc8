"""What pays what is due, and tells about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from psp_core.bootstrap.parts import Parts
from psp_core.usecases.settlement.compare_settlement import CompareSettlement
from psp_core.usecases.settlement.find_unreported_dates import FindUnreportedDates
from psp_core.usecases.settlement.find_unsettled_dates import FindUnsettledDates
from psp_core.usecases.settlement.list_unpaid_dates import ListUnpaidDates
from psp_core.usecases.settlement.release_reserve import ReleaseReserve
from psp_core.usecases.settlement.settle_payables import SettlePayables
from psp_core.usecases.settlement.write_settlement_report import WriteSettlementReport


@dataclass(frozen=True)
class Settlement(Parts):
    """What pays what is due, and tells about it."""

    @cached_property
    def settle_payables(self) -> SettlePayables:
        return SettlePayables(self.store, self.clock, self.settings.zone, self.settings.settlement_chunk_payables)

    @cached_property
    def compare_settlement(self) -> CompareSettlement:
        return CompareSettlement(self.store, self.settle_payables)

    @cached_property
    def release_reserve(self) -> ReleaseReserve:
        return ReleaseReserve(self.store, self.clock, self.settings.zone)

    @cached_property
    def find_unsettled_dates(self) -> FindUnsettledDates:
        settings = self.settings
        return FindUnsettledDates(self.store, self.clock, settings.zone, settings.settlement_starts_at)

    @cached_property
    def find_unreported_dates(self) -> FindUnreportedDates:
        return FindUnreportedDates(self.store, self.clock)

    @cached_property
    def list_unpaid_dates(self) -> ListUnpaidDates:
        return ListUnpaidDates(
            self.store, self.clock, self.settings.zone, self.find_unsettled_dates, self.find_unreported_dates
        )

    @cached_property
    def write_settlement_report(self) -> WriteSettlementReport:
        # pyarrow takes a quarter of a second to import, and only this needs it.
        from psp_core.adapters.reports.drafts import ReportDrafts
        from psp_core.adapters.reports.shelves import shelf_at

        drafts = ReportDrafts(shelf_at(self.settings.reports_url), self.settings.zone)
        return WriteSettlementReport(self.store, drafts, self.clock)
