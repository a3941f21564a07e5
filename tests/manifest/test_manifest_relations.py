"""Problems between things, wherever they stand: doubles, parents, absence, references, renames, names alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.manifest.loading import codes, loaded

BASE = "bases:\n  - name: a\n"
CASES: dict[str, tuple[dict[str, str], list[str], str]] = {
    "declared twice": (
        {"one.yaml": "bases:\n  - {name: café}\n", "two.yaml": "bases:\n  - {name: cafe\u0301}\n"},
        ["two.yaml:2:5 KIA0207"],
        "NFC",
    ),
    "a child declared twice": (
        {"one.yaml": BASE + "    batches: [{name: b}]\n", "two.yaml": "batches:\n  - {base: a, name: b}\n"},
        ["two.yaml:2:5 KIA0207"],
        "keep one",
    ),
    "a reference declared twice": (
        {"m.yaml": "services:\n  - name: s\n  - name: s\n"},
        ["m.yaml:3:5 KIA0207"],
        "keep one",
    ),
    "case and spaces": (
        {"m.yaml": "bases:\n  - name: Clients  A\n  - name: clients a\n"},
        ["m.yaml:3:11 KIA0208?"],
        "rename one",
    ),
    "look-alikes": ({"m.yaml": "bases:\n  - name: Paris\n  - name: Раris\n"}, ["m.yaml:3:11 KIA0208?"], "similar"),
    "a parent nearly declared": (
        {"m.yaml": "bases:\n  - name: prospects\nbatches:\n  - {base: prospect, name: b}\n"},
        ["m.yaml:4:12 KIA0228?"],
        'did you mean "prospects"?',
    ),
    "present below an absent one": (
        {"m.yaml": "bases:\n  - name: a\n    ensure: absent\n    fields: [{name: f, ensure: present}]\n"},
        ["m.yaml:4:32 KIA0218"],
        "absent",
    ),
    "protected below an absent one": (
        {"m.yaml": "bases:\n  - {name: a, ensure: absent}\nfields:\n  - {base: a, name: f, protect: true}\n"},
        ["m.yaml:4:33 KIA0218"],
        "absent",
    ),
    "one former name, two claims": (
        {"m.yaml": "bases:\n  - {name: a, renamed_from: [x]}\n  - {name: b, renamed_from: [x]}\n"},
        ["m.yaml:3:29 KIA0221"],
        "had this name",
    ),
    "a former name that is declared": (
        {"m.yaml": "bases:\n  - {name: a, renamed_from: [b]}\n  - {name: b}\n"},
        ["m.yaml:2:29 KIA0222"],
        "one name",
    ),
    "a former name that is declared absent": (
        {"m.yaml": "bases:\n  - {name: a, renamed_from: [b]}\n  - {name: b, ensure: absent}\n"},
        ["m.yaml:2:29 KIA0222"],
        "one name",
    ),
    "a service that is declared absent": (
        {
            "m.yaml": "services:\n  - {name: s, managed: true, ensure: absent}\n"
            "batches:\n  - {base: a, name: b, service: s}\n"
        },
        ["m.yaml:4:33 KIA0224"],
        "another",
    ),
    "a field that is declared absent": (
        {
            "m.yaml": BASE + "    fields: [{name: f, ensure: absent}]\n"
            "    batches:\n      - name: b\n        association:\n          destination: f\n"
        },
        ["m.yaml:7:24 KIA0224"],
        "another",
    ),
    "a field that nobody declares": (
        {"m.yaml": BASE + "    fields: [{name: mobile}]\n    batches: [{name: b, association: {to: mobil}}]\n"},
        ["m.yaml:4:43 KIA0225?"],
        'did you mean "mobile"?',
    ),
    "the same field, twice": (
        {"m.yaml": BASE + "    batches: [{name: b, association: {to: x, cc: x}}, {name: c, association: {to: x}}]\n"},
        ["m.yaml:3:43 KIA0225?"],
        "fields",
    ),
    "a field beside a complete list": (
        {
            "m.yaml": BASE + "    exclusive: [fields]\n    fields: [{name: mobile}]\n"
            "    batches: [{name: b, association: {to: phone, cc: city}}]\n"
        },
        ["m.yaml:5:54 KIA0226"],
        "declare it",
    ),
    "a service that nobody declares": (
        {"m.yaml": "services: [{name: Outbound}]\nbatches:\n  - {base: a, name: b, service: Outbond}\n"},
        ["m.yaml:3:33 KIA0227?"],
        'did you mean "Outbound"?',
    ),
    "a service under its former name": (
        {
            "m.yaml": "services: [{name: New, managed: true, renamed_from: [Old]}]\n"
            "batches:\n  - {base: a, name: b, service: Old}\n"
        },
        ["m.yaml:3:33 KIA0227?"],
        'did you mean "New"?',
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_problems_between_things(case: str, tmp_path: Path) -> None:
    files, expected, words = CASES[case]
    found = loaded(tmp_path, files).diagnostics
    assert codes(found) == expected
    assert words in (found[0].hint or "")


@pytest.mark.parametrize(
    "text",
    [
        "bases:\n  - {name: a, renamed_from: [b]}\n  - {name: b, renamed_from: [a]}\n",
        "bases:\n  - {name: a, renamed_from: [b]}\n  - {name: b, renamed_from: [c]}\n",
        "bases:\n  - {name: a, ensure: absent, fields: [{name: f}, {name: g, ensure: absent}]}\n",
        "bases:\n  - {name: a, batches: [{name: b, association: {destination: phone}}]}\n",
        "bases:\n  - {name: a, exclusive: [fields], batches: [{name: b, association: {destination: phone}}]}\n",
        "bases:\n  - {name: City, ensure: absent}\n  - {name: city}\n",
        "bases:\n  - {name: a, ensure: absent, batches: [{name: b, service: gone, association: {x: gone}}]}\n",
        "batches:\n  - {base: somewhere, name: b}\n",
        "bases:\n  - {name: a, fields: [{name: x}]}\n  - {name: b, fields: [{name: X}]}\n",
    ],
)
def test_nothing_is_said_of_what_fits(text: str, tmp_path: Path) -> None:
    assert codes(loaded(tmp_path, text).diagnostics) == []


def test_both_places_of_a_double_are_named(tmp_path: Path) -> None:
    (double,) = loaded(tmp_path, "bases:\n  - name: a\n    label: A\n  - label: B\n    name: a\n").diagnostics
    assert str(double.source) == "m.yaml:4:5"
    assert [(word, str(place)) for word, place in double.related] == [("first declared here", "m.yaml:2:11")]
    assert double.address == "bases/a"


def test_what_is_wrong_with_a_double_is_said_too(tmp_path: Path) -> None:
    text = "bases:\n  - name: a\n  - {name: a, lable: x, fields: [{name: 1}]}\n"
    assert codes(loaded(tmp_path, text).diagnostics) == [
        "m.yaml:3:5 KIA0207",
        "m.yaml:3:15 KIA0202",
        "m.yaml:3:41 KIA0203",
    ]


def test_guesses_have_a_budget(tmp_path: Path) -> None:
    known = "".join(f"  - {{name: service {n}}}\n" for n in range(500))
    asked = "".join(f"  - {{base: a, name: b{n}, service: servicf {n}}}\n" for n in range(500))
    found = loaded(tmp_path, f"services:\n{known}batches:\n{asked}").diagnostics
    assert [d.code for d in found] == ["KIA0227"] * 500
    guessed = [d for d in found if "did you mean" in (d.hint or "")]
    assert len(guessed) == 200
