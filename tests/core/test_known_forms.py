"""Forms of secrets: each is found where it stands, replaced there, and nothing else is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiamo_iac.core.known_forms import FORMS, blanked, forms_in, has_form, may_have_form, without_forms
from kiamo_iac.core.secret import redact
from tests.security.secrets import FORMS as SECRETS


@pytest.mark.parametrize("service", SECRETS)
@pytest.mark.parametrize("around", ["{}", "before {} after", '"{}"', "key: {}", "({})", "{}\n", "x={}&y"])
def test_each_form_is_found_where_it_stands(service: str, around: str) -> None:
    secret = SECRETS[service].replace("\\n", "\n")
    text = around.format(secret)
    (found,) = forms_in(text)
    assert has_form(text)
    assert found.name in {form.name for form in FORMS}
    assert text[found.start : found.end] in secret
    assert without_forms(text, "-") == text[: found.start] + "-" + text[found.end :]
    hidden = blanked(text)
    assert len(hidden) == len(text)
    assert hidden.count("\n") == text.count("\n")
    assert not has_form(hidden) or service == "URL"
    assert secret not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ghp_short",
        "xghp_" + "a" * 36,
        "AKIA" + "lowercase1234567",
        "https://example.com:8080/path@x",
        "https://user@example.com",
        "https://user:***@example.com",
        "https://${user}:${password}@example.com",
        "eyJ only this",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----",
        "Basic internationalisation",
        "Basic formation-niveau-2025",
        "Basic Formation2025complete",
        "xoxo-saint-valentin",
        "smtp://user:password@mail.example.com",
        "http://USER:PASSWORD@host",
        "Bearer responsibilities",
        "glacial-" + "a" * 20,
    ],
)
def test_what_only_looks_alike_has_none(text: str) -> None:
    assert forms_in(text) == []
    assert not has_form(text)
    assert without_forms(text, "-") is text


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_the_first_look_misses_none(data: st.DataObject) -> None:
    """Of each form its shortest texts too, which the services' own are longer than."""
    form = data.draw(st.sampled_from(FORMS))
    pattern = re.sub(r"\{(\d+),\d{2,}\}", lambda bounds: f"{{{bounds[1]},{int(bounds[1]) + 9}}}", form.pattern)
    assert may_have_form(data.draw(st.from_regex(pattern)))


def test_several_are_found_in_order() -> None:
    text = f"{SECRETS['npm']} and {SECRETS['AWS']} and {SECRETS['Slack']}"
    assert [found.name for found in forms_in(text)] == ["an npm token", "an AWS access key", "a Slack token"]
    assert without_forms(text, "-") == "- and - and -"


def test_every_form_has_a_trace_that_finds_it() -> None:
    for secret in SECRETS.values():
        assert may_have_form(secret)
    assert {form.name for form in FORMS} >= {
        forms_in(secret.replace("\\n", "\n"))[0].name for secret in SECRETS.values()
    }


def test_a_private_key_is_hidden_whole_and_without_its_end_by_its_first_line() -> None:
    whole = SECRETS["private key"].replace("\\n", "\n")
    assert without_forms(f"a {whole} b", "-") == "a - b"
    assert without_forms("-----BEGIN PRIVATE KEY-----\nkey: value\n", "-") == "-\nkey: value\n"
