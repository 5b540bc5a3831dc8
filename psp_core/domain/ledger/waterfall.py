"""The waterfall: where a settlement's net goes when it closes, and where it comes from when it is negative."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Poured:
    """How a net was poured, in minor units, none below zero; money goes in or comes out, never both."""

    to_available_minor: int = 0
    recovered_minor: int = 0
    """Debt that was repaid."""
    reserve_withheld_minor: int = 0
    from_available_minor: int = 0
    from_reserve_minor: int = 0
    carried_minor: int = 0
    """What nothing was there for: debt."""

    @property
    def net_minor(self) -> int:
        """Return what was poured; below zero it came out."""
        return (
            self.to_available_minor
            + self.recovered_minor
            + self.reserve_withheld_minor
            - self.from_available_minor
            - self.from_reserve_minor
            - self.carried_minor
        )


def pour(
    net_minor: int, *, available_minor: int, reserve_minor: int, debt_minor: int, withheld_minor: int = 0
) -> Poured:
    """Return where the net goes, given what the merchant has, in minor units.

    A positive one repays debt, then `withheld_minor` at most are kept back, and the rest is available. A negative one
    comes out of what is available, then out of the reserve; the rest is debt. So debt and what is available are never
    both above zero, if they were not before.
    """
    if net_minor >= 0:
        recovered = min(net_minor, debt_minor)
        withheld = min(withheld_minor, net_minor - recovered)
        return Poured(net_minor - recovered - withheld, recovered, withheld)
    from_available = min(-net_minor, available_minor)
    from_reserve = min(-net_minor - from_available, reserve_minor)
    return Poured(
        from_available_minor=from_available,
        from_reserve_minor=from_reserve,
        carried_minor=-net_minor - from_available - from_reserve,
    )
