"""Why a merchant got what it got for a date, as tables that every surface shows alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from psp_core.domain.kernel.money import Currency, written
from psp_core.domain.ledger.waterfall import Poured
from psp_core.domain.settlement.report import LineType, ends_of
from psp_core.domain.settlement.settlements import MerchantTotals, Settlement, Totals, totals_by_currency

WAITING_SHOWN_MAX = 31
"""Due dates, the next ones; what is due later is in the total."""

_SUMS = ("payables", "gross", "fees", "net")


@dataclass(frozen=True, slots=True)
class LinesByType:
    """A settlement's lines of one type and payment method."""

    settlement_id: UUID
    type: LineType
    payment_method: str
    totals: Totals


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is due on a date and not paid yet."""

    due_on: date
    currency: Currency
    totals: Totals


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as people read them: amounts with their decimals."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one merchant got for one date, and what it is still to get, all of one moment."""

    customer_id: str
    on: date
    settlements: Sequence[Settlement]
    """Of the date, by currency and sequence."""

    lines: Sequence[LinesByType]
    still_due: Sequence[MerchantTotals]
    """Due on the date, and not paid."""

    not_gathered: Sequence[MerchantTotals]
    """Paid at once on the date, and in no settlement yet."""

    waiting: Sequence[Waiting]
    """All that waits, by due date."""

    report_url: str | None
    """Where the merchant's file of the date's report is; None when there is none."""

    @property
    def summary(self) -> str:
        """Return the answer in a sentence."""
        paid_out = _in_words((item.currency, item.totals) for item in self.settlements)
        available = _in_words((item.currency, item.available) for item in self.settlements)
        waiting = _in_words((item.currency, item.totals) for item in self.waiting)
        return (
            f"{self.customer_id} on {self.on}: paid out {paid_out}, already available {available}; "
            f"still waiting, on all dates: {waiting}"
        )

    def tables(self) -> list[Table]:
        """Return the settlements by type of line, what of the date is in none, and what waits by due date."""
        return [
            Table("settlements", ["batch", "status", "currency", "type", *_SUMS], list(self._settled())),
            Table("not in a settlement", ["currency", "what", *_SUMS], list(self._open())),
            Table("waiting", ["due on", "currency", *_SUMS], list(self._waiting())),
        ]

    def _settled(self) -> Iterator[Sequence[str]]:
        for settlement in self.settlements:
            batch = (str(settlement.sequence), settlement.status.value, settlement.currency.value)
            for line in self.lines:
                if line.settlement_id == settlement.id:
                    kind = f"{line.type.value}, {line.payment_method}"
                    yield (*batch, kind, *_sums(line.totals, settlement.currency))
            for type, minor in _ends(settlement):
                yield (*batch, type.value, "", "", "", written(-minor, settlement.currency))

    def _open(self) -> Iterator[Sequence[str]]:
        for item in self.still_due:
            yield item.currency.value, f"due on {self.on} and not paid", *_sums(item.totals, item.currency)
        for item in self.not_gathered:
            yield item.currency.value, "paid at once; gathered when the day is over", *_sums(item.totals, item.currency)

    def _waiting(self) -> Iterator[Sequence[str]]:
        days = sorted({item.due_on for item in self.waiting})
        shown = days[:WAITING_SHOWN_MAX]
        for item in self.waiting:
            if item.due_on in shown:
                yield str(item.due_on), item.currency.value, *_sums(item.totals, item.currency)
        for currency, totals in sorted(_by_currency((item.currency, item.totals) for item in self.waiting).items()):
            yield f"all {len(days):,} dates", currency.value, *_sums(totals, currency)


def _ends(settlement: Settlement) -> Iterator[tuple[LineType, int]]:
    """Yield what balances the settlement's lines, in minor units; what a net came from is below zero."""
    if settlement.available.count:
        yield LineType.ALREADY_AVAILABLE, settlement.available.net_minor
    if settlement.totals.count:
        yield from ends_of(settlement.poured or Poured(to_available_minor=settlement.totals.net_minor))


def _sums(totals: Totals, currency: Currency) -> tuple[str, str, str, str]:
    sums = (totals.gross_minor, totals.fee_minor, totals.net_minor)
    gross, fee, net = (written(minor, currency) for minor in sums)
    return (f"{totals.count:,}", gross, fee, net)


def _by_currency(parts: Iterable[tuple[Currency, Totals]]) -> Mapping[Currency, Totals]:
    return totals_by_currency(MerchantTotals("", currency, totals) for currency, totals in parts if totals.count)


def _in_words(parts: Iterable[tuple[Currency, Totals]]) -> str:
    sums = sorted(_by_currency(parts).items())
    return (
        " and ".join(f"{currency.value} {written(totals.net_minor, currency)}" for currency, totals in sums)
        or "nothing"
    )
