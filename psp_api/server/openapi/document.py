"""Put the document together."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import orjson
from pydantic import BaseModel, TypeAdapter

from psp_api.server.openapi import examples
from psp_api.server.openapi.operations import AUTH_PROBLEMS, OPERATIONS, Operation
from psp_api.server.openapi.parameters import (
    AUTHORIZATION,
    CUSTOMER_ID,
    IDEMPOTENCY_KEY,
    IF_NONE_MATCH,
    OBJECT_ID,
    RESPONSE,
)
from psp_api.server.problems.catalogue import Problem
from psp_api.server.problems.handlers import MEDIA_TYPE
from psp_api.server.problems.refusals import ProblemAnswer
from psp_api.server.wire.words import PLATFORM_ZONE

_REFERENCE = "#/components/schemas/{model}"
_JSON = "application/json"
_DESCRIPTION = """Accepts card transactions and tells what becomes of them: payables, and the settlements that pay them.

Money is an integer in minor units (2500 is 25.00, and 2500 in yen). Instants are UTC; a date on which something is due
is a day of {zone}. Lists are newest first. A POST may be sent again with the same `Idempotency-Key`. Errors are
`application/problem+json` (RFC 9457)."""


def openapi_document(*, auth_mode: str, version: str, time_zone: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document for the way in which merchants are recognised.

    `time_zone` is the platform's: its name stands wherever a description speaks of it.
    """
    written = orjson.dumps(_document(auth_mode=auth_mode, version=version))
    document: dict[str, Any] = orjson.loads(
        written.replace(PLATFORM_ZONE.encode(), f"{PLATFORM_ZONE} ({time_zone})".encode())
    )
    document["info"]["x-time-zone"] = time_zone
    return document


def _document(*, auth_mode: str, version: str) -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, auth_mode, schemas)
    by_key = auth_mode == "api-key"
    return {
        "openapi": "3.1.0",
        "info": {"title": "Merchant API", "version": version, "description": _DESCRIPTION.format(zone=PLATFORM_ZONE)},
        "servers": [{"url": "/"}],
        **({"security": [{"apiKey": []}]} if by_key else {}),
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            **({"securitySchemes": {"apiKey": AUTHORIZATION}} if by_key else {}),
        },
    }


def _operation(operation: Operation, auth_mode: str, schemas: dict[str, Any]) -> dict[str, Any]:
    described = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": list(_parameters(operation, auth_mode, schemas)),
        "responses": _responses(operation, auth_mode, schemas),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.writes:
        content = {"schema": _schema(operation.body, schemas), "example": operation.body_example}
        described["requestBody"] = {"required": True, "content": {_JSON: content}}
    return described


def _parameters(operation: Operation, auth_mode: str, schemas: dict[str, Any]) -> Iterable[dict[str, Any]]:
    yield {**CUSTOMER_ID, "required": auth_mode == "trusted-header"}
    if operation.has_id:
        yield OBJECT_ID
    if operation.writes:
        yield IDEMPOTENCY_KEY
    if operation.query is not None:
        yield from _query_parameters(operation.query, schemas)
    if operation.is_tagged:
        yield IF_NONE_MATCH


def _query_parameters(query: type[BaseModel], schemas: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for name, schema in _inlined(query.model_json_schema(ref_template=_REFERENCE), schemas)["properties"].items():
        # Left out is not null: a query parameter has no null.
        given = next((part for part in schema.get("anyOf", ()) if part.get("type") != "null"), schema)
        described = {key: value for key, value in given.items() if key not in ("title", "description", "default")}
        parameter = {"name": name, "in": "query", "required": False, "schema": described}
        if schema.get("default") is not None:
            described["default"] = schema["default"]
        if "description" in schema:
            parameter["description"] = schema["description"]
        yield parameter


def _responses(operation: Operation, auth_mode: str, schemas: dict[str, Any]) -> dict[str, Any]:
    content = _file_content(operation)
    if operation.many or not operation.files:
        content = {**_json_content(operation, schemas), **content}
    status, headers = ("201", RESPONSE["created"]) if operation.writes else ("200", RESPONSE["read"])
    if operation.many and not operation.writes:
        headers = RESPONSE["list"]
    elif operation.files:
        headers = RESPONSE["file"]
    responses: dict[str, Any] = {status: {"description": operation.summary, "headers": headers, "content": content}}
    if operation.is_tagged:
        responses["304"] = {"description": "Not changed since", "headers": RESPONSE["read"]}
    problems = sorted((*AUTH_PROBLEMS[auth_mode], *operation.problems), key=lambda problem: problem.status)
    for problem_status, group in groupby(problems, key=lambda problem: problem.status):
        responses[str(problem_status)] = _problem_response(list(group), operation, schemas)
    return responses


def _json_content(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    schema = _schema(operation.answer, schemas, mode="serialization")
    if operation.many:
        schema = {"type": "array", "items": schema}
    # Ids are UUIDs until they are written.
    return {_JSON: {"schema": schema, "example": orjson.loads(orjson.dumps(operation.example))}}


def _file_content(operation: Operation) -> dict[str, Any]:
    return {
        media_type: {"schema": {"type": "string", "contentMediaType": media_type}}
        | ({"example": example} if example is not None else {})
        for media_type, example in operation.files.items()
    }


def _problem_response(problems: list[Problem], operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    shown = {
        problem.code: {
            "summary": problem.title,
            "description": problem.meaning,
            "value": examples.problem(problem, path=operation.path, writes=operation.writes),
        }
        for problem in problems
    }
    schema = _schema(ProblemAnswer, schemas, mode="serialization")
    may_retry = any(problem.retry_after_s is not None for problem in problems)
    return {
        "description": "; or: ".join(problem.title for problem in problems),
        "headers": RESPONSE["retry"] if may_retry else RESPONSE["problem"],
        "content": {MEDIA_TYPE: {"schema": schema, "examples": shown}},
    }


def _schema(kind: Any, schemas: dict[str, Any], *, mode: Any = "validation") -> dict[str, Any]:
    """Return the type's schema, or a reference to it when it has a name; what it refers to goes to `schemas`."""
    schema = _inlined(TypeAdapter(kind).json_schema(mode=mode, ref_template=_REFERENCE), schemas)
    name = schema.get("title")
    if schema.get("type") != "object" or name is None:
        return schema
    schemas[name] = schema
    return {"$ref": _REFERENCE.format(model=name)}


def _inlined(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    schemas.update(schema.pop("$defs", {}))
    return schema
