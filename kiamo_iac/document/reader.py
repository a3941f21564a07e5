"""Reads libyaml's events into plain data and positions in one pass, and refuses what is unsafe."""

from __future__ import annotations

import re
import sys
import unicodedata
from itertools import islice
from typing import Any, Final

from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.errors import KiamoIacError
from kiamo_iac.core.known_forms import blanked, forms_in, may_have_form
from kiamo_iac.core.place import LineIndex
from kiamo_iac.core.printable import quote
from kiamo_iac.core.secret import TOKEN, redact
from kiamo_iac.core.sensitive import names_secret
from kiamo_iac.document import syntax_errors
from kiamo_iac.document.scalars import NUMERIC, WORDS, Scalar, refused_tag, resolve, tagged

try:
    from _ruamel_yaml import CParser  # type: ignore[import-not-found]
except ImportError as error:  # ruamel.yaml silently falls back to pure Python, thirty times slower
    msg = "The C part of ruamel.yaml is missing."
    raise KiamoIacError(msg, hint="install the package ruamel.yaml.clib for this version of Python") from error

MAX_DEPTH: Final = 32
"""Levels of nested mappings and lists; a manifest needs eight."""
MAX_NODES: Final = 1_000_000
"""Values of one file; the value of an alias counts each time it is used."""
MAX_ALIASED: Final = 100_000
"""Values of one file that come from aliases; each `_COUNTED` characters of a long text count as one more."""
_COUNTED: Final = 160
_SEARCHED: Final = 100  # problems of a file after which the first place of a duplicate key is not searched
MAX_TOKENS_SHOWN: Final = 20
"""Reports of tokens in one file."""

_KNOWN_KEYS: Final[dict[str, str]] = {}
"""Common ASCII keys of all files, at most 10,000: nearly all files have the same few."""

_TAG: Final = re.compile(r'the tag ".*" is not supported', re.DOTALL)
_TOKEN_STRIDE: Final = 5
_TOKEN_SAMPLE: Final = re.compile(r"[0-9A-Fa-f]{8}")
"""40 hexadecimal characters in a row are eight in every fifth character of a text, which is faster to search."""
_MASK: Final = "hidden-".ljust(40, "x")
"""What the parser reads in place of a token: of the same length, so that positions are kept."""


LOOKS_LIKE_TOKEN: Final = "this looks like an API token (40 hexadecimal characters)"  # noqa: S105 - a message
REVOKE: Final = "remove it and revoke it: pass tokens in environment variables, never in files"
ROTATE: Final = "revoke it, remove it from the file and from git history, and set the new one in Kiamo by hand"
"""The hint for a secret that is recognised by its form."""


class _Stop(Exception):  # noqa: N818 - no error: the diagnostic is already recorded
    """The rest of the file cannot be read."""


class YamlReader:
    """One pass over one text. `_mapping` and `_sequence` are the hot path: they avoid lookups."""

    def __init__(self, text: str, lines: LineIndex) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.marks: list[int] = []
        """The offsets that `Place.read` needs, of all mappings and lists."""
        self.first: dict[int, int] = {}
        """id of a mapping or list → where its offsets begin in `marks`."""
        self._text = text
        self._lines = lines
        self._bare = "&" not in text and "!" not in text
        """The text has no anchors and no tags, so that events are not checked for them."""
        self._escaped = "\\" in text
        """Whether strings in double quotes may contain escapes."""
        self._unicode_keys = False
        self._has_merge_key = False
        self._anchors: dict[str, tuple[Any, int, int] | None] = {}
        self._depth = self._deepest = 0
        self._listing = "sensitive" in text
        self._secret_depth = 0
        """How many enclosing mappings and lists may hold secrets: inside, values are not quoted in messages."""
        self._nodes = self._aliased = 0

    def read(self) -> Any:
        """The data of the document, or None when it cannot be read to the end."""
        if _TOKEN_SAMPLE.search(self._text[::_TOKEN_STRIDE]):
            self._hide_tokens()
        if may_have_form(self._text):
            self._hide_forms()
        try:
            self._parser = CParser(self._text)
            self._next = self._parser.get_event
            return self._document()
        except _Stop:
            return None
        except (YAMLError, UnicodeEncodeError) as error:
            fault = syntax_errors.explain(error, self._text)
            self._report(fault.code, fault.summary, fault.offset, hint=fault.hint)
            return None

    def _document(self) -> Any:
        self._next()  # the start of the stream
        event = self._next()
        if type(event) is StreamEndEvent:
            return None
        if event.version == (1, 1):
            self._report(
                "KIA0105", "YAML 1.1 is not supported", event, hint="remove the %YAML line: manifests are YAML 1.2"
            )
        data = self._value(self._next())
        self._next()  # the end of the document
        event = self._next()
        if type(event) is not StreamEndEvent:
            hint = "put each document into a file of its own"
            self._report("KIA0106", "the file contains more than one YAML document", event, hint=hint)
        return data

    def _mapping(self, start: Any) -> dict[str, Any]:
        node: dict[str, Any] = {}
        offsets = [start.start_mark.index]
        mark = offsets.append
        get, known_keys, bare = self._next, _KNOWN_KEYS, self._bare
        for _ in range(MAX_NODES):
            event = get()
            if type(event) is MappingEndEvent:
                break
            key = known_keys.get(event.value) if bare and type(event) is ScalarEvent else None
            if key is None or key in node:
                key = self._key(event, node, offsets)
                if key is None:
                    self._value(get())  # still read, to report its problems
                    continue
            mark(event.start_mark.index)
            value = get()
            mark(value.start_mark.index)
            if bare and type(value) is ScalarEvent and not value.style:
                text = value.value
                node[key] = self._scalar(value, key) if text in WORDS or text[0] in NUMERIC else text
            else:
                node[key] = self._scalar(value, key) if type(value) is ScalarEvent else self._below(key, value)
        else:
            self._too_many(start)
        if self._unicode_keys:
            self._compare_in_nfc(node, offsets)
        self.first[id(node)] = len(self.marks)
        self.marks += offsets
        self._nodes += len(node)
        return node

    def _sequence(self, start: Any) -> list[Any]:
        node: list[Any] = []
        offsets = [start.start_mark.index]
        get = self._next
        for _ in range(MAX_NODES):
            event = get()
            if type(event) is SequenceEndEvent:
                break
            offsets.append(event.start_mark.index)
            node.append(self._value(event))
        else:
            self._too_many(start)
        self.first[id(node)] = len(self.marks)
        self.marks += offsets
        self._nodes += len(node)
        return node

    def _below(self, key: str, event: Any) -> Any:
        """The value of `key`, if it is not a scalar. In a file with a list `sensitive`, any setting may be a secret."""
        if not (names_secret(key) or (key == "settings" and self._listing)):
            return self._value(event)
        self._secret_depth += 1
        value = self._value(event)
        self._secret_depth -= 1
        return value

    def _value(self, event: Any) -> Any:
        if type(event) is ScalarEvent:
            return self._scalar(event)
        if type(event) is AliasEvent:
            return self._alias(event)
        is_mapping = type(event) is MappingStartEvent
        if event.ctag is not None and event.tag not in {"!", f"tag:yaml.org,2002:{'map' if is_mapping else 'seq'}"}:
            self._refuse_tag(event)
        self._depth += 1
        if self._depth > self._deepest:
            self._deepest = self._depth
            if self._depth > MAX_DEPTH:
                self._too_deep(event)
        if event.anchor is None:
            node = self._mapping(event) if is_mapping else self._sequence(event)
        else:
            node = self._anchored(event)
        self._depth -= 1
        if self._nodes > MAX_NODES:
            self._too_many(event)
        return node

    def _anchored(self, event: Any) -> Any:
        """A mapping or list with an anchor: its size and depth are kept, so that each alias counts as much."""
        self._anchors[event.anchor] = None
        nodes, deepest = self._nodes, self._deepest
        self._deepest = self._depth
        node = self._mapping(event) if type(event) is MappingStartEvent else self._sequence(event)
        text = (self._parser.peek_event().start_mark.index - event.start_mark.index) // _COUNTED
        self._anchors[event.anchor] = (node, self._nodes - nodes + 1 + text, self._deepest - self._depth + 1)
        self._deepest = max(deepest, self._deepest)
        return node

    def _alias(self, event: Any) -> Any:
        found = self._anchors.get(event.anchor)
        if found is None:
            inside = event.anchor in self._anchors
            name = "this" if self._secret_depth else quote(event.anchor)
            summary = f"the alias {name} is used inside its own anchor" if inside else f"undefined alias {name}"
            self._report("KIA0113", summary, event, hint="define the anchor before the alias that uses it")
            return None
        node, size, height = found
        self._nodes += size
        self._aliased += size
        if self._aliased > MAX_ALIASED or self._nodes > MAX_NODES:
            self._too_many(event)
        if self._depth + height > MAX_DEPTH:
            self._too_deep(event)
        self._deepest = max(self._deepest, self._depth + height)
        return node

    def _scalar(self, event: Any, key: str = "") -> Scalar:
        """`key`: its key in a mapping."""
        text: str = event.value
        value: Scalar = text
        problem = None
        # A token here was written with escapes, or the search of the text would have found it.
        if len(text) >= 40 and TOKEN.search(text):
            self._report_token(event)
            value = redact(text)
        elif self._escaped and event.style == '"' and (forms := forms_in(text)):
            self._report_form(event, forms[0].name)
            value = redact(text)
        elif event.ctag is not None:
            value, problem = tagged(event.tag, text)
        elif not event.style:
            value, problem = resolve(text)
        if problem is not None:
            summary, hint = problem.summary, problem.hint
            if self._secret_depth or (key and names_secret(key)):
                summary, hint = _without_value(summary, text), _without_value(hint, text)
            self._report(problem.code, summary, event, hint=hint, severity=problem.severity)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1 + len(text) // _COUNTED, 0)
        return value

    def _key(self, event: Any, node: dict[str, Any], offsets: list[int]) -> str | None:
        """The key of an event that is not a common key; None when it is refused."""
        if type(event) is not ScalarEvent:
            self._report("KIA0109", "a key must be a string", event, hint="write the key as plain text")
            if type(event) is not AliasEvent:
                self._value(event)
            return None
        if not event.style and event.value == "<<":
            if not self._has_merge_key:  # once a file is enough
                hint = (
                    'in a manifest, define the keys under "templates:", and write "use: NAME"; elsewhere write them out'
                )
                self._report("KIA0110", "merge keys (<<) are not supported", event, hint=hint)
            self._has_merge_key = True
            return None
        key = self._scalar(event)
        if not isinstance(key, str):
            text = quote(event.value)
            self._report("KIA0109", f"the key {text} must be a string", event, hint=f"quote it: {text}")
            return None
        if key in node:
            searched = len(self.diagnostics) < _SEARCHED
            self._duplicate(event, key, offsets[2 * list(node).index(key) + 1] if searched else None)
            return None
        if not key.isascii():
            self._unicode_keys = True
        elif len(_KNOWN_KEYS) < 10_000 and resolve(key) == (key, None) and key != "<<":
            key = _KNOWN_KEYS[key] = sys.intern(key)
        return key

    def _compare_in_nfc(self, node: dict[str, Any], offsets: list[int]) -> None:
        first: dict[str, int] = {}
        for index, key in enumerate(node):
            other = first.setdefault(unicodedata.normalize("NFC", key), index)
            if other != index:
                self._duplicate(offsets[2 * index + 1], key, offsets[2 * other + 1])

    def _duplicate(self, second: Any, key: str, first: int | None) -> None:
        self._report("KIA0108", f"duplicate key {quote(key)}", second, hint="keep one of them", first=first)

    def _hide_tokens(self) -> None:
        for match in islice(TOKEN.finditer(self._text), MAX_TOKENS_SHOWN):
            self._report_token(match.start())
        self._text = TOKEN.sub(_MASK, self._text)

    def _report_token(self, where: Any) -> None:
        self._report("KIA0117", LOOKS_LIKE_TOKEN, where, hint=REVOKE)

    def _hide_forms(self) -> None:
        for found in forms_in(self._text)[:MAX_TOKENS_SHOWN]:
            self._report_form(found.start, found.name)
        self._text = blanked(self._text)

    def _report_form(self, where: Any, name: str) -> None:
        self._report("KIA0240", f"this looks like {name}", where, hint=ROTATE)

    def _refuse_tag(self, event: Any) -> None:
        problem = refused_tag(event.tag)
        self._report(problem.code, problem.summary, event, hint=problem.hint)

    def _too_deep(self, event: Any) -> None:
        summary = f"mappings and lists are nested more than {MAX_DEPTH} levels deep"
        self._report("KIA0111", summary, event, hint="a manifest needs no more than 8 levels")
        raise _Stop

    def _too_many(self, event: Any) -> None:
        summary = f"the file has more than {MAX_NODES:,} values, or more than {MAX_ALIASED:,} through aliases"
        self._report("KIA0112", summary, event, hint="replace aliases by their values, or split the file")
        raise _Stop

    def _report(
        self,
        code: str,
        summary: str,
        where: Any,
        *,
        hint: str,
        severity: Severity = Severity.ERROR,
        first: int | None = None,
    ) -> None:
        """`where` is an event, or an offset in the text; `first` is the offset of the first definition."""
        source = self._lines.range(where if isinstance(where, int) else where.start_mark.index)
        related = (("first defined here", self._lines.range(first)),) if first is not None else ()
        self.diagnostics.append(Diagnostic(code, summary, severity, hint=hint, source=source, related=related))


def _without_value(message: str, text: str) -> str:
    """A message that does not quote the value `text`: it may be a secret."""
    message = _TAG.sub("its tag is not supported", message)
    return message.replace(f"unquoted {quote(text)}", "the unquoted value").replace(quote(text), "the value")
