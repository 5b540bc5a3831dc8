"""What a stranger reads when everything runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import make_url

from psp_local.commands import COMMANDS
from psp_local.environment import DATABASE, Plan
from psp_local.ports import LOOPBACK

_TRANSACTION = (
    '{"description": "Lightsaber", "amount": "2500", "payment_method": "credit_card",\n'
    '        "card_number": "4111111111111111", "card_holder_name": "Luke Skywalker",\n'
    '        "card_expiration_date": "10/25", "card_verification_code": "123"}'
)


def welcome(plan: Plan, *, variables: Mapping[str, str], took_s: float) -> str:
    """Return what runs where, where its logs are and what to type next."""
    api, web = f"http://{LOOPBACK}:{plan.api_port}", f"http://{LOOPBACK}:{plan.web_port}"
    database = make_url(variables["PSP_DATABASE_URL"])
    where = {
        "merchant API": api,
        "Dagster": web,
        "Postgres": f"{database.host}:{database.port or 5432}, database {database.database}"
        + ("" if DATABASE in plan.embedded else " (PSP_DATABASE_URL)"),
        "SQS": variables.get("PSP_SQS_ENDPOINT_URL", "AWS"),
        "logs": f"{_short(plan.logs)}/",
        "settings": f"{_short(plan.data_dir / 'env')} (source it; psp commands load it by themselves)",
    }
    table = "\n".join(f"  {name:<14}{place}" for name, place in where.items())
    first, as_merchant = log_in("123", variables=variables, scopes=("read", "write"))
    return f"""
psp runs, after {took_s:.0f} s:

{table}

Type next, in another terminal:

  {first}curl -i {api}/transactions -H 'Content-Type: application/json' {as_merchant} \\
    -d '{_TRANSACTION}'
  curl {api}/payables {as_merchant}

and open {web} to see the payables arrive. `make demo` there posts and settles a day's traffic.
Ctrl-C here ends everything; the data stays.
"""


def log_in(customer_id: str, *, variables: Mapping[str, str], scopes: Sequence[str]) -> tuple[str, str]:
    """Return what to type first, if anything, and the option by which curl calls as the merchant."""
    if variables.get("PSP_AUTH_MODE") != "api-key":
        return "", f"-H 'x-customer-id: {customer_id}'"
    wanted = " ".join(f"--scope {scope}" for scope in scopes)
    return (
        f"KEY=$({_short(COMMANDS / 'psp')} keys create {customer_id} {wanted} --reason 'to try it')\n  ",
        '-H "Authorization: Bearer $KEY"',
    )


def _short(path: Path) -> str:
    here = Path.cwd()
    return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)
