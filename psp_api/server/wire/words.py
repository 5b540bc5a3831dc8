"""What is explained in more than one place of the document, in the same words."""

from __future__ import annotations

PLATFORM_ZONE = "the platform's time zone"
"""The document adds its name wherever this stands."""

PENDING_PAYMENT = (
    "`pending_payment`: accepted, and some of it is still to be paid to you; nothing is awaited of the cardholder"
)
WAITING_FUNDS = "`waiting_funds`: owed to you, and paid when it is settled on its due date"
PAYABLE_TYPE = "`credit`: money for you"
SETTLEMENT_STATUS = "`open` while payables are added to it, `closed` once it is complete and never changes again"
IN_MINOR_UNITS = "in minor units: 2500 is 25.00"
