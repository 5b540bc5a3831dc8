"""Query parameters of the lists: filters as `created_at[gte]=…`, pages by number or by cursor."""

from __future__ import annotations

import base64
import re
from datetime import UTC, date, datetime
from typing import Annotated, TypeVar
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from psp_api.server.problems.refusals import FieldProblem
from psp_api.server.wire.field_problems import parameter_pointer, parameter_problems
from psp_api.server.wire.fields import NoCardData, Text
from psp_api.server.wire.words import PAYABLE_TYPE, PENDING_PAYMENT, PLATFORM_ZONE, SETTLEMENT_STATUS, WAITING_FUNDS
from psp_core.domain.intake.transactions import PaymentMethod, TransactionFilter, TransactionStatus
from psp_core.domain.kernel.money import AMOUNT_MINOR_MAX
from psp_core.domain.kernel.paging import NUMBERED_ROWS_MAX, PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, Page
from psp_core.domain.payables import PayableFilter, PayableStatus, PayableType
from psp_core.domain.settlement.report import ReportFormat
from psp_core.domain.settlement.settlements import SettlementFilter, SettlementStatus

PARAMETERS_MAX = 100
_DIGITS_MAX = 15
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,32})?)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CURSOR = re.compile(r"[A-Za-z0-9_-]{22}")
Q = TypeVar("Q", bound=BaseModel)


def number(text: str) -> int:
    """Return the whole number that a parameter's digits are."""
    if not (text.isascii() and text.isdigit()) or len(text) > _DIGITS_MAX:
        raise PydanticCustomError("wrong_type", "must be a whole number")
    return int(text)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text.upper()) if _INSTANT.fullmatch(text) else None
    except ValueError:
        instant = None
    if instant is None:
        raise PydanticCustomError("wrong_format", "must be an instant like 2020-07-19T22:26:23.693Z")
    # Nothing is older or younger, and an id, which begins with the time, can hold no more. In UTC, because
    # Postgres knows no offset beyond 15:59.
    return min(max(instant, _EARLIEST), _LATEST).astimezone(UTC)


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise PydanticCustomError("wrong_format", "must be a date like 2020-07-19")
    return day


def _id(text: str) -> UUID:
    if not _UUID.fullmatch(text):
        raise PydanticCustomError("wrong_format", "must be a UUID")
    return UUID(text)


def _after(cursor: str) -> UUID:
    if not _CURSOR.fullmatch(cursor):
        raise PydanticCustomError("wrong_format", "must be the cursor of a Link header")
    return UUID(bytes=base64.urlsafe_b64decode(cursor + "=="))


def _near(page: int | None, info: ValidationInfo) -> int | None:
    """Refuse a number that leads further than numbers do, by the least limit where that is wrong itself."""
    limit = info.data.get("limit", 1)
    if page is not None and page * limit > NUMBERED_ROWS_MAX:
        raise PydanticCustomError(
            "page_too_deep",
            f"must be at most {NUMBERED_ROWS_MAX // limit} with this limit: numbers end at {NUMBERED_ROWS_MAX:,} rows, "
            "and the cursor of the Link header goes on",
        )
    return page


def number_schema(least: int, most: int) -> WithJsonSchema:
    """Return what the document says of such a parameter: it is a number there."""
    return WithJsonSchema({"type": "integer", "minimum": least, "maximum": most})


Amount = Annotated[int, BeforeValidator(number), Field(ge=0, le=AMOUNT_MINOR_MAX), number_schema(0, AMOUNT_MINOR_MAX)]
Limit = Annotated[int, BeforeValidator(number), Field(ge=1, le=PAGE_LIMIT_MAX), number_schema(1, PAGE_LIMIT_MAX)]
# Where it ends depends on the limit, and the problem says how to go on.
PageNumber = Annotated[int, BeforeValidator(number), Field(ge=1), number_schema(1, NUMBERED_ROWS_MAX)]
Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Day = Annotated[date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
Id = Annotated[UUID, BeforeValidator(_id), WithJsonSchema({"type": "string", "format": "uuid"})]
Cursor = Annotated[UUID, BeforeValidator(_after), WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"})]
Reference = Annotated[Text, Field(min_length=1, max_length=255), NoCardData]


class Paging(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    # Before the page, which is compared with it.
    limit: Limit = Field(default=PAGE_LIMIT_DEFAULT, description="how many at most")
    cursor: Cursor | None = Field(default=None, description="from the Link header of the page before")
    page: Annotated[PageNumber | None, AfterValidator(_near)] = Field(
        default=None,
        description=f"from 1, and as far as `page` times `limit` is {NUMBERED_ROWS_MAX:,} rows; a cursor goes on, and "
        "is exact while rows are inserted",
    )

    def to_page(self, *, extra: int = 0) -> Page:
        """Return the slice, with `extra` rows more than the caller asked for."""
        offset = (self.page - 1) * self.limit if self.page else 0
        return Page(limit=self.limit + extra, after=self.cursor, offset=offset)

    @property
    def weight(self) -> int:
        """How much work it is: one for each full page of rows that the database walks over."""
        page = self.to_page()
        return -(-(page.offset + page.limit) // PAGE_LIMIT_MAX)


class _Dated(Paging):
    created_from: Instant | None = Field(default=None, alias="created_at[gte]", description="created then or later")
    created_before: Instant | None = Field(default=None, alias="created_at[lt]", description="created before")
    amount_min: Amount | None = Field(default=None, alias="amount[gte]", description="at least so many minor units")
    amount_max: Amount | None = Field(default=None, alias="amount[lte]", description="at most so many minor units")


class TransactionQuery(_Dated):
    status: TransactionStatus | None = Field(default=None, description=f"{PENDING_PAYMENT}; or `paid`")
    payment_method: PaymentMethod | None = Field(default=None, description="how it was paid")
    transaction_id: Id | None = Field(default=None, description="the transaction with this id")
    reference: Reference | None = Field(default=None, description="your own reference, all of it")
    settlement_id: Id | None = Field(default=None, description="some of it belongs to this settlement")
    payment_from: Instant | None = Field(
        default=None, alias="payment_date[gte]", description="with `payment_date[lt]`: some of it is due in between"
    )
    payment_before: Instant | None = Field(
        default=None, alias="payment_date[lt]", description="with `payment_date[gte]`: some of it is due in between"
    )

    def to_filter(self) -> TransactionFilter:
        return TransactionFilter(**self.model_dump(exclude=set(Paging.model_fields)))


class PayableQuery(_Dated):
    status: PayableStatus | None = Field(default=None, description=f"{WAITING_FUNDS}; or `paid`")
    type: PayableType | None = Field(default=None, description=PAYABLE_TYPE)
    payment_method: PaymentMethod | None = Field(default=None, description="how the transaction was paid")
    transaction_id: Id | None = Field(default=None, description="of this transaction")
    source_id: Id | None = Field(default=None, description="that come from this refund, or transaction")
    reference: Reference | None = Field(default=None, description="of the transactions with your own reference")
    settlement_id: Id | None = Field(default=None, description="of this settlement")
    payment_from: Instant | None = Field(
        default=None, alias="payment_date[gte]", description="due at that instant or later"
    )
    payment_before: Instant | None = Field(
        default=None, alias="payment_date[lt]", description="due before that instant"
    )
    due_on: Day | None = Field(default=None, description=f"due on this day of {PLATFORM_ZONE}")
    due_from: Day | None = Field(
        default=None, alias="due_on[gte]", description=f"due on this day of {PLATFORM_ZONE}, or later"
    )
    due_before: Day | None = Field(
        default=None, alias="due_on[lt]", description=f"due before this day of {PLATFORM_ZONE}"
    )

    def to_filter(self) -> PayableFilter:
        return PayableFilter(**self.model_dump(exclude=set(Paging.model_fields)))


class BalanceTransactionQuery(Paging):
    created_from: Instant | None = Field(default=None, alias="created_at[gte]", description="created then or later")
    created_before: Instant | None = Field(default=None, alias="created_at[lt]", description="created before")

    def to_filter(self) -> PayableFilter:
        return PayableFilter(**self.model_dump(exclude=set(Paging.model_fields)))


class SettlementQuery(Paging):
    status: SettlementStatus | None = Field(default=None, description=SETTLEMENT_STATUS)
    due_on: Day | None = Field(
        default=None, alias="due_date", description=f"of what was due on this day of {PLATFORM_ZONE}"
    )
    due_from: Day | None = Field(
        default=None, alias="due_date[gte]", description=f"of what was due on this day of {PLATFORM_ZONE}, or later"
    )
    due_before: Day | None = Field(
        default=None, alias="due_date[lt]", description=f"of what was due before this day of {PLATFORM_ZONE}"
    )

    def to_filter(self) -> SettlementFilter:
        return SettlementFilter(**self.model_dump(exclude=set(Paging.model_fields)))


class LineQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    limit: Limit = Field(default=PAGE_LIMIT_DEFAULT, description="how many payables' lines at most")
    cursor: Cursor | None = Field(default=None, description="from the Link header of the page before")

    @property
    def weight(self) -> int:
        """How much work it is: one for each full page."""
        return -(-self.limit // PAGE_LIMIT_MAX)


class ReportQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    format: ReportFormat | None = Field(default=None, description="left out, the header `Accept` chooses, else `csv`")


def read(kind: type[Q], query_string: str, problems: list[FieldProblem]) -> Q | None:
    """Return the parameters, or None after adding every problem to `problems`."""
    parameters: dict[str, str] = {}
    for name, value in _pairs(query_string, problems):
        if name in parameters:
            pointer = parameter_pointer("query", name)
            problems.append({"pointer": pointer, "code": "repeated", "detail": "must be given once"})
        parameters[name] = value
    try:
        return kind.model_validate(parameters)
    except ValidationError as error:
        problems += parameter_problems(error, where="query")
        return None


def _pairs(query_string: str, problems: list[FieldProblem]) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query_string, keep_blank_values=True, max_num_fields=PARAMETERS_MAX)
    except ValueError:
        detail = f"at most {PARAMETERS_MAX} parameters may be given"
        problems.append({"pointer": "query:", "code": "too_many", "detail": detail})
        return []


def refuse_any(query_string: str, problems: list[FieldProblem]) -> None:
    """Add a problem for each parameter, where none is known."""
    if not query_string:
        return
    for name in dict.fromkeys(name for name, _ in _pairs(query_string, problems)):
        pointer = parameter_pointer("query", name)
        problems.append({"pointer": pointer, "code": "unknown_parameter", "detail": "is not known here"})


def next_page(address: str, query: BaseModel, *, last_id: UUID) -> str:
    """Return where the rows that follow `last_id` are, of the list at `address`."""
    cursor = base64.urlsafe_b64encode(last_id.bytes).rstrip(b"=").decode()
    kept = query.model_dump(mode="json", by_alias=True, exclude={"page", "cursor"}, exclude_unset=True)
    return f"{address}?{urlencode({**kept, 'cursor': cursor})}"
