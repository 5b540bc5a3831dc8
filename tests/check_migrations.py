"""Fails when the migrations' outcome is not what the tables say: `python -m tests.check_migrations`.

Alembic compares tables, columns and indexes; the constraints' texts are compared here.
"""

from __future__ import annotations

import sys

from sqlalchemy import Engine, create_engine

from psp_core.adapters.postgres.schema.migrate import check_models, migrate
from psp_core.adapters.postgres.schema.tables import metadata
from psp_local.ports import free_port
from psp_local.postgres import THROWAWAY_SETTINGS, EmbeddedPostgres
from tests.folders import open_folder

_CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND conrelid::regclass::text <> 'alembic_version'
"""
_INDEXES = """
SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""


def main() -> int:
    with (
        open_folder() as folder,
        EmbeddedPostgres(folder / "postgres", free_port(), settings=THROWAWAY_SETTINGS) as server,
    ):
        server.create_database("migrated")
        server.create_database("declared")
        migrate(server.url("migrated"))
        check_models(server.url("migrated"))
        declared = create_engine(server.url("declared"))
        with declared.begin() as connection:
            connection.exec_driver_sql("CREATE EXTENSION btree_gist")
        metadata.create_all(declared)
        differences = _facts(create_engine(server.url("migrated"))) ^ _facts(declared)
    for difference in sorted(differences):
        print("only in the migrations or only in the tables:", *difference)
    return 1 if differences else 0


def _facts(engine: Engine) -> set[tuple[str, ...]]:
    with engine.connect() as connection:
        facts = {tuple(row) for query in (_CONSTRAINTS, _INDEXES) for row in connection.exec_driver_sql(query)}
    engine.dispose()
    return facts


if __name__ == "__main__":
    sys.exit(main())
