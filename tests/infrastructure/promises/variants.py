"""What differs between environments, and what a setting adds or takes away."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.infrastructure.promises import programs
from tests.infrastructure.promises.reading import Reading, Row, Table, cell, flat, short
from tests.infrastructure.promises.tables import tables_of
from tests.infrastructure.terraform.plan import Files, Plan, plan, values_of

REFUSED = "refused"
"""Instead of a table's title: a variable's validation does not let a configuration through."""

ENVIRONMENTS = ("production", "staging")
_COLLECTOR = '{ service_name = "com.amazonaws.vpce.sa-east-1.vpce-svc-1", domain = "otel.example.com" }'
# What production has, and these have not.
_SETTINGS = {
    "database_read_replica = false": ("database_read_replica", "database_read_replica = false"),
    "no overflow consumers": ("overflow", "overflow = { tasks_max = 0, messages_per_task = 2000 }"),
    "services_enabled = false": ("", f'services_enabled = false\ndatabase_first_password = "{"a" * 24}"'),
    "a release": ("", f'migrations_image_digest = "sha256:{"1" * 64}"'),
    "a collector": ("", f"collector = {_COLLECTOR}"),
}


def values_table(files: Files) -> Table:
    """What the environments' files say, side by side."""
    values = {environment: dict(flat(values_of(files, environment))) for environment in ENVIRONMENTS}
    names = sorted({name for told in values.values() for name in told})
    rows = [(name, *(cell(values[it].get(name)) for it in ENVIRONMENTS)) for name in names]
    return Table("Values", ("value", *ENVIRONMENTS), rows)


def settings_table(files: Files) -> Table:
    """Which resources a setting adds to production and takes from it."""
    usual = _addresses(plan(files, "production"))
    rows = []
    for name in _SETTINGS.keys() - {"a release"}:
        others = _addresses(plan(with_setting(files, name), "production"))
        rows.append((name, cell(sorted(others - usual)), cell(sorted(usual - others))))
    return Table("Settings that add or take away", ("setting", "added", "gone"), rows)


def collector_table(files: Files) -> Table:
    """What a collector changes."""
    changed = with_setting(files, "a collector")
    usual, traced = (tables_of(plan(each, "production"), each) for each in (files, changed))
    rows: list[Row] = []
    for before, table in zip(usual, traced, strict=True):
        rows += [(table.title, " ¦ ".join(row)) for row in table.rows if row not in before.rows]
    return Table("With a collector", ("table", "row"), rows)


def release_table(files: Files) -> Table:
    """Which image each task has while the next release migrates."""
    changed = with_setting(files, "a release")
    reading = Reading(plan(changed, "production"), changed)
    rows = [row for table in programs.tables(reading) if table.title == "Containers" for row in table.rows]
    return Table("Images during a release", ("tasks", "image"), [(row[0], row[2]) for row in rows if row[1] == "image"])


def with_setting(files: Files, name: str) -> Mapping[str, str]:
    """Return the files with one setting of production's changed."""
    replaced, line = _SETTINGS[name]
    path = "environments/production.tfvars"
    kept = [it for it in files[path].splitlines() if not replaced or not it.startswith(f"{replaced} ")]
    return {**files, path: "\n".join([*kept, line])}


def _addresses(planned: Plan) -> set[str]:
    return {short(it.short) for it in planned.resources if not it.kind.startswith("data.")}


def all_tables(files: Files, *, of: str | None = None) -> list[Table]:
    """Return every table of the page, or those that are made together with the one whose title is `of`.

    Raises EvaluationError where Terraform would refuse the configuration.
    """
    if of is not None and of in _APART:
        return [_APART[of](files)]
    production = tables_of(plan(files, "production"), files)
    if of in (None, REFUSED):
        plan(files, "staging")
    return production if of else [*production, *(make(files) for make in _APART.values())]


_APART: Mapping[str, Callable[[Files], Table]] = {
    "Values": values_table,
    "Settings that add or take away": settings_table,
    "Images during a release": release_table,
    "With a collector": collector_table,
}
