"""A settlement's report: the lines of the date's report file, as soon as the settlement is closed, at any size."""

from __future__ import annotations

import csv
import io
import re
import socket
import uuid
from contextlib import closing
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from sqlalchemy import create_engine

from psp_core.bootstrap import Core
from psp_core.domain.kernel.paging import Page
from psp_core.domain.payables import Payable, PayableFilter
from psp_core.usecases.desk.read_settlement_report import LINES_PER_PART
from tests.api.bodies import NOT_AN_ID, create, payables_of, problems
from tests.api.locks import locked, owners_url
from tests.api.server import Api, api_program
from tests.builders import SettableClock, a_new_transaction, a_submission
from tests.killed import settle_one_and_die
from tests.waiting import wait_for

PARQUET = "application/vnd.apache.parquet"
MANY = 10 * LINES_PER_PART
CENT = Decimal("0.01")


@pytest.fixture
def settlement(api: Api, client: httpx.Client, in_a_month: Core) -> dict[str, Any]:
    """A closed settlement of three payables."""
    first = create(client, amount=2500, reference="order 66")
    payable, *_ = payables_of(api.core, client, first, create(client, amount=999), create(client, amount=1))
    in_a_month.settle_payables(due_on=date.fromisoformat(payable["due_on"]))
    [settlement] = client.get("/settlements").json()
    return dict(settlement)


@pytest.fixture(scope="module")
def large(api: Api) -> tuple[str, str]:
    """A merchant, and the path of a report of many parts, more than all buffers on the way hold."""
    merchant = f"merchant-{uuid.uuid4().hex[:12]}"
    clock = SettableClock()
    core = replace(api.core, clock=clock)
    rows = [a_new_transaction(customer_id=merchant, amount_minor=100, reference="x" * 255) for _ in range(1_000)]
    for _ in range(MANY // len(rows)):
        core.accept_transactions([a_submission(*rows)])

    def last() -> list[Payable]:
        core.drain_queue()
        return core.read_merchant.payables(merchant, where=PayableFilter(), page=Page(limit=1, offset=MANY - 1))

    [payable] = wait_for(last, within_s=60, what="the payables")
    clock.advance(days=31)
    core.settle_payables(due_on=payable.due_on)
    # As autovacuum does within the minute: without it the database takes the tables for empty, and reads all of them.
    engine = create_engine(owners_url(api), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE transactions, payables, settlements")
    engine.dispose()
    with api.client(merchant) as client:
        [settlement] = client.get("/settlements").json()
    return merchant, report_of(settlement)


def report_of(settlement: dict[str, Any]) -> str:
    return f"/settlements/{settlement['id']}/report"


def lines_in(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def balance(lines: list[dict[str, str]]) -> Decimal:
    credits, debits = (sum(Decimal(line[f"Net {side} (NC)"] or 0) for line in lines) for side in ("Credit", "Debit"))
    return Decimal(credits) - Decimal(debits)


class TestTheReportOfASettlement:
    def test_is_the_merchants_part_of_the_dates_report_to_the_byte(
        self, client: httpx.Client, in_a_month: Core, settlement: dict[str, Any], tmp_path: Path
    ) -> None:
        there = in_a_month.settings.model_copy(update={"reports_url": f"file:{tmp_path}"})
        replace(in_a_month, settings=there).write_settlement_report(due_on=date.fromisoformat(settlement["due_date"]))
        [written] = tmp_path.rglob(f"merchants/{settlement['customer_id']}.csv")

        answer = client.get(report_of(settlement))

        assert answer.content == written.read_bytes()
        parquet = pq.read_table(io.BytesIO(client.get(f"{report_of(settlement)}?format=parquet").content))
        assert parquet.equals(pq.read_table(written.with_suffix(".parquet")))

    def test_adds_up_to_zero_and_to_the_settlement(self, client: httpx.Client, settlement: dict[str, Any]) -> None:
        *lines, payout = lines_in(client.get(report_of(settlement)).content)

        assert balance([*lines, payout]) == 0
        assert {line["Settlement Id"] for line in [*lines, payout]} == {settlement["id"]}
        assert Decimal(payout["Net Debit (NC)"]) == settlement["receivable_amount"] * CENT
        assert sum(Decimal(line["Commission (NC)"]) for line in lines) == settlement["fee_amount"] * CENT
        paid = client.get("/payables", params={"settlement_id": settlement["id"]}).json()
        assert {line["Modification Reference"] for line in lines} == {item["id"] for item in paid}
        assert "order 66" in {line["Merchant Reference"] for line in lines}

    def test_is_there_at_once_and_no_other_settlements(
        self, api: Api, client: httpx.Client, in_a_month: Core, settlement: dict[str, Any]
    ) -> None:
        payable, *_ = payables_of(api.core, client, create(client, amount=700))
        # Late for its date: the next sequence pays it.
        in_a_month.settle_payables(due_on=date.fromisoformat(payable["due_on"]))
        [late] = [item for item in client.get("/settlements").json() if item["id"] != settlement["id"]]

        line, payout = lines_in(client.get(report_of(late)).content)

        assert (line["Gross Credit (GC)"], payout["Batch Number"]) == ("7.00", "2")
        assert len(lines_in(client.get(report_of(settlement)).content)) == 4

    def test_has_what_was_paid_at_once(self, api: Api, client: httpx.Client, in_a_month: Core) -> None:
        [payable] = payables_of(api.core, client, create(client, amount=1000, payment_method="debit_card"))
        in_a_month.settle_payables(due_on=date.fromisoformat(payable["due_on"]))
        [settlement] = client.get("/settlements").json()

        lines = lines_in(client.get(report_of(settlement)).content)

        assert [line["Type"] for line in lines] == ["Settled", "AlreadyAvailable"]
        assert balance(lines) == 0
        assert settlement["already_available"]["receivable_amount"] == payable["receivable_amount"] == 970

    @pytest.mark.parametrize(
        ("query", "accept", "media_type"),
        [
            ("", "*/*", "text/csv; charset=utf-8; header=present"),
            ("", None, "text/csv; charset=utf-8; header=present"),
            ("", "text/csv", "text/csv; charset=utf-8; header=present"),
            ("", "text/html, */*;q=0.8", "text/csv; charset=utf-8; header=present"),
            ("", PARQUET, PARQUET),
            ("", f"text/csv;q=0.5, {PARQUET}", PARQUET),
            ("?format=parquet", "text/csv", PARQUET),
            ("?format=csv", "application/json", "text/csv; charset=utf-8; header=present"),
        ],
    )
    def test_comes_in_the_format_that_is_asked_for(
        self, client: httpx.Client, settlement: dict[str, Any], query: str, accept: str | None, media_type: str
    ) -> None:
        del client.headers["Accept"]

        answer = client.get(f"{report_of(settlement)}{query}", headers={"Accept": accept} if accept else {})

        assert (answer.status_code, answer.headers["Content-Type"]) == (200, media_type)
        assert answer.content.startswith(b"PAR1" if media_type == PARQUET else b'\xef\xbb\xbf"Merchant Account"')

    def test_has_a_name_and_is_kept_by_no_cache(self, client: httpx.Client, settlement: dict[str, Any]) -> None:
        for format in ("csv", "parquet"):
            headers = client.get(f"{report_of(settlement)}?format={format}").headers
            name = f"settlement-{settlement['due_date']}-brl-1.{format}"
            assert headers["Content-Disposition"] == f'attachment; filename="{name}"'
            assert (headers["Cache-Control"], headers["Vary"]) == ("no-store", "Accept")

    def test_answers_head_like_get_and_goes_on(self, client: httpx.Client, settlement: dict[str, Any]) -> None:
        get = client.get(report_of(settlement))
        head = client.head(report_of(settlement))

        assert (head.status_code, head.content) == (200, b"")
        for name in ("Content-Type", "Content-Disposition", "Cache-Control"):
            assert head.headers[name] == get.headers[name]
        assert "Content-Length" not in head.headers
        assert client.get("/settlements").json() == [settlement]


class TestAReportThatThereIsNot:
    def test_is_another_merchants(self, api: Api, settlement: dict[str, Any]) -> None:
        with api.client("somebody-else") as other:
            refused = other.get(report_of(settlement))

        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")

    @pytest.mark.parametrize("id", [NOT_AN_ID, "1", "all"])
    def test_is_no_settlements(self, client: httpx.Client, id: str) -> None:
        assert client.get(f"/settlements/{id}/report").status_code == 404

    def test_is_an_open_settlements(self, api: Api, client: httpx.Client, in_a_month: Core) -> None:
        payable, _ = payables_of(api.core, client, create(client, amount=7), create(client, amount=8))
        due_on = date.fromisoformat(payable["due_on"])
        settle_one_and_die(in_a_month.settle_payables, due_on, merchants=[payable["customer_id"]])
        [settlement] = client.get("/settlements?status=open").json()

        refused = client.get(report_of(settlement))

        assert (refused.status_code, refused.json()["code"]) == (409, "settlement_open")
        assert "once it is closed" in refused.json()["detail"]
        assert int(refused.headers["Retry-After"]) > 0
        in_a_month.settle_payables(due_on=due_on)
        assert len(lines_in(client.get(report_of(settlement)).content)) == 3

    @pytest.mark.parametrize("accept", ["application/json", "text/plain", "text/csv;q=0", "nonsense"])
    def test_is_in_another_format(self, client: httpx.Client, settlement: dict[str, Any], accept: str) -> None:
        refused = client.get(report_of(settlement), headers={"Accept": accept})

        assert (refused.status_code, refused.json()["code"]) == (406, "not_acceptable")
        assert "text/csv" in refused.json()["detail"]

    def test_is_asked_for_wrongly(self, client: httpx.Client, settlement: dict[str, Any]) -> None:
        found = problems(client.get(f"{report_of(settlement)}?format=xlsx&limit=3"))

        assert found == {("query:format", "not_allowed"), ("query:limit", "unknown_parameter")}


class TestALargeReport:
    def test_is_whole_in_both_formats(self, api: Api, large: tuple[str, str]) -> None:
        merchant, path = large
        with api.client(merchant) as client:
            answer = client.get(path)
            parquet = pq.read_table(io.BytesIO(client.get(path, headers={"Accept": PARQUET}).content)).to_pylist()

        lines = lines_in(answer.content)
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert len(lines) == len({line["Modification Reference"] for line in lines}) == MANY + 1
        assert balance(lines) == 0
        assert [row["Modification Reference"] or "" for row in parquet] == [
            line["Modification Reference"] for line in lines
        ]

    def test_is_read_to_its_end_by_an_old_client(self, api: Api, large: tuple[str, str]) -> None:
        merchant, path = large
        with _asking(api, merchant, path, version="1.0") as connection:
            head, _, body = b"".join(iter(lambda: connection.recv(1 << 20), b"")).partition(b"\r\n\r\n")

        assert b"transfer-encoding" not in head.lower()
        assert len(lines_in(body)) == MANY + 1

    def test_is_given_up_when_nobody_takes_it(
        self, api: Api, api_environment: dict[str, str], large: tuple[str, str], tmp_path: Path
    ) -> None:
        merchant, path = large
        environment = {**api_environment, "PSP_API_IDLE_TIMEOUT_S": "1"}
        program, url = api_program(tmp_path, environment=environment)

        with program, _asking(Api(url, api.core, program.log_file), merchant, path) as connection:
            taken = connection.recv(1 << 10)
            wait_for(lambda: _has_hung_up(connection), within_s=30, what="the end of the connection")

            assert re.match(rb"HTTP/1.1 200 OK", taken)
            assert '"event": "bug"' not in program.log_file.read_text()

    def test_is_made_as_it_is_taken_and_breaks_off_where_the_database_does(
        self, api: Api, large: tuple[str, str]
    ) -> None:
        merchant, path = large
        with _asking(api, merchant, path) as connection:
            seen: list[object] = []
            wait_for(lambda: _is_quiet(api, seen), within_s=60, what="the end of reading ahead")
            with locked(owners_url(api), "payables"):
                # Had all been made by now, all of it would come.
                taken = b"".join(iter(lambda: connection.recv(1 << 20), b""))

        assert taken.startswith(b"HTTP/1.1 200 OK")
        assert not taken.endswith(b"\r\n0\r\n\r\n")
        assert "report cut short" in api.log_file.read_text()
        with api.client(merchant) as client:
            assert client.get("/settlements").status_code == 200


def _asking(api: Api, merchant: str, path: str, *, version: str = "1.1") -> closing[socket.socket]:
    """Ask for it with little room for what is answered."""
    url = httpx.URL(api.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.settimeout(30)
    connection.connect((url.host, url.port))
    connection.sendall(f"GET {path} HTTP/{version}\r\nHost: psp\r\nx-customer-id: {merchant}\r\n\r\n".encode())
    return closing(connection)


def _is_quiet(api: Api, seen: list[object]) -> bool:
    """Tell whether the last read of lines has been the last for ten looks."""
    engine = create_engine(owners_url(api))
    query = "SELECT max(query_start) FROM pg_stat_activity WHERE query LIKE '%%receivable_minor%%FROM payables%%'"
    with engine.connect() as connection:
        seen.append(connection.exec_driver_sql(query + " AND pid <> pg_backend_pid()").scalar_one())
    engine.dispose()
    return len(seen) > 10 and len(set(seen[-10:])) == 1


def _has_hung_up(connection: socket.socket) -> bool:
    # Whoever has ended the connection answers a byte more with a reset.
    try:
        connection.send(b"x")
    except ConnectionError:
        return True
    return False
