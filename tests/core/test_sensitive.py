"""Sensitive values: what counts as one, and a wrapper that is compared and never shown."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from kiamo_iac.core.secret import conceal, conceal_answer, concealing
from kiamo_iac.core.sensitive import (
    MASK,
    Sensitive,
    hidden,
    hidden_at,
    hide,
    listed_paths,
    masked,
    masked_paths,
    names_secret,
    reads_back_masked,
    remember,
    revealed,
    sensitive_paths,
    shows,
)
from kiamo_iac.core.strict_json import same

SECRET = """
password smtp_password SMTPPassword passwordHash PassWord pwd userPwd passphrase passcode smtp_pass pass1 pin codePin
clientSecret secret2 token AccessToken bearer credentials Authorization auth X-Api-Key APIKEY apiKey api_keys access.key
privateKey PRIVATE_KEY mdp mdp_smtp mot_de_passe MotDePasse motdepasse jeton_api identifiants cle_api Clé-API clé_privée
CLÉ_D_ACCÈS code_secret smtppassword SMTPPASSWORD userpwd clientsecret authtoken apitoken smtp_pw pincode creds psk
clef_api clé_chiffrement cle_de_signature phrase_de_passe code_acces master_key connectionString smtp_identifiants
first_password
"""
PLAIN = """
compass passage passport tokenizer secretariat secretary key keyboard monkey author authentication identifiant
description pass_through bypass pin_color spin password_required password_policy token_ttl tokenExpiresAt max_tokens
secret_name api_key_header credential_type token_url client_secret_id auth_type 42 -- é
identifiants_agences jetons_restants second_pass boarding_pass use_auth has_secret show_password mot_de_passe_oublie
password_attempts longueur_mot_de_passe mdp_expire forgot_password_link bearer_capability cle_primaire clavier
authentification_requise token_count mdp_requis passerelle trespass compassion
"""


@pytest.mark.parametrize("key", [*SECRET.split(), "mot de passe"])
def test_a_key_is_named_as_a_secret_is(key: str) -> None:
    assert names_secret(key)


@pytest.mark.parametrize("key", [*PLAIN.split(), ""])
def test_a_key_is_not(key: str) -> None:
    assert not names_secret(key)


def test_a_wrapper_reads_as_the_mask_in_every_way() -> None:
    value = Sensitive("hunter2")
    assert {str(value), f"{value}", f"{value!s:<3}", "%s" % value, value[:], value + ""} == {MASK}  # noqa: UP031
    assert json.dumps({"a": [value]}) == '{"a": ["(sensitive)"]}'
    assert "hunter2" not in repr(value) + repr([value]) + repr(vars)
    assert copy.deepcopy({"a": value})["a"] is copy.copy(value) is value
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(value, protocol)


@pytest.mark.parametrize("value", ["a", 1, 1.5, True, None, [1, "a"], {"a": {"b": 1}}])
def test_it_is_equal_to_its_value_and_to_no_other(value: Any) -> None:
    wrapped = Sensitive(value)
    assert wrapped == Sensitive(value)
    assert same(wrapped, value)
    assert same(value, wrapped)
    assert same({"x": [wrapped]}, {"x": [Sensitive(value)]})
    others: list[Any] = ["b", 2, False, MASK, [1], {}]
    for other in others:
        assert wrapped != Sensitive(other)
        assert not same(wrapped, other)
        assert not same({"x": other}, {"x": wrapped})
    assert hash(wrapped) == hash(Sensitive(value))
    assert revealed({"x": [wrapped]}) == {"x": [value]}


def test_one_is_not_true_behind_a_wrapper_either() -> None:
    assert not same(Sensitive(1), Sensitive(True))
    assert same(Sensitive(1), Sensitive(1.0))


def test_values_are_hidden_by_name_form_and_list_and_the_rest_is_shared() -> None:
    settings: dict[str, Any] = {
        "smtp": {"host": "h", "password": "p"},
        "accounts": [{"mdp": 12, "user": "u"}, {"mdp": None}],
        "secrets": {"a": "x", "b": ["y", 3, True, ""]},
        "note": "use " + "ghp_" + "a1" * 18,
        "zone": {"deep.er": [1]},
        "plain": [1, {"a": "b"}],
        "token": 7,
    }
    found = hidden(settings, ["settings.zone.deep.er", "settings.none", "label"])
    assert masked(found) == {
        "smtp": {"host": "h", "password": MASK},
        "accounts": [{"mdp": MASK, "user": "u"}, {"mdp": None}],
        "secrets": {"a": MASK, "b": [MASK, 3, True, ""]},
        "note": MASK,
        "zone": {"deep.er": MASK},
        "plain": [1, {"a": "b"}],
        "token": 7,
    }
    assert revealed(found) == settings
    assert found["plain"] is settings["plain"]
    assert sensitive_paths(found) == [
        ("smtp", "password"),
        ("accounts", "mdp"),
        ("secrets", "a"),
        ("secrets", "b"),
        ("note",),
        ("zone", "deep.er"),
    ]
    assert masked_paths(masked(found)) == sensitive_paths(found)
    innocent = {"pace": 1, "x": ["a", {"b": None}]}
    assert hidden(innocent) is innocent
    assert masked(innocent) is revealed(innocent) is innocent
    assert hidden_at(innocent, [("y",), ("x", "c")]) is innocent


def test_numbers_count_under_names_of_one_secret() -> None:
    settings = {"client_secret": 1234, "api_key": 5.5, "secrets": 3, "tokens": 300, "account_key": 7, "pin": 1}
    assert masked(hidden(settings)) == {**settings, "client_secret": MASK, "api_key": MASK, "pin": MASK}


def test_what_repeats_a_secret_is_hidden_unless_that_is_a_word() -> None:
    settings = {"pwd": "Kanari-42", "url": "h?k=Kanari-42", "a": {"b": ["Kanari-42", 1]}, "c": "Kanari"}
    assert masked(hidden(settings)) == {"pwd": MASK, "url": MASK, "a": {"b": [MASK, 1]}, "c": "Kanari"}
    words = {"pwd": "password", "kind": "password", "auth": "none", "tls": "none"}
    assert masked(hidden(words)) == {**words, "pwd": MASK, "auth": MASK}


def test_what_is_hidden_whole_takes_what_is_hidden_in_it_along() -> None:
    inner = hidden({"smtp": {"password": "p", "port": 25}})
    whole = hidden_at(inner, [("smtp",), ("smtp", "password")])
    assert isinstance(whole["smtp"], Sensitive)
    assert whole["smtp"].reveal() == {"password": "p", "port": 25}


def test_lists_name_paths_with_dots_and_through_lists() -> None:
    settings = {"a.b": {"c": 1}, "a": {"b.c": 2, "b": [{"c": 3}, {"d": 4}]}}
    assert listed_paths(settings, ["settings.a.b.c"]) == [("a.b", "c"), ("a", "b.c"), ("a", "b", "c")]
    assert listed_paths(settings, ["settings"]) == [("a.b",), ("a",)]
    assert listed_paths(settings, ["a", "settings.x", "settings.", "setting.a"]) == []


@pytest.mark.parametrize(
    "value", ["hunter2", "xx", "**", "secret", "****" * 60 + "abcdefghijk", 0, False, [], "(x)", "X"]
)
def test_what_says_something_does_not_read_back_masked(value: Any) -> None:
    assert not reads_back_masked(value)
    assert not reads_back_masked(Sensitive(value))


def test_a_live_value_shows_the_declared_one_as_far_as_it_can() -> None:
    declared = {"host": "h", "password": Sensitive("p"), "list": [Sensitive("q")]}
    assert shows({"host": "h", "password": "****", "list": [""]}, declared)
    assert shows({"host": "h", "password": "p", "list": ["q"]}, declared)
    assert not shows({"host": "x", "password": "****", "list": [""]}, declared)
    assert not shows({"host": "h", "password": "other", "list": [""]}, declared)
    assert not shows({"host": "h", "list": [""]}, declared)


def test_a_run_hides_what_it_remembers_until_it_ends_and_a_hundred_of_them() -> None:
    def told(*texts: str) -> None:
        remember({"a": [hide(list(texts))]})

    told("before-any-run-1")
    assert conceal("before-any-run-1") == "before-any-run-1"
    with concealing({}):
        hide("only-hidden-1")
        told("learnt-secret-1", "short", "ab", "********", MASK)
        assert conceal("learnt-secret-1") == "learnt-secret-1"
        assert conceal_answer("x LEARNT-secret-1 y ********") == "x (hidden) y ********"
        assert conceal_answer("a short, shorter: ab") == "a (hidden), shorter: ab"
        assert conceal_answer(f"only-hidden-1 {MASK}") == f"only-hidden-1 {MASK}"
        with concealing({}):
            assert conceal_answer("learnt-secret-1") == "(hidden)"
        assert conceal_answer("learnt-secret-1") == "(hidden)"
        for number in range(200):
            told(f"many-secrets-{number:03}")
        assert conceal_answer("many-secrets-000") == "(hidden)"
        assert conceal_answer("many-secrets-199") == "many-secrets-199"
    assert conceal_answer("learnt-secret-1") == "learnt-secret-1"
