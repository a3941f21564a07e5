"""The formats described in Markdown, from their JSON Schemas: pages of docs/reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from kiamo_iac.app.schemas import catalogue
from kiamo_iac.cli.reference import table

Schema = dict[str, Any]

INTRODUCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "manifest": (
            "Every key of a manifest. A patch has the same keys; there `null` removes a value, see "
            "[promotion](../how-to/promotion.md). Only what is declared is compared; the rest is not managed."
        ),
        "project": (
            "Every key of `kiamo.yaml`. The file is searched from the working directory up to the root of the git "
            "repository, or passed with `--project FILE`; it has at most 1 MiB. It never holds tokens: see "
            "[environment variables](environment.md)."
        ),
        "plan": (
            "The output of `plan --format json` and `show --format json`. While the first number of `format_version` "
            "is the same, keys are only added: none is removed or changes its meaning."
        ),
        "report": "The output of `apply --format json` on stdout, after the run.",
        "drift": "The output of `drift --format json`.",
        "doctor": "The output of `doctor --format json`.",
        "recording": "The file of `doctor --record`, which `contract derive` and `contract compare` read.",
        "validate": "The output of `validate --format json`.",
    }
)
"""Schema → the text before its keys."""
PAGES: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "manifest.md": ("Manifest", ("manifest",)),
        "project-file.md": ("Project file", ("project",)),
        "plan-json.md": ("Plan as JSON", ("plan",)),
        "other-json.md": ("Reports as JSON", ("validate", "report", "drift", "doctor", "recording")),
    }
)
"""Page → its title and the schemas on it."""
_WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}


def pages() -> Iterator[tuple[str, str]]:
    """The name of every page and its text."""
    known = catalogue()
    for name, (title, schemas) in PAGES.items():
        parts = [f"# {title}"]
        for schema in schemas:
            if len(schemas) > 1:
                parts.append(f"## {known[schema].line}")
            parts += _page(schema, known[schema].make(), file=known[schema].file)
        yield name, "\n\n".join(parts) + "\n"


def _page(name: str, schema: Schema, *, file: str) -> Iterator[str]:
    yield INTRODUCTIONS[name]
    yield f"The schema is `schemas/{file}`; `kiamo-iac schema {name}` prints it."
    definitions: Schema = schema.get("definitions", {})
    writer = _Writer(name, definitions)
    yield from writer.mapping(schema)
    for part, definition in definitions.items():
        if "properties" in definition:
            yield f"{writer.mark} {writer.heading(part)}"
            yield _plain(definition.get("description", ""))
            yield from writer.mapping(definition)


class _Writer:
    """Describes keys and types of one schema."""

    def __init__(self, name: str, definitions: Schema) -> None:
        self._name = name
        self._alone = any(schemas == (name,) for _, schemas in PAGES.values())
        self._definitions = definitions

    @property
    def mark(self) -> str:
        """The mark of a headline: deeper on a page of several schemas."""
        return "##" if self._alone else "###"

    def heading(self, part: str) -> str:
        """The headline of a definition; on a page of several schemas with the name of the schema."""
        words = part.replace("_", " ")
        return words if self._alone else f"{self._name}: {words}"

    def mapping(self, schema: Schema) -> Iterator[str]:
        """The keys of a mapping, and of the mappings in its lists."""
        yield self.keys(schema)
        for key, node in schema["properties"].items():
            inner = node.get("items", {})
            if "properties" in inner:
                yield f"Each of `{key}`:"
                yield self.keys(inner)

    def keys(self, schema: Schema) -> str:
        """A table of the keys of a mapping; required keys are marked."""
        required = {*schema.get("required", ()), *schema.get("else", {}).get("required", ())}
        rows = (
            (
                f"`{key}`{' (required)' if key in required else ''}",
                f"{_capital(self.type_of(node))}. {_plain(self._description(node))}".strip(),
            )
            for key, node in schema["properties"].items()
        )
        return table(rows, heads=("key", "value"))

    def _description(self, node: Schema) -> str:
        if "description" in node:
            return str(node["description"])
        target = self._definitions.get(str(node.get("$ref", "")).rpartition("/")[2], {})
        return "" if "properties" in target else str(target.get("description", ""))

    def type_of(self, node: Schema) -> str:
        """The type of a value, in words. Most values may be a variable, which the page explains once."""
        match node:
            case {"$ref": str(reference)}:
                return self._reference(reference.rpartition("/")[2])
            case {"else": dict(inner)} if "type" not in node:
                return self.type_of(inner)
            case {"const": value}:
                return _code(value)
            case {"enum": list(values)}:
                return ", ".join(map(_code, values))
            case {"anyOf": list(nodes)} | {"oneOf": list(nodes)}:
                return " or ".join(dict.fromkeys(map(self.type_of, nodes)))
            case {"type": "array"}:
                inner = node.get("items", {})
                return "list of mappings, see below" if "properties" in inner else f"list of {self.type_of(inner)}"
            case {"type": "object"}:
                return self._mapping(node)
            case {"type": list(names)}:
                return " or ".join(self.type_of({"type": name}) for name in names)
            case {"type": str(name)}:
                return _WORDS[name] + _bounds(node)
            case _:
                return "anything"

    def _reference(self, part: str) -> str:
        target = self._definitions[part]
        if "properties" not in target:
            return self.type_of(target)
        return f"[{part.replace('_', ' ')}](#{self.heading(part).replace(':', '').replace(' ', '-')})"

    def _mapping(self, node: Schema) -> str:
        if "properties" in node:
            return "mapping of " + ", ".join(f"`{key}`" for key in node["properties"])
        inner = node.get("additionalProperties")
        return f"mapping to {self.type_of(inner)}" if inner else "mapping"


def _bounds(node: Schema) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None and high is not None:
        return f", {low} to {high}"
    return f", {low} or more" if low is not None else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _code(value: object) -> str:
    return "null" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _plain(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*")
