from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from psp_pipelines.access.report_files import report_routes
from psp_pipelines.access.report_links import link_to

OPERATIONS = "https://operations.example"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of reports, beside which lies what is nobody's business."""
    edition = tmp_path / "reports" / "settlement" / "2026-04-09" / "2-ab"
    (edition / "merchants").mkdir(parents=True)
    (edition / "all.csv").write_text("a,b\n")
    (edition / "merchants" / "x~1.csv").write_text("c\n")
    (edition / ".all.csv.17").write_text("half")
    (tmp_path / "secret").write_text("secret")
    (edition / "way-out").symlink_to(tmp_path / "secret")
    return tmp_path / "reports"


class Browser:
    """Asks the routes as a browser does."""

    def __init__(self, app: Starlette) -> None:
        self.transport = httpx.ASGITransport(app)

    def get(self, path: str, *, method: str = "GET") -> httpx.Response:
        async def answer() -> httpx.Response:
            async with httpx.AsyncClient(transport=self.transport, base_url=OPERATIONS) as client:
                return await client.request(method, path)

        return asyncio.run(answer())


@pytest.fixture
def browser(folder: Path) -> Browser:
    return Browser(Starlette(routes=report_routes(f"file:{folder}")))


class TestReportRoutes:
    def test_hand_out_the_file_that_a_link_leads_to(self, browser: Browser, folder: Path) -> None:
        url = (folder / "settlement" / "2026-04-09" / "2-ab" / "all.csv").as_uri()
        link = link_to(url, reports_url=f"file:{folder}", operations_url=OPERATIONS)

        answer = browser.get((link or "").removeprefix(OPERATIONS))

        assert (answer.status_code, answer.text) == (200, "a,b\n")
        assert answer.headers["Content-Disposition"] == 'attachment; filename="all.csv"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize(
        "name",
        [
            "settlement/2026-04-09/2-ab/.all.csv.17",
            "settlement/2026-04-09/2-ab/way-out",
            "settlement/2026-04-09/2-ab",
            "settlement/2026-04-10/2-ab/all.csv",
            "..%2Fsecret",
            "settlement/..%2f..%2fsecret",
            "%2e%2e/secret",
            "/etc/passwd",
            "",
        ],
    )
    def test_hand_out_nothing_else(self, browser: Browser, name: str) -> None:
        assert browser.get(f"/psp/reports/{name}").status_code == 404

    def test_change_nothing(self, browser: Browser) -> None:
        name = "/psp/reports/settlement/2026-04-09/2-ab/all.csv"

        assert {browser.get(name, method=method).status_code for method in ("POST", "PUT", "DELETE")} == {405}

    def test_are_none_where_reports_are_in_s3(self) -> None:
        assert report_routes("s3://bucket/settlement") == []


class TestLinkTo:
    def test_leads_to_the_console_for_files_in_s3(self) -> None:
        link = link_to("s3://b/p/2026-04-09/all.csv", reports_url="s3://b/p", operations_url=OPERATIONS)

        assert link == "https://console.aws.amazon.com/s3/object/b?prefix=p/2026-04-09/all.csv"

    def test_knows_only_a_path_for_another_s3(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")

        assert link_to("s3://b/p/all.csv", reports_url="s3://b/p", operations_url=OPERATIONS) is None
