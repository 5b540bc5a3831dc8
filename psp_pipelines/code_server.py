"""The code server: Dagster's own, except that a run's worker is forked from a process that has imported everything.

Dagster starts the worker as a new interpreter, which imports for seconds before the run's first line. The steps of a
run it can fork, the run itself it cannot (`StartRun` in dagster/_grpc/server.py of 1.13.27).

`python -m psp_pipelines.code_server --host 127.0.0.1 --port 4000`
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import sys
import threading
from multiprocessing import forkserver

_DEFINITIONS = "psp_pipelines.definitions"
IMPORTED_BEFORE_A_RUN = [
    _DEFINITIONS,
    "psp_core.bootstrap",
    "dagster._grpc.server",
    "dagster_postgres",
    "pyarrow.parquet",
    "upath",
]


def serve(*, host: str, port: int) -> None:
    """Answer webserver and daemon, and work off the runs that they launch, until interrupted."""
    # Each worker imports this module again, and needs nothing of it.
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
    from dagster._core.utils import FuturesAwareThreadPoolExecutor
    from dagster._grpc.server import DagsterApiServer, DagsterGrpcServer
    from dagster._utils.interrupts import setup_interrupt_handlers
    from dagster._utils.log import configure_loggers

    setup_interrupt_handlers()
    configure_loggers()
    # Started now, or the first run would wait for the imports.
    forkserver.set_forkserver_preload(IMPORTED_BEFORE_A_RUN)
    forkserver.ensure_running()

    logger = logging.getLogger("dagster.code_server")
    ended = threading.Event()
    threads = FuturesAwareThreadPoolExecutor()
    definitions = LoadableTargetOrigin(executable_path=sys.executable, module_name=_DEFINITIONS)
    api = DagsterApiServer(
        server_termination_event=ended,
        logger=logger,
        server_threadpool_executor=threads,
        loadable_target_origin=definitions,
    )
    # What starts a worker: "spawn" before, for which Dagster has no setting.
    api._mp_ctx = multiprocessing.get_context("forkserver")  # type: ignore[assignment]
    server = DagsterGrpcServer(
        server_termination_event=ended,
        dagster_api_servicer=api,
        logger=logger,
        threadpool_executor=threads,
        host=host,
        port=port,
    )
    try:
        server.serve()  # type: ignore[no-untyped-call]
    except KeyboardInterrupt:
        logger.info("interrupted")


def _require_settings() -> None:
    """End with one sentence when the environment is wrong, or names other days than the database's due dates."""
    from psp_core.bootstrap import build_core
    from psp_core.domain.errors import StorageUnavailable, TimeZoneChanged
    from psp_core.settings import Settings, SettingsRefused, load

    try:
        core = build_core(load(Settings), application_name="psp-pipelines")
        core.time_zone.require()
        core.store.close()
    except (SettingsRefused, TimeZoneChanged) as refusal:
        sys.exit(f"psp_pipelines: {refusal}")
    except StorageUnavailable:
        # Whatever makes due dates asks again.
        pass


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The code server, whose runs are forked")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", required=True, type=int)
    asked = parser.parse_args()
    _require_settings()
    serve(host=asked.host, port=asked.port)
