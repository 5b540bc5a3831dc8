"""What the stack is told by environment variables, and what it tells its children and other terminals by them."""

from __future__ import annotations

import os
import secrets
import shlex
from collections.abc import Collection, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from psp_local import LocalStackError
from psp_local.ports import LOOPBACK
from psp_local.private_folder import socket_below

# The embedded SQS endpoint accepts any credentials; boto3 does not sign without some.
CREDENTIALS = MappingProxyType(
    {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": "us-east-1"}
)
DATABASE, QUEUE = "PSP_DATABASE_URL", "PSP_SQS_ENDPOINT_URL"
# In the file only: which addresses in it belong to the stack itself.
_EMBEDDED = "PSP_STACK_EMBEDDED"
_PORT_MAX = 65_535
_DRIVER = "postgresql+psycopg2"
# They move other services than the queue: reports and alarms.
_KEPT = frozenset({"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SNS"})


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start and where; an address that is given replaces the embedded part."""

    root: Path
    data_dir: Path
    api_port: int
    web_port: int
    postgres_port: int
    sqs_port: int
    database_url: URL | None
    sqs_endpoint_url: str | None
    uses_aws: bool

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"

    @property
    def dagster_home(self) -> Path:
        return self.data_dir / "dagster"

    @property
    def code_socket(self) -> Path:
        return socket_below(self.data_dir, name="code.sock")

    @property
    def embedded(self) -> list[str]:
        """The names of the addresses that are the stack's own."""
        own = {DATABASE: self.database_url is None, QUEUE: self.sqs_endpoint_url is None and not self.uses_aws}
        return [name for name, is_own in own.items() if is_own]


def read_plan(environ: Mapping[str, str], *, root: Path, data_dir: Path) -> Plan:
    """Return the plan for the `PSP_*` variables. Raises `LocalStackError` for a port or URL that is none."""
    own = load_stack_environment(root)
    embedded = embedded_in(own)
    # In a terminal that has loaded the file, the stack's own addresses are no wish to replace them.
    theirs = {name: value for name, value in environ.items() if name not in embedded or own.get(name) != value}
    return Plan(
        root=root.resolve(),
        data_dir=data_dir.resolve(),
        api_port=_port(theirs, name="PSP_API_PORT", default=3000),
        web_port=_port(theirs, name="PSP_WEB_PORT", default=3001),
        postgres_port=_port(theirs, name="PSP_POSTGRES_PORT", default=15432),
        sqs_port=_port(theirs, name="PSP_SQS_PORT", default=14566),
        database_url=_database_url(theirs),
        sqs_endpoint_url=theirs.get(QUEUE) or None,
        uses_aws=theirs.get("PSP_SQS") == "aws",
    )


def platform_variables(
    plan: Plan, *, database: Mapping[str, str], dagster_database_url: URL, sqs_endpoint_url: str | None
) -> dict[str, str]:
    """Return the variables by which another terminal, with the `database` settings of its login, finds everything."""
    variables = {
        **database,
        "PSP_API_BIND": f"{LOOPBACK}:{plan.api_port}",
        "PSP_OPERATIONS_URL": os.environ.get("PSP_OPERATIONS_URL", f"http://{LOOPBACK}:{plan.web_port}"),
        "PSP_REPORTS_URL": os.environ.get("PSP_REPORTS_URL", f"file:{plan.data_dir / 'reports'}"),
        "DAGSTER_HOME": str(plan.dagster_home),
        "DAGSTER_PG_HOST": dagster_database_url.host or LOOPBACK,
        "DAGSTER_PG_PORT": str(dagster_database_url.port or 5432),
        "DAGSTER_PG_USER": dagster_database_url.username or "",
        "DAGSTER_PG_PASSWORD": dagster_database_url.password or "",
        "DAGSTER_PG_DB": dagster_database_url.database or "",
        "DAGSTER_CODE_SOCKET": str(plan.code_socket),
    }
    # How merchants say who they are, and which keys `psp keys create` makes.
    variables |= {name: os.environ[name] for name in ("PSP_AUTH_MODE", "PSP_API_KEY_MODE") if name in os.environ}
    if pepper := os.environ.get("PSP_API_KEY_PEPPER") or _own_pepper(plan):
        variables["PSP_API_KEY_PEPPER"] = pepper
    if sqs_endpoint_url is not None:
        variables[QUEUE] = sqs_endpoint_url
    # Real credentials never go to an endpoint that is not AWS.
    return variables | dict(CREDENTIALS) if QUEUE in plan.embedded else variables


def shield(environ: MutableMapping[str, str], *, embedded: Collection[str]) -> None:
    """Take out of `environ` what would keep a program from the services on this machine.

    libpq, boto3 and whatever speaks HTTP read variables of their own: to require TLS, to take a profile or another
    endpoint, to go through a proxy. Those are meant for the services of somebody else; a proxy stays for them.
    """
    hostile = tuple(prefix for name, prefix in ((DATABASE, "PG"), (QUEUE, "AWS_")) if name in embedded)
    for name in [name for name in environ if name.startswith(hostile) and name not in _KEPT]:
        del environ[name]
    if QUEUE in embedded:
        # No profile of the account's own files either.
        environ.update(CREDENTIALS | {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull})
    excepted = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    for name in ("no_proxy", "NO_PROXY", *{"no_grpc_proxy"}.intersection(environ)):
        hosts = (environ.get(name) or excepted).replace(" ", "").split(",")
        environ[name] = ",".join(dict.fromkeys([*filter(None, hosts), LOOPBACK, "localhost"]))


def write_stack_environment(plan: Plan, *, variables: Mapping[str, str]) -> None:
    """Write the file that another terminal, or `psp` in it, loads; only its owner can read it."""
    told = {**variables, _EMBEDDED: " ".join(plan.embedded)}
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in told.items()]
    _write_secret(plan.data_dir / "env", "".join(lines))


def load_stack_environment(root: Path) -> dict[str, str]:
    """Return the variables of the stack that was started last in `root` (or in PSP_DATA_DIR); empty if none was."""
    path = Path(os.environ.get("PSP_DATA_DIR", root / ".psp")) / "env"
    try:
        words = shlex.split(path.read_text(encoding="utf-8"))
    except OSError:
        return {}
    return dict(word.split("=", 1) for word in words if "=" in word)


def embedded_in(own: Mapping[str, str]) -> list[str]:
    """Return which addresses in a stack's file are its own services'."""
    return own.get(_EMBEDDED, "").split()


def _own_pepper(plan: Plan) -> str | None:
    """Return the secret that the embedded database's API keys are stored with, made at the first start."""
    if DATABASE not in plan.embedded:
        # The keys in a database of somebody else's were made with a pepper of theirs.
        return None
    path = plan.data_dir / "api-key-pepper"
    if not path.exists():
        _write_secret(path, secrets.token_hex(32))
    return path.read_text(encoding="utf-8")


def _write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def _port(environ: Mapping[str, str], *, name: str, default: int) -> int:
    value = environ.get(name, str(default))
    if not (value.isdecimal() and 0 < int(value) <= _PORT_MAX):
        raise LocalStackError(f"{name} is {value!r}, but a port is a number from 1 to {_PORT_MAX}.")
    return int(value)


def _database_url(environ: Mapping[str, str]) -> URL | None:
    value = environ.get(DATABASE)
    if not value:
        return None
    try:
        # Plain postgresql:// would make SQLAlchemy 2.1 look for psycopg 3.
        url = make_url(value).set(drivername=_DRIVER)
    except ArgumentError:
        url = URL.create(_DRIVER)
    if not url.database:
        raise LocalStackError(f"{DATABASE} is not a URL like {_DRIVER}://user:password@host:5432/database.")
    return url
