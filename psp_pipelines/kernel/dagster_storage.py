"""What Dagster's storage has no method for. Everything here is private to Dagster: decision 21 says why it is used."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage


def forget_checks(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> None:
    """Delete what the runs found when they checked assets.

    `delete_run` leaves it, nothing public deletes it, and to show an asset's page Dagster reads all there ever was.
    """
    if isinstance(storage := instance.event_log_storage, SqlEventLogStorage):
        with storage.index_connection() as connection:
            connection.execute(
                AssetCheckExecutionsTable.delete().where(AssetCheckExecutionsTable.c.run_id.in_(run_ids))
            )
