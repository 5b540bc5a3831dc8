"""Where dagster.yaml finds a database of the tests' server."""

from __future__ import annotations

from sqlalchemy import make_url


def dagster_variables(url: str) -> dict[str, str]:
    """Return where dagster.yaml looks for its database."""
    database = make_url(url)
    parts = {
        "HOST": database.host,
        "PORT": database.port,
        "USER": database.username,
        "PASSWORD": database.password,
        "DB": database.database,
    }
    return {f"DAGSTER_PG_{name}": str(part or "") for name, part in parts.items()}
