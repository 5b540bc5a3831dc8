"""What is done on Dagster's pages: who, what and whether Dagster accepted it, recorded before Dagster is asked."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable
from typing import Any

from dagster_graphql.schema.errors import GraphenePythonError
from graphql import GraphQLResolveInfo, GraphQLSchema

from psp_core.domain.kernel.errors import StorageUnavailable
from psp_core.domain.operations.operator_actions import OperatorAction, Outcome
from psp_core.usecases.operations.record_operator_action import RecordOperatorAction
from psp_pipelines.access.actors import ACTOR_TAG
from psp_pipelines.access.refusals import REASON_MISSING
from psp_pipelines.access.requested import details_of, fit_to_keep, reason_of

CHANGES_NOTHING = frozenset({"logTelemetry", "setNuxSeen"})
"""The pages send these by themselves. A dry run of a sensor or schedule is none: it executes what the sensor does."""

_PARTS = ("terminateRunResults", "launchMultipleRunsResult")
_REFUSALS = ("Error", "Failure", "Invalid", "Conflict", "NotFound", "NotSupported")
_ORIGINS = ("id", "schedule_origin_id", "job_origin_id")
_TARGETS = ("backfill_id", "backfillId", "run_id", "runId")

_log = logging.getLogger(__name__)

Resolver = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class RecordPageActions:
    record: RecordOperatorAction

    def in_front_of(self, schema: GraphQLSchema) -> None:
        """Put the record in front of every mutation of the schema, also of those that a later Dagster will bring."""
        mutations = schema.mutation_type.fields if schema.mutation_type else {}
        for name, field in mutations.items():
            if name not in CHANGES_NOTHING and field.resolve is not None:
                field.resolve = self._recorded(name, field.resolve)

    def begin(self, name: str, *, asked: Mapping[str, Any], actor: str | None) -> OperatorAction:
        """Record what is asked for; raises StorageUnavailable, and then nothing may be done."""
        record = partial(
            self.record.on_a_page, f"dagster {name}", reason=reason_of(asked), details=details_of(asked), actor=actor
        )
        with suppress(StorageUnavailable):
            return record()
        # A connection that Postgres closed when it was restarted fails once, and takes the others of the pool with it.
        try:
            return record()
        except StorageUnavailable as outage:
            raise StorageUnavailable(f"nothing was done, because it could not be recorded: {outage}") from outage

    def end(self, record: OperatorAction, outcome: Outcome, detail: str) -> None:
        """Record what came of it. In an outage the record stays one without an end: Dagster has answered already."""
        try:
            self.record.finish(record, outcome, fit_to_keep(detail))
        except StorageUnavailable as outage:
            _log.warning("what came of %s %s could not be recorded: %s", record.action, record.id, outage)

    def _recorded(self, name: str, resolve: Resolver) -> Resolver:
        def resolve_recorded(root: Any, info: GraphQLResolveInfo, **asked: Any) -> Any:
            told = asked | _name_of(info.context, asked)
            record = self.begin(name, asked=told, actor=info.context.get_viewer_tags().get(ACTOR_TAG))
            try:
                result = resolve(root, info, **asked)
            except BaseException as error:
                self.end(record, Outcome.FAILED, type(error).__name__)
                raise
            if isawaitable(result):
                return self._awaited(record, result)
            self.end(record, *came_of(result))
            return result

        return resolve_recorded

    async def _awaited(self, record: OperatorAction, answer: Awaitable[Any]) -> Any:
        try:
            result = await answer
        except BaseException as error:
            self.end(record, Outcome.FAILED, type(error).__name__)
            raise
        self.end(record, *came_of(result))
        return result


def came_of(result: Any) -> tuple[Outcome, str]:
    """Return whether Dagster accepted what it was asked for, and what it made of it or said."""
    for name in _PARTS:
        if (parts := getattr(result, name, None)) is not None:
            return _all(list(parts))
    kind = type(result).__name__.removeprefix("Graphene")
    if isinstance(result, GraphenePythonError) and result.className == REASON_MISSING:
        return Outcome.REFUSED, str(result.message)
    if isinstance(result, GraphenePythonError):
        # Its class alone: a traceback may repeat what somebody sent.
        return Outcome.FAILED, str(getattr(result, "className", "") or kind)
    if kind.endswith(_REFUSALS):
        return Outcome.REFUSED, " ".join([kind, *_sentences(result)])
    return Outcome.DONE, _target(result)


def _name_of(context: Any, asked: Mapping[str, Any]) -> dict[str, str]:
    """Return the name of a schedule or sensor that is switched off: the pages send a hash of where it came from."""
    origins = "".join(str(asked[name]) for name in _ORIGINS if name in asked)
    if not origins:
        return {}
    for location in context.code_locations:
        for repository in location.get_repositories().values():
            for one in (*repository.get_schedules(), *repository.get_sensors()):
                if one.get_remote_origin_id() in origins:
                    return {"name": one.name}
    return {}


def _all(parts: list[Any]) -> tuple[Outcome, str]:
    """Sum up the answers to one request for several things: it is done when all are, and refused when none is."""
    ends = [came_of(part) for part in parts]
    outcomes = {outcome for outcome, _ in ends}
    outcome = outcomes.pop() if len(outcomes) == 1 else Outcome.FAILED if outcomes else Outcome.DONE
    done = sum(one is Outcome.DONE for one, _ in ends)
    return outcome, f"{done} of {len(ends)}: {', '.join(detail for _, detail in ends)}"


def _sentences(result: Any) -> list[str]:
    told = [result, *(getattr(result, "errors", None) or ())]
    return [one.message for one in told if isinstance(getattr(one, "message", None), str)]


def _target(result: Any) -> str:
    """Return the run or backfill that was made or ended; nothing where the request names its target itself."""
    for holder in (getattr(result, "run", None), result):
        for name in _TARGETS:
            if isinstance(found := getattr(holder, name, None), str):
                return f"{'backfill' if 'backfill' in name else 'run'} {found}"
    return ""
