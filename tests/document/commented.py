"""Random YAML as people write it: any style, any indent, comments everywhere, anchors; and edits of it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from kiamo_iac.document.equality import Path

SCALARS = (
    "city", "label", "é è", '"q: x"', "'it''s'", "12", "true", "null", "~", "", '"0612"', "a b", "x:y", "日本", "-1.5",
    '"esc\\t\\"q"', '"a # b"', "plain # not",
)  # fmt: skip
IN_BRACKETS = ("city", "a b", "12", "true", '"q, x"', "'y'", "é")
NEW = (
    "v", "new text", "0612345678", "yes", "", None, True, 1, 1.0, 0, -3, "a: b", "x # y", "l1\nl2\n", "l1\nl2", " sp",
    "é,[x]", "2026-01-01", "tab\tx",
)  # fmt: skip


class Writer:
    """One document; what is random comes from `random`, so that Hypothesis can choose it."""

    def __init__(self, random: Random, *, anchors: bool) -> None:
        self.random = random
        self._anchors = anchors
        self._named: list[str] = []
        self._count = 0
        self._indent = random.choice([1, 2, 4])

    def document(self) -> str:
        lines = ["# head"] if self._chance(0.3) else []
        if self._chance(0.15):
            lines.append("---" + self._note())
        kind = self.random.random()
        if kind < 0.85:
            lines += self._mapping(0, 3)
        elif kind < 0.95:
            lines += self._sequence(0, 3)
        else:
            lines += [self._brackets(3)] if kind < 0.98 else ["# only"]
        lines += ["", "# end"] if self._chance(0.2) else []
        lines += ["..."] if self._chance(0.08) else []
        newline = "\r\n" if self._chance(0.3) else "\n"
        text = "\n".join([*lines, ""] if self._chance(0.8) else lines).replace("\n", newline)
        return "\ufeff" + text if self._chance(0.05) else text

    def value(self, depth: int = 2) -> Any:
        kind = self.random.random()
        if depth <= 0 or kind < 0.6:
            return self.random.choice(NEW)
        if kind < 0.8:
            return [self.value(depth - 1) for _ in range(self.random.randint(0, 3))]
        keys = [key for key in ("name", "label", "n e", "yes") if self._chance(0.5)]
        return {key: self.value(depth - 1) for key in keys}

    def _chance(self, part: float) -> bool:
        return self.random.random() < part

    def _note(self, part: float = 0.25) -> str:
        if not self._chance(part):
            return ""
        return self.random.choice([" ", "  ", "\t"]) + "# " + self.random.choice(["note", "é: x", "- a", "{b"])

    def _above(self, column: int) -> list[str]:
        lines = [""] if self._chance(0.25) else []
        if self._chance(0.2):
            lines.append(" " * max(0, column + self.random.choice([0, 0, 0, 2, -2])) + "# own")
        return lines + ([""] if self._chance(0.05) else [])

    def _anchor(self, part: float = 0.15) -> str:
        if not self._anchors or not self._chance(part):
            return ""
        self._count += 1
        return f"&a{self._count}"

    def _alias(self) -> str:
        return f"*{self.random.choice(self._named)}" if self._named and self._chance(0.1) else ""

    def _brackets(self, depth: int) -> str:
        if alias := self._alias():
            return f"{alias} "
        kind = self.random.random()
        if depth <= 0 or kind < 0.5:
            return self.random.choice(IN_BRACKETS)
        anchor = self._anchor(0.08)
        if kind < 0.75:
            opening, closing = "[", "]"
            items = [self._brackets(depth - 1) for _ in range(self.random.randint(0, 3))]
        else:
            opening, closing = "{", "}"
            keys = [key for key in ("a", "b", '"c d"', "é") if self._chance(0.4)]
            items = [f"{key}: {self._brackets(depth - 1)}" for key in keys]
        if anchor:
            self._named.append(anchor[1:])
            opening = f"{anchor} {opening}"
        if items and self._chance(0.2):
            start = "\n" + " " * 12
            end = "," if self._chance(0.4) else ""
            return opening + start + f",{self._note(0.2)}{start}".join(items) + end + start + closing
        space = self.random.choice(["", " "])
        return opening + space + self.random.choice([", ", ",", "  , "]).join(items) + space + closing

    def _literal(self, column: int) -> list[str]:
        header = self.random.choice("|>") + self.random.choice(["", "-", "+"]) + self._note(0.2)
        texts = ("text", "more # not", "é")
        lines = [" " * (column + self._indent) + self.random.choice(texts) for _ in range(self.random.randint(1, 3))]
        return [header, *lines, *([""] if self._chance(0.3) else [])]

    def _value(self, column: int, depth: int) -> list[str]:
        """What stands behind a sign in `column`, and the lines below."""
        if alias := self._alias():
            return [f" {alias}{self._note()}"]
        kind = self.random.random()
        if depth <= 0 or kind < 0.35:
            if self._chance(0.15):
                header, *lines = self._literal(column)
                return [f" {header}", *lines]
            return [self.random.choice([" ", "  "]) + self.random.choice(SCALARS) + self._note()]
        if kind < 0.5:
            return [f" {self._brackets(2)}{self._note()}"]
        anchor = self._anchor()
        head = (f" {anchor}" if anchor else "") + self._note()
        if kind < 0.75:
            lines = self._mapping(column + self._indent, depth - 1)
        else:
            lines = self._sequence(column + self.random.choice([0, self._indent]), depth - 1)
        if anchor:
            self._named.append(anchor[1:])
        return [head, *lines]

    def _mapping(self, column: int, depth: int) -> list[str]:
        lines: list[str] = []
        keys = [key for key in ("name", "label", "fields", '"k e"', "é", "z") if self._chance(0.4)] or ["name"]
        for key in keys:
            lines += self._above(column)
            head, *below = self._value(column, depth)
            if self._chance(0.03):
                lines += [" " * column + f"? {key}", " " * column + f":{head}"]
            else:
                lines.append(" " * column + f"{key}:{head}")
            lines += below
        return lines

    def _sequence(self, column: int, depth: int) -> list[str]:
        lines: list[str] = []
        brackets = self._chance(0.3)
        for _ in range(self.random.randint(1, 4)):
            lines += self._above(column)
            kind = self.random.random()
            if brackets:
                item = [f" {{name: {self.random.choice('abc')}, label: L}}{self._note()}"]
            elif kind < 0.5 and depth > 0:
                width = self.random.choice([2, 2, 4])
                below = self._mapping if kind < 0.4 else self._sequence
                inner = _bare(below(column + width, depth - 1))
                item = [" " * (width - 1) + inner[0].lstrip(" "), *inner[1:]]
            else:
                item = self._value(column, 0)
            lines += [" " * column + f"-{item[0]}", *item[1:]]
        return lines


def _bare(lines: list[str]) -> list[str]:
    """Without the comments that it begins with: they cannot stand behind a "-"."""
    while not lines[0].strip() or lines[0].lstrip().startswith("#"):
        lines = lines[1:]
    return lines


def paths(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value of `data` with its path."""
    yield path, data
    if isinstance(data, dict):
        for key, value in data.items():
            yield from paths(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from paths(value, (*path, index))
