"""Merchants' own terms for money that comes back, in Postgres."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from psp_core.domain.kernel.money import Currency
from psp_core.domain.pricing.refund_terms import MerchantTerms

_OF = """
SELECT negative_limit_minor, reserve_bps, reserve_days FROM merchant_terms WHERE customer_id = %s AND currency = %s
"""

_SET = """
INSERT INTO merchant_terms (customer_id, currency, negative_limit_minor, reserve_bps, reserve_days, updated_at)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT ON CONSTRAINT merchant_terms_pkey DO UPDATE
SET negative_limit_minor = excluded.negative_limit_minor, reserve_bps = excluded.reserve_bps,
    reserve_days = excluded.reserve_days, updated_at = excluded.updated_at
"""


@dataclass(frozen=True, slots=True)
class PostgresMerchantTerms:
    connection: Connection

    def of(self, customer_id: str, currency: Currency) -> MerchantTerms:
        row = self.connection.exec_driver_sql(_OF, (customer_id, currency.value)).one_or_none()
        return MerchantTerms(*row) if row else MerchantTerms()

    def set(self, customer_id: str, currency: Currency, terms: MerchantTerms, *, now: datetime) -> None:
        values = (terms.negative_limit_minor, terms.reserve_bps, terms.reserve_days, now)
        self.connection.exec_driver_sql(_SET, (customer_id, currency.value, *values))
