"""A real browser, and pages opened in it as a person would open them: from the disk, with nothing else to be had."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:  # pytest reads this file whenever it looks for tests; playwright is for those that run them
    from playwright.sync_api import Browser, Dialog, Page, Request

ROOT = Path(__file__).resolve().parent.parent.parent
SCREENSHOTS = ROOT / "build" / "screenshots"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

WATCH = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.__violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""


def chromium() -> str:
    """The program to run: the one that `KIAMO_IAC_CHROMIUM` names, or the first that is installed."""
    named = os.environ.get("KIAMO_IAC_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.exit(
            "There is no Chromium here, and these tests are nothing without it. Install it (Debian: apt-get install "
            "chromium), or name one in KIAMO_IAC_CHROMIUM.",
            returncode=1,
        )
    return found


_ROWS = "[...document.querySelectorAll('.rows > tbody > tr')].filter(row => row.offsetParent).map(row => row.id)"


@dataclass
class Seen:
    """A page that was opened, and all that it did which nobody asked for."""

    page: Page
    url: str
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Requests that its policy stopped before they left."""

    def watch(self) -> None:
        """Write down what the page does from now on."""

        def dialog(shown: Dialog) -> None:
            self.dialogs.append(shown.message)
            shown.dismiss()

        def failed(request: Request) -> None:
            if request.failure == "csp":
                self.refused.append(request.url)

        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("requestfailed", failed)
        self.page.on("console", lambda message: self.messages.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.messages.append(f"error: {error}"))
        self.page.on("dialog", dialog)

    def forgive(self) -> None:
        """Forget what was done so far: it has been looked at."""
        self.requests[:] = [self.url]
        for some in (self.messages, self.dialogs, self.refused):
            some.clear()
        self.page.evaluate("window.__violations = []")

    def is_quiet(self) -> None:
        """No message, no error, no dialog, no request but for the page itself, no violation of its policy."""
        violations = self.page.evaluate("window.__violations || []")
        assert (self.messages, self.dialogs, violations) == ([], [], [])
        assert set(self.requests) == {self.url}
        assert len(self.page.context.pages) == 1

    @property
    def rows(self) -> list[str]:
        """The ids of the rows that can be seen."""
        found: list[str] = self.page.evaluate(_ROWS)
        return found

    def shows(self, rows: list[str]) -> None:
        """Wait until these are the ids of the rows that can be seen: the page searches a moment after the key."""
        self.page.wait_for_function(f"rows => String({_ROWS}) === String(rows)", arg=rows)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium with a fresh profile."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        yield program
        program.close()


Open = Callable[..., Seen]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """`opened(text)`: the page of that text, in a context of its own; when the test ends it must have been quiet."""
    seen: list[Seen] = []

    def open_(
        text: str,
        *,
        scheme: Literal["light", "dark"] = "light",
        width: int = 1280,
        height: int = 900,
        script: bool = True,
        suffix: str = "html",
    ) -> Seen:
        file = tmp_path / f"page{len(seen)}.{suffix}"
        file.write_bytes(text.encode("utf-8"))
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            java_script_enabled=script,
            reduced_motion="reduce",
        )
        context.add_init_script(WATCH)
        page = context.new_page()
        found = Seen(page, file.as_uri())
        found.watch()
        page.goto(found.url)
        seen.append(found)
        return found

    yield open_
    for each in seen:
        each.is_quiet()
        each.page.context.close()


def screenshot(seen: Seen, name: str, **options: Any) -> Path:
    """A picture of the page in build/screenshots/."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    seen.page.screenshot(path=path, animations="disabled", **options)
    return path
