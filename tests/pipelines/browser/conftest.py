"""The real Dagster and a real browser, once for this folder: no longer, because Playwright keeps an event loop running,
beside which Dagster runs no job in this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from psp_core.adapters.postgres.schema.migrate import migrate
from psp_core.settings import Settings
from psp_local.postgres import EmbeddedPostgres
from psp_local.sqs import EmbeddedSqs
from tests.chromium import running_browser
from tests.logins import make_logins
from tests.pipelines.browser.dagster_processes import running_dagster
from tests.pipelines.browser.history import a_year_of_transactions
from tests.pipelines.browser.operator import Operator
from tests.pipelines.webhook import Webhook, a_webhook

BUCKET = "psp-reports"
# What turns while a page waits is drawn sixty times a second.
_WITHOUT_MOTION = """addEventListener("DOMContentLoaded", () => {
  const style = document.createElement("style");
  style.textContent = "*, *::before, *::after { animation: none !important; transition: none !important; }";
  document.head.append(style);
});"""


@pytest.fixture(scope="package")
def webhook() -> Iterator[Webhook]:
    with a_webhook() as webhook:
        yield webhook


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="package")
def missed_year(postgres: EmbeddedPostgres, sqs: EmbeddedSqs) -> Settings:
    """The settings of a platform that has missed a year of due dates."""
    for name in ("psp_browser", "dagster_browser"):
        postgres.create_database(name)
    migrate(postgres.url("psp_browser"))
    make_logins(postgres.url("psp_browser"))
    settings = Settings(
        database_url=postgres.url("psp_browser"),
        sqs_endpoint_url=sqs.endpoint_url,
        sqs_queue_name="browser-test",
        drain_linger_s=0,
        drain_receive_wait_s=0,
    )
    a_year_of_transactions(settings)
    boto3.client("s3", endpoint_url=sqs.endpoint_url).create_bucket(Bucket=BUCKET)
    return settings


@pytest.fixture(scope="package")
def dagster_url(
    browser: Browser,
    missed_year: Settings,
    postgres: EmbeddedPostgres,
    sqs: EmbeddedSqs,
    webhook: Webhook,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    with running_dagster(
        missed_year,
        folder=tmp_path_factory.mktemp("dagster"),
        dagster_database_url=postgres.url("dagster_browser"),
        extra={
            "PSP_ALARM_URL": webhook.url,
            "PSP_REPORTS_URL": f"s3://{BUCKET}",
            "AWS_ENDPOINT_URL_S3": sqs.endpoint_url,
        },
    ) as url:
        yield url


@pytest.fixture(scope="package")
def context(browser: Browser) -> BrowserContext:
    """What the browser remembers: Dagster's scripts, which it would fetch and translate for each test."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, reduced_motion="reduce")
    context.add_init_script(_WITHOUT_MOTION)
    return context


@pytest.fixture
def operator(context: BrowserContext, dagster_url: str, tmp_path: Path) -> Iterator[Operator]:
    page: Page = context.new_page()
    page.set_default_timeout(60_000)
    # PICTURES=docs/images makes the runbook's pictures anew.
    yield Operator(page, dagster_url, pictures=Path(os.environ.get("PICTURES", tmp_path)))
    page.screenshot(path=tmp_path / "last.png")
    page.close()
