"""A person at Dagster's pages: what they press and what they see."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import FloatRect, Locator, Page, expect

ROOT = Path(__file__).parents[3]
_WITHOUT_FOLDER = """folder => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(folder, "");
}"""
PAGE_MS = 30_000
PATIENCE_S = 240
"""The daemon looks at backfills every 30 seconds, and machines that test have other things to do."""


@dataclass
class Operator:
    page: Page
    url: str
    pictures: Path

    def open(self, path: str) -> None:
        self.page.goto(f"{self.url}{path}")

    def sees(self, text: str, *, within: Locator | None = None) -> None:
        """Wait until the text is on the page."""
        # A log holds a sentence several times, and not all of them are scrolled into sight.
        expect((within or self.page).get_by_text(text).locator("visible=true").first).to_be_visible(timeout=PAGE_MS)

    def finds(self, path: str, *texts: str) -> None:
        """Open the page, and again as long as it does not show all of the texts: few pages renew themselves."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            self.open(path)
            try:
                for text in texts:
                    self.sees(text)
                return
            except AssertionError:
                if time.monotonic() > deadline:
                    raise

    def backfill(
        self,
        dates: str,
        *,
        asset: str = "settlement",
        reason: str | None = None,
        config: str | None = None,
        picture: str | None = None,
    ) -> None:
        """Launch a backfill of the asset, from its page: dates, the reason or a whole config, launch."""
        dialog = self._materialize(asset, dates)
        if reason:
            config = f"ops:\n  settlement:\n    config:\n      reason: {reason}\n"
        if config:
            self._configure(dialog, config)
        if picture:
            self.photograph(picture)
        dialog.get_by_role("button", name=re.compile("Launch")).last.click()
        expect(dialog).to_be_hidden(timeout=PAGE_MS)
        self._leave()

    def is_refused(self, dates: str, *sentences: str, picture: str | None = None) -> None:
        """Launch a settlement and forget the reason: the form says so, and stays."""
        dialog = self._materialize("settlement", dates)
        dialog.get_by_role("button", name=re.compile("Launch")).last.click()
        error = self.page.get_by_text("View error")
        said = self.page.get_by_text(sentences[0])
        expect(error.or_(said).first).to_be_visible(timeout=PAGE_MS)
        if error.count():
            error.first.click()
        for sentence in sentences:
            self.sees(sentence)
        if picture:
            self.photograph(picture)

    def settles(self, day: str, *, reason: str, picture: str) -> None:
        """Fill in the form that `unpaid_dates` links to: the date, and why."""
        # It opens in a tab of its own.
        self.page.goto(
            self.page.locator("a[href$='/settle_due_payables/playground']").first.get_attribute("href") or ""
        )
        box = self.page.get_by_placeholder("Partition")
        box.click()
        box.fill(day)
        self.page.get_by_text(day, exact=True).first.click()
        form = self.page.locator(".CodeMirror").first
        expect(form).to_contain_text("reason: ''", timeout=PAGE_MS)
        written = str(form.evaluate("editor => editor.CodeMirror.getValue()"))
        self._type(self.page.locator("body"), written.replace("reason: ''", f"reason: '{reason}'"))
        self.photograph(picture)
        self.page.get_by_role("button", name="Launch Run").click()
        self.page.wait_for_url("**/runs/**")

    def launch(self, job: str, *, config: str) -> None:
        """Launch a job from its launchpad."""
        self.open(f"/locations/psp/jobs/{job}/playground")
        self._type(self.page.locator("body"), config)
        self.page.get_by_role("button", name="Launch Run").click()
        self.page.wait_for_url("**/runs/**")
        self._leave()

    def materialize(self, asset: str) -> None:
        """Press the button on the page of an asset without partitions."""
        self.open(f"/assets/{asset}")
        self.page.get_by_role("button", name="Materialize").first.click()
        self.sees("Launched run")
        self._leave()

    def terminates(self, run_id: str) -> None:
        """End a run, from its page."""
        self.open(f"/runs/{run_id}")
        self.page.get_by_role("button", name="Terminate").first.click()
        self.page.get_by_role("dialog").get_by_role("button", name=re.compile("Terminate")).click()
        self.sees("Canceled")

    def sees_as_settled(self, count: int) -> None:
        """See on the asset's page that so many of its dates are settled."""
        self.finds("/assets/settlement?view=partitions", f"Materialized ({count})")

    def sees_the_plot_of(self, series: str) -> None:
        """Look at the numbers of the asset as a line over its partitions."""
        self.finds("/assets/settlement?view=overview", series)
        self.page.get_by_role("radio", name="Plots").or_(self.page.get_by_text("Plots", exact=True)).first.click()
        expect(self.page.locator("canvas").first).to_be_visible(timeout=PAGE_MS)

    def photograph(self, name: str, *, rows: tuple[int, int] | None = None) -> None:
        """Keep what is on the screen, or on those of its rows, for the runbook."""
        self.page.wait_for_timeout(1_500)
        # Where this machine keeps the repository is nobody's business.
        self.page.evaluate(_WITHOUT_FOLDER, f"{ROOT}/")
        self.page.screenshot(path=self.pictures / f"{name}.png", clip=_strip(self.page, rows) if rows else None)

    def _leave(self) -> None:
        """Look at nothing while a run goes on: an open page asks Dagster without end, and draws what it hears."""
        self.page.goto("about:blank")

    def _materialize(self, asset: str, dates: str) -> Locator:
        self.open(f"/assets/{asset}?view=partitions")
        self.page.get_by_role("button", name="Materialize…").first.click()
        dialog = self.page.get_by_role("dialog").filter(has_text="Launch runs to materialize")
        dialog.get_by_text("Show all partitions").click()
        box = dialog.get_by_role("textbox").first
        box.fill(dates)
        box.press("Enter")
        return dialog

    def _configure(self, dialog: Locator, config: str) -> None:
        dialog.get_by_text("Config", exact=True).click()
        dialog.get_by_role("button", name="Add config").click()
        launchpad = self.page.get_by_role("dialog").filter(has=self.page.get_by_role("button", name="Save config"))
        self._type(launchpad, config)
        launchpad.get_by_role("button", name="Save config").click()
        expect(launchpad).to_be_hidden(timeout=PAGE_MS)

    def _type(self, within: Locator, config: str) -> None:
        editor = within.locator(".CodeMirror").first
        editor.wait_for()
        # Typed key by key, the editor would indent by itself.
        editor.evaluate("(editor, text) => editor.CodeMirror.setValue(text)", config)


def _strip(page: Page, rows: tuple[int, int]) -> FloatRect:
    size = page.viewport_size
    assert size
    return {"x": 0, "y": rows[0], "width": size["width"], "height": rows[1] - rows[0]}
