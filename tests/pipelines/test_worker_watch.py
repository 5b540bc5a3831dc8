from __future__ import annotations

import inspect
import subprocess
import sys

import dagster._grpc.server
import pytest

from psp_pipelines.kernel.worker_watch import THREAD_NAME

SERVER = """
import sys, threading
from psp_pipelines.kernel.worker_watch import end_with_the_worker_watch

def die():
    raise OSError("the database is gone")

end_with_the_worker_watch()
thread = threading.Thread(target=die, name=sys.argv[1])
thread.start()
thread.join()
print("goes on")
"""


class TestEndWithTheWorkerWatch:
    @pytest.mark.parametrize(("name", "code", "said"), [(THREAD_NAME, 1, ""), ("another", 0, "goes on")])
    def test_ends_the_server_when_it_no_longer_notices_ended_workers(self, name: str, code: int, said: str) -> None:
        ended = subprocess.run([sys.executable, "-c", SERVER, name], capture_output=True, text=True, check=False)

        assert (ended.returncode, ended.stdout.strip()) == (code, said)
        assert "the database is gone" in ended.stderr

    def test_knows_the_threads_name(self) -> None:
        assert f'name="{THREAD_NAME}"' in inspect.getsource(dagster._grpc.server)
