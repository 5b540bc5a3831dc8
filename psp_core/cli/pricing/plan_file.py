"""A file of plan rules: what it may say, and what it means. `plans.schema.json` beside it is made of these types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from psp_core.cli.pricing.yaml_lines import Located, YamlRefused, read_yaml
from psp_core.domain.intake.card_brands import NAMES
from psp_core.domain.intake.cards import holds_card_data
from psp_core.domain.intake.transactions import INSTALLMENTS_MAX, PaymentMethod
from psp_core.domain.kernel.calendar import BankCalendar
from psp_core.domain.kernel.closing import MIDNIGHT, ClosingTime
from psp_core.domain.kernel.merchants import NAME_LENGTH_MAX, is_merchant_name
from psp_core.domain.kernel.money import AMOUNT_MINOR_MAX, Currency, Rounding
from psp_core.domain.pricing.fee_plans import FEE_BPS_MAX
from psp_core.domain.pricing.plan_changes import WantedRule
from psp_core.domain.pricing.plan_rules import InstallmentRange, Scope, require_terms
from psp_core.domain.pricing.terms import Fee, PaidFrom, RefundFee, Roll, Schedule, Unit

EVERY_MERCHANT = "*"
"""In a file, whose rules are for all merchants. A merchant who is called so has no rules of its own in a file."""

_RANGE = re.compile(r"(\d{1,2})(?:-(\d{1,2}))?", re.ASCII)
_COUNT = re.compile(r"(\d{1,3}) (day|business day|month)s?", re.ASCII)
_UNITS = {"day": Unit.DAYS, "business day": Unit.BUSINESS_DAYS, "month": Unit.MONTHS}


class PlanFileRefused(ValueError):
    """What is wrong with a file, a sentence each with its line."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("no time zone; one is called like America/Sao_Paulo, or UTC")
    return name


def _instant(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("an instant has its offset, as in 2026-12-01T00:00:00-03:00")
    return text


def _merchant(name: str) -> str:
    if name != EVERY_MERCHANT and not is_merchant_name(name):
        raise ValueError(f"a merchant's name is 1 to {NAME_LENGTH_MAX} visible ASCII characters, or * for all")
    if holds_card_data(name):
        raise ValueError("a merchant's name must not contain a card number: it would be kept for ever")
    return name


Minor = Annotated[int, Field(ge=0, le=AMOUNT_MINOR_MAX)]
# YAML's own numbers are numbers for an editor's schema, and texts by the time that they are here.
Installments = Annotated[str, BeforeValidator(str), Field(pattern=r"^[0-9]{1,2}(-[0-9]{1,2})?$")]


class RuleEntry(BaseModel):
    """One rule; what is left out is any, or the default."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    payment_method: PaymentMethod | None = None
    card_brand: Literal[NAMES] | None = None  # type: ignore[valid-type]
    installments: Installments | None = Field(default=None, description=f"1 to {INSTALLMENTS_MAX}: 1, or 2-6")
    currency: Currency | None = Field(default=None, description="needed with fixed, min or max")
    bps: int = Field(ge=0, le=FEE_BPS_MAX, description="basis points of the amount: 349 is 3.49 %")
    fixed: Minor = Field(default=0, description="minor units, added to the share")
    min: Minor = Field(default=0, description="minor units")
    max: Minor | None = Field(default=None, description="minor units")
    rounding: Rounding = Rounding.DOWN
    refund_fee: RefundFee = Field(default=RefundFee.RETURNED, description="whether the fee comes back with a refund")
    delay: str | None = Field(
        default=None,
        pattern="^[0-9]{1,3} ((business )?days?|months?)$",
        description="until the first installment is due; 30 days, unless it is for debit cards, which are paid at once",
    )
    step: str | None = Field(
        default=None,
        pattern="^[0-9]{1,3} (days?|months?)$",
        description="from an installment to the next; 30 days",
    )
    calendar: BankCalendar = BankCalendar.EVERY_DAY
    roll: Roll | None = Field(default=None, description="following, unless every day is open")
    zone: Annotated[str, AfterValidator(_zone)] | None = Field(default=None, description="the platform's")
    closes_at: str = Field(
        default=str(MIDNIGHT),
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](\+1)?$",
        description="when a day ends: 22:00, or 03:00+1 on the day after",
    )
    paid_from: PaidFrom = PaidFrom.START_OF_DAY
    from_: Annotated[str, AfterValidator(_instant)] | None = Field(
        default=None,
        alias="from",
        json_schema_extra={"format": "date-time"},
        description="since when, with its offset; when it is applied, if that is later or it is left out",
    )

    def to_wanted(self, customer_id: str | None) -> WantedRule:
        """Return the rule that it stands for. Raises ValueError for what contradicts itself."""
        scope = Scope(customer_id, self.payment_method, self.card_brand, _range(self.installments), self.currency)
        fee = Fee(self.bps, self.fixed, self.min, self.max, self.rounding, on_refund=self.refund_fee)
        delay, delay_unit = _count(self.delay or self._usual)
        step, step_unit = _count(self.step or self._usual)
        rolled = Roll.NONE if self.calendar is BankCalendar.EVERY_DAY else Roll.FOLLOWING
        schedule = Schedule(
            delay,
            delay_unit,
            step,
            step_unit,
            self.calendar,
            self.roll or rolled,
            self.zone,
            ClosingTime.parse(self.closes_at),
            self.paid_from,
        )
        require_terms(scope, fee, schedule)
        return WantedRule(scope, fee, schedule, datetime.fromisoformat(self.from_) if self.from_ else None)

    @property
    def _usual(self) -> str:
        return "0 days" if self.payment_method is PaymentMethod.DEBIT_CARD else "30 days"


class PlanFile(BaseModel):
    """The rules of merchants: all that those who are named have, and nothing about the others."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, title="Plan rules")

    plans: dict[Annotated[str, AfterValidator(_merchant)], list[RuleEntry]] = Field(
        description="by merchant, and * for those who have no rule of their own; an empty list ends what there is"
    )


@dataclass(frozen=True, slots=True)
class Plans:
    """What a file says: all rules that these merchants shall have; None stands for every merchant."""

    merchants: tuple[str | None, ...]
    wanted: tuple[WantedRule, ...]


def read_plan_file(path: Path) -> Plans:
    """Return what the file says. Raises PlanFileRefused, and OSError when there is none."""
    try:
        located = read_yaml(path.read_text(encoding="utf-8"))
        parsed = PlanFile.model_validate(located.data)
    except YamlRefused as refusal:
        raise PlanFileRefused([f"{path}:{refusal.line}: {refusal}"]) from None
    except UnicodeDecodeError:
        raise PlanFileRefused([f"{path}:1: the file is not UTF-8"]) from None
    except ValidationError as refusal:
        raise PlanFileRefused([f"{path}:{line}: {text}" for line, text in _findings(refusal, located)]) from None
    return _meant(path, parsed, located)


def _meant(path: Path, parsed: PlanFile, located: Located) -> Plans:
    found: list[tuple[int, WantedRule]] = []
    sentences: list[str] = []
    for name, entries in parsed.plans.items():
        for index, entry in enumerate(entries):
            line = located.line(("plans", name, index))
            try:
                wanted = entry.to_wanted(None if name == EVERY_MERCHANT else name)
            except ValueError as refusal:
                sentences.append(f"{path}:{line}: {refusal}")
                continue
            sentences += [f"{path}:{line}: {clash} as line {other}" for other, clash in _clashes(wanted, found)]
            found.append((line, wanted))
    if sentences:
        raise PlanFileRefused(sentences)
    merchants = tuple(None if name == EVERY_MERCHANT else name for name in parsed.plans)
    return Plans(merchants, tuple(wanted for _, wanted in found))


def _clashes(wanted: WantedRule, found: list[tuple[int, WantedRule]]) -> Iterator[tuple[int, str]]:
    for line, other in found:
        if wanted.scope != other.scope and wanted.scope.rivals(other.scope):
            yield line, "some of its installments are in the same range"
        elif wanted.scope == other.scope and wanted.begins_at == other.begins_at:
            yield line, "it is for the same sales from the same moment on"


def _findings(refusal: ValidationError, located: Located) -> Iterator[tuple[int, str]]:
    for error in refusal.errors(include_url=False, include_input=False):
        place = tuple(part for part in error["loc"] if part != "[key]")
        message = _SENTENCES.get(error["type"], error["msg"].removeprefix("Value error, "))
        if place[-1:] == ("currency",):
            message = "must be a currency's code by ISO 4217, like BRL"
        name = "" if not place or isinstance(place[-1], int) else f"{place[-1]}: "
        yield located.line(place), f"{name}{message}"


_SENTENCES = {
    "missing": "is needed",
    "extra_forbidden": "is not known here",
    "model_type": "must be fields with their values",
    "dict_type": "must be merchants with their rules",
    "list_type": "must be a list of rules, each after a dash",
}


def _range(text: str | None) -> InstallmentRange | None:
    found = _RANGE.fullmatch(text or "")
    return InstallmentRange(int(found[1]), int(found[2] or found[1])) if found else None


def _count(text: str) -> tuple[int, Unit]:
    found = _COUNT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no count of days or months")
    return int(found[1]), _UNITS[found[2]]


def json_schema() -> dict[str, Any]:
    """Return the schema of a file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **PlanFile.model_json_schema()}
