"""Dagster's queue of runs, which notes on each run who launched it (Dagster's own way to attribute runs)."""

from __future__ import annotations

from dagster import DagsterRun, QueuedRunCoordinator, SubmitRunContext

from psp_pipelines.access.actors import ACTOR_TAG, actor_header, actor_in


class AttributingRunCoordinator(QueuedRunCoordinator):
    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        """Queue the run. A tag that its launcher wrote by hand gives way to the login that came with the request."""
        header = actor_header()
        if header and (actor := actor_in(context.get_request_header(header))):
            self._instance.add_run_tags(context.dagster_run.run_id, {ACTOR_TAG: actor})
        return super().submit_run(context)
