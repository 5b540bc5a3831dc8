"""What a person launches without a reason is refused before there is a run: no date turns red for it.

Dagster's pages launch by GraphQL. What comes by another way is ended as cancelled by the queue of runs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from inspect import isawaitable
from types import MappingProxyType
from typing import Any, TypeAlias

import dagster as dg
import yaml
from dagster_graphql.schema.errors import GraphenePythonError
from dagster_shared.error import SerializableErrorInfo
from graphene import Schema

from psp_pipelines.access.reasons import Launch, launch_of, refusal_of

_Resolver: TypeAlias = Callable[..., Any | Awaitable[Any]]
_Refusals: TypeAlias = Callable[[dg.DagsterInstance, Mapping[str, Any]], Iterator[str | None]]
_PARTITION_SET = "_partition_set"
REASON_MISSING = "ReasonMissing"
"""What the error's class is called: the records of what is pressed know a refusal by it."""


def refuse_without_reason(schema: Schema) -> None:
    """Let each mutation that launches something answer a launch without its reason with an error."""
    mutation = schema.graphql_schema.mutation_type
    if mutation is None:
        raise LookupError("Dagster's schema has no mutations")
    for name, refusals in _REFUSALS.items():
        field = mutation.fields[name]
        if field.resolve is None:
            raise LookupError(f"Dagster's {name} has no resolver")
        field.resolve = _guarded(field.resolve, refusals)


def _guarded(resolve: _Resolver, refusals: _Refusals) -> _Resolver:
    async def guarded(root: Any, info: Any, **arguments: Any) -> Any:
        for refusal in refusals(info.context.instance, arguments):
            if refusal is not None:
                return _error(refusal)
        answer = resolve(root, info, **arguments)
        return await answer if isawaitable(answer) else answer

    return guarded


def _error(refusal: str) -> GraphenePythonError:
    error = GraphenePythonError(SerializableErrorInfo(refusal, [], None))  # type: ignore[no-untyped-call]
    error.className, error.message = REASON_MISSING, refusal
    return error


def _of_run(_: dg.DagsterInstance, arguments: Mapping[str, Any]) -> Iterator[str | None]:
    yield refusal_of(_launch(arguments["executionParams"]))


def _of_runs(instance: dg.DagsterInstance, arguments: Mapping[str, Any]) -> Iterator[str | None]:
    for params in arguments["executionParamsList"]:
        yield from _of_run(instance, {"executionParams": params})


def _of_reexecution(instance: dg.DagsterInstance, arguments: Mapping[str, Any]) -> Iterator[str | None]:
    if params := arguments.get("executionParams"):
        yield refusal_of(_launch(params))
    params = arguments.get("reexecutionParams")
    if params and (parent := instance.get_run_by_id(params["parentRunId"])):
        launch = launch_of(parent)
        yield refusal_of(replace(launch, tags={**launch.tags, **_tags(params.get("extraTags"))}))


def _of_backfill(_: dg.DagsterInstance, arguments: Mapping[str, Any]) -> Iterator[str | None]:
    params = arguments["backfillParams"]
    named = params.get("assetSelection") or [part["assetKey"] for part in params.get("partitionsByAssets") or ()]
    partition_set = (params.get("selector") or {}).get("partitionSetName", "")
    yield refusal_of(
        Launch(
            partition_set.removesuffix(_PARTITION_SET),
            _keys(named),
            params.get("reexecutionSteps"),
            _config(params.get("runConfigData")),
            _tags(params.get("tags")),
        )
    )


def _launch(params: Mapping[str, Any]) -> Launch:
    selector = params["selector"]
    return Launch(
        selector.get("jobName") or selector.get("pipelineName") or "",
        _keys(selector.get("assetSelection")),
        params.get("stepKeys"),
        _config(params.get("runConfigData")),
        _tags((params.get("executionMetadata") or {}).get("tags")),
    )


def _keys(named: Sequence[Mapping[str, Any]] | None) -> list[dg.AssetKey] | None:
    return [dg.AssetKey(key["path"]) for key in named] if named else None


def _tags(given: Sequence[Mapping[str, str]] | None) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in given or ()}


def _config(given: str | Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the config as Dagster will read it; what it cannot read, it refuses itself."""
    try:
        config = yaml.safe_load(given) if isinstance(given, str) else given
    except yaml.YAMLError:
        return {}
    return config if isinstance(config, Mapping) else {}


_REFUSALS: Mapping[str, _Refusals] = MappingProxyType(
    {
        "launchPipelineExecution": _of_run,
        "launchRun": _of_run,
        "launchMultipleRuns": _of_runs,
        "launchPipelineReexecution": _of_reexecution,
        "launchRunReexecution": _of_reexecution,
        "launchPartitionBackfill": _of_backfill,
    }
)
