"""API keys over HTTP: who they are, what they may do, and whom the two modes trust."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from psp_api.server.openapi.operations import OPERATIONS, Operation
from psp_core.bootstrap import Core, build_core
from psp_core.domain.access import Scope
from psp_core.settings import Settings
from psp_local.ports import free_port
from tests.api.bodies import NOT_AN_ID, a_body, create, problems
from tests.api.server import ROOT, Api, api_program

PEPPER = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def keyed(
    api: Api, api_settings: Settings, api_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    """An API that wants keys, on the same database."""
    environment = {
        **api_environment,
        "PSP_AUTH_MODE": "api-key",
        "PSP_API_KEY_PEPPER": PEPPER,
        "PSP_API_KEY_CACHE_TTL_S": "0",
        # All tests come from one address.
        "PSP_API_FAILED_LOGINS_FREE": "1000",
    }
    core = build_core(api_settings.model_copy(update={"api_key_pepper": SecretStr(PEPPER)}))
    program, url = api_program(tmp_path_factory.mktemp("keyed"), environment=environment)
    with program:
        yield Api(url, core, program.log_file)
    core.store.close()


def a_token(core: Core, merchant: str, *scopes: Scope) -> str:
    return core.manage_api_keys.create(merchant, scopes=scopes or [Scope.READ, Scope.WRITE]).token.text


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class TestAnApiKey:
    def test_names_the_merchant(self, keyed: Api, merchant: str) -> None:
        with keyed.client(**bearer(a_token(keyed.core, merchant))) as client:
            created = create(client)

            assert created["customer_id"] == merchant
            assert client.get("/transactions").json() == [created]

    def test_may_be_sent_with_the_merchants_own_name_and_no_other(self, keyed: Api, merchant: str) -> None:
        with keyed.client(merchant, **bearer(a_token(keyed.core, merchant))) as client:
            assert client.get("/transactions").status_code == 200
            answer = client.get("/transactions", headers={"x-customer-id": "another"})
            assert (answer.status_code, answer.json()["code"]) == (403, "customer_mismatch")

    def test_is_refused_beside_an_empty_name(self, keyed: Api, merchant: str) -> None:
        with keyed.client("", **bearer(a_token(keyed.core, merchant))) as client:
            for name, code in (("", "required"), ("caf\u00e9", "wrong_format")):
                answer = client.get("/transactions", headers=[(b"x-customer-id", name.encode("latin-1"))])

                assert problems(answer) == {("header:x-customer-id", code)}

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Bearer  "])
    def test_may_come_with_spaces_before_it(self, keyed: Api, merchant: str, scheme: str) -> None:
        named = {"Authorization": f"{scheme} {a_token(keyed.core, merchant)}"}
        with keyed.client(**named) as client:
            assert client.get("/transactions").status_code == 200

    @pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
    def test_opens_no_route_for_another_merchant(self, keyed: Api, merchant: str, operation: Operation) -> None:
        with keyed.client("another", **bearer(a_token(keyed.core, merchant))) as client:
            answer = client.request(operation.method, operation.path.replace("{id}", NOT_AN_ID), json=a_body())

        assert (answer.status_code, answer.json()["code"]) == (403, "customer_mismatch")

    def test_is_refused_without_its_scope(self, keyed: Api, merchant: str) -> None:
        with keyed.client() as client:
            reads, writes = (bearer(a_token(keyed.core, merchant, scope)) for scope in (Scope.READ, Scope.WRITE))

            refused = [
                client.post("/transactions", json=a_body(), headers=reads),
                client.post("/transactions/batch", json=[a_body()], headers=reads),
                client.get("/transactions", headers=writes),
                client.get("/payables", headers=writes),
            ]
            assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(403, "insufficient_scope")}
            assert client.post("/transactions", json=a_body(), headers=writes).status_code == 201
            assert len(client.get("/transactions", headers=reads).json()) == 1

    def test_ends_when_it_is_revoked(self, keyed: Api, merchant: str) -> None:
        issued = keyed.core.manage_api_keys.create(merchant, scopes=[Scope.READ])
        with keyed.client(**bearer(issued.token.text)) as client:
            assert client.get("/transactions").status_code == 200
            keyed.core.manage_api_keys.revoke(issued.key.id)
            answer = client.get("/transactions")

        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
        assert issued.token.text not in answer.text + keyed.log_file.read_text()

    @pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
    @pytest.mark.parametrize(
        ("value", "code"),
        [
            (None, "unauthenticated"),
            ("Basic dXNlcjpwYXNz", "unauthenticated"),
            ("Bearer", "unauthenticated"),
            ("Bearer sk_live_nonsense", "invalid_credentials"),
            (f"Bearer sk_live_{'0' * 16}_{'0' * 33}", "invalid_credentials"),
        ],
    )
    def test_is_needed_on_every_route(self, keyed: Api, operation: Operation, value: str | None, code: str) -> None:
        with keyed.client("merchant-1", **({"Authorization": value} if value else {})) as client:
            answer = client.request(operation.method, operation.path.replace("{id}", NOT_AN_ID), json=a_body())

        assert (answer.status_code, answer.json()["code"]) == (401, code)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")

    def test_is_not_needed_to_ask_for_health(self, keyed: Api) -> None:
        assert httpx.get(f"{keyed.url}/health/ready").status_code == 200


class TestTheTrustedHeader:
    @pytest.mark.parametrize("address", ["0.0.0.0", "[::]"])
    def test_is_refused_on_an_address_that_others_reach(
        self, api_environment: dict[str, str], address: str, tmp_path: Path
    ) -> None:
        ended = _serve(api_environment, bind=f"{address}:{free_port()}")

        assert ended.returncode != 0
        assert "PSP_API_TRUST_EVERY_PEER" in ended.stderr


def _serve(environment: dict[str, str], *, bind: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "psp_api/gunicorn_conf.py", "psp_api.main:create_app()"],
        env={**environment, "PSP_API_BIND": bind, "PATH": "/usr/bin:/bin"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
