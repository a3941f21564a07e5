"""A file's text as a diff shows it: secrets masked where they stand, and all other bytes as they are."""

from __future__ import annotations

import pytest

from kiamo_iac.document.masking import mask_secrets, sensitive_paths_in


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pwd: x\n", "pwd: (sensitive)\n"),
        ("pwd:   'x y'   # kept\n", "pwd:   (sensitive)   # kept\n"),
        ("a: {pwd: x, b: y}\n", "a: {pwd: (sensitive), b: y}\n"),
        ("a:\n- mdp: 12\n- mdp: z\n", "a:\n- mdp: (sensitive)\n- mdp: (sensitive)\n"),
        ("token: |\n  one\n  two\nb: 1\n", "token: (sensitive)\nb: 1\n"),
        ('token: "one\n  two"\nb: 1\n', "token: (sensitive)\nb: 1\n"),
        (
            "secrets: {a: [x, {b: y}], c: null, d: true}\n",
            "secrets: {a: [(sensitive), {b: (sensitive)}], c: null, d: true}\n",
        ),
        ("pwd: &here x\nb: *here\n", "pwd: &here (sensitive)\nb: *here\n"),
        ("pwd: ${from_elsewhere}\n", "pwd: ${from_elsewhere}\n"),
        ("pwd: a${b}c\n", "pwd: (sensitive)\n"),
        ("pwd:\nkey: x\npassword_required: yes\n", "pwd:\nkey: x\npassword_required: yes\n"),
        (
            "- {sensitive: [settings.a.b, label], settings: {a: {b: [x, y], c: z}, d: w}}\n",
            "- {sensitive: [settings.a.b, label], settings: {a: {b: [(sensitive), (sensitive)], c: z}, d: w}}\n",
        ),
        ("sensitive: [settings]\nsettings: {a: x}\n", "sensitive: [settings]\nsettings: {a: (sensitive)}\n"),
        ("host: &here x\npwd: *here\n", "host: &here (sensitive)\npwd: *here\n"),
        (
            "a: &a {x: &b y}\nb: &c [*b, z]\nmdp: [*c]\n",
            "a: &a {x: &b (sensitive)}\nb: &c [*b, (sensitive)]\nmdp: [*c]\n",
        ),
        (
            "- {sensitive: [settings.a]}\n- {settings: {a: x, b: y}}\n",
            "- {sensitive: [settings.a]}\n- {settings: {a: (sensitive), b: y}}\n",
        ),
        ("", ""),
        ("a: [", "a: ["),
    ],
)
def test_secrets_are_masked_and_nothing_else(text: str, shown: str) -> None:
    assert mask_secrets(text) == shown


def test_what_another_file_lists_is_masked() -> None:
    listed = sensitive_paths_in("- {name: a, sensitive: [settings.zone]}\n- {sensitive: []}\n")
    assert listed == {"settings.zone"}
    assert mask_secrets("settings: {zone: x, pace: 1}\n", listed) == "settings: {zone: (sensitive), pace: 1}\n"
    assert sensitive_paths_in("sensitive: [") == sensitive_paths_in("a: 1") == frozenset()
