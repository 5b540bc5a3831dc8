"""Lists: filters, pages that stay exact while rows are inserted, and no silence about a typing error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from psp_api.server.openapi.operations import OPERATIONS, Operation
from psp_core.bootstrap import Core
from tests.api.bodies import NOT_AN_ID, a_body, amounts, create, everything, payables_of, problems
from tests.api.server import Api


@pytest.fixture
def ten(client: httpx.Client) -> list[dict[str, Any]]:
    """Ten transactions with the amounts 1 to 10, oldest first."""
    created: list[dict[str, Any]] = client.post(
        "/transactions/batch", json=[a_body(amount=amount) for amount in range(1, 11)]
    ).json()
    return created


@pytest.mark.usefixtures("ten")
class TestPages:
    def test_hold_100_unless_told_otherwise(self, client: httpx.Client) -> None:
        client.post("/transactions/batch", json=[a_body()] * 91)

        answer = client.get("/transactions")

        assert len(answer.json()) == 100
        assert len(client.get(answer.links["next"]["url"]).json()) == 1

    def test_may_be_asked_for_by_number(self, client: httpx.Client) -> None:
        pages = [amounts(client.get("/transactions", params={"limit": 4, "page": page})) for page in (1, 2, 3, 4)]

        assert pages == [[10, 9, 8, 7], [6, 5, 4, 3], [2, 1], []]

    @pytest.mark.parametrize("query", ["page=100", "limit=200&page=50", "limit=3&page=3333", "limit=1&page=10000"])
    def test_have_numbers_as_far_as_ten_thousand_rows(self, client: httpx.Client, query: str) -> None:
        assert client.get(f"/payables?{query}").json() == []

    def test_say_what_goes_on_where_the_numbers_end(self, client: httpx.Client) -> None:
        [problem] = client.get("/payables?limit=200&page=51").json()["errors"]

        assert problem["pointer"] == "query:page"
        assert "at most 50" in problem["detail"]
        assert "cursor" in problem["detail"]

    def test_are_linked_until_the_last(self, client: httpx.Client) -> None:
        first = client.get("/transactions?limit=5")
        last = client.get(first.links["next"]["url"])

        assert (amounts(first), amounts(last)) == ([10, 9, 8, 7, 6], [5, 4, 3, 2, 1])
        assert "Link" not in last.headers

    def test_stay_exact_while_rows_are_inserted(self, client: httpx.Client) -> None:
        seen: list[int] = []
        path = "/transactions?limit=3"
        while path:
            answer = client.get(path)
            seen += amounts(answer)
            create(client, amount=999)
            path = answer.links.get("next", {}).get("url", "")

        assert seen == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]

    def test_keep_their_filters_in_the_link(self, client: httpx.Client) -> None:
        answer = client.get("/transactions", params={"limit": 2, "amount[lte]": 4, "payment_method": "credit_card"})

        assert amounts(client.get(answer.links["next"]["url"])) == [2, 1]

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("limit=0", "out_of_range"),
            ("limit=201", "out_of_range"),
            ("limit=ten", "wrong_type"),
            ("limit=1.5", "wrong_type"),
            ("limit=", "wrong_type"),
            ("limit=-1", "wrong_type"),
            ("limit=" + "9" * 5000, "wrong_type"),
            ("limit=1&limit=2", "repeated"),
            ("page=0", "out_of_range"),
            ("page=99999999", "page_too_deep"),
            ("limit=200&page=1000000", "page_too_deep"),
            ("page=101", "page_too_deep"),
            ("limit=200&page=51", "page_too_deep"),
            ("limit=200&page=51&cursor=AAAAAAAAAAAAAAAAAAAAAA", "page_too_deep"),
            ("limit=3&page=3334", "page_too_deep"),
            ("cursor=nonsense", "wrong_format"),
            ("created_at%5Bgt%5D=2020-01-01T00:00:00Z", "unknown_parameter"),
            ("created_at%5Bgte%5D=2020-01-01", "wrong_format"),
            ("created_at%5Bgte%5D=2020-01-01T00:00:00", "wrong_format"),
            ("created_at%5Bgte%5D=2020-02-30T00:00:00Z", "wrong_format"),
            ("amount%5Bgte%5D=1e3", "wrong_type"),
            ("status=settled", "not_allowed"),
            ("payment_method=boleto", "not_allowed"),
            ("reference=", "too_short"),
            ("reference=%00", "wrong_format"),
            ("colour=red", "unknown_parameter"),
        ],
    )
    def test_are_refused_for_a_wrong_parameter(self, client: httpx.Client, query: str, code: str) -> None:
        found = problems(client.get(f"/transactions?{query}"))

        assert {found_code for _, found_code in found} == {code}
        assert {pointer.split(":")[0] for pointer, _ in found} == {"query"}

    @pytest.mark.parametrize("operation", [item for item in OPERATIONS if item.query is None], ids=lambda item: item.id)
    def test_are_the_only_ones_with_parameters(self, client: httpx.Client, operation: Operation) -> None:
        path = operation.path.replace("{id}", create(client)["id"])
        before = client.get("/transactions").json()

        answer = client.request(operation.method, f"{path}?limit=1&colour=red", json=operation.body_example)

        assert problems(answer) == {("query:limit", "unknown_parameter"), ("query:colour", "unknown_parameter")}
        assert client.get("/transactions").json() == before

    def test_are_refused_with_every_wrong_parameter_at_once(self, client: httpx.Client) -> None:
        assert len(problems(client.get("/payables?limit=0&page=0&colour=red&transaction_id=1"))) == 4


class TestTransactionFilters:
    @pytest.mark.usefixtures("ten")
    def test_bound_the_amount(self, client: httpx.Client) -> None:
        assert amounts(client.get("/transactions", params={"amount[gte]": 3, "amount[lte]": 5})) == [5, 4, 3]

    def test_choose_by_status_method_and_reference(self, client: httpx.Client) -> None:
        create(client, amount=1)
        create(client, amount=2, payment_method="debit_card")
        create(client, amount=3, reference="order 66")

        assert amounts(client.get("/transactions?status=paid")) == [2]
        assert amounts(client.get("/transactions?status=pending_payment")) == [3, 1]
        assert amounts(client.get("/transactions?payment_method=debit_card")) == [2]
        assert amounts(client.get("/transactions", params={"reference": "order 66"})) == [3]
        assert amounts(client.get("/transactions", params={"reference": "order"})) == []

    def test_find_what_a_settlement_paid_and_when_it_is_due(
        self, api: Api, client: httpx.Client, in_a_month: Core
    ) -> None:
        credit = create(client, amount=1000, installments=2)
        debit = create(client, amount=700, payment_method="debit_card")
        payables = payables_of(api.core, client, credit, debit)
        first, second = sorted(item["payment_date"] for item in payables if item["transaction_id"] == credit["id"])
        in_a_month.settle_payables(due_on=datetime.fromisoformat(first).date())
        [settlement] = client.get("/settlements").json()

        def found(**parameters: str) -> list[int]:
            return amounts(client.get("/transactions", params=parameters))

        assert found(transaction_id=credit["id"]) == [1000]
        assert found(transaction_id=NOT_AN_ID) == []
        assert found(settlement_id=settlement["id"]) == [1000]
        assert found(settlement_id=NOT_AN_ID) == []
        assert found(**{"payment_date[gte]": first}) == [1000]
        assert found(**{"payment_date[lt]": first}) == [700]
        assert found(**{"payment_date[lt]": second}) == [700, 1000]
        # One payable must be both: paid by the settlement, and due then.
        assert found(**{"settlement_id": settlement["id"], "payment_date[gte]": second}) == []

    def test_bound_the_creation_time_to_the_millisecond(self, client: httpx.Client) -> None:
        created = create(client)
        at = datetime.fromisoformat(created["created_at"])

        def found(**bounds: datetime) -> bool:
            parameters = {f"created_at[{name}]": value.isoformat() for name, value in bounds.items()}
            return bool(client.get("/transactions", params=parameters).json() == [created])

        millisecond, microsecond = timedelta(milliseconds=1), timedelta(microseconds=1)
        assert found(gte=at)
        assert found(gte=at, lt=at + millisecond)
        assert found(lt=at + microsecond)
        assert not found(lt=at)
        assert not found(gte=at + microsecond)
        assert not found(gte=at + millisecond)

    def test_take_any_year(self, client: httpx.Client) -> None:
        created = create(client)

        for bounds in (
            "[gte]=0001-01-01T00:00:00Z",
            "[lt]=9999-12-31T23:59:59.999999999-23:59",
            "[lt]=6877-03-29T12:27:07-16:07",
        ):
            assert client.get(f"/transactions?created_at{bounds}").json() == [created]
            assert client.get(f"/payables?payment_date{bounds}").json() == []

    def test_take_any_offset_from_utc(self, client: httpx.Client) -> None:
        create(client, amount=7)
        now = datetime.now(UTC) + timedelta(minutes=1)
        elsewhere = now.astimezone().astimezone(tz=None).isoformat()

        assert amounts(client.get("/transactions", params={"created_at[lt]": elsewhere})) == [7]


class TestPayableFilters:
    def test_choose_what_the_merchant_looks_for(self, api: Api, client: httpx.Client) -> None:
        credit = create(client, amount=1000, installments=2, reference="a")
        debit = create(client, amount=700, payment_method="debit_card")
        payables_of(api.core, client, credit, debit)

        def found(**parameters: str) -> list[int]:
            return sorted(amounts(client.get("/payables", params=parameters)))

        due = datetime.fromisoformat(credit["created_at"]) + timedelta(days=30)
        assert found(status="waiting_funds") == [500, 500]
        assert found(status="paid") == [700]
        assert found(payment_method="debit_card") == [700]
        assert found(transaction_id=credit["id"]) == [500, 500]
        assert found(transaction_id=NOT_AN_ID) == []
        assert found(settlement_id=NOT_AN_ID) == []
        assert found(reference="a") == [500, 500]
        assert found(reference="b") == []
        assert found(**{"amount[gte]": "501"}) == [700]
        assert found(**{"payment_date[gte]": due.isoformat()}) == [500, 500]
        assert found(**{"payment_date[gte]": (due + timedelta(milliseconds=1)).isoformat()}) == [500]
        assert found(**{"payment_date[lt]": due.isoformat()}) == [700]
        assert found(**{"created_at[lt]": credit["created_at"]}) == []
        assert found(type="credit") == [500, 500, 700]

    def test_choose_by_the_day_on_which_they_are_due(self, api: Api, client: httpx.Client) -> None:
        credit = create(client, amount=1000, installments=2)
        debit = create(client, amount=700, payment_method="debit_card")
        payables = payables_of(api.core, client, credit, debit)
        today, first, second = sorted({item["due_on"] for item in payables})

        def found(**parameters: str) -> list[int]:
            return sorted(amounts(client.get("/payables", params=parameters)))

        assert [item["due_on"] for item in payables] == [item["payment_date"][:10] for item in payables]
        assert found(due_on=today) == [700]
        assert found(due_on=first) == [500]
        assert found(**{"due_on[gte]": first}) == [500, 500]
        assert found(**{"due_on[lt]": first}) == [700]
        assert found(**{"due_on[gte]": first, "due_on[lt]": second}) == [500]
        assert found(due_on="0001-01-01") == found(due_on="9999-12-31") == found(**{"due_on[lt]": "0001-01-01"}) == []
        assert found(**{"due_on[gte]": "0001-01-01", "due_on[lt]": "9999-12-31"}) == [500, 500, 700]

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("due_on=today", "wrong_format"),
            ("due_on=2026-02-30", "wrong_format"),
            ("due_on%5Bgte%5D=2026-03-10T00:00:00Z", "wrong_format"),
            ("due_on%5Blte%5D=2026-03-10", "unknown_parameter"),
            ("type=debit", "not_allowed"),
        ],
    )
    def test_are_refused_when_they_are_wrong(self, client: httpx.Client, query: str, code: str) -> None:
        [(_, found)] = problems(client.get(f"/payables?{query}"))

        assert found == code

    def test_show_what_was_already_available_beside_what_is_paid_out(
        self, api: Api, client: httpx.Client, in_a_month: Core
    ) -> None:
        created = create(client, amount=2500, payment_method="debit_card")
        [payable] = payables_of(api.core, client, created)
        assert payable["settlement_id"] is None
        day = datetime.fromisoformat(payable["payment_date"]).date()

        in_a_month.settle_payables(due_on=day)

        [settlement] = client.get("/settlements").json()
        assert [settlement[name] for name in ("payables", "amount", "fee_amount", "receivable_amount")] == [0, 0, 0, 0]
        assert settlement["already_available"] == {
            "payables": 1,
            "amount": 2500,
            "fee_amount": 75,
            "receivable_amount": 2425,
        }
        [gathered] = client.get("/payables", params={"settlement_id": settlement["id"]}).json()
        changed = {"settlement_id": settlement["id"], "updated_at": gathered["updated_at"]}
        assert gathered == {**payable, **changed}


class TestATransactionsPayables:
    def test_are_paged_like_every_list(self, api: Api, client: httpx.Client) -> None:
        created = create(client, amount=1200, installments=12)
        payables = payables_of(api.core, client, created)

        assert everything(client, f"/transactions/{created['id']}/payables?limit=5") == payables
        assert problems(client.get(f"/transactions/{created['id']}/payables?status=paid")) == {
            ("query:status", "unknown_parameter")
        }
