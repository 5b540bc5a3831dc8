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
from psp_core.domain.intake.transactions import PaymentMethod, TransactionFilter, TransactionStatus
from psp_core.domain.kernel.money import AMOUNT_MINOR_MAX
from psp_core.domain.kernel.paging import NUMBERED_ROWS_MAX, PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX, Page
from psp_core.domain.payables import PayableFilter, PayableStatus
from psp_core.domain.settlement.settlements import SettlementFilter

PARAMETERS_MAX = 100
_DIGITS_MAX = 15
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,32})?)?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_CURSOR = re.compile(r"[A-Za-z0-9_-]{22}")
Q = TypeVar("Q", bound="Paging")


def _number(text: str) -> int:
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
    """Refuse a number that leads further than numbers do. A limit that is wrong itself has a problem of its own."""
    limit = info.data.get("limit")
    if page is not None and limit is not None and page * limit > NUMBERED_ROWS_MAX:
        raise PydanticCustomError(
            "page_too_deep",
            f"must be at most {NUMBERED_ROWS_MAX // limit} with this limit: numbers end at {NUMBERED_ROWS_MAX:,} rows, "
            "and the cursor of the Link header goes on",
        )
    return page


def _number_schema(least: int, most: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "integer", "minimum": least, "maximum": most})


Amount = Annotated[int, BeforeValidator(_number), Field(ge=0, le=AMOUNT_MINOR_MAX), _number_schema(0, AMOUNT_MINOR_MAX)]
Limit = Annotated[int, BeforeValidator(_number), Field(ge=1, le=PAGE_LIMIT_MAX), _number_schema(1, PAGE_LIMIT_MAX)]
PageNumber = Annotated[
    int, BeforeValidator(_number), Field(ge=1, le=NUMBERED_ROWS_MAX), _number_schema(1, NUMBERED_ROWS_MAX)
]
Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Day = Annotated[date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
Id = Annotated[UUID, BeforeValidator(_id), WithJsonSchema({"type": "string", "format": "uuid"})]
Cursor = Annotated[UUID, BeforeValidator(_after), WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"})]
Reference = Annotated[Text, Field(min_length=1, max_length=255), NoCardData]


class Paging(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    # Before the page, which is compared with it.
    limit: Limit = PAGE_LIMIT_DEFAULT
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


class TransactionQuery(Paging):
    status: TransactionStatus | None = None
    payment_method: PaymentMethod | None = None
    transaction_id: Id | None = None
    reference: Reference | None = None
    settlement_id: Id | None = Field(default=None, description="paid some of it")
    created_from: Instant | None = Field(default=None, alias="created_at[gte]")
    created_before: Instant | None = Field(default=None, alias="created_at[lt]")
    payment_from: Instant | None = Field(
        default=None, alias="payment_date[gte]", description="with `payment_date[lt]`: some of it is due in between"
    )
    payment_before: Instant | None = Field(default=None, alias="payment_date[lt]")
    amount_min: Amount | None = Field(default=None, alias="amount[gte]")
    amount_max: Amount | None = Field(default=None, alias="amount[lte]")

    def to_filter(self) -> TransactionFilter:
        return TransactionFilter(**self.model_dump(exclude=set(Paging.model_fields)))


class PayableQuery(Paging):
    status: PayableStatus | None = None
    payment_method: PaymentMethod | None = None
    transaction_id: Id | None = None
    reference: Reference | None = Field(default=None, description="of the transaction")
    settlement_id: Id | None = None
    created_from: Instant | None = Field(default=None, alias="created_at[gte]")
    created_before: Instant | None = Field(default=None, alias="created_at[lt]")
    payment_from: Instant | None = Field(default=None, alias="payment_date[gte]")
    payment_before: Instant | None = Field(default=None, alias="payment_date[lt]")
    amount_min: Amount | None = Field(default=None, alias="amount[gte]")
    amount_max: Amount | None = Field(default=None, alias="amount[lte]")

    def to_filter(self) -> PayableFilter:
        return PayableFilter(**self.model_dump(exclude=set(Paging.model_fields)))


class BalanceTransactionQuery(Paging):
    created_from: Instant | None = Field(default=None, alias="created_at[gte]")
    created_before: Instant | None = Field(default=None, alias="created_at[lt]")

    def to_filter(self) -> PayableFilter:
        return PayableFilter(**self.model_dump(exclude=set(Paging.model_fields)))


class SettlementQuery(Paging):
    due_from: Day | None = Field(default=None, alias="due_date[gte]")
    due_before: Day | None = Field(default=None, alias="due_date[lt]")

    def to_filter(self) -> SettlementFilter:
        return SettlementFilter(**self.model_dump(exclude=set(Paging.model_fields)))


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


def next_page(path: str, query: Paging, *, last_id: UUID) -> str:
    """Return where the rows older than `last_id` are."""
    cursor = base64.urlsafe_b64encode(last_id.bytes).rstrip(b"=").decode()
    kept = query.model_dump(mode="json", by_alias=True, exclude={"page", "cursor"}, exclude_unset=True)
    return f"{path}?{urlencode({**kept, 'cursor': cursor})}"
