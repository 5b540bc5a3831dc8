from __future__ import annotations

import subprocess
import sys

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from psp_core.adapters.postgres.schema.migrate import migrate
from psp_core.adapters.postgres.schema.schema_version import is_current, known_revisions
from psp_local.postgres import EmbeddedPostgres


class TestKnownRevisions:
    def test_are_alembics_own(self) -> None:
        scripts = ScriptDirectory("psp_core/adapters/postgres/schema/migrations")

        assert known_revisions() == tuple(script.revision for script in scripts.walk_revisions())[::-1]

    def test_are_known_without_alembic(self) -> None:
        program = "import sys, psp_core.adapters.postgres.schema.schema_version; sys.exit('alembic' in sys.modules)"

        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


class TestIsCurrent:
    @pytest.mark.parametrize(("revision", "current"), [(None, False), ("0001", False), ("head", True), ("9999", True)])
    def test_takes_the_newest_schema_and_any_that_is_newer(
        self, postgres: EmbeddedPostgres, revision: str | None, current: bool
    ) -> None:
        name = f"psp_schema_{revision}".lower()
        postgres.create_database(name)
        if revision is not None:
            migrate(postgres.url(name), revision="head" if revision == "9999" else revision)
        engine = create_engine(postgres.url(name))

        with engine.begin() as connection:
            if revision == "9999":
                connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
            answer = is_current(connection)

        engine.dispose()
        assert answer is current
