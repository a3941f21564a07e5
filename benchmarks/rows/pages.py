"""The page of a plan in Chromium: from the disk to the first picture, and from a key to the rows that are found."""

from __future__ import annotations

import importlib.util
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.harness import Missing, Outcome, Pairs, Row, Scale, alternate
from kiamo_iac.core.address import Address
from kiamo_iac.planner.plan import Action, FieldChange, Plan, Step
from kiamo_iac.render.base import Style, plan_renderer

if TYPE_CHECKING:
    from playwright.sync_api import Page

NOT_INSTALLED: Final = "not installed: playwright, or Chromium"
_ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
_DRAWN: Final = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
_SEARCH: Final = """async (words) => {
  const [find, shown] = ["find", "shown"].map((id) => document.getElementById(id));
  const changed = new Promise((done) => new MutationObserver(done).observe(shown, { childList: true }));
  find.value = words;
  find.dispatchEvent(new Event("input", { bubbles: true }));
  await changed;
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""
_BELOW: Final = 10
"""Steps of each base but the first, which has half of all."""


def page_of(steps: int) -> str:
    """The page of a plan of so many updates: half of them in one base."""
    bases = ["bases/large"] * (steps // 2) + [f"bases/base-{at // _BELOW:05}" for at in range(steps - steps // 2)]
    change = FieldChange("label", "The label that it has", "The label that is declared")
    made = tuple(
        Step(
            id=at,
            action=Action.UPDATE,
            address=Address(f"{base}/fields/field {at}"),
            kind="field",
            depends_on=(),
            before={"label": change.before},
            after={"label": change.after},
            changes=(change,),
            reason="label differs from what is declared",
        )
        for at, base in enumerate(bases, start=1)
    )
    return plan_renderer("html", Style()).render(Plan("bench", "https://kiamo.example.com", made))


def opening(scale: Scale, pairs: int) -> Outcome:
    """A page from its file to the second frame in which it is drawn."""
    return _measured(scale, pairs, lambda page, file: _seconds(lambda: _open(page, file)))


def searching(scale: Scale, pairs: int) -> Outcome:
    """A search for a name, from the key to the second frame in which the found rows are drawn."""

    def search(page: Page, file: Path) -> float:
        _open(page, file)
        return _seconds(lambda: page.evaluate(_SEARCH, "field 17"))

    return _measured(scale, pairs, search)


def _measured(scale: Scale, pairs: int, measure: Callable[[Page, Path], float]) -> Outcome:
    program = os.environ.get("KIAMO_IAC_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if program is None or importlib.util.find_spec("playwright") is None:
        return Missing(NOT_INSTALLED)
    large, small = (_file(scale, steps) for steps in (scale.of(5000, 50), scale.of(500, 20)))

    def once(file: Path) -> float:
        with _tab(program) as page:
            return measure(page, file)

    return Pairs(alternate(pairs, lambda: once(large), lambda: once(small)))


def _file(scale: Scale, steps: int) -> Path:
    file = scale.folder / f"plan-{steps}.html"
    file.write_text(page_of(steps), encoding="utf-8")
    return file


@contextmanager
def _tab(program: str) -> Iterator[Page]:
    """A tab of a Chromium that was started for it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto("about:blank")
        yield page
        browser.close()


def _open(page: Page, file: Path) -> None:
    page.goto(file.as_uri())
    page.evaluate(_DRAWN)


def _seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


ROWS = (
    Row("page-open", "the page of a plan of 5,000 steps opens", "of 500", 6, opening),
    Row("page-search", "a search in it", "of 500", 6, searching),
)
