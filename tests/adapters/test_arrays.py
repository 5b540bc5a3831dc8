from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine

from psp_core.adapters.postgres import arrays

# Postgres stores no NUL; the API refuses it before it comes here.
texts = st.lists(st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=20)


@pytest.fixture(scope="module")
def connection(migrated_url: str) -> Iterator[Connection]:
    engine = create_engine(migrated_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


class TestTexts:
    @settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(texts)
    def test_come_back_as_they_were(self, connection: Connection, values: list[str | None]) -> None:
        result = connection.exec_driver_sql("SELECT %s::text[]", (arrays.texts(values),)).scalar_one()

        assert result == values

    @pytest.mark.parametrize("value", ["NULL", "null", "", "{}", "a,b", '"', "\\", "'; DROP TABLE payables; --", "%s"])
    def test_are_data_whatever_they_say(self, connection: Connection, value: str) -> None:
        assert connection.exec_driver_sql("SELECT %s::text[]", (arrays.texts([value]),)).scalar_one() == [value]


class TestOthers:
    @given(st.lists(st.integers(-(2**63), 2**63 - 1)))
    def test_numbers_come_back_as_they_were(self, connection: Connection, values: list[int]) -> None:
        assert connection.exec_driver_sql("SELECT %s::bigint[]", (arrays.numbers(values),)).scalar_one() == values

    @given(st.lists(st.uuids()))
    def test_uuids_come_back_as_they_were(self, connection: Connection, values: list[UUID]) -> None:
        assert connection.exec_driver_sql("SELECT %s::uuid[]", (arrays.uuids(values),)).scalar_one() == values

    @given(st.lists(st.none() | st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.timezones())))
    def test_instants_come_back_as_they_were(self, connection: Connection, values: list[datetime | None]) -> None:
        result = connection.exec_driver_sql("SELECT %s::timestamptz[]", (arrays.instants(values),)).scalar_one()

        assert result == [value and value.astimezone(UTC) for value in values]

    @given(st.lists(st.dates(date(1970, 1, 1))))
    def test_dates_come_back_as_they_were(self, connection: Connection, values: list[date]) -> None:
        assert connection.exec_driver_sql("SELECT %s::date[]", (arrays.dates(values),)).scalar_one() == values
