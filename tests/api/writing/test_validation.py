"""Bad input is told all that is wrong with it, at once, and nothing of it is stored."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.bodies import CARD_NUMBER, VERIFICATION_CODE, a_body, problems
from tests.api.server import Api

WRONG: list[tuple[str, Any, str]] = [
    ("amount", ..., "required"),
    ("amount", None, "wrong_type"),
    ("amount", 0, "out_of_range"),
    ("amount", -1, "out_of_range"),
    ("amount", "0", "out_of_range"),
    ("amount", "-5", "wrong_type"),
    ("amount", 10**12 + 1, "out_of_range"),
    ("amount", str(10**12 + 1), "out_of_range"),
    ("amount", "9" * 5000, "out_of_range"),
    ("amount", 25.0, "wrong_type"),
    ("amount", "25.00", "wrong_type"),
    ("amount", "2_500", "wrong_type"),
    ("amount", " 2500", "wrong_type"),
    ("amount", "\uff12\uff15\uff10\uff10", "wrong_type"),
    ("amount", "", "wrong_type"),
    ("amount", True, "wrong_type"),
    ("amount", [2500], "wrong_type"),
    ("payment_method", ..., "required"),
    ("payment_method", "boleto", "not_allowed"),
    ("payment_method", "CREDIT_CARD", "not_allowed"),
    ("payment_method", 1, "not_allowed"),
    ("description", ..., "required"),
    ("description", None, "wrong_type"),
    ("description", 5, "wrong_type"),
    ("description", "a\0b", "wrong_format"),
    ("description", f"card {CARD_NUMBER}", "card_number_in_text"),
    ("card_number", ..., "required"),
    ("card_number", 4111111111111111, "wrong_type"),
    ("card_number", "4111111111111112", "check_digit_wrong"),
    ("card_number", "4111 1111 1111 1111", "wrong_format"),
    ("card_number", "0" * 11, "wrong_format"),
    ("card_number", "0" * 20, "wrong_format"),
    ("card_number", "\u0664" + "1" * 15, "wrong_format"),
    ("card_number", CARD_NUMBER + "\n", "wrong_format"),
    ("card_holder_name", ..., "required"),
    ("card_holder_name", "", "too_short"),
    ("card_holder_name", f"Luke {CARD_NUMBER}", "card_number_in_text"),
    ("card_expiration_date", ..., "required"),
    ("card_expiration_date", "13/25", "wrong_format"),
    ("card_expiration_date", "00/25", "wrong_format"),
    ("card_expiration_date", "1/25", "wrong_format"),
    ("card_expiration_date", "10/025", "wrong_format"),
    ("card_expiration_date", "10-25", "wrong_format"),
    ("card_expiration_date", "10/0000", "wrong_format"),
    ("card_verification_code", ..., "required"),
    ("card_verification_code", 123, "wrong_type"),
    ("card_verification_code", "12", "wrong_format"),
    ("card_verification_code", "12345", "wrong_format"),
    ("card_verification_code", "12a", "wrong_format"),
    ("installments", 0, "out_of_range"),
    ("installments", 25, "out_of_range"),
    ("installments", "2", "wrong_type"),
    ("installments", True, "wrong_type"),
    ("currency", {"code": "BRL"}, "not_allowed"),
    ("currency", 986, "not_allowed"),
    ("currency", "XXX", "not_allowed"),
    ("reference", "", "too_short"),
    ("reference", "x" * 256, "too_long"),
    ("reference", CARD_NUMBER, "card_number_in_text"),
]


class TestAWrongField:
    @pytest.mark.parametrize(("name", "value", "code"), WRONG)
    def test_is_named_and_nothing_is_stored(self, client: httpx.Client, name: str, value: Any, code: str) -> None:
        answer = client.post("/transactions", json=a_body(**{name: value}))

        assert problems(answer) == {(f"/{name}", code)}
        assert client.get("/transactions").json() == []

    def test_is_never_repeated(self, client: httpx.Client) -> None:
        answer = client.post("/transactions", json=a_body(amount="oops-secret", card_holder_name=f"x{CARD_NUMBER}"))

        assert answer.status_code == 422
        assert "secret" not in answer.text
        assert CARD_NUMBER not in answer.text
        assert VERIFICATION_CODE not in answer.json()["errors"]

    def test_is_refused_as_installments_on_a_debit_card(self, client: httpx.Client) -> None:
        answer = client.post("/transactions", json=a_body(payment_method="debit_card", installments=2))

        assert problems(answer) == {("/installments", "credit_only")}

    @pytest.mark.parametrize("amount", [5, "11"])
    def test_is_refused_as_more_installments_than_minor_units(self, client: httpx.Client, amount: int | str) -> None:
        answer = client.post("/transactions", json=a_body(amount=amount, installments=12))

        assert problems(answer) == {("/installments", "installments_exceed_amount")}
        assert client.post("/transactions", json=a_body(amount=12, installments=12)).status_code == 201

    def test_is_ignored_when_the_contract_does_not_know_it(self, client: httpx.Client) -> None:
        assert client.post("/transactions", json=a_body(customer_id="someone-else", colour="red")).status_code == 201


class TestTheSentences:
    def test_are_for_people_and_name_no_tool(self, client: httpx.Client) -> None:
        wrong = {
            "payment_method": "boleto",
            "amount": 0,
            "card_number": "4",
            "card_expiration_date": "13/25",
            "card_verification_code": "12",
            "card_holder_name": "",
            "description": 1,
            "currency": "XYZ",
            "installments": 25,
            "reference": "x" * 256,
        }

        said = {
            item["pointer"]: item["detail"]
            for path, body in (("", wrong), ("", {**wrong, "installments": 0, "description": "\0"}), ("/batch", []))
            for item in client.post(f"/transactions{path}", json=body).json()["errors"]
        }
        said |= {item["pointer"]: item["detail"] for item in client.get("/payables?colour=1&limit=0").json()["errors"]}

        assert said == {
            "": "must have 1 or more elements",
            "/payment_method": "must be 'credit_card' or 'debit_card'",
            "/amount": "must be from 1 to 1000000000000 minor units",
            "/card_number": "must be 12 to 19 digits",
            "/card_expiration_date": "must be MM/YY or MM/YYYY",
            "/card_verification_code": "must be 3 or 4 digits",
            "/card_holder_name": "must have 1 or more characters",
            "/description": "must not hold the character U+0000",
            "/currency": "must be a currency's code by ISO 4217, like BRL",
            "/installments": "must be 1 or more",
            "/reference": "must have 255 characters at most",
            "query:colour": "is not known here",
            "query:limit": "must be 1 or more",
        }

    def test_say_of_each_missing_field_that_it_must_be_given(self, client: httpx.Client) -> None:
        errors = client.post("/transactions", json={}).json()["errors"]

        assert {item["detail"] for item in errors} == {"must be given"}


class TestManyWrongFields:
    def test_are_listed_all_at_once_with_the_headers(self, api: Api) -> None:
        with api.client(**{"Idempotency-Key": "x" * 256}) as nobody:
            answer = nobody.post("/transactions", json={"payment_method": "debit_card", "amount": 0, "installments": 2})

        assert problems(answer) == {
            ("header:x-customer-id", "required"),
            ("header:idempotency-key", "wrong_format"),
            ("/amount", "out_of_range"),
            ("/installments", "credit_only"),
            ("/card_number", "required"),
            ("/card_holder_name", "required"),
            ("/card_expiration_date", "required"),
            ("/card_verification_code", "required"),
            ("/description", "required"),
        }

    @pytest.mark.parametrize("body", ["[]", '"text"', "1", "null", "true"])
    def test_are_not_asked_for_when_the_body_is_no_object(self, client: httpx.Client, body: str) -> None:
        answer = client.post("/transactions", content=body, headers={"Content-Type": "application/json"})

        assert problems(answer) == {("", "wrong_type")}


class TestTheMerchant:
    @pytest.mark.parametrize("path", ["/transactions", "/payables", "/settlements"])
    def test_must_be_named_to_read(self, api: Api, path: str) -> None:
        with api.client() as nobody:
            assert problems(nobody.get(path)) == {("header:x-customer-id", "required")}

    @pytest.mark.parametrize("name", ["", "x" * 256, "caf\u00e9", "a\tb"])
    def test_must_have_a_sane_name(self, api: Api, name: str) -> None:
        with api.client() as nobody:
            answer = nobody.post("/transactions", json=a_body(), headers=[(b"x-customer-id", name.encode("latin-1"))])

        assert {pointer for pointer, _ in problems(answer)} == {"header:x-customer-id"}

    def test_may_have_a_name_of_255_characters(self, api: Api) -> None:
        with api.client("x" * 255) as client:
            assert client.post("/transactions", json=a_body()).status_code == 201
