"""The harness at tiny sizes, on the tests' own servers. It compares what product and baseline made by itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.hops.drain import drain
from bench.hops.settlement import settlement
from bench.rig import load
from bench.rig.rounds import Bench
from bench.rig.servers import MIGRATED, Servers
from psp_core.adapters.postgres.schema.migrate import migrate
from psp_local.postgres import EmbeddedPostgres
from psp_local.sqs import EmbeddedSqs


@pytest.fixture
def bench(postgres: EmbeddedPostgres, sqs: EmbeddedSqs, tmp_path: Path) -> Bench:
    postgres.create_database(MIGRATED)
    migrate(postgres.url(MIGRATED))
    servers = Servers(postgres, sqs, tmp_path)
    servers.make_logins()
    return Bench(servers, rounds=1, is_quick=False, folder=tmp_path)


class TestTheHarness:
    def test_drains_what_one_statement_makes(self, bench: Bench) -> None:
        result = drain(bench, sizes=(20, 120))

        rate, memory, _ = result.rows
        assert rate.product[0] > 0
        assert rate.baseline[0] > 0
        assert 20 < memory.product[0] < 1_000

    def test_settles_what_two_updates_pay(self, bench: Bench) -> None:
        result = settlement(bench, sizes=(20, 100))

        assert result.rows[0].baseline[0] > 0
        assert list(result.curves[0].lines["settlement"]) == [20, 100]
        assert list(result.curves[0].lines["two bare UPDATEs"]) == [20]

    @pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk makes the load: apt-get install wrk")
    def test_posts_beside_pgbench(self, bench: Bench) -> None:
        with bench.servers.database("bench_api") as api, bench.servers.database("bench_bare") as bare:
            with bench.servers.api(api, with_relay=False) as port:
                done = load.post_transactions(port, seconds=1, tag="test", clients=4)
            rate = load.insert_single_rows(bench.servers, bare, seconds=2, clients=2)
            stored = bench.servers.value("SELECT count(*) FROM transactions", database=api)
            inserted = bench.servers.value("SELECT count(*) FROM transactions", database=bare)

        assert done.failed == 0
        assert done.requests <= stored <= done.requests + 4
        assert rate > 0
        assert inserted > 0

    def test_takes_turns_at_going_first(self, bench: Bench) -> None:
        order: list[str] = []

        def note(name: str) -> float:
            order.append(name)
            return 1.0

        twice = Bench(bench.servers, rounds=2, is_quick=False, folder=bench.folder)
        twice.compare("turns", product=lambda _: note("product"), baseline=lambda _: note("baseline"))

        assert order == ["product", "baseline", "baseline", "product"]
