"""The page for people, in a real browser that can reach nothing but the API."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from psp_api.server.problems.catalogue import every_problem
from psp_api.server.problems.handlers import type_of
from tests.api.server import Api
from tests.chromium import running_browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, api: Api, tmp_path: Path) -> Iterator[Page]:
    # It remembers nothing of the test before.
    page = browser.new_page(base_url=api.url, viewport={"width": 1300, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url) if not _is_ours(request.url, api) else None)
    yield page
    page.screenshot(path=tmp_path / "docs.png")
    page.close()
    # The browser reports a 4xx that the page has asked for as an error, too.
    assert [text for text in complaints if "the server responded with a status of" not in text] == []


def _is_ours(url: str, api: Api) -> bool:
    return url.startswith((api.url, "data:"))


class TestTheDocsPage:
    def test_sends_a_transaction_and_shows_the_answer(self, page: Page, merchant: str, client: httpx.Client) -> None:
        page.goto("/docs")
        page.get_by_label("x-customer-id").fill(merchant)
        section = page.locator("#createTransaction")

        section.get_by_role("button", name="Send").click()

        expect(section.locator(".output")).to_contain_text("201 in")
        [created] = client.get("/transactions").json()
        expect(section.locator(".output")).to_contain_text(created["id"])

    def test_finds_it_again_with_filters(self, page: Page, merchant: str, client: httpx.Client) -> None:
        page.goto("/docs")
        page.get_by_label("x-customer-id").fill(merchant)
        section = page.locator("#listTransactions")
        section.get_by_label("status").select_option("paid")
        section.get_by_label("limit").fill("3")

        section.get_by_role("button", name="Send").click()

        expect(section.locator(".output")).to_contain_text("GET /transactions?limit=3&status=paid")
        expect(section.locator(".output")).to_contain_text("200 in")

    def test_shows_what_is_wrong(self, page: Page) -> None:
        page.goto("/docs")
        section = page.locator("#createTransactions")
        section.get_by_label("body").fill("[{}]")

        section.get_by_role("button", name="Send").click()

        expect(section.locator(".output")).to_contain_text("422 in")
        expect(section.locator(".output")).to_contain_text("header:x-customer-id")

    def test_is_where_the_type_of_a_problem_leads(self, page: Page, client: httpx.Client) -> None:
        problem = client.post("/transactions", json={}).json()

        page.goto(problem["type"])

        expect(page.locator(f"#{problem['code']}")).to_be_in_viewport()

    def test_has_a_place_for_the_type_of_every_problem_without_a_script(self, client: httpx.Client) -> None:
        for problem in every_problem():
            leads_to = client.base_url.join("/transactions").join(type_of(problem))

            page = client.get(leads_to)

            assert page.status_code == 200
            assert f'id="{leads_to.fragment}"' in page.text
            assert html.escape(problem.title) in page.text

    def test_explains_every_field_and_shows_no_backtick(self, page: Page, client: httpx.Client) -> None:
        document = client.get("/openapi.json").json()
        page.goto("/docs")
        page.locator("#createTransaction").wait_for()
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")

        shown = page.locator("body").inner_text()

        assert "`" not in shown
        for schema in document["components"]["schemas"].values():
            for name, field in schema.get("properties", {}).items():
                assert name in shown
                assert field["description"].replace("`", "") in shown
        assert document["info"]["description"].split("\n")[0] in shown

    def test_serves_nothing_but_its_own_files(self, client: httpx.Client) -> None:
        for path in ("/docs/docs.py", "/docs/..%2Fmain.py", "/docs/%2Fetc%2Fpasswd"):
            assert client.get(path).status_code == 404
