"""A graph as SVG: a file of its own, or a part of a page that has its colours already."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from html import escape as entities
from pathlib import Path
from typing import Final, Literal

from kiamo_iac.core.secret import redact
from kiamo_iac.render.escape import visible
from kiamo_iac.render.graph.condense import Fitted, fitted
from kiamo_iac.render.graph.layout import HEIGHT, WIDTH, Band, Box, Drawing, Polyline, layout
from kiamo_iac.render.graph.model import DECLARED, Graph, Role

MAX_NODES: Final = 500
"""Of a file; more cannot be read box by box."""

_ICON: Final = 34
"""How wide the coloured end of a box is."""
_RADIUS: Final = 6

_SHAPES: Final = {
    Role.CREATE: "M8 3v10M3 8h10",
    Role.UPDATE: "M2.5 9.5c1.6-4 4-4 5.5-1.5s3.9 2.5 5.5-1.5",
    Role.RENAME: "M2.5 8h10M9 4.5 12.5 8 9 11.5",
    Role.DELETE: "M3 8h10",
    Role.START: "M5 3.2v9.6L13 8z",
    Role.PAUSE: "M5.5 3.5v9M10.5 3.5v9",
    Role.STOP: "M4 4h8v8H4z",
    Role.MANAGED: "M3 8.5 6.5 12 13 4.5",
    Role.REFERENCE: "M6 10 10 6M7 4.5l1-1a3 3 0 0 1 4.5 4.5l-1 1M9 11.5l-1 1A3 3 0 0 1 3.5 8l1-1",
    Role.ABSENT: "M4 4l8 8M12 4l-8 8",
}
"""The sign of a role, drawn with a line in a square of 16."""


def svg(graph: Graph) -> str:
    """A whole file, ending with a newline; light or dark as the reader's system is."""
    fit = fitted(graph, nodes=MAX_NODES)
    light = f":root {{\ncolor-scheme: light dark;\n{graph_colors('light')}}}\n"
    dark = f"@media (prefers-color-scheme: dark) {{\n:root {{\n{graph_colors('dark')}}}\n}}\n"
    return svg_of(fit, style=light + dark + graph_style())


def graph_style() -> str:
    """The rules by which a drawing looks, as CSS; its colours are variables, which `graph_colors` sets."""
    return _asset("graph")


def graph_colors(theme: Literal["light", "dark"]) -> str:
    """The declarations of the colours that a drawing uses, to put into a rule."""
    return _asset(theme)


def _asset(name: str) -> str:
    return (Path(__file__).parent / f"{name}.css").read_text(encoding="utf-8")


def svg_of(fit: Fitted, *, style: str | None = None) -> str:
    """One `<svg>` element, ending with a newline. `style`: CSS to go with it, trusted."""
    return "".join(f"{line}\n" for line in _lines(fit, layout(fit.graph), style=style))


def _lines(fit: Fitted, drawing: Drawing, *, style: str | None) -> Iterator[str]:
    wide, high = drawing.width, drawing.height
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="graph" role="img" aria-labelledby="graph-title graph-desc" '
        f'width="{wide}" height="{high}" viewBox="0 0 {wide} {high}">'
    )
    yield f'<title id="graph-title">{_text(fit.graph.title)}</title>'
    yield f'<desc id="graph-desc">{_text(fit.described)}</desc>'
    if style is not None:
        yield f"<style>\n{style}</style>"
    yield from _definitions(fit.graph)
    yield f'<rect class="paper" width="{wide}" height="{high}"/>'
    for band in drawing.bands:
        yield from _band(band)
    yield from map(_line, drawing.lines)
    yield from map(_box, drawing.boxes)
    yield "</svg>"


def _definitions(graph: Graph) -> Iterator[str]:
    yield "<defs>"
    yield (
        '<marker id="graph-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'markerUnits="userSpaceOnUse" orient="auto"><path class="tip" d="M0 0.5 8 4 0 7.5z"/></marker>'
    )
    yield f'<clipPath id="graph-clip"><rect width="{WIDTH - 6}" height="{HEIGHT}"/></clipPath>'
    for role in dict.fromkeys(node.role for node in graph.nodes):
        yield f'<path id="graph-{role.value}" d="{_SHAPES[role]}"/>'
    yield "</defs>"


def _band(band: Band) -> Iterator[str]:
    if not band.title:
        return
    yield f'<rect class="band" x="{band.x}" y="{band.y}" width="{band.width}" height="{band.height}" rx="12"/>'
    title = shortened(band.title, room=band.width - 32, size=13)
    yield f'<text class="band-name" x="{band.x + 14}" y="{band.y + 22}">{_text(title)}</text>'


def _line(line: Polyline) -> str:
    return (
        f'<path class="edge" data-from="{_text(line.source)}" data-to="{_text(line.target)}" d="{_path(line.points)}"/>'
    )


def _path(points: tuple[tuple[int, int], ...]) -> str:
    """The corners, rounded."""
    parts = [f"M{points[0][0]} {points[0][1]}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(_RADIUS, _length(before, corner) // 2, _length(corner, after) // 2)
        from_, to = _towards(corner, before, radius), _towards(corner, after, radius)
        parts.append(f"L{from_[0]} {from_[1]}Q{corner[0]} {corner[1]} {to[0]} {to[1]}")
    parts.append(f"L{points[-1][0]} {points[-1][1]}")
    return "".join(parts)


def _length(one: tuple[int, int], other: tuple[int, int]) -> int:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _towards(corner: tuple[int, int], other: tuple[int, int], by: int) -> tuple[int, int]:
    """The point `by` pixels from `corner` towards `other`, across or down."""
    return tuple(a + max(-by, min(by, b - a)) for a, b in zip(corner, other, strict=True))  # type: ignore[return-value]


def _box(box: Box) -> str:
    node = box.node
    number = f"{node.number}" if node.number is not None else ""
    beside = width(number, size=11) + 14 if number else 8
    first, more, others = node.name.rpartition(" and ") if node.count > 1 else (node.name, "", "")
    room = WIDTH - _ICON - 10 - beside - width(more + others, size=13)
    name = f"{shortened(first, room=room, size=13)}{more}{others}"
    subtitle = node.subtitle if node.caption or not node.mark else f"{node.subtitle}, {node.mark}"
    classes = f"node {node.role.value}" + (" many" if node.count > 1 else "")
    shadow = f'<rect class="node-card" x="4" y="4" width="{WIDTH}" height="{HEIGHT}" rx="8"/>' if node.count > 1 else ""
    subtitle = shortened(subtitle, room=WIDTH - _ICON - 12, size=11)
    grave = " node-grave" if node.mark and node.role not in DECLARED else ""
    return (
        f'<g class="{classes}" data-key="{_text(node.key)}" transform="translate({box.x} {box.y})">'
        f"<title>{_text(node.whole)}</title>{shadow}"
        f'<rect class="node-card" width="{WIDTH}" height="{HEIGHT}" rx="8"/>'
        f'<path class="node-end" d="M8 0H{_ICON - 4}V{HEIGHT}H8Q0 {HEIGHT} 0 {HEIGHT - 8}V8Q0 0 8 0z"/>'
        f'<use class="node-sign" href="#graph-{node.role.value}" x="7" y="{HEIGHT // 2 - 8}"/>'
        f'<g clip-path="url(#graph-clip)"><text class="node-name" x="{_ICON + 6}" y="20">{_text(name)}</text>'
        f'<text class="node-said{grave}" x="{_ICON + 6}" y="36">{_text(subtitle)}'
        f'</text></g><text class="node-number" x="{WIDTH - 9}" y="19">{number}</text></g>'
    )


def _text(text: str) -> str:
    """Text escaped for an element or an attribute of XML."""
    shown = visible(redact(text))
    return entities(shown.translate({0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}))


_NARROW = frozenset("fijlrtI.,:;|!'`()[]{}/\\ ")
_BROAD = frozenset("mwMW@%&—…")


def width(text: str, *, size: int) -> int:
    """The width of `text` in pixels, guessed, in a bold sans-serif face of `size`: rather too much than too little."""
    return sum(map(_thousandths, text)) * size // 1000


def _thousandths(char: str) -> int:
    if char in _NARROW:
        return 420
    if char in _BROAD or unicodedata.east_asian_width(char) in "WF" or ord(char) > 0xFFFF:
        return 1080
    if unicodedata.combining(char):
        return 0
    return 790 if char.isupper() else 715


def shortened(text: str, *, room: int, size: int) -> str:
    """`text` made visible, and cut in its middle with an ellipsis where it is wider than `room` pixels.

    Names differ at their ends as often as at their beginnings. A token is hidden before anything is cut: half a token
    would not be recognised as one.
    """
    text = visible(redact(text))
    if width(text, size=size) <= room:
        return text
    left = room - width("…", size=size)
    head = _fitting(text, room=left // 2, size=size)
    tail = _fitting(text[::-1], room=left // 2, size=size)[::-1]
    return f"{head.rstrip()}…{tail.lstrip()}"


def _fitting(text: str, *, room: int, size: int) -> str:
    """The first characters of `text` that are no wider than `room`."""
    left = room
    for at, char in enumerate(text):
        left -= width(char, size=size) + 1
        if left < 0:
            return text[:at]
    return text
