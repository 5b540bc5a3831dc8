"""The link to the next page: absolute, so that every client can follow it, and to no host but the caller's own."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from psp_core.domain.kernel.errors import DomainError
from psp_core.settings import Settings, load
from tests.api.bodies import create
from tests.api.edge.raw import connected
from tests.api.server import Api, api_program

OTHERS = {
    "X-Forwarded-Host": "evil.example",
    "Forwarded": "host=evil.example;proto=https",
    "X-Original-Host": "evil.example",
    "X-Host": "evil.example",
}


@pytest.fixture
def next_page(client: httpx.Client) -> str:
    """Everything of the link to the second page but where it leads, up to the cursor."""
    for _ in range(2):
        create(client)
    return "/transactions?limit=1&cursor="


def link(client: httpx.Client, **headers: str) -> str:
    answer = client.get("/transactions?limit=1", headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.links["next"]["url"])


class TestALink:
    def test_leads_to_where_it_was_asked_for(self, api: Api, client: httpx.Client, next_page: str) -> None:
        assert link(client).startswith(api.url + next_page)
        assert link(client, Host="pay.example:8443").startswith(f"http://pay.example:8443{next_page}")

    def test_leads_to_no_host_that_another_header_names(self, api: Api, client: httpx.Client, next_page: str) -> None:
        for name, value in {**OTHERS, "X-Forwarded-Proto": "https"}.items():
            assert link(client, **{name: value}).startswith(api.url + next_page)

    def test_leads_without_a_host_to_where_the_request_came(self, api: Api, merchant: str, next_page: str) -> None:
        with connected(api) as connection:
            connection.sendall(f"GET /transactions?limit=1 HTTP/1.0\r\nx-customer-id: {merchant}\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))

        assert f"<{api.url}{next_page}".encode() in answer

    @pytest.mark.usefixtures("next_page")
    def test_is_followed_as_it_is(self, client: httpx.Client, merchant: str) -> None:
        second = httpx.get(link(client), headers={"x-customer-id": merchant})

        assert second.json() == client.get("/transactions?limit=1&page=2").json()

    def test_begins_as_the_proxy_was_reached(
        self, api: Api, api_environment: dict[str, str], tmp_path: Path, merchant: str, next_page: str
    ) -> None:
        program, url = api_program(tmp_path, environment={**api_environment, "PSP_API_TRUSTED_PROXIES": "1"})

        with program, Api(url, api.core, program.log_file).client(merchant, Host="pay.example") as client:
            assert link(client, **{"X-Forwarded-Proto": "https"}).startswith(f"https://pay.example{next_page}")
            # Only the last is the proxy's own.
            assert link(client, **{"X-Forwarded-Proto": "https, http"}).startswith(f"http://pay.example{next_page}")
            assert link(client, **{"X-Forwarded-Proto": "javascript"}).startswith(f"http://pay.example{next_page}")
            assert link(client, **OTHERS).startswith(f"http://pay.example{next_page}")

    def test_leads_to_the_public_address_where_there_is_one(
        self, api: Api, api_environment: dict[str, str], tmp_path: Path, merchant: str, next_page: str
    ) -> None:
        environment = {**api_environment, "PSP_API_PUBLIC_URL": "https://pay.example/v1/"}
        program, url = api_program(tmp_path, environment=environment)

        with program, Api(url, api.core, program.log_file).client(merchant, Host="elsewhere.example") as client:
            assert link(client).startswith(f"https://pay.example/v1{next_page}")


class TestThePublicAddress:
    @pytest.mark.parametrize("wrong", ["pay.example", "ftp://pay.example", "https://", "https://pay.example?a=1"])
    def test_must_be_one(self, monkeypatch: pytest.MonkeyPatch, api_settings: Settings, wrong: str) -> None:
        monkeypatch.setenv("PSP_DATABASE_URL", api_settings.database_url.get_secret_value())
        monkeypatch.setenv("PSP_API_PUBLIC_URL", wrong)

        with pytest.raises(DomainError, match="PSP_API_PUBLIC_URL"):
            load(Settings)
