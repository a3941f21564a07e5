"""What a ledger says, as a document and as lines; and everything that is refused as one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import LedgerError
from kiamo_iac.core.state import KeptValue, OwedState, Owned
from kiamo_iac.ledger.content import APPLIED_PLANS_KEPT, AppliedPlan, Content, Forget, LedgerIdentity, LedgerRecord, Put
from kiamo_iac.ledger.document import DOCUMENT, document_text, parse_document
from kiamo_iac.ledger.entry import COMMIT, ENTRY, WORD, without_secrets
from kiamo_iac.ledger.lines import header_line, ledger_schema, parse_lines, record_lines
from tests.ledger.entries import ENVIRONMENT, IDENTITY, TOKEN, WHEN, content_of, owned

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
WORDS = st.from_regex(WORD.replace("$", r"\Z"))
NAMES = st.text(min_size=1, max_size=8)
ADDRESSES = st.builds(lambda base, field: Address.of("bases", base).child("fields", field), NAMES, NAMES)
OWNED = st.builds(
    Owned,
    ADDRESSES,
    st.none() | st.integers() | st.text(),
    st.dictionaries(st.text(), JSON, max_size=3),
    st.booleans(),
    st.lists(st.text(), max_size=2).map(tuple),
    st.sampled_from(["", WHEN]),
    st.none() | st.from_regex(COMMIT.replace("$", r"\Z")),
    st.just("") | WORDS,
    st.lists(st.builds(KeptValue, st.text(), JSON, JSON), max_size=2).map(tuple),
    st.none() | st.builds(OwedState, WORDS, WORDS, st.just(WHEN), WORDS),
    st.none() | st.text(),
)
RECORDS = st.lists(OWNED.map(Put) | ADDRESSES.map(Forget) | st.builds(AppliedPlan, WORDS, st.just(WHEN)), max_size=8)
VALID = Draft202012Validator(ledger_schema())


def made_of(records: list[LedgerRecord]) -> Content:
    content = Content.of(IDENTITY)
    for record in records:
        content.apply(record)
    return content


@given(RECORDS)
def test_a_document_and_lines_hold_what_was_recorded(records: list[LedgerRecord]) -> None:
    content = made_of(records)
    text = document_text(content)
    assert parse_document(text, "x", environment=ENVIRONMENT) == content
    assert document_text(content) == text
    assert json.loads(text) == json.loads(json.dumps(DOCUMENT.data(content)))
    VALID.validate(json.loads(text))

    fresh = Content(ENVIRONMENT, content.lineage, project=content.project, instance=content.instance)
    data = (header_line(fresh, records=0) + record_lines(records)).encode()
    lines = parse_lines(data, "x", environment=ENVIRONMENT)
    assert (lines.content, lines.records, lines.whole, lines.torn) == (content, len(records), len(data), b"")
    for line in data.decode().split("\n")[:-1]:
        VALID.validate(json.loads(line))


@given(RECORDS)
def test_the_fewest_records_give_the_same_content(records: list[LedgerRecord]) -> None:
    content = made_of(records)
    fewest = list(content.records())
    assert len(fewest) <= len(records)
    data = (header_line(content, records=len(fewest)) + record_lines(fewest)).encode()
    assert parse_lines(data, "x", environment=ENVIRONMENT).content == content


@given(RECORDS, st.integers(min_value=1))
def test_a_cut_anywhere_in_the_last_line_loses_that_line_alone(records: list[LedgerRecord], cut: int) -> None:
    header = header_line(Content(ENVIRONMENT, "l"), records=0)
    whole, last = header + record_lines(records), record_lines([Put(owned())])
    kept = last.encode()[: cut % len(last.encode())]
    lines = parse_lines(whole.encode() + kept, "x", environment=ENVIRONMENT)
    assert lines.torn == kept
    assert lines.content.entries == made_of(records).entries
    assert lines.whole == len(whole.encode())


def test_the_last_two_hundred_spent_plans_are_remembered() -> None:
    content = Content(ENVIRONMENT)
    for number in range(APPLIED_PLANS_KEPT + 5):
        content.apply(AppliedPlan(f"d{number}", WHEN))
    content.apply(AppliedPlan("d5", "2026-11-23T00:00:00Z"))
    assert next(iter(content.applied_plans)) == "d6"
    assert list(content.applied_plans)[-1] == "d5"
    assert len(content.applied_plans) == APPLIED_PLANS_KEPT


def test_what_looks_like_a_token_is_never_written() -> None:
    text = document_text(made_of([Put(owned(label=f"see {TOKEN}", settings={"key": [TOKEN]}))]))
    assert TOKEN not in text
    assert '"label":"see (hidden)"' in text


SET = {
    "kept": (KeptValue("label", "Clients ", "Clients"),),
    "owed": OwedState("started", "paused", WHEN, "run-1"),
    "renaming_to": "summer",
    "left_in": "paused",
}


def test_a_key_of_an_entry_is_written_unless_it_is_optional_and_not_set() -> None:
    assert set(ENTRY.names) - set(ENTRY.data(Owned(Address("bases/a"), None))) == set(SET)
    assert tuple(ENTRY.data(Owned(Address("bases/a"), None, **SET))) == ENTRY.names  # type: ignore[arg-type]


def entry(**changes: Any) -> dict[str, Any]:
    return {**ENTRY.data(owned()), **changes}


def without(key: str) -> dict[str, Any]:
    data = entry()
    del data[key]
    return data


BROKEN_ENTRIES: dict[str, Any] = {
    "no object": [],
    "a key missing": without("commit"),
    "a key too many": entry(token="x"),
    "address a number": entry(address=7),
    "address of one part": entry(address="bases"),
    "id a fraction": entry(remote_id=1.5),
    "id true": entry(remote_id=True),
    "attributes a list": entry(attributes=[]),
    "protect a text": entry(protect="yes"),
    "former names a text": entry(renamed_from="a"),
    "former names numbers": entry(renamed_from=[1]),
    "time a number": entry(applied_at=1),
    "commit a number": entry(commit=1),
    "version null": entry(version=None),
    "kept a text": entry(kept="label"),
    "kept without what was sent": entry(kept=[{"path": "label", "kept": "a"}]),
    "owed a text": entry(owed="started"),
    "owed since a number": entry(owed={"state": "started", "left_in": "paused", "since": 1, "run": "a"}),
    "renaming to a number": entry(renaming_to=7),
}


@pytest.mark.parametrize("data", BROKEN_ENTRIES.values(), ids=BROKEN_ENTRIES.keys())
def test_a_broken_entry_is_refused_with_its_line(data: Any) -> None:
    text = document_text(content_of("a")).rstrip()[:-2] + f",\n{json.dumps(data)}\n]}}\n"
    with pytest.raises(LedgerError) as caught:
        parse_document(text, "state.json", environment=ENVIRONMENT)
    assert where(caught.value) == ("KIA0901", "state.json", 3)
    lines = header_line(Content(ENVIRONMENT), records=0) + record_lines([Put(owned("a"))])
    with pytest.raises(LedgerError) as caught:
        parse_lines(f'{lines}{{"put":{json.dumps(data)}}}\n'.encode(), "l.jsonl", environment=ENVIRONMENT)
    assert where(caught.value) == ("KIA0901", "l.jsonl", 3)
    if data != entry(address="bases"):
        assert not VALID.is_valid({"put": data})


def where(error: LedgerError) -> tuple[str, str, int]:
    (found,) = error.diagnostics
    assert error.exit_code == 1
    assert error.hint
    assert found.source is not None
    return found.code, found.source.file, found.source.line


HEAD = {"format_version": 2, **IDENTITY._asdict(), "lineage": "l", "serial": 0}
BROKEN_HEADS: dict[str, tuple[str, dict[str, Any]]] = {
    "no version": ("KIA0901", {"format_version": None}),
    "version true": ("KIA0901", {"format_version": True}),
    "an older version": ("KIA0902", {"format_version": 0}),
    "a newer version": ("KIA0902", {"format_version": 3, "something": "new"}),
    "an older version with a newer key": ("KIA0901", {"format_version": 1}),
    "no project": ("KIA0901", {"project": None}),
    "project empty": ("KIA0901", {"project": ""}),
    "instance a number": ("KIA0901", {"instance": 1}),
    "another environment": ("KIA0903", {"environment": "production"}),
    "environment null": ("KIA0901", {"environment": None}),
    "no lineage": ("KIA0901", {"lineage": ""}),
    "serial negative": ("KIA0901", {"serial": -1}),
    "serial text": ("KIA0901", {"serial": "1"}),
    "a key too many": ("KIA0901", {"more": 1}),
}


@pytest.mark.parametrize(("code", "changes"), BROKEN_HEADS.values(), ids=BROKEN_HEADS.keys())
def test_a_head_of_another_format_is_refused(code: str, changes: dict[str, Any]) -> None:
    head = {**HEAD, **changes}
    with pytest.raises(LedgerError) as caught:
        parse_lines(f"{json.dumps(head)}\n".encode(), "x", environment=ENVIRONMENT)
    assert where(caught.value) == (code, "x", 1)
    with pytest.raises(LedgerError) as caught:
        parse_document(json.dumps({**HEAD, "spent": [], "entries": [], **changes}), "x", environment=ENVIRONMENT)
    assert where(caught.value) == (code, "x", 1)


def test_a_ledger_without_identity_is_read_and_written_as_before() -> None:
    """Format 1: what older versions wrote, and still read as long as nothing claims it."""
    head = {"format_version": 1, "environment": ENVIRONMENT, "lineage": "l", "serial": 3}
    record = record_lines([Put(owned("a"))])
    content = parse_lines(f"{json.dumps(head)}\n{record}".encode(), "x", environment=ENVIRONMENT).content
    assert content.identity == LedgerIdentity(None, ENVIRONMENT, None)
    text = document_text(content)
    assert json.loads(text).keys() == {"format_version", "environment", "lineage", "serial", "spent", "entries"}
    assert (json.loads(text)["format_version"], json.loads(text)["serial"]) == (1, 4)
    assert parse_document(text, "x", environment=ENVIRONMENT) == content
    assert json.loads(header_line(content, records=1)) == head
    VALID.validate(json.loads(text))

    before = content.copy()
    content.claim(IDENTITY)
    assert (before.identity.project, content.identity, content.serial) == (None, IDENTITY, 5)
    assert json.loads(document_text(content))["format_version"] == 2
    assert parse_document(document_text(content), "x", environment=None) == content


def test_the_hint_of_a_newer_format_names_a_newer_version() -> None:
    with pytest.raises(LedgerError, match="nothing was written") as caught:
        parse_lines(json.dumps({**HEAD, "format_version": 9}).encode() + b"\n", "x", environment=ENVIRONMENT)
    assert caught.value.hint == "use the version of kiamo-iac that wrote it, or a newer one"
    assert "format 9" in caught.value.diagnostics[0].summary


BROKEN_LINES: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 1),
    "no header": (b'{"format_version":1', 1),
    "not JSON": (b"%(head)s{\n", 2),
    "half of a merge": (b'%(head)s{"forget":"bases/a"}\n<<<<<<< HEAD\n', 3),
    "not UTF-8": (b'%(head)s{"forget":"bases/\xff"}\n', 2),
    "a blank line": (b"%(head)s\n", 2),
    "an unknown record": (b'%(head)s{"keep":"bases/a"}\n', 2),
    "two records in one": (b'%(head)s{"forget":"bases/a","put":{}}\n', 2),
    "a key twice": (b'%(head)s{"forget":"bases/a","forget":"bases/b"}\n', 2),
    "no address": (b'%(head)s{"forget":"bases"}\n', 2),
    "a spent plan without time": (b'%(head)s{"spend":{"digest":"d"}}\n', 2),
    "a spent plan with a number": (b'%(head)s{"spend":{"digest":1,"at":"x"}}\n', 2),
    "too deep": (b"%(head)s" + b"[" * 100_000 + b"\n", 2),
    "NaN": (b'%(head)s{"put":NaN}\n', 2),
}


@pytest.mark.parametrize(("data", "line"), BROKEN_LINES.values(), ids=BROKEN_LINES.keys())
def test_a_broken_file_is_refused_with_its_line(data: bytes, line: int) -> None:
    data = data.replace(b"%(head)s", json.dumps(HEAD).encode() + b"\n")
    with pytest.raises(LedgerError) as caught:
        parse_lines(data, "x", environment=ENVIRONMENT)
    assert where(caught.value) == ("KIA0901", "x", line)


BROKEN_DOCUMENTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a list": lambda data: [data],
    "entries an object": lambda data: {**data, "entries": {}},
    "spent an object": lambda data: {**data, "spent": {}},
    "a spent plan without digest": lambda data: {**data, "spent": [{"at": "x"}]},
    "an address twice": lambda data: {**data, "entries": data["entries"] * 2},
    "another key": lambda data: {**data, "resources": []},
}


@pytest.mark.parametrize("change", BROKEN_DOCUMENTS.values(), ids=BROKEN_DOCUMENTS.keys())
def test_a_broken_document_is_refused(change: Callable[[dict[str, Any]], Any]) -> None:
    data = change(json.loads(document_text(content_of("a"))))
    with pytest.raises(LedgerError) as caught:
        parse_document(json.dumps(data), "x", environment=ENVIRONMENT)
    assert where(caught.value)[0] == "KIA0901"
    assert not VALID.is_valid(data) or data["entries"]


def test_a_name_with_half_of_a_surrogate_pair_is_kept() -> None:
    content = made_of([Put(owned("\ud800"))])
    data = (header_line(content, records=1) + record_lines(content.records())).encode()
    assert parse_lines(data, "x", environment=ENVIRONMENT).content == content


def test_an_entry_is_written_and_read_without_secrets() -> None:
    from kiamo_iac.core.strict_json import decode_json
    from kiamo_iac.ledger.entry import dump
    from tests.security.secrets import FORMS

    settings = {
        "smtp": {"password": "Kanari-1", "host": "h"},
        "jetons": ["Kanari-2"],
        "note": f"x {FORMS['AWS']}",
        "n": 1,
    }
    old = owned("a", "7", label=f"key {FORMS['GitHub']}", settings=settings)
    kept = {"smtp": {"password": "(sensitive)", "host": "h"}, "jetons": ["(sensitive)"], "note": "(sensitive)", "n": 1}
    expected = {"name": "a", "label": "key (hidden)", "settings": kept}
    assert ENTRY.data(old)["attributes"] == expected
    raw = {**ENTRY.data(old), "attributes": dict(old.attributes)}
    assert ENTRY.parse(decode_json(dump(raw))).attributes == expected
    assert ENTRY.parse(decode_json(dump(ENTRY.data(old)))).attributes == expected
    plain = owned("a", "7", settings={"pace": 3})
    assert ENTRY.data(plain)["attributes"] is plain.attributes


@pytest.mark.parametrize("around", ["{}", "\n{}", "é\t{}\n", '"{}"', "\\{}"])
@pytest.mark.parametrize("secret", ["0123456789" * 4, "ghp_" + "k4N4ri" * 6, "Basic dTpwYXNz", "a://u:pw@h"])
def test_a_secret_is_kept_nowhere_whatever_stands_around_it(around: str, secret: str) -> None:
    attributes = {"label": "L", "deep": [{"x": around.format(secret)}], around.format(secret): 1}
    kept = repr(without_secrets(attributes))
    assert secret not in kept
    assert "pw@" not in kept
    assert without_secrets(same := {"label": "L", "list": ["a" * 60, "https://example.com/x"]}) is same
