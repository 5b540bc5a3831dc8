"""The body of a POST: every rule checked at once, and nothing kept that must not be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, ValidationInfo
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from psp_api.server.activity import Pace
from psp_api.server.problems.refusals import FieldProblem
from psp_api.server.wire.field_problems import body_problems, card_data, cards_in_unknown_fields
from psp_api.server.wire.fields import (
    Amount,
    CardNumber,
    CurrencyCode,
    ExpirationDate,
    NoCardData,
    Text,
    VerificationCode,
    first_of_month,
)
from psp_api.server.wire.json_body import sound_json
from psp_core.domain.intake.card_brands import brand_of
from psp_core.domain.intake.cards import CardNumbers
from psp_core.domain.intake.transactions import INSTALLMENTS_MAX, NewTransaction, PaymentMethod
from psp_core.domain.kernel.money import AMOUNT_MINOR_MAX, Currency, Money

REFERENCE_LENGTH_MAX = 255
BATCH_TRANSACTIONS_MAX = 1_000
_FREE_TEXT = ("description", "card_holder_name", "reference")
T = TypeVar("T")


def _payable_in_installments(installments: int | None, info: ValidationInfo) -> int | None:
    if installments is not None and installments > 1:
        if info.data.get("payment_method") is PaymentMethod.DEBIT_CARD:
            raise PydanticCustomError("credit_only", "only a credit card pays in installments")
        if installments > info.data.get("amount", AMOUNT_MINOR_MAX):
            raise PydanticCustomError(
                "installments_exceed_amount", "each installment needs at least one minor unit of the amount"
            )
    return installments


Description = Annotated[Text, NoCardData]
HolderName = Annotated[Text, Field(min_length=1), NoCardData]
Reference = Annotated[Text, Field(min_length=1, max_length=REFERENCE_LENGTH_MAX), NoCardData]


# What `_payable_in_installments` says, for the readers of the OpenAPI document.
_ONE_INSTALLMENT_FOR_DEBIT: JsonDict = {
    "if": {"properties": {"payment_method": {"const": "debit_card"}}},
    "then": {"properties": {"installments": {"enum": [1, None]}}},
}


class TransactionBody(BaseModel):
    """A card transaction as a merchant sends it. Fields that are not named here are ignored, but for card data."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True, json_schema_extra=_ONE_INSTALLMENT_FOR_DEBIT)

    # The order is that of validation: what others are compared with comes first.
    payment_method: PaymentMethod = Field(description="a debit card is paid to you at once, a credit card later")
    amount: Amount
    card_number: CardNumber = Field(repr=False)
    card_expiration_date: ExpirationDate
    card_verification_code: VerificationCode = Field(repr=False)
    card_holder_name: HolderName = Field(description="as it stands on the card; no card number in it")
    description: Description = Field(description="for your own records, may be empty; no card number in it")
    currency: CurrencyCode | None = Field(default=None, description="the platform's own when it is left out")
    installments: Annotated[
        Annotated[int, Field(ge=1, le=INSTALLMENTS_MAX)] | None,
        AfterValidator(_payable_in_installments),
        Field(description="1 when it is left out; more than 1 for credit cards only, and at most the amount"),
    ] = None
    reference: Reference | None = Field(
        default=None, description="your own, by which lists can be filtered; no card number in it"
    )

    def to_new(self, *, customer_id: str, currency: Currency) -> NewTransaction:
        """Return what is kept of it; `currency` is that of a transaction that names none."""
        return NewTransaction(
            customer_id=customer_id,
            description=self.description,
            amount=Money(self.amount, self.currency or currency),
            payment_method=self.payment_method,
            card_holder_name=self.card_holder_name,
            card_expires_on=first_of_month(self.card_expiration_date),
            card_last_four=self.card_number[-4:],
            card_brand=brand_of(self.card_number),
            installments=self.installments or 1,
            reference=self.reference,
        )


def _tell_pace(body: TransactionBody, info: ValidationInfo) -> TransactionBody:
    if info.context is not None:
        info.context()
    return body


BatchBody = Annotated[
    list[Annotated[TransactionBody, AfterValidator(_tell_pace)]], Field(min_length=1, max_length=BATCH_TRANSACTIONS_MAX)
]
_KNOWN = frozenset(TransactionBody.model_fields)
_one = TypeAdapter(TransactionBody)
_batch: TypeAdapter[list[TransactionBody]] = TypeAdapter(BatchBody)


def read_transaction(raw: bytes, problems: list[FieldProblem]) -> TransactionBody | None:
    """Return the transaction, or None after adding every problem to `problems`. Raises Refusal for broken JSON."""
    return _read(_one, raw, problems)


def read_batch(raw: bytes, problems: list[FieldProblem], *, pace: Pace) -> list[TransactionBody] | None:
    """Return the transactions, or None after adding every problem to `problems`. Raises Refusal for broken JSON."""
    bodies = _read(_batch, raw, problems, pace)
    if bodies is not None:
        problems += _numbers_of_other_rows(bodies, pace)
    return bodies


def _numbers_of_other_rows(bodies: Sequence[TransactionBody], pace: Pace) -> Iterator[FieldProblem]:
    numbers = CardNumbers(body.card_number for body in bodies)
    for index, body in enumerate(pace.through(bodies)):
        for name in _FREE_TEXT:
            text = getattr(body, name)
            if text is not None and numbers.are_in(text):
                yield card_data(f"/{index}/{name}")


def _read(adapter: TypeAdapter[T], raw: bytes, problems: list[FieldProblem], pace: Pace | None = None) -> T | None:
    problems += cards_in_unknown_fields(sound_json(raw), known=_KNOWN)
    try:
        return adapter.validate_json(raw, context=pace)
    except ValidationError as error:
        problems += body_problems(error)
        return None
