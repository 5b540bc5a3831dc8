"""Explain why a merchant got what it got for a date."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from psp_core.domain.kernel.merchants import is_merchant_name, require_known
from psp_core.domain.kernel.paging import Page
from psp_core.domain.settlement.explanation import Explanation
from psp_core.domain.settlement.settlements import SettlementFilter
from psp_core.ports.kernel import Clock
from psp_core.ports.settlement import Reports
from psp_core.ports.store import Store
from psp_core.usecases.settlement.write_settlement_report import edition_folder, file_of

SETTLEMENTS_MAX = 200
"""Of one merchant and date: one for each currency, and one more for each time that something came late."""


@dataclass(frozen=True, slots=True)
class ExplainMerchant:
    store: Store
    reports: Reports
    clock: Clock

    def __call__(self, customer_id: str, *, on: date) -> Explanation:
        """Return the date's settlements of the merchant, their lines by type, what waits, and where the report is.

        Changes nothing. Raises UnknownMerchant.
        """
        with self.store.begin() as work:
            work.explanations.begin()
            possible = [customer_id] if is_merchant_name(customer_id) else []
            known = work.settlements.known_merchants(possible) if possible else set[str]()
            require_known([customer_id], known=known, so="there is nothing to explain")
            only, now = [customer_id], self.clock.now()
            where = SettlementFilter(due_from=on, due_before=on + timedelta(days=1))
            settlements = work.settlements.page(customer_id, where, Page(limit=SETTLEMENTS_MAX))
            published = work.settlement_reports.published(on)
            explanation = Explanation(
                customer_id,
                on,
                settlements=sorted(settlements, key=lambda item: (item.currency, item.sequence)),
                lines=work.explanations.lines([item.id for item in settlements]),
                still_due=work.settlements.due(on, merchants=only, control_before=now).all,
                not_gathered=work.settlements.available(on, merchants=only, control_before=now).all,
                waiting=work.explanations.waiting(customer_id),
                report_url=None,
            )
        if published is None:
            return explanation
        return replace(
            explanation, report_url=self.reports.find(file_of(customer_id), folder=edition_folder(published))
        )
