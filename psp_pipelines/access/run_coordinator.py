"""Dagster's queue of runs, which notes on each run who launched it, and ends those that a person gave no reason for."""

from __future__ import annotations

from dagster import DagsterRun, QueuedRunCoordinator, SubmitRunContext

from psp_pipelines.access.actors import ACTOR_TAG, actor_header, actor_in
from psp_pipelines.access.reasons import launch_of, refusal_of
from psp_pipelines.kernel.runs import ASKED_BY_ITSELF, BY_HAND, is_by_hand


class AttributingRunCoordinator(QueuedRunCoordinator):
    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        """Queue the run, or end it as cancelled: a reason that is missing is no failure of what it would have done.

        A tag that its launcher wrote by hand gives way to the login that came with the request. What comes with a
        request is by hand, whatever tags it has: "Re-execute" copies those of a schedule's run.
        """
        run_id = context.dagster_run.run_id
        self._instance.add_run_tags(run_id, _tags_for(context))
        run = self._instance.get_run_by_id(run_id) or context.dagster_run
        refusal = refusal_of(launch_of(run)) if is_by_hand(run) else None
        if refusal is None:
            return super().submit_run(context)
        self._instance.report_run_canceling(run, message=refusal)
        self._instance.report_run_canceled(run, message=refusal)
        return self._instance.get_run_by_id(run_id) or run


def _tags_for(context: SubmitRunContext) -> dict[str, str]:
    header = actor_header()
    actor = actor_in(context.get_request_header(header)) if header else None
    tags = {ACTOR_TAG: actor} if actor else {}
    # The daemon, which launches what schedules, sensors and retries ask for, has no request.
    if getattr(context.workspace, "source", None) is None or BY_HAND in context.dagster_run.tags:
        return tags
    copied = {name: context.dagster_run.tags[name] for name in ASKED_BY_ITSELF if name in context.dagster_run.tags}
    # Dagster's pages say by these tags who launched it.
    return tags | {BY_HAND: "true"} | {name: f"by hand, after {value}" for name, value in copied.items()}
