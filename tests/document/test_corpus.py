"""The corpus: one hostile or awkward file a case, and its diagnostics."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.core.diagnostics import Diagnostic
from kiamo_iac.core.errors import ManifestError
from kiamo_iac.core.secret import TOKEN
from kiamo_iac.document.files import read_text
from kiamo_iac.document.parser import parse

CORPUS = Path(__file__).parent / "corpus"
EXPECTED = CORPUS / "expected.txt"


def said_of(path: Path) -> tuple[Diagnostic, ...]:
    try:
        text = read_text(path, shown=path.name)
    except ManifestError as error:
        return error.diagnostics
    return parse(text, file=path.name).diagnostics


def line_of(path: Path) -> str:
    """`phone.yaml KIA0114@2:11`; nothing behind the name of a file that is accepted."""
    places = ((d.code, d.source) for d in said_of(path))
    return " ".join([path.name, *(f"{code}@{place.line}:{place.column}" for code, place in places if place)])


def expected() -> dict[str, str]:
    return {line.split()[0]: line for line in EXPECTED.read_text(encoding="utf-8").splitlines()}


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.yaml")), ids=lambda path: path.name)
def test_corpus(path: Path) -> None:
    assert line_of(path) == expected()[path.name]
    for diagnostic in said_of(path):
        assert diagnostic.hint
        assert not TOKEN.search(repr(diagnostic))
        assert path.name.startswith("accepted") is False


def test_every_case_is_there() -> None:
    assert {path.name for path in CORPUS.glob("*.yaml")} == set(expected())
    accepted = {name for name, line in expected().items() if line == name}
    assert accepted == {name for name in expected() if name.startswith("accepted")}


def test_the_accepted_encodings_say_the_same() -> None:
    texts = [path for path in CORPUS.glob("accepted-*.yaml") if "Client" in read_text(path, shown="x")]
    assert len(texts) == 5
    assert len({repr(parse(read_text(path, shown="x"), file="x").data) for path in texts}) == 1
