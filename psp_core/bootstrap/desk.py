"""What is read over all features: by merchants, and by operators about one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from psp_core.bootstrap.parts import Parts
from psp_core.usecases.desk.explain_merchant import ExplainMerchant
from psp_core.usecases.desk.read_merchant import ReadMerchant
from psp_core.usecases.desk.read_plans import ReadPlans
from psp_core.usecases.desk.read_settlement_report import ReadSettlementReport


@dataclass(frozen=True)
class Desk(Parts):
    """The use cases behind every GET of the API, and the one that explains a merchant's date."""

    @cached_property
    def read_merchant(self) -> ReadMerchant:
        return ReadMerchant(self.store)

    @cached_property
    def read_plans(self) -> ReadPlans:
        return ReadPlans(self.store, self.clock, self.settings.zone)

    @cached_property
    def read_settlement_report(self) -> ReadSettlementReport:
        # pyarrow takes a quarter of a second to import, and most processes need none of it.
        from psp_core.adapters.reports.encoders import Encoders

        return ReadSettlementReport(Encoders(self.settings.zone))

    @cached_property
    def explain_merchant(self) -> ExplainMerchant:
        from psp_core.adapters.reports.drafts import ReportDrafts
        from psp_core.adapters.reports.shelves import shelf_at

        drafts = ReportDrafts(shelf_at(self.settings.reports_url), self.settings.zone)
        return ExplainMerchant(self.store, drafts, self.clock)
