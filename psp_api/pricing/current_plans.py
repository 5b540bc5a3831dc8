"""The wire types of `/plans/current`: which sale is asked about, the rules, and what the sale would cost."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from psp_api.server.wire.answers import Count, Day, Id, Instant, Minor, instant, percent
from psp_api.server.wire.fields import CurrencyCode
from psp_api.server.wire.queries import number, number_schema
from psp_api.server.wire.words import IN_MINOR_UNITS, PLATFORM_ZONE
from psp_core.domain.intake.card_brands import NAMES, UNKNOWN
from psp_core.domain.intake.transactions import INSTALLMENTS_MAX, PaymentMethod
from psp_core.domain.kernel.calendar import BankCalendar
from psp_core.domain.kernel.money import AMOUNT_MINOR_MAX, Currency, Money, Rounding
from psp_core.domain.payables import Quote
from psp_core.domain.pricing.plan_rules import CONTRACT, PlanRule, Sale
from psp_core.domain.pricing.terms import Unit
from psp_core.usecases.desk.read_plans import CurrentPlans


def _payable_in_installments(installments: int, info: ValidationInfo) -> int:
    if installments > 1 and info.data.get("payment_method") is PaymentMethod.DEBIT_CARD:
        raise PydanticCustomError("credit_only", "only a credit card pays in installments")
    if installments > (info.data.get("amount") or AMOUNT_MINOR_MAX):
        raise PydanticCustomError(
            "installments_exceed_amount", "each installment needs at least one minor unit of the amount"
        )
    return installments


class PlanQuery(BaseModel):
    """The sale that is asked about; without an amount, none is."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    # What others are compared with comes first.
    payment_method: Annotated[PaymentMethod, Field(description="how it is paid")] = PaymentMethod.CREDIT_CARD
    amount: Annotated[
        Annotated[int, BeforeValidator(number), Field(ge=1, le=AMOUNT_MINOR_MAX), number_schema(1, AMOUNT_MINOR_MAX)]
        | None,
        Field(description="of the sale, in minor units; without it nothing is priced"),
    ] = None
    card_brand: Annotated[
        Literal[NAMES],  # type: ignore[valid-type]
        Field(description="as a transaction tells it; without it no rule for a brand is meant"),
    ] = UNKNOWN.name
    currency: Annotated[CurrencyCode | None, Field(description="the platform's when it is left out")] = None
    installments: Annotated[
        int,
        BeforeValidator(number),
        Field(ge=1, le=INSTALLMENTS_MAX),
        AfterValidator(_payable_in_installments),
        number_schema(1, INSTALLMENTS_MAX),
        Field(description="in how many parts it is paid; more than 1 for credit cards only, and at most the amount"),
    ] = 1

    def money(self, currency: Currency) -> Money | None:
        """Return the amount, in `currency` where none is named."""
        return None if self.amount is None else Money(self.amount, self.currency or currency)

    def sale(self, customer_id: str, currency: Currency) -> Sale:
        return Sale(customer_id, self.payment_method, self.card_brand, self.currency or currency, self.installments)


class InstallmentsAnswer(TypedDict):
    min: Annotated[Count, Field(description="the least number of installments")]
    max: Annotated[Count, Field(description="the greatest number of installments")]


class IntervalAnswer(TypedDict):
    count: Annotated[int, Field(ge=0, description="how many")]
    unit: Annotated[Unit, Field(description="of what; business days are open days of the calendar")]


class RuleAnswer(TypedDict):
    id: Annotated[Id, Field(description="names the rule; `plan_id` of the payables that it prices")]
    customer_id: Annotated[str | None, Field(description="whose sales it is for; null: every merchant's")]
    payment_method: Annotated[PaymentMethod | None, Field(description="null: any")]
    card_brand: Annotated[str | None, Field(description="null: any")]
    installments: Annotated[InstallmentsAnswer | None, Field(description="null: any number")]
    currency: Annotated[Currency | None, Field(description="null: any")]
    fee: Annotated[int | float, Field(description="in percent of the whole amount")]
    fixed_fee: Annotated[Minor, Field(description=f"is added to that, {IN_MINOR_UNITS}")]
    min_fee: Annotated[Minor, Field(description=f"the least fee, {IN_MINOR_UNITS}")]
    max_fee: Annotated[Minor | None, Field(description=f"the greatest fee, {IN_MINOR_UNITS}; null: there is none")]
    rounding: Annotated[Rounding, Field(description="what becomes of a part of a minor unit of the fee")]
    delay: Annotated[IntervalAnswer, Field(description="until the first installment is due; debit is paid at once")]
    step: Annotated[IntervalAnswer, Field(description="from an installment to the next")]
    calendar: Annotated[BankCalendar, Field(description="a due date on a closed day is moved to the next open one")]
    time_zone: Annotated[str | None, Field(description=f"whose days they are; null: {PLATFORM_ZONE}")]
    closes_at: Annotated[str, Field(description="when a day ends: 22:00, or 03:00+1 on the day after")]
    valid_from: Annotated[Instant, Field(description="since when it prices sales, in UTC")]
    valid_until: Annotated[Instant | None, Field(description="when it ends, in UTC; null while no end is planned")]


class QuotedPayableAnswer(TypedDict):
    installment: Annotated[Count, Field(description="which part of the sale it is, from 1")]
    amount: Annotated[Minor, Field(description=f"its part of the amount, {IN_MINOR_UNITS}")]
    fee_amount: Annotated[Minor, Field(description=f"its part of the fee, {IN_MINOR_UNITS}")]
    receivable_amount: Annotated[Minor, Field(description=f"what you would get, {IN_MINOR_UNITS}")]
    due_on: Annotated[Day, Field(description=f"when it would be settled: a day of {PLATFORM_ZONE}, or its rule's own")]
    payment_date: Annotated[Instant, Field(description="the instant at which it would be due, in UTC")]


class QuoteAnswer(TypedDict):
    plan_id: Annotated[Id, Field(description="the rule that decides: the most specific one")]
    amount: Annotated[Minor, Field(description=f"of the sale, {IN_MINOR_UNITS}")]
    currency: Annotated[Currency, Field(description="the currency of its amounts")]
    fee_amount: Annotated[Minor, Field(description=f"what would be kept of it, {IN_MINOR_UNITS}")]
    receivable_amount: Annotated[Minor, Field(description=f"what you would get in all, {IN_MINOR_UNITS}")]
    payables: Annotated[list[QuotedPayableAnswer], Field(description="one for each installment")]


class CurrentPlansAnswer(TypedDict):
    rules: Annotated[list[RuleAnswer], Field(description="in force now, the most specific first, the contract's last")]
    quote: Annotated[QuoteAnswer | None, Field(description="of a sale that is captured now; null without an amount")]


def current_plans_answer(plans: CurrentPlans) -> CurrentPlansAnswer:
    return {
        "rules": [_rule(rule) for rule in plans.rules],
        "quote": None if plans.quote is None else _quote(plans.quote),
    }


def _rule(rule: PlanRule) -> RuleAnswer:
    scope, fee, schedule = rule.scope, rule.fee, rule.schedule
    return {
        "id": rule.id,
        "customer_id": scope.customer_id,
        "payment_method": scope.payment_method,
        "card_brand": scope.card_brand,
        "installments": {"min": scope.installments.least, "max": scope.installments.most}
        if scope.installments
        else None,
        "currency": scope.currency,
        "fee": percent(fee.bps),
        "fixed_fee": fee.fixed,
        "min_fee": fee.least,
        "max_fee": fee.greatest,
        "rounding": fee.rounding,
        "delay": {"count": schedule.delay, "unit": schedule.delay_unit},
        "step": {"count": schedule.step, "unit": schedule.step_unit},
        "calendar": schedule.calendar,
        "time_zone": schedule.zone,
        "closes_at": str(schedule.closes_at),
        "valid_from": instant(rule.begins_at),
        "valid_until": instant(rule.ends_at) if rule.ends_at else None,
    }


def _quote(quote: Quote) -> QuoteAnswer:
    amount = sum(payable.amount.minor for payable in quote.payables)
    fee = sum(payable.fee.minor for payable in quote.payables)
    return {
        "plan_id": quote.rule.id,
        "amount": amount,
        "currency": quote.payables[0].amount.currency,
        "fee_amount": fee,
        "receivable_amount": amount - fee,
        "payables": [
            {
                "installment": payable.installment,
                "amount": payable.amount.minor,
                "fee_amount": payable.fee.minor,
                "receivable_amount": payable.receivable.minor,
                "due_on": payable.due_on.isoformat(),
                "payment_date": instant(payable.payment_at),
            }
            for payable in quote.payables
        ],
    }


_EXAMPLE_RULE: RuleAnswer = {
    "id": UUID("01a21293-b638-7e26-8c34-b54393ce0b34"),
    "customer_id": "123",
    "payment_method": PaymentMethod.CREDIT_CARD,
    "card_brand": "elo",
    "installments": {"min": 2, "max": 6},
    "currency": Currency.BRL,
    "fee": 3.49,
    "fixed_fee": 39,
    "min_fee": 50,
    "max_fee": None,
    "rounding": Rounding.HALF_EVEN,
    "delay": {"count": 2, "unit": Unit.BUSINESS_DAYS},
    "step": {"count": 1, "unit": Unit.MONTHS},
    "calendar": BankCalendar.BRAZIL,
    "time_zone": "America/Sao_Paulo",
    "closes_at": "22:00",
    "valid_from": "2026-11-25T12:00:00.000Z",
    "valid_until": None,
}
EXAMPLE: CurrentPlansAnswer = {
    "rules": [_EXAMPLE_RULE, *(_rule(rule) for rule in CONTRACT.values())],
    "quote": {
        "plan_id": _EXAMPLE_RULE["id"],
        "amount": 10_000,
        "currency": Currency.BRL,
        "fee_amount": 388,
        "receivable_amount": 9_612,
        "payables": [
            {
                "installment": 1,
                "amount": 5_000,
                "fee_amount": 194,
                "receivable_amount": 4_806,
                "due_on": "2026-11-30",
                "payment_date": "2026-11-30T03:00:00.000Z",
            },
            {
                "installment": 2,
                "amount": 5_000,
                "fee_amount": 194,
                "receivable_amount": 4_806,
                "due_on": "2026-12-29",
                "payment_date": "2026-12-29T03:00:00.000Z",
            },
        ],
    },
}
