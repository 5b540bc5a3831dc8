"""deploy/proxy in a real nginx: what it keeps from the API and from Dagster, whichever way it is written."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from psp_local.ports import free_port
from tests.disguises import OWN as CARD
from tests.disguises import grouped
from tests.waiting import wait_for

FOLDER = Path(__file__).parents[2] / "deploy" / "proxy"
NGINX = shutil.which("nginx")
OPERATOR = ("operator", "secret")

pytestmark = pytest.mark.skipif(NGINX is None, reason="no nginx on this machine: apt-get install nginx-light")


class _Echo(BaseHTTPRequestHandler):
    """Answers 200 with the request's headers: it stands for the API and for Dagster."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_HEAD = do_GET  # noqa: N815 - the names that the library looks for

    def log_message(self, *_: object) -> None:
        pass


class Proxy(NamedTuple):
    log_file: Path
    api: str
    dagster: str
    viewers: str


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("proxy")
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    behind = f"127.0.0.1:{upstream.server_port}"
    hashed = subprocess.run(["openssl", "passwd", "-6", OPERATOR[1]], capture_output=True, text=True, check=True).stdout
    (folder / "users").write_text(f"{OPERATOR[0]}:{hashed}")
    ports = {listen: str(free_port()) for listen in ("8080", "8081", "8082", "8089")}
    places = {
        **ports,
        "api:3000": behind,
        "webserver:3001": behind,
        "webserver-read-only:3001": behind,
        "/etc/nginx/dagster.conf": str(folder / "dagster.conf"),
        "/run/secrets/operators": str(folder / "users"),
        "/run/secrets/viewers": str(folder / "users"),
        "/tmp": str(folder),
        "/dev/stdout": str(folder / "access.log"),
    }
    # In one pass: what was put in is not looked at again.
    longest_first = "|".join(map(re.escape, sorted(places, key=len, reverse=True)))
    text = re.sub(longest_first, lambda found: places[found[0]], (FOLDER / "nginx.conf").read_text())
    # As root its workers are another user, who cannot enter this folder.
    (folder / "nginx.conf").write_text(f"user root;\n{text}")
    shutil.copy(FOLDER / "dagster.conf", folder)
    server = subprocess.Popen([str(NGINX), "-c", folder / "nginx.conf", "-g", "daemon off;"])
    wait_for(lambda: _answers(int(ports["8089"])), within_s=30, what="nginx")
    yield Proxy(folder / "access.log", *(f"http://127.0.0.1:{ports[listen]}" for listen in ("8080", "8081", "8082")))
    server.terminate()
    server.wait()
    upstream.shutdown()
    upstream.server_close()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def status_of(url: str, target: str, *, method: str = "GET", headers: dict[str, str] | None = None) -> int:
    """Send the target as it is: a client would tidy it up first."""
    host, port = url.removeprefix("http://").split(":")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}:{port}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(connection.recv(100).split()[1])


class TestTheApisSide:
    @pytest.mark.parametrize(
        "target",
        [
            *(
                "/metrics",
                "/metrics/",
                "/metrics%2f",
                "/metrics%2F",
                "//metrics",
                "/%6detrics",
                "/Metrics",
                "/metrics/?a=b",
            ),
            *("/./metrics", "/x/../metrics", "/x%2f..%2fmetrics", "/metrics;a"),
            *("/health/ready", "/health/live/", "/%68ealth/live"),
        ],
    )
    def test_keeps_back_what_is_not_for_merchants(self, proxy: Proxy, target: str) -> None:
        assert status_of(proxy.api, target) == 404

    @pytest.mark.parametrize("target", ["/transactions", "/payables?limit=1", "/docs"])
    def test_lets_merchants_through_and_says_that_they_come_from_outside(self, proxy: Proxy, target: str) -> None:
        answer = httpx.get(f"{proxy.api}{target}")

        assert answer.status_code == 200
        assert answer.json()["x-forwarded-for"] == "127.0.0.1"


class TestTheLog:
    @pytest.mark.parametrize(
        "written",
        [
            CARD,
            grouped(CARD, "-"),
            grouped(CARD, "%20"),
            "".join(f"%3{digit}" for digit in CARD),
            "".join(f"%253{digit}" for digit in CARD),
            "".join(f"%EF%BC%9{digit}" for digit in CARD),
            "".join(f"&%23{48 + int(digit)};" for digit in CARD),
        ],
    )
    def test_has_no_card_number_from_a_path(self, proxy: Proxy, written: str) -> None:
        before = len(proxy.log_file.read_text().splitlines())

        status_of(proxy.api, f"/payables/{written}")

        wait_for(lambda: len(proxy.log_file.read_text().splitlines()) > before, within_s=30, what="its line")
        assert json.loads(proxy.log_file.read_text().splitlines()[before])["path"] == "*"

    @pytest.mark.parametrize("path", ["/payables", "/payables/019ac0de-7b1f-7c3a-9d2e-5f60718293a4", "/docs/x.js"])
    def test_has_every_other_path(self, proxy: Proxy, path: str) -> None:
        status_of(proxy.api, path)

        wait_for(lambda: f'"path":"{path}"' in proxy.log_file.read_text(), within_s=30, what="its line")


class TestDagstersSide:
    @pytest.mark.parametrize(
        "path", ["/graphql", "/graphql/", "/graphql%2f", "/GraphQL", "//graphql", "/%67raphql", "/x/../graphql"]
    )
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_asks_nothing_by_get(self, proxy: Proxy, path: str, method: str) -> None:
        for url in (proxy.dagster, proxy.viewers):
            target = f"{path}?query=mutation%20%7BreloadWorkspace%7B__typename%7D%7D"

            assert status_of(url, target, method=method, headers=_login()) == 405

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({}, 200),
            ({"Origin": "OWN"}, 200),
            ({"Origin": "https://elsewhere.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Origin": "OWN", "Sec-Fetch-Site": "same-origin"}, 200),
            ({"Sec-Fetch-Site": "none"}, 200),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "same-site"}, 403),
            ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}, 403),
        ],
    )
    def test_changes_nothing_for_another_site(self, proxy: Proxy, headers: dict[str, str], status: int) -> None:
        sent = {name: proxy.dagster if value == "OWN" else value for name, value in headers.items()}

        answer = httpx.post(f"{proxy.dagster}/graphql", json={"query": "{ version }"}, headers=sent, auth=OPERATOR)

        assert answer.status_code == status

    def test_follows_a_link_to_a_page_only(self, proxy: Proxy) -> None:
        link = {**_login(), "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

        assert status_of(proxy.dagster, "/runs/1", headers=link | {"Sec-Fetch-Dest": "document"}) == 200
        assert status_of(proxy.dagster, "/runs/1", headers=link | {"Sec-Fetch-Dest": "iframe"}) == 403

    def test_opens_a_websocket_for_its_own_pages_only(self, proxy: Proxy) -> None:
        upgrade = {**_login(), "Connection": "Upgrade", "Upgrade": "websocket"}

        assert status_of(proxy.dagster, "/graphql", headers=upgrade | {"Origin": proxy.dagster}) == 200
        assert status_of(proxy.dagster, "/graphql", headers=upgrade | {"Origin": "http://elsewhere.example"}) == 403

    def test_says_who_is_logged_in_whatever_the_browser_says(self, proxy: Proxy) -> None:
        claimed = {"X-Forwarded-User": "admin"}

        arrived = httpx.post(f"{proxy.dagster}/graphql", json={}, headers=claimed, auth=OPERATOR).json()

        assert arrived["x-forwarded-user"] == "operator"
        assert "authorization" not in arrived


def _login() -> dict[str, str]:
    basic = httpx.BasicAuth(*OPERATOR)
    request = next(basic.auth_flow(httpx.Request("GET", "http://proxy")))
    return {"Authorization": request.headers["Authorization"]}
