"""Single objects: their ETags, and that another merchant's do not exist."""

from __future__ import annotations

import re
from datetime import datetime

import httpx
import pytest

from psp_api.server.openapi.operations import OPERATIONS
from psp_core.bootstrap import Core
from tests.api.bodies import NOT_AN_ID, create, payables_of
from tests.api.server import Api


class TestAnETag:
    def test_spares_sending_what_has_not_changed(self, client: httpx.Client) -> None:
        path = f"/transactions/{create(client)['id']}"
        etag = client.get(path).headers["ETag"]

        for sent in (etag, f"W/{etag}", f'"x", {etag}', "*"):
            unchanged = client.get(path, headers={"If-None-Match": sent})
            assert (unchanged.status_code, unchanged.content) == (304, b"")
            assert unchanged.headers["ETag"] == etag

    def test_changes_with_the_object(self, api: Api, client: httpx.Client, in_a_month: Core) -> None:
        created = create(client)
        [payable] = payables_of(api.core, client, created)
        paths = [f"/transactions/{created['id']}", f"/payables/{payable['id']}"]
        before = [client.get(path).headers["ETag"] for path in paths]

        in_a_month.settle_payables(due_on=datetime.fromisoformat(payable["payment_date"]).date())

        for path, etag in zip(paths, before, strict=True):
            answer = client.get(path, headers={"If-None-Match": etag})
            assert answer.status_code == 200
            assert answer.json()["status"] == "paid"


class TestAnotherMerchantsObject:
    def test_is_a_404_on_every_route_and_in_no_list(
        self, api: Api, client: httpx.Client, merchant: str, in_a_month: Core
    ) -> None:
        created = create(client, reference="mine")
        [payable] = payables_of(api.core, client, created)
        in_a_month.settle_payables(due_on=datetime.fromisoformat(payable["payment_date"]).date())
        [settlement] = client.get("/settlements").json()
        refund = client.post(f"/transactions/{created['id']}/refunds", json={"reference": "mine"}).json()
        ids = {
            "transactions": created["id"],
            "payables": payable["id"],
            "settlements": settlement["id"],
            "refunds": refund["id"],
        }
        routes = [item.path.replace("{id}", ids[item.tag]) for item in OPERATIONS if item.has_id and not item.writes]
        assert len(routes) >= 4
        lists = [
            "/transactions",
            "/transactions?reference=mine",
            f"/transactions?transaction_id={created['id']}",
            f"/transactions?settlement_id={settlement['id']}",
            "/payables",
            f"/payables?transaction_id={created['id']}",
            f"/payables?settlement_id={settlement['id']}",
            "/payables?reference=mine",
            "/settlements",
            "/refunds",
            "/refunds?reference=mine",
            f"/payables?source_id={refund['id']}",
        ]

        with api.client(f"{merchant}-2") as other:
            for path in routes:
                assert client.get(path).status_code == 200
                answer = other.get(path)
                assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
                missing = other.get(re.sub("[0-9a-f-]{36}", NOT_AN_ID, path))
                assert answer.json()["detail"] == missing.json()["detail"]
            for path in lists:
                assert client.get(path).json()
                assert other.get(path).json() == []


class TestAnUnknownId:
    @pytest.mark.parametrize(
        "id", [NOT_AN_ID, "1", "x" * 36, "%00", "%F0", "4111111111111111", "urn:uuid:" + NOT_AN_ID]
    )
    @pytest.mark.parametrize(
        "path", ["/transactions/{}", "/transactions/{}/payables", "/payables/{}", "/settlements/{}"]
    )
    def test_is_a_404(self, client: httpx.Client, path: str, id: str) -> None:
        answer = client.get(path.format(id))

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert "4111111111111111" not in answer.text
