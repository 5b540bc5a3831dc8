"""POST, payable, due date, settlement: the main job, on the real platform."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from psycopg2.sql import SQL, Identifier
from sqlalchemy import create_engine, inspect, make_url

from psp_core.local_stack.postgres import SUPERUSER
from tests.e2e.platform import CARD_NUMBER, CARD_VERIFICATION_CODE, RunningPlatform, a_body
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]


class TestTheMainJob:
    def test_pays_a_merchant_on_the_day_it_is_due(self, platform: RunningPlatform) -> None:
        platform.psp("fee-plans", "set", "luke", "--credit-delay-days", "0")
        created = platform.post_transaction(customer_id="luke")
        assert created.status_code == 201
        transaction_id = created.json()["id"]

        [payable] = wait_for(
            lambda: platform.get("/payables", customer_id="luke"), within_s=60, what="the transaction's payable"
        )
        assert payable["transaction_id"] == transaction_id
        assert (payable["status"], payable["fee"], payable["receivable_amount"]) == ("waiting_funds", 5, 2_375)
        today = datetime.now(UTC).date()
        assert payable["payment_date"].startswith(today.isoformat())

        platform.settle(today)

        [paid] = platform.get("/payables", customer_id="luke")
        assert paid["status"] == "paid"
        [settlement] = platform.get("/settlements", customer_id="luke")
        assert paid["settlement_id"] == settlement["id"]
        assert platform.get(f"/transactions/{transaction_id}", customer_id="luke")["status"] == "paid"
        assert "the books balance" in platform.psp("check-books")

    def test_takes_ten_thousand_transactions_of_32_clients_once_each(self, platform: RunningPlatform) -> None:
        amounts = range(1_000, 11_000)

        def post(amount: int) -> int:
            response = platform.post_transaction(customer_id="leia", key=f"order-{amount}", amount=amount)
            if amount % 100 == 0:
                again = platform.post_transaction(customer_id="leia", key=f"order-{amount}", amount=amount)
                assert (again.content, again.headers["Idempotent-Replayed"]) == (response.content, "true")
            return response.status_code

        with ThreadPoolExecutor(32) as clients:
            assert set(clients.map(post, amounts)) == {201}

        wait_for(
            lambda: len(platform.all_of("/payables", customer_id="leia")) >= len(amounts),
            within_s=120,
            what="10,000 payables",
        )
        payables = platform.all_of("/payables", customer_id="leia")
        assert sorted(row["amount"] for row in payables) == list(amounts)
        assert len({row["transaction_id"] for row in payables}) == len(amounts)
        assert sum(row["receivable_amount"] for row in payables) == sum(n - n * 5 // 100 for n in amounts)
        assert "the books balance" in platform.psp("check-books")

    def test_forgets_the_card(self, platform: RunningPlatform) -> None:
        refused = platform.api.post(
            "/transactions", json=a_body(amount=0, card_holder_name=7), headers={"x-customer-id": "luke"}
        )
        assert refused.status_code == 422
        accepted = platform.post_transaction(customer_id="luke", description="forget-me")
        assert accepted.status_code == 201
        # The code is three digits, which stand in any file: it is looked for beside its field's name.
        needles = [CARD_NUMBER.encode(), f'card_verification_code": "{CARD_VERIFICATION_CODE}'.encode()]
        wait_for(
            lambda: platform.get(f"/transactions/{accepted.json()['id']}/payables", customer_id="luke"),
            within_s=60,
            what="the payable, after which the transaction was in every program's hands",
        )

        dumps = [platform_dump(platform, name) for name in ("psp", "dagster")]
        files = {path: path.read_bytes() for path in platform.data_dir.rglob("*") if is_text(path)}

        assert b"forget-me" in dumps[0]
        assert len(files) > 5
        for needle in needles:
            assert [str(path) for path, content in files.items() if needle in content] == []
            assert not any(needle in dump for dump in dumps)


def is_text(path: Path) -> bool:
    # The database's own files are looked through by dumping it.
    return path.is_file() and "postgres/data" not in str(path)


def platform_dump(platform: RunningPlatform, database: str) -> bytes:
    """Every row of every table of the database, as COPY writes it."""

    url = next(
        line.split("=", 1)[1].strip("'")
        for line in (platform.data_dir / "env").read_text().splitlines()
        if line.startswith("export PSP_DATABASE_URL=")
    )
    # The terminal's login reads neither every column nor Dagster's database; the launcher's does.
    password = (platform.data_dir / "postgres" / "password").read_text()
    engine = create_engine(make_url(url).set(username=SUPERUSER, password=password, database=database))
    out = bytearray()

    class Sink:
        def write(self, part: bytes) -> None:
            out.extend(part)

    with engine.connect() as connection:
        cursor = connection.connection.cursor()
        for table in inspect(connection).get_table_names():
            cursor.copy_expert(SQL("COPY {} TO STDOUT").format(Identifier(table)), Sink())
    engine.dispose()
    return bytes(out)
