"""Merchants, by the name that is `customer_id` on the wire."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from psp_core.domain.kernel.errors import UnknownMerchant

NAME_LENGTH_MAX = 255
_NAMED_MAX = 5
_SHOWN_LENGTH_MAX = 60


def is_merchant_name(text: str) -> bool:
    """Tell whether a merchant may be called so: 1 to 255 visible ASCII characters, with spaces in between only."""
    return 1 <= len(text) <= NAME_LENGTH_MAX and text.isascii() and text.isprintable() and text == text.strip()


def require_known(asked: Iterable[str], *, known: Collection[str], so: str = "nothing was settled") -> None:
    """Raise UnknownMerchant, which names the first few and says what follows, when some of `asked` are not `known`."""
    unknown = [name for name in asked if name not in known]
    if unknown:
        shown = ", ".join(repr(name[:_SHOWN_LENGTH_MAX]) for name in unknown[:_NAMED_MAX])
        more = f" and {len(unknown) - _NAMED_MAX} more" if len(unknown) > _NAMED_MAX else ""
        raise UnknownMerchant(f"no merchant called {shown}{more} has ever made a transaction: {so}")
