"""Card data is refused wherever it would be stored, logged or sent back, in any disguise."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from psp_api.server.wire import headers
from psp_local.supervision.processes import wait_until
from tests.api.bodies import a_body, create, problems
from tests.api.server import Api
from tests.disguises import OTHERS, OWN, disguises, grouped

TRACE = "00-{}-{}-01"
A_TRACE_ID, A_PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
UNKNOWN_BRAND = "0000000000000000"
REFUSED = "card_number_in_text"


def assert_not_repeated(answer: httpx.Response, *texts: str) -> None:
    sent_back = answer.text + str(answer.headers)
    assert [text for text in texts if text in sent_back] == []


class TestFreeText:
    @pytest.mark.parametrize("text", disguises(), ids=ascii)
    def test_must_not_hold_card_data(self, client: httpx.Client, text: str) -> None:
        body = a_body(card_number=OWN, description=text, card_holder_name=text, reference=text)

        answer = client.post("/transactions", json=body)

        assert problems(answer) == {(f"/{name}", REFUSED) for name in ("description", "card_holder_name", "reference")}
        assert_not_repeated(answer, text)
        assert client.get("/transactions").json() == []

    @pytest.mark.parametrize("number", [UNKNOWN_BRAND, "411111111117"])
    def test_must_not_hold_the_requests_own_number_whatever_is_between_its_digits(
        self, client: httpx.Client, number: str
    ) -> None:
        answer = client.post("/transactions", json=a_body(card_number=number, description="x".join(number)))

        assert problems(answer) == {("/description", REFUSED)}

    def test_must_not_hold_the_number_of_another_row(self, client: httpx.Client) -> None:
        bodies = [a_body(card_number=UNKNOWN_BRAND), a_body(reference=f"a{UNKNOWN_BRAND}b"), a_body()]

        answer = client.post("/transactions/batch", json=bodies)

        assert problems(answer) == {("/1/reference", REFUSED)}
        assert client.get("/transactions").json() == []

    def test_may_hold_other_numbers(self, client: httpx.Client) -> None:
        text = (
            "order 20261125123456, 2026-11-25 12:34:56.123456; 55555555-5555-4444-8000-000000000000, +55 11 91234-5674"
        )

        assert create(client, description=text)["description"] == text


class TestAnUnknownField:
    @pytest.mark.parametrize(
        "value",
        [
            OWN,
            int(OWN),
            float(OWN),
            grouped(OTHERS[0], " "),
            OTHERS[1].replace("2", "%32"),
            [0, {"deep": [OWN]}],
            {OWN: None},
            f"x{UNKNOWN_BRAND}",
        ],
        ids=ascii,
    )
    def test_must_not_hold_card_data(self, client: httpx.Client, value: Any) -> None:
        body = a_body(card_number=UNKNOWN_BRAND, **{"card/number": value})

        single = client.post("/transactions", json=body)
        batch = client.post("/transactions/batch", json=[a_body(card_number=UNKNOWN_BRAND), body])

        assert problems(single) == {("/card~1number", REFUSED)}
        assert problems(batch) == {("/1/card~1number", REFUSED)}
        for answer in (single, batch):
            assert_not_repeated(answer, OWN, OTHERS[0], UNKNOWN_BRAND)
        assert client.get("/transactions").json() == []

    def test_must_not_be_named_by_a_card_number(self, client: httpx.Client) -> None:
        answer = client.post("/transactions", json=a_body(**{OWN: 1}))

        assert problems(answer) == {("/*", REFUSED)}

    def test_may_hold_anything_else(self, client: httpx.Client) -> None:
        create(client, cart=[{"id": "55555555-5555-4444-8000-000000000000", "price": 12.5, "new": True, "of": None}])


ONE_HEADER_EACH = [
    ("Idempotency-Key", OWN),
    ("Idempotency-Key", f'"{grouped(OWN, " ")}"'),
    ("Idempotency-Key", f"order-{OTHERS[0]}"),
    ("x-customer-id", OTHERS[2]),
    ("x-customer-id", f"merchant {grouped(OWN, '.')}"),
    ("traceparent", TRACE.format(A_TRACE_ID, OWN)),
    ("traceparent", TRACE.format(OWN + "0" * 16, A_PARENT_ID)),
    ("traceparent", TRACE.format("0" * 16 + OWN, A_PARENT_ID)),
    ("traceparent", TRACE.format(OWN * 2, OWN)),
]


class TestAHeader:
    @pytest.mark.parametrize("path", ["/transactions", "/transactions/batch"])
    @pytest.mark.parametrize(("name", "value"), ONE_HEADER_EACH)
    def test_must_not_hold_card_data(self, api: Api, merchant: str, path: str, name: str, value: str) -> None:
        body: Any = a_body(card_number=OTHERS[1])
        with api.client(**{"x-customer-id": merchant, name: value}) as client:
            answer = client.post(path, json=body if path == "/transactions" else [body])

        assert problems(answer) == {(f"header:{name.lower()}", REFUSED)}
        assert_not_repeated(answer, value.strip('"'), OWN, OTHERS[0], OTHERS[2])

    @pytest.mark.parametrize("name", ["Idempotency-Key", "x-customer-id"])
    def test_must_not_hold_the_requests_own_number_whatever_its_brand(self, api: Api, merchant: str, name: str) -> None:
        with api.client(**{"x-customer-id": merchant, name: f"k-{UNKNOWN_BRAND}"}) as client:
            answer = client.post("/transactions", json=a_body(card_number=UNKNOWN_BRAND))

        assert problems(answer) == {(f"header:{name.lower()}", REFUSED)}

    def test_names_no_request_with_card_data(self, client: httpx.Client) -> None:
        for id in (OWN, grouped(OWN, "."), f"id-{OTHERS[0]}"):
            answer = client.get("/transactions", headers={"Request-Id": id})

            assert answer.status_code == 200
            assert_not_repeated(answer, id)

    @pytest.mark.parametrize("text", [f"99{OWN}88", "a".join(OWN), f"1234567890123456789{OWN}"])
    def test_brings_no_digits_of_the_requests_own_number_into_the_log(self, api: Api, merchant: str, text: str) -> None:
        with api.client(**{"x-customer-id": merchant, "Request-Id": text}) as client:
            named = client.post("/transactions", json=a_body(card_number=OWN))
            in_batch = client.post("/transactions/batch", json=[a_body(card_number=OWN)])
            refused = client.post("/transactions", json=a_body(card_number=OWN), headers={"x-customer-id": text})
            last = client.get("/payables", headers={"Request-Id": f"last-{merchant}"})

        assert [answer.status_code for answer in (named, in_batch, refused, last)] == [201, 201, 422, 200]
        for answer in (named, in_batch, refused):
            assert_not_repeated(answer, text)
        assert wait_until(lambda: f"last-{merchant}" in api.log_file.read_text(), timeout_s=10)
        assert text not in api.log_file.read_text()

    def test_is_not_followed_as_a_trace_whose_random_id_passes_for_a_card(self, api: Api, client: httpx.Client) -> None:
        traceparent = TRACE.format(f"{OWN}{'a' * 16}", A_PARENT_ID)

        assert client.post("/transactions", json=a_body(), headers={"traceparent": traceparent}).status_code == 201
        assert headers.traceparent(traceparent) is None
        assert headers.traceparent(TRACE.format(A_TRACE_ID, A_PARENT_ID)) is not None


class TestAnAddress:
    @pytest.mark.parametrize("text", [OWN, grouped(OWN, "-"), grouped(OTHERS[0], "\u2003"), f"{OWN}1025"], ids=ascii)
    def test_is_sent_back_without_card_data(self, client: httpx.Client, text: str) -> None:
        for answer in (
            client.get(f"/transactions/{text}"),
            client.get(f"/{text}"),
            client.get("/payables", params={text: "1", "limit": text}),
            client.get("/transactions", params={"reference": text, "cursor": text}),
            client.post("/transactions", params={text: text}, json=a_body()),
        ):
            assert answer.status_code in (404, 422)
            assert_not_repeated(answer, text, OWN, OTHERS[0])

    def test_must_not_ask_for_a_reference_with_card_data(self, client: httpx.Client) -> None:
        answer = client.get("/transactions", params={"reference": grouped(OWN, " ")})

        assert problems(answer) == {("query:reference", REFUSED)}
