"""The document says what the API does."""

from __future__ import annotations

from collections.abc import Iterator
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
    return openapi_document(auth_mode="api-key", version="1", time_zone="America/Sao_Paulo")


def validator(document: dict[str, Any], name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": document["components"]}, validate_formats=True
    )


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def explained(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield everything that somebody has to understand, with where it stands."""
    for name, schema in document["components"]["schemas"].items():
        yield from ((f"{name}.{field}", described) for field, described in schema.get("properties", {}).items())
    for operation in operations(document):
        for parameter in operation["parameters"]:
            yield f"{operation['operationId']}.{parameter['name']}", parameter
        for response in operation["responses"].values():
            yield from response["headers"].items()


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
                errors.PlanRulesOverlap,
                errors.DayIsOpen,
                errors.FeePlanChanged,
                errors.TimeZoneChanged,
                errors.AlarmNotDelivered,
                errors.QueueUnavailable,
                errors.NotOverYet,
                errors.EntryReversed,
                errors.RefundOver,
                errors.DebtIsLess,
                errors.TwoPeopleNeeded,
                errors.WriteOffOver,
            )
        }

        assert shown == {problem.code for problem in {*ours, *OF_DOMAIN_ERRORS.values()} - elsewhere}

    @pytest.mark.parametrize("auth_mode", ["api-key", "trusted-header"])
    def test_says_what_every_field_parameter_and_header_means(self, auth_mode: str) -> None:
        document = openapi_document(auth_mode=auth_mode, version="1", time_zone="UTC")

        silent = [where for where, described in explained(document) if not described.get("description", "").strip()]

        assert silent == []
        assert {where.rpartition(".")[2] for where, _ in explained(document)} >= {
            "amount",
            "status",
            "pointer",
            "format",
        }

    def test_names_the_platforms_time_zone_wherever_a_day_is_meant(self, document: dict[str, Any]) -> None:
        payable = document["components"]["schemas"]["PayableAnswer"]["properties"]
        days = [
            parameter
            for parameter in document["paths"]["/payables"]["get"]["parameters"]
            if parameter["name"].startswith("due_on")
        ]

        assert document["info"]["x-time-zone"] == "America/Sao_Paulo"
        assert len(days) == 3
        for described in (document["info"], payable["due_on"], *days):
            assert "(America/Sao_Paulo)" in described["description"]

    def test_explains_pending_payment_where_it_is_read(self, document: dict[str, Any]) -> None:
        status = document["components"]["schemas"]["TransactionAnswer"]["properties"]["status"]

        assert "`pending_payment`: accepted" in status["description"]

    def test_has_examples_that_follow_their_own_schemas(self, document: dict[str, Any]) -> None:
        for operation in operations(document):
            for response in [*operation["responses"].values(), operation.get("requestBody", {})]:
                for content in response.get("content", {}).values():
                    schema = {**content["schema"], "components": document["components"]}
                    check = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
                    for example in [shown["value"] for shown in content.get("examples", {}).values()] or [
                        # A file of bytes has none.
                        content.get("example", "")
                    ]:
                        check.validate(example)

    def test_describes_what_is_answered(self, document: dict[str, Any], client: httpx.Client) -> None:
        created = create(client, installments=3, reference="a")

        validator(document, "TransactionAnswer").validate(created)
        assert set(document["components"]["schemas"]["TransactionAnswer"]["required"]) == set(created)

    def test_describes_problems_as_they_are(self, document: dict[str, Any], client: httpx.Client) -> None:
        for answer in (client.post("/transactions", json={}), client.get("/transactions/1"), client.get("/nowhere")):
            validator(document, "ProblemAnswer").validate(answer.json())
