"""A record and the table that holds it: one list of columns for the SELECT, for the arrays and for their values.

Nothing goes by position. What a column is called and its type are the table's, which the migrations are compared with;
the rest is by the names of the record's fields. Many records are taken apart and put together a column at a time: by
attribute, record by record, it takes several times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import BigInteger, Date, DateTime, SmallInteger, String, Table, Uuid

from psp_core.adapters.postgres import arrays
from psp_core.domain.kernel.money import Currency, Money

R = TypeVar("R")

_Values = Iterable[Any]
_Columns = Mapping[str, Sequence[Any]]
_Literal = Callable[[Sequence[Any]], str]

_LITERALS: tuple[tuple[type, str, _Literal], ...] = (
    (Uuid, "uuid", arrays.uuids),
    # Without the column's length: a cast would cut off what is too long, where the column refuses it.
    (String, "text", arrays.texts),
    (SmallInteger, "smallint", arrays.numbers),
    (BigInteger, "bigint", arrays.numbers),
    (DateTime, "timestamptz", arrays.instants),
    (Date, "date", arrays.dates),
)

# A list is made of hundreds of rows, and looking a member up is several times as fast as calling its class.
_CURRENCIES = {each.value: each for each in Currency}


class Field(Protocol):
    """How one field of a record lies in columns."""

    @property
    def stored(self) -> Mapping[str, str]:
        """Return the columns that the field is written to, each with what of the field it holds; "" is all of it."""
        ...

    def read(self, columns: _Columns) -> _Values:
        """Return the field's value of each row."""
        ...


class Plain:
    """A field that is the value of a column."""

    def __init__(self, column: str) -> None:
        self._column = column
        self.stored = {column: ""}

    def read(self, columns: _Columns) -> _Values:
        return columns[self._column]


class Member(Plain):
    """A field that is a member of an enumeration, stored as its value."""

    def __init__(self, column: str, kind: type[StrEnum]) -> None:
        super().__init__(column)
        self._member_of = {each.value: each for each in kind}.__getitem__

    def read(self, columns: _Columns) -> _Values:
        return map(self._member_of, super().read(columns))


class Amount:
    """A field that is Money: a column of minor units beside the row's currency, which goes with one of the fields."""

    def __init__(self, column: str, *, with_currency: bool = False) -> None:
        self._column = column
        self.stored = {column: "minor"} | ({"currency": "currency"} if with_currency else {})

    def read(self, columns: _Columns) -> _Values:
        return map(Money, columns[self._column], map(_CURRENCIES.__getitem__, columns["currency"]))


class Record(Generic[R]):
    """How a class of records is stored in a table.

    A field without an entry in `fields` is the column of the same name. `only_reads` is for a record that holds a part
    of the row; otherwise every column has a field, or ValueError is raised at once.
    """

    def __init__(
        self, made: type[R], table: Table, fields: Mapping[str, Field] | None = None, *, only_reads: bool = False
    ) -> None:
        self._made: Callable[..., R] = made
        # In the order of what the class is called with, be it a tuple or a dataclass.
        self._names: tuple[str, ...] = made.__match_args__  # type: ignore[attr-defined]
        self._fields: dict[str, Field] = {name: Plain(name) for name in self._names} | dict(fields or {})
        self._taken = None if issubclass(made, tuple) else attrgetter(*self._names)
        sources = {
            column: (name, part) for name, field in self._fields.items() for column, part in field.stored.items()
        }
        self.columns = [column.name for column in table.columns if not only_reads or column.name in sources]
        if unknown := sources.keys() ^ set(self.columns) | self._fields.keys() ^ set(self._names):
            raise ValueError(f"{table.name} and {made.__name__} do not agree on {', '.join(sorted(unknown))}")
        written = [(sources[name], *_literal(table, name)) for name in self.columns]
        self._written = [(field, attrgetter(part) if part else None, literal) for (field, part), _, literal in written]
        self.types = {name: type for name, (_, type, _) in zip(self.columns, written, strict=True)}
        """The columns with the types of their values."""

        self.names = ", ".join(self.columns)
        """What is selected, for `read`."""

        self.unnest = f"unnest({', '.join(f'%s::{type}[]' for type in self.types.values())}) AS sent ({self.names})"
        """The rows of `literals`, for a statement's FROM."""

    def literals(self, records: Sequence[R]) -> list[str]:
        """Return an array literal for each of `types`: several times as fast as a VALUES row each."""
        taken = records if self._taken is None else map(self._taken, records)
        columns = zip(*taken, strict=True) if records else [()] * len(self._names)
        values = dict(zip(self._names, columns, strict=True))
        return [
            literal(values[field] if part is None else list(map(part, values[field])))
            for field, part, literal in self._written
        ]

    def read(self, rows: Sequence[Sequence[Any]], *, known: _Columns | None = None) -> list[R]:
        """Return the records of rows that hold `names`; of the columns in `known` the values there are taken."""
        if not rows:
            return []
        columns = dict(zip(self.columns, zip(*rows, strict=True), strict=True)) | dict(known or {})
        return list(map(self._made, *[self._fields[name].read(columns) for name in self._names]))


def _literal(table: Table, name: str) -> tuple[str, _Literal]:
    kind = table.columns[name].type
    return next((type, literal) for each, type, literal in _LITERALS if isinstance(kind, each))
