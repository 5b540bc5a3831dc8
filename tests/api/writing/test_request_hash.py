"""A key's request is known again by later releases, whatever these store."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine

from psp_api.intake.transaction_body import TransactionBody, read_transaction
from psp_api.server.wire.request_hash import request_hash, request_hash_of_version_1
from psp_core.domain.kernel.money import Currency
from psp_core.settings import Settings
from tests.api.bodies import a_body

# Never to be changed: what is stored was made so. A new form of the hash is a new version, with its own rows.
GOLDEN: list[tuple[str, list[dict[str, Any]], str, str]] = [
    (
        "/transactions",
        [a_body()],
        "5e098b48d07cd94b40fa0ed3f45c9537bafcbdb80a29eda2d80b5faaf54a2f6b",
        "021b0a39fe7ef4ec6784fc1464ba8e81dcf3e30f41e8db8c56017a2778afe6ddd2",
    ),
    (
        "/transactions",
        [
            a_body(
                card_number="4011000000000009",  # Elo to version 1
                installments=3,
                currency="USD",
                reference="order 66",
                description='Sabre "à l\'œuvre" 光剣',
            )
        ],
        "ef77b97c69439d98e5bedba0a45649199e0503a3795bf87e6b9077caf7ffac60",
        "028a4b9a74e68ae0196d4ddc05f0913632352d5cf367d0fc02dfaf044f63bb7fa1",
    ),
    (
        "/transactions/batch",
        [a_body(amount=1), a_body(amount=2, payment_method="debit_card", card_number="6500000000000002")],
        "d1358040dd542a610341b18f7342ca260d7ec9235fd7ef5ec96b4fd56be5aa80",
        "0243f8d6ca15c92a1a92a12ccdca4a3fa3a75f07fe231bb0fcbddf2a6dbcb1bbba",
    ),
]
SAME = [
    {"amount": 2500},
    {"amount": "02500"},
    {"card_verification_code": "999"},
    {"reference": None},
    {"installments": None},
    {"installments": 1},
    {"currency": None},
    {"colour": "red"},
]
OTHER = [
    {"amount": 2501},
    {"description": "lightsaber"},
    {"card_number": "4242424242424242"},
    {"card_number": "5000000000031111"},
    {"card_number": "410000000000051111"},
    {"card_expiration_date": "11/25"},
    {"card_holder_name": "Luke"},
    {"currency": "BRL"},
    {"installments": 2},
    {"reference": "x"},
    {"payment_method": "debit_card"},
]


def bodies_of(*sent: dict[str, Any]) -> list[TransactionBody]:
    bodies = [read_transaction(json.dumps(each).encode(), []) for each in sent]
    return [body for body in bodies if body is not None]


class TestTheRequestHash:
    @pytest.mark.parametrize(("route", "sent", "first", "second"), GOLDEN)
    def test_stays_what_it_was(self, route: str, sent: list[dict[str, Any]], first: str, second: str) -> None:
        bodies = bodies_of(*sent)

        assert request_hash(route, bodies).hex() == second
        of_version_1 = request_hash_of_version_1(route, bodies, customer_id="merchant-1", currency=Currency.BRL)
        assert of_version_1.hex() == first

    @pytest.mark.parametrize("change", SAME, ids=str)
    def test_is_the_same_for_what_means_the_same(self, change: dict[str, Any]) -> None:
        assert request_hash("/", bodies_of(a_body(**change))) == request_hash("/", bodies_of(a_body()))

    @pytest.mark.parametrize("change", OTHER, ids=str)
    def test_is_another_for_another_request(self, change: dict[str, Any]) -> None:
        [body] = bodies_of(a_body(**change))

        assert request_hash("/", [body]) != request_hash("/", bodies_of(a_body()))

    def test_does_not_depend_on_what_would_lead_to_the_card(self) -> None:
        # Both begin, end and pass alike; what is between them is in no hash.
        assert request_hash("/", bodies_of(a_body(card_number="4111111111111111"))) == request_hash(
            "/", bodies_of(a_body(card_number="4100000000051111"))
        )


class TestAKeyOfAnotherRelease:
    @pytest.fixture
    def stored(self, api_settings: Settings, merchant: str) -> Any:
        """Make the merchant's key one that was stored with another hash."""
        engine = create_engine(api_settings.database_url.get_secret_value())

        def store(hash: bytes) -> None:
            with engine.begin() as connection:
                connection.exec_driver_sql(
                    "UPDATE idempotency_keys SET request_hash = %s WHERE customer_id = %s", (hash, merchant)
                )

        yield store
        engine.dispose()

    def test_of_version_1_is_compared_in_its_form(self, client: httpx.Client, merchant: str, stored: Any) -> None:
        body, key = a_body(card_number="4011000000000009"), {"Idempotency-Key": "a"}
        first = client.post("/transactions", json=body, headers=key)
        stored(request_hash_of_version_1("/transactions", bodies_of(body), customer_id=merchant, currency=Currency.BRL))

        again = client.post("/transactions", json=body, headers=key)
        other = client.post("/transactions", json=body | {"amount": 1}, headers=key)

        assert (again.status_code, again.content) == (201, first.content)
        assert other.json()["code"] == "idempotency_key_reused"

    def test_that_is_newer_is_honoured_by_the_key_alone(self, client: httpx.Client, stored: Any) -> None:
        first = client.post("/transactions", json=a_body(), headers={"Idempotency-Key": "a"})
        stored(b"\x03 nobody here knows how it was made")

        again = client.post("/transactions", json=a_body(), headers={"Idempotency-Key": "a"})

        assert (again.status_code, again.content) == (201, first.content)
