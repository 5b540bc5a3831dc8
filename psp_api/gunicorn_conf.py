"""gunicorn's configuration, from the same settings as the application."""

from __future__ import annotations

import atexit
import gc
import ipaddress
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from psp_api.server.activity import open_board, take_place
from psp_core.domain.kernel.errors import StorageUnavailable, TimeZoneChanged
from psp_core.observability import configure_logging
from psp_core.scratch import open_scratch_folder
from psp_core.settings import Settings, SettingsRefused, load

try:
    _settings = load(Settings)
except SettingsRefused as refusal:
    sys.exit(f"psp_api: {refusal}")

bind = _settings.api_bind
workers = _settings.api_workers
worker_class = "psp_api.server.asgi_worker.AsgiWorker"
# The core is built per worker: no connection and no thread survives a fork.
preload_app = False
timeout = 30
# Longer than a request takes; a connection that is only kept alive is waited for as well.
graceful_timeout = 5
backlog = 2048
# One log line a request is the application's own.
accesslog = None
control_socket_disable = True


def _own_metrics_folder() -> None:
    """Give the workers a folder to add up their metrics in, unless the environment names one."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        # The lock is not closed: it ends with this process and its workers.
        folder, _ = open_scratch_folder("metrics")
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        atexit.register(_remove, folder, owner=os.getpid())


def _remove(folder: Path, *, owner: int) -> None:
    # The workers are forks, and inherit what is to be done at exit.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


_own_metrics_folder()
open_board(workers=workers)


def on_starting(server: Any) -> None:
    """Refuse another time zone than the database's, and to let just anybody who reaches the port name the merchant."""
    configure_logging(_settings)
    _require_time_zone()
    strangers = [str(address[0]) for address in server.cfg.address if not _is_local(address)]
    if _settings.auth_mode == "trusted-header" and strangers and not _settings.api_trust_every_peer:
        sys.exit(
            f"psp_api: it listens on {', '.join(strangers)} and trusts whatever x-customer-id says. Set PSP_AUTH_MODE="
            "api-key, or PSP_API_TRUST_EVERY_PEER=true when only a gateway that sets the header can reach it."
        )


def _require_time_zone() -> None:
    from psp_core.bootstrap import build_core

    core = build_core(_settings, application_name="psp-api")
    try:
        core.time_zone.require()
    except TimeZoneChanged as refusal:
        sys.exit(f"psp_api: {refusal}")
    except StorageUnavailable:
        # The API starts without its database, too. It makes no due dates: who does asks again.
        pass
    finally:
        # Hung up before the first fork.
        core.store.close()


def post_fork(_server: Any, worker: Any) -> None:
    # Workers are numbered as they are started.
    take_place(worker.age)


def post_worker_init(_worker: Any) -> None:
    """Keep the garbage collector away from what lives as long as the worker.

    A request leaves hardly any cycles behind, but its objects set off a collection every few requests, and the
    oldest generation, all modules and schemas, was walked again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def child_exit(_server: Any, worker: Any) -> None:
    # Not before the folder is known: the library looks for it when it is imported.
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _is_local(address: object) -> bool:
    if not isinstance(address, tuple):
        # A Unix socket, or a descriptor that was handed over.
        return True
    try:
        return address[0] == "localhost" or ipaddress.ip_address(address[0]).is_loopback
    except ValueError:
        return False
