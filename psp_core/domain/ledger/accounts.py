"""The accounts: which side each grows on, and whose it is."""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    DEBIT = "debit"
    CREDIT = "credit"

    @property
    def other(self) -> Side:
        """Return the opposite side: a correction mirrors every posting."""
        return Side.CREDIT if self is Side.DEBIT else Side.DEBIT


class Account(StrEnum):
    """An account of each currency. Those of a merchant exist once for each merchant, and have a stored balance."""

    ACQUIRER_RECEIVABLE = "acquirer_receivable"
    """What the acquirer owes the platform for captured sales."""
    SETTLEMENT_BANK = "settlement_bank"
    """What lies in the platform's own bank account."""
    MERCHANT_RECEIVABLE = "merchant_receivable"
    """A merchant's debt."""
    MERCHANT_PENDING = "merchant_pending"
    """What a merchant gets on later due dates."""
    MERCHANT_SETTLING = "merchant_settling"
    """What an open settlement has paid: a run that is killed leaves what is available untouched."""
    MERCHANT_AVAILABLE = "merchant_available"
    """What a merchant may be paid out."""
    MERCHANT_RESERVE = "merchant_reserve"
    """What is kept back of a merchant's money for a time."""
    PAYOUT_IN_TRANSIT = "payout_in_transit"
    """What is on its way to a merchant's bank."""
    FEE_REVENUE = "fee_revenue"
    ANTICIPATION_REVENUE = "anticipation_revenue"
    SUSPENSE = "suspense"
    """Money from the bank that nobody has explained yet."""
    BANK_DIFFERENCE = "bank_difference"
    WRITE_OFF = "write_off"

    @property
    def side(self) -> Side:
        """Return the side on which the account grows."""
        return Side.DEBIT if self in _GROW_ON_DEBIT else Side.CREDIT

    @property
    def is_merchants(self) -> bool:
        """Tell whether each merchant has one, with a stored balance."""
        return self in _MERCHANTS


_GROW_ON_DEBIT = frozenset(
    {
        Account.ACQUIRER_RECEIVABLE,
        Account.SETTLEMENT_BANK,
        Account.MERCHANT_RECEIVABLE,
        Account.BANK_DIFFERENCE,
        Account.WRITE_OFF,
    }
)
_MERCHANTS = frozenset(
    {
        Account.MERCHANT_RECEIVABLE,
        Account.MERCHANT_PENDING,
        Account.MERCHANT_SETTLING,
        Account.MERCHANT_AVAILABLE,
        Account.MERCHANT_RESERVE,
        Account.PAYOUT_IN_TRANSIT,
    }
)
