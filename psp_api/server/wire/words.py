"""What is explained in more than one place of the document, in the same words."""

from __future__ import annotations

PLATFORM_ZONE = "the platform's time zone"
"""The document adds its name wherever this stands."""

PENDING_PAYMENT = (
    "`pending_payment`: accepted, and some of it is still to be paid to you; nothing is awaited of the cardholder"
)
WAITING_FUNDS = "`waiting_funds`: owed to you, and paid when it is settled on its due date"
PAYABLE_TYPE = (
    "`credit`: money for you; `refund`: what is taken back of it, below zero; `refund_reversal`: its mirror, where the "
    "refund failed"
)
REFUND_STATUS = "`succeeded`: booked, and the cardholder gets the money; `failed`: they did not, and you have it back"
LINE_TYPE = (
    "of payables `Settled`, `Refunded`, `RefundedReversed`; last what balances them: `AlreadyAvailable`, `Recovered` "
    "(your debt), `DepositCorrection` (your reserve), `MerchantPayout`, `FromAvailable`, `Carried` (you owe it)"
)
SETTLEMENT_STATUS = "`open` while payables are added to it, `closed` once it is complete and never changes again"
CARD_NUMBER_PATTERN = "^[0-9]{12,19}$"
EXPIRATION_DATE_PATTERN = "^(0[1-9]|1[0-2])/([0-9]{2}|[1-9][0-9]{3})$"
VERIFICATION_CODE_PATTERN = "^[0-9]{3,4}$"
# Postgres has no text with a zero character in it.
TEXT_PATTERN = r"^[^\x00]*$"
OF_PATTERNS = {
    CARD_NUMBER_PATTERN: "must be 12 to 19 digits",
    EXPIRATION_DATE_PATTERN: "must be MM/YY or MM/YYYY",
    VERIFICATION_CODE_PATTERN: "must be 3 or 4 digits",
    TEXT_PATTERN: "must not hold the character U+0000",
}
"""What a text of the wrong form is told: an expression is for programs."""

IN_MINOR_UNITS = "in minor units: 2500 is 25.00, or 2500 of a currency without cents"
