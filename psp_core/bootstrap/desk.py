"""What a merchant reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from psp_core.bootstrap.parts import Parts
from psp_core.usecases.desk.read_merchant import ReadMerchant
from psp_core.usecases.desk.read_settlement_report import ReadSettlementReport


@dataclass(frozen=True)
class Desk(Parts):
    """The use cases behind every GET of the API."""

    @cached_property
    def read_merchant(self) -> ReadMerchant:
        return ReadMerchant(self.store)

    @cached_property
    def read_settlement_report(self) -> ReadSettlementReport:
        # pyarrow takes a quarter of a second to import, and most processes need none of it.
        from psp_core.adapters.reports.encoders import Encoders

        return ReadSettlementReport(Encoders(self.settings.zone))
