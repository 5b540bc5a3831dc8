"""The report of one settlement for its merchant, part by part, as soon as it is closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from psp_core.domain.kernel.errors import BooksDoNotBalance, Discrepancy, SettlementOpen
from psp_core.domain.settlement.report import Batch, ReportFormat, closing_lines, totals_of
from psp_core.domain.settlement.settlements import Settlement, SettlementStatus, SettlementTotals
from psp_core.ports.settlement import ReportEncoder, ReportEncoders
from psp_core.usecases.desk.read_merchant import ReadMerchant

LINES_PER_PART = 2_000


def closed_settlement(read: ReadMerchant, customer_id: str, *, id: UUID) -> Settlement:
    """Return the settlement, which never changes again. Raises NotFound, and SettlementOpen until it is closed."""
    settlement = read.settlement(customer_id, id=id)
    if settlement.status is not SettlementStatus.CLOSED:
        raise SettlementOpen("payables are still being added to this settlement; its report is there once it is closed")
    return settlement


@dataclass(frozen=True, slots=True)
class ReadSettlementReport:
    """The same lines as in the date's report, read from the database: no run has to have written a file."""

    encoders: ReportEncoders

    def begin(self, read: ReadMerchant, *, customer_id: str, id: UUID, format: ReportFormat) -> ReportParts:
        """Return the report, of which nothing is read yet. Raises NotFound, and SettlementOpen until it is closed."""
        settlement = closed_settlement(read, customer_id, id=id)
        return ReportParts(settlement, self.encoders.begin(format))


@dataclass(slots=True)
class ReportParts:
    """A report in the making. A closed settlement never changes: its parts may be read one by one, at any pace."""

    settlement: Settlement
    _encoder: ReportEncoder
    is_whole: bool = field(default=False, init=False)
    """There are no more parts."""
    _sums: SettlementTotals = field(default=SettlementTotals(), init=False)
    _last: UUID | None = field(default=None, init=False)

    def next_part(self, read: ReadMerchant) -> bytes:
        """Return the next part. Raises BooksDoNotBalance instead of an end that does not add up to the settlement."""
        batch = Batch.of(self.settlement)
        lines = read.settlement_lines(batch, after=self._last, limit=LINES_PER_PART)
        self._sums = sum((totals_of(line) for line in lines), self._sums)
        if len(lines) == LINES_PER_PART:
            self._last = lines[-1].payable_id
            return self._encoder.write(lines)
        self._compare()
        self.is_whole = True
        return (
            self._encoder.write([*lines, *closing_lines(batch, totals=self._sums, poured=self.settlement.poured)])
            + self._encoder.end()
        )

    def _compare(self) -> None:
        expected = SettlementTotals(self.settlement.totals, self.settlement.available)
        if self._sums != expected:
            said = f"{expected}, lines {self._sums}"
            raise BooksDoNotBalance([Discrepancy("report_balances", str(self.settlement.id), said)])
