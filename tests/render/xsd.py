"""XML Schema, as much of it as `published/junit-10.xsd` uses; a schema that uses more is refused, never half-read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as Xml

XS: Final = "{http://www.w3.org/2001/XMLSchema}"


class Schema:
    """A schema of elements with attributes, sequences and choices."""

    def __init__(self, path: Path) -> None:
        root = Xml.parse(path).getroot()
        assert root.tag == f"{XS}schema"
        self._elements = {e.attrib["name"]: e for e in root.findall(f"{XS}element")}
        self._types = {e.attrib["name"]: e for e in root if e.tag in {f"{XS}complexType", f"{XS}simpleType"}}
        assert len(self._elements) + len(self._types) == len(root)

    def problems(self, node: Xml.Element) -> Iterator[str]:
        """What is wrong with a document, or nothing."""
        declared = self._elements.get(node.tag)
        if declared is None:
            yield f"<{node.tag}> is not declared"
            return
        kind = self._type(declared)
        if kind is None:
            if len(node) or node.attrib:
                yield f"<{node.tag}> holds more than text"
            return
        yield from self._attributes(node, kind)
        if (node.text or "").strip() and kind.get("mixed") != "true":
            yield f"<{node.tag}> holds text"
        content = [part for part in kind if part.tag != f"{XS}attribute"]
        pattern = "".join(map(self._pattern, content))
        if not re.fullmatch(pattern, "".join(f"{child.tag};" for child in node)):
            yield f"<{node.tag}> holds {[child.tag for child in node]}"
        for child in node:
            yield from self.problems(child)

    def _type(self, declared: Xml.Element) -> Xml.Element | None:
        named = declared.get("type")
        if named is None:
            (kind,) = declared
            return kind
        return None if named == "xs:string" else self._types[named]

    def _attributes(self, node: Xml.Element, kind: Xml.Element) -> Iterator[str]:
        declared = {a.attrib["name"]: a for a in kind.findall(f"{XS}attribute")}
        yield from (f"<{node.tag}> has {name}" for name in node.attrib.keys() - declared.keys())
        for name, attribute in declared.items():
            assert attribute.attrib.keys() <= {"name", "type", "use"}
            if name in node.attrib:
                yield from self._value(node, name, attribute.attrib["type"])
            elif attribute.get("use") == "required":
                yield f"<{node.tag}> lacks {name}"

    def _value(self, node: Xml.Element, name: str, kind: str) -> Iterator[str]:
        if kind == "xs:string":
            return
        pattern = self._types[kind].find(f"{XS}restriction/{XS}pattern")
        assert pattern is not None
        if not re.fullmatch(pattern.attrib["value"], node.attrib[name]):
            yield f"{name} of <{node.tag}> is {node.attrib[name]}"

    def _pattern(self, part: Xml.Element) -> str:
        """A part of a content model as a regular expression over `tag;tag;`."""
        assert part.attrib.keys() <= {"ref", "name", "type", "minOccurs", "maxOccurs"}
        match part.tag.removeprefix(XS):
            case "element":
                inner = re.escape(part.get("ref") or part.attrib["name"]) + ";"
            case "sequence":
                inner = "".join(map(self._pattern, part))
            case "choice":
                inner = "|".join(map(self._pattern, part))
            case other:
                raise AssertionError(other)
        most = part.get("maxOccurs", "1")
        return f"(?:{inner}){{{part.get('minOccurs', '1')},{'' if most == 'unbounded' else most}}}"
