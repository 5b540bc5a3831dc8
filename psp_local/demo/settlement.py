"""A settlement run in Dagster, launched as a program of somebody else's would launch it."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlsplit

from dagster_graphql import DagsterGraphQLClient, DagsterGraphQLClientError

from psp_local import LocalStackError


class Settlements:
    """The settlements of the Dagster at `url`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._client = DagsterGraphQLClient(
            str(parts.hostname), port_number=parts.port, use_https=parts.scheme == "https"
        )

    def launch(self, *, first: date, last: date, reason: str) -> str:
        """Launch one run for the due dates, both included; returns its id. Raises `LocalStackError` for a refusal."""
        span = {
            "dagster/asset_partition_range_start": first.isoformat(),
            "dagster/asset_partition_range_end": last.isoformat(),
        }
        config = {"ops": {"settlement": {"config": {"reason": reason}}}}
        try:
            return self._client.submit_job_execution("settle_due_payables", run_config=config, tags=span)
        except DagsterGraphQLClientError as error:
            raise LocalStackError(f"Dagster does not start the settlement: {error}") from None

    def has_ended(self, run_id: str) -> bool:
        """Tell whether the run is over, well or not; one that cannot be asked about just now is not."""
        try:
            return self._client.get_run_status(run_id).value in ("SUCCESS", "FAILURE", "CANCELED")
        except DagsterGraphQLClientError:
            return False
