"""What a test asks of a page that is open: its colours, its widths, what stands in focus."""

from __future__ import annotations

from typing import Any, cast

from playwright.sync_api import Page

_CONTRAST = """() => {
  const parse = (color) => {
    const found = color.match(/rgba?\\(([\\d.]+), ([\\d.]+), ([\\d.]+)(?:, ([\\d.]+))?\\)/);
    return found ? [+found[1], +found[2], +found[3], found[4] === undefined ? 1 : +found[4]] : [0, 0, 0, 0];
  };
  const linear = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color[3] === 1) return color;
    }
    return [255, 255, 255, 1];
  };
  const low = [];
  let seen = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.data.trim();
    if (!text || element.closest("script, style, svg")) continue;
    if (!element.checkVisibility({ visibilityProperty: true })) continue;
    const [one, two] = [light(parse(getComputedStyle(element).color)), light(behind(element))].sort((a, b) => a - b);
    const ratio = (two + 0.05) / (one + 0.05);
    seen += 1;
    if (ratio < 4.5) low.push(`${ratio.toFixed(2)} ${element.className} ${text.slice(0, 40)}`);
  }
  return { low, seen };
}"""

_FOCUS = """() => {
  const at = document.activeElement;
  const style = getComputedStyle(at);
  const box = at.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + Math.min(box.width, 20) / 2, box.y + Math.min(box.height, 20) / 2);
  return {
    what: at.id || at.getAttribute("href") || at.dataset.key || at.className || at.tagName,
    tag: at.tagName.toLowerCase(),
    outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
    inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    covered: !!top && !at.contains(top) && !top.contains(at),
  };
}"""


def unreadable(page: Page) -> list[str]:
    """Each text that can be seen and is below 4.5 to 1 on what is behind it, as computed by the browser."""
    found = cast("dict[str, Any]", page.evaluate(_CONTRAST))
    assert found["seen"] > 5
    return cast("list[str]", found["low"])


def focused(page: Page) -> dict[str, Any]:
    """What has the focus, and whether that can be seen."""
    return cast("dict[str, Any]", page.evaluate(_FOCUS))


def overflow(page: Page) -> int:
    """How many pixels the page is wider than its window."""
    return int(page.evaluate("document.scrollingElement.scrollWidth - document.documentElement.clientWidth"))


def background(page: Page) -> str:
    """The colour of the page."""
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))
