"""The body of a POST: every rule checked at once, and nothing kept that must not be."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, ValidationInfo
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from psp_api.problems.refusals import FieldProblem
from psp_api.wire.field_problems import body_problems
from psp_api.wire.fields import Amount, CardNumber, ExpirationDate, Text, VerificationCode, first_of_month
from psp_api.wire.json_body import require_sound_json
from psp_core.domain.cards import brand_of
from psp_core.domain.money import Currency, Money
from psp_core.domain.transactions import INSTALLMENTS_MAX, NewTransaction, PaymentMethod

REFERENCE_LENGTH_MAX = 255
BATCH_TRANSACTIONS_MAX = 1_000
T = TypeVar("T")


def _credit_only(installments: int | None, info: ValidationInfo) -> int | None:
    if installments is not None and installments > 1 and info.data.get("payment_method") is PaymentMethod.DEBIT_CARD:
        raise PydanticCustomError("credit_only", "only a credit card pays in installments")
    return installments


def _no_card_number(text: str, info: ValidationInfo) -> str:
    number = info.data.get("card_number")
    if number and number in text:
        raise PydanticCustomError("card_number_in_text", "must not contain the card number: it would be stored")
    return text


Description = Annotated[Text, AfterValidator(_no_card_number)]
HolderName = Annotated[Text, Field(min_length=1), AfterValidator(_no_card_number)]
Reference = Annotated[Text, Field(min_length=1, max_length=REFERENCE_LENGTH_MAX), AfterValidator(_no_card_number)]


# What `_credit_only` says, for the readers of the OpenAPI document.
_ONE_INSTALLMENT_FOR_DEBIT: JsonDict = {
    "if": {"properties": {"payment_method": {"const": "debit_card"}}},
    "then": {"properties": {"installments": {"enum": [1, None]}}},
}


class TransactionBody(BaseModel):
    """A card transaction as a merchant sends it. Fields that are not named here are ignored."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True, json_schema_extra=_ONE_INSTALLMENT_FOR_DEBIT)

    # The order is that of validation: what others are compared with comes first.
    payment_method: PaymentMethod
    amount: Amount
    card_number: CardNumber = Field(repr=False)
    card_expiration_date: ExpirationDate
    card_verification_code: VerificationCode = Field(repr=False)
    card_holder_name: HolderName
    description: Description
    currency: Currency | None = None
    installments: Annotated[
        Annotated[int, Field(ge=1, le=INSTALLMENTS_MAX)] | None,
        AfterValidator(_credit_only),
        Field(description="1 when it is left out; more than 1 for credit cards only"),
    ] = None
    reference: Reference | None = None

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


BatchBody = Annotated[list[TransactionBody], Field(min_length=1, max_length=BATCH_TRANSACTIONS_MAX)]
_one = TypeAdapter(TransactionBody)
_batch: TypeAdapter[list[TransactionBody]] = TypeAdapter(BatchBody)


def read_transaction(raw: bytes, problems: list[FieldProblem]) -> TransactionBody | None:
    """Return the transaction, or None after adding every problem to `problems`. Raises Refusal for broken JSON."""
    return _read(_one, raw, problems)


def read_batch(raw: bytes, problems: list[FieldProblem]) -> list[TransactionBody] | None:
    """Return the transactions, or None after adding every problem to `problems`. Raises Refusal for broken JSON."""
    return _read(_batch, raw, problems)


def _read(adapter: TypeAdapter[T], raw: bytes, problems: list[FieldProblem]) -> T | None:
    require_sound_json(raw)
    try:
        return adapter.validate_json(raw)
    except ValidationError as error:
        problems += body_problems(error)
        return None
