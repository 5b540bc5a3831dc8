"""The document says what the API does."""

from __future__ import annotations

from typing import Any

import httpx
import jsonschema_rs
import pytest
from falcon.inspect import inspect_routes

from psp_api.main import build_app
from psp_api.server.openapi.document import openapi_document
from psp_api.server.problems import catalogue
from psp_api.server.problems.catalogue import OF_DOMAIN_ERRORS, Problem
from psp_core.bootstrap import Core
from psp_core.domain.kernel import errors
from tests.api.bodies import create


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document(auth_mode="api-key", version="1")


def validator(document: dict[str, Any], name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": document["components"]}, validate_formats=True
    )


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


class TestTheDocument:
    def test_is_served(self, client: httpx.Client) -> None:
        answer = client.get("/openapi.json")

        assert answer.json()["openapi"] == "3.1.0"
        assert answer.json()["paths"]

    def test_names_every_route_for_merchants(self, document: dict[str, Any], core: Core) -> None:
        served = {
            route.path: {method.method.lower() for method in route.methods if not method.internal} - {"head"}
            for route in inspect_routes(build_app(core))
        }

        for path, described in document["paths"].items():
            assert served[path] == set(described)

    def test_has_an_example_for_every_problem_that_a_merchant_can_meet(self, document: dict[str, Any]) -> None:
        shown = {
            name
            for operation in operations(document)
            for response in operation["responses"].values()
            for name in response.get("content", {}).get("application/problem+json", {}).get("examples", ())
        }
        ours = [value for value in vars(catalogue).values() if isinstance(value, Problem)]
        # For operators, or refused before there is an operation.
        refused_before = {
            catalogue.BROKEN_REQUEST,
            catalogue.NO_SUCH_PATH,
            catalogue.METHOD_NOT_ALLOWED,
            catalogue.TOO_SLOW,
            catalogue.TARGET_TOO_LONG,
            catalogue.EXPECTATION_FAILED,
            catalogue.HEAD_TOO_LARGE,
            catalogue.NOT_IMPLEMENTED,
            catalogue.VERSION_NOT_SUPPORTED,
        }
        elsewhere = refused_before | {
            OF_DOMAIN_ERRORS[kind]
            for kind in (
                errors.DomainError,
                errors.ApiKeyNotActive,
                errors.ApiKeysNotConfigured,
                errors.SettlementInProgress,
                errors.HoldLost,
                errors.NotDueYet,
                errors.UnknownMerchant,
                errors.TimeZoneChanged,
                errors.AlarmNotDelivered,
                errors.QueueUnavailable,
                errors.BooksDoNotBalance,
                errors.NotOverYet,
                errors.EntryReversed,
                errors.InsufficientFunds,
            )
        }

        assert shown == {problem.code for problem in {*ours, *OF_DOMAIN_ERRORS.values()} - elsewhere}

    def test_has_examples_that_follow_their_own_schemas(self, document: dict[str, Any]) -> None:
        for operation in operations(document):
            for response in [*operation["responses"].values(), operation.get("requestBody", {})]:
                for content in response.get("content", {}).values():
                    schema = {**content["schema"], "components": document["components"]}
                    check = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
                    for example in [shown["value"] for shown in content.get("examples", {}).values()] or [
                        content["example"]
                    ]:
                        check.validate(example)

    def test_describes_what_is_answered(self, document: dict[str, Any], client: httpx.Client) -> None:
        created = create(client, installments=3, reference="a")

        validator(document, "TransactionAnswer").validate(created)
        assert set(document["components"]["schemas"]["TransactionAnswer"]["required"]) == set(created)

    def test_describes_problems_as_they_are(self, document: dict[str, Any], client: httpx.Client) -> None:
        for answer in (client.post("/transactions", json={}), client.get("/transactions/1"), client.get("/nowhere")):
            validator(document, "ProblemAnswer").validate(answer.json())
