"""POST, payable, due date, settlement: the main job, on the real platform."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from psycopg2.sql import SQL, Identifier

from tests.disguises import OTHERS, OWN, disguises, grouped
from tests.e2e.platform import AGREED, CARD_VERIFICATION_CODE, RunningPlatform
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]


class TestTheMainJob:
    def test_pays_a_merchant_on_the_day_it_is_due(self, platform: RunningPlatform) -> None:
        platform.psp("fee-plans", "set", "luke", "--credit-delay-days", "0", *AGREED)
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
            lambda: platform.has_payables(len(amounts), customer_id="leia"),
            within_s=120,
            what="10,000 payables",
        )
        payables = platform.all_of("/payables", customer_id="leia")
        assert sorted(row["amount"] for row in payables) == list(amounts)
        assert len({row["transaction_id"] for row in payables}) == len(amounts)
        assert sum(row["receivable_amount"] for row in payables) == sum(n - n * 5 // 100 for n in amounts)
        assert "the books balance" in platform.psp("check-books")

    def test_forgets_the_card_in_any_disguise(self, platform: RunningPlatform) -> None:
        texts = list(disguises())
        said = platform.data_dir.with_suffix(".log")
        # It has greeted us with an example.
        welcome = len(said.read_bytes())
        for text in texts:
            free_text = {"description": text, "card_holder_name": text, "reference": text}
            assert platform.post_transaction(customer_id="luke", **free_text).status_code == 422
            query = platform.api.get(
                "/payables", params={"reference": text, text: text}, headers={"x-customer-id": "luke"}
            )
            assert (query.status_code, platform.api.get(f"/{quote(text, safe='')}").status_code // 100) == (422, 4)
        for number in (OWN, *OTHERS, grouped(OWN, " ")):
            assert platform.post_transaction(customer_id="luke", key=number).status_code == 422
            assert platform.post_transaction(customer_id=number).status_code == 422
            platform.api.get("/transactions", headers={"x-customer-id": "luke", "Request-Id": number})
        refused = platform.post_transaction(customer_id="luke", amount=0, card_holder_name=7)
        assert refused.status_code == 422
        accepted = platform.post_transaction(customer_id="luke", description="forget-me")
        assert accepted.status_code == 201
        # The code is three digits, which stand in any file: it is looked for beside its field's name.
        needles = {number.encode() for number in (OWN, *OTHERS)} | {text.encode() for text in texts}
        needles |= {json.dumps(text)[1:-1].encode() for text in texts}
        needles.add(f'card_verification_code": "{CARD_VERIFICATION_CODE}'.encode())
        wait_for(
            lambda: platform.get(f"/transactions/{accepted.json()['id']}/payables", customer_id="luke"),
            within_s=60,
            what="the payable, after which the transaction was in every program's hands",
        )

        dumps = [platform_dump(platform, name) for name in ("psp", "dagster")]
        dumps.append(said.read_bytes()[welcome:])
        files = [path for folder in platform.folders for path in folder.rglob("*") if path.is_file()]

        assert b"forget-me" in dumps[0]
        # Tables and write-ahead log, the queue's state, logs, reports and what Dagster keeps of its runs.
        assert all(any(part in str(path) for path in files) for part in ("/data/base/", "pg_wal", "sqs", ".log"))
        assert [found for dump in dumps for found in needles if found in dump] == []
        assert [(str(path), found) for path in files for found in held_by(path, needles)] == []


def held_by(path: Path, needles: set[bytes]) -> list[bytes]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        # The database and the queue replace theirs while they run.
        return []
    return [needle for needle in needles if needle in content]


def platform_dump(platform: RunningPlatform, database: str) -> bytes:
    """Every row of every table of the database, as COPY writes it."""

    out = bytearray()

    class Sink:
        def write(self, part: bytes) -> None:
            out.extend(part)

    with closing(platform.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.copy_expert(SQL("COPY {} TO STDOUT").format(Identifier(table)), Sink())
    return bytes(out)
