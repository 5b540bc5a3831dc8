"""What all tables share."""

from __future__ import annotations

from sqlalchemy import DateTime, MetaData, String

metadata = MetaData()

# Codepoint order, the same in every database and in Python: settlement pages by merchant.
MERCHANT = String(255, collation="C")
INSTANT = DateTime(timezone=True)
