"""Guards and ledgers in the project file: what they take, what they refuse, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.core.change_window import ChangeWindow
from kiamo_iac.core.errors import ManifestError
from kiamo_iac.core.ledger_settings import FileSettings, GitSettings, HttpSettings, LedgerSettings
from kiamo_iac.core.settings import GuardSettings, LimitSettings
from kiamo_iac.manifest.environment import resolve_environment
from kiamo_iac.manifest.project.model import Environment
from kiamo_iac.manifest.project_checks import check_project_manifests
from tests.manifest.loading import codes
from tests.manifest.packaged import CAPABILITIES
from tests.manifest.test_project_file import PREFIX, project

WINDOW = "Mon-Fri 19:00-08:00 Europe/Paris"
STATE = "https://gitlab.example.com/api/v4/projects/42/terraform/state/kiamo"


def environment(root: Path, text: str) -> Environment:
    return project(root, f"{PREFIX}environments:\n  production:\n    {text}\n").environments["production"]


def test_all_guards(tmp_path: Path) -> None:
    text = (
        "guards: {max_deletes: 5, max_delete_percent: 20, max_update_percent: 40, allow_start: true, allow_stop: true, "
        f"change_window: '{WINDOW}'}}"
    )
    found = environment(tmp_path, text).guards
    assert found == GuardSettings(5, 20, 40, True, ChangeWindow.parse(WINDOW), True)
    assert found.place is not None
    assert str(found.place.at("max_deletes")) == "kiamo.yaml:4:27"


def test_guards_that_are_left_out(tmp_path: Path) -> None:
    assert environment(tmp_path, "url: https://kiamo.example.com").guards == GuardSettings()
    assert environment(tmp_path, "guards: {}").guards == GuardSettings()
    assert environment(tmp_path, "guards: {max_delete_percent: 0, max_deletes: 0}").guards == GuardSettings(0, 0)


def test_the_limits_of_a_run(tmp_path: Path) -> None:
    assert environment(tmp_path, "limits: {rows: 7, bytes: 9}").limits == LimitSettings(7, 9)
    assert environment(tmp_path, "limits: {rows: 7}").limits == LimitSettings(7, 512 * 1024 * 1024)
    assert environment(tmp_path, "limits: {}").limits == LimitSettings(250_000)
    waiting = environment(tmp_path, "limits: {writes_per_second: 2.5, retry_wait: 0}").limits
    assert waiting == LimitSettings(writes_per_second=2.5, retry_wait=0)
    assert environment(tmp_path, "limits: {rows: 7}").limits == LimitSettings(7, writes_per_second=None, retry_wait=120)
    assert environment(tmp_path, "url: https://kiamo.example.com").limits == LimitSettings()
    found = project(tmp_path, f"{PREFIX}environments: {{a: {{url: 'https://h', limits: {{rows: 5}}}}}}\n")
    target = resolve_environment(found, "a", {"KIAMO_TOKEN": ("0123456789abcdef" * 3)[:40]})
    assert target.limits == LimitSettings(5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("url: https://kiamo.example.com", FileSettings()),
        ("ledger: {backend: file}", FileSettings()),
        ("ledger: {backend: file, path: state/ours.jsonl}", FileSettings(path="state/ours.jsonl")),
        (f"ledger: {{backend: http, address: '{STATE}'}}", HttpSettings(address=STATE)),
        (
            (
                "ledger: {backend: http, address: 'http://127.0.0.1:1/s', lock_address: 'http://127.0.0.1:1/s/l', "
                "unlock_address: 'http://127.0.0.1:1/s/u', lock_method: POST, unlock_method: DELETE, "
                "update_method: PUT}"
            ),
            HttpSettings(
                address="http://127.0.0.1:1/s",
                lock_address="http://127.0.0.1:1/s/l",
                unlock_address="http://127.0.0.1:1/s/u",
                lock_method="POST",
                unlock_method="DELETE",
                update_method="PUT",
            ),
        ),
        ("ledger: {backend: git}", GitSettings()),
        (
            "ledger: {backend: git, remote: upstream, ref: eu-1}",
            GitSettings(remote="upstream", ref="eu-1"),
        ),
    ],
)
def test_ledgers(tmp_path: Path, text: str, expected: LedgerSettings) -> None:
    assert environment(tmp_path, text).ledger == expected


def test_a_run_is_told_both(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        f"{PREFIX}environments: {{a: {{url: 'https://h', guards: {{max_deletes: 1}}, ledger: {{backend: git}}}}}}\n",
    )
    target = resolve_environment(found, "a", {"KIAMO_TOKEN": ("0123456789abcdef" * 3)[:40]})
    assert (target.guards.max_deletes, target.ledger.backend) == (1, "git")


CASES = {
    "a negative limit": ("guards: {max_deletes: -1}", "4:27 KIA0310", "correct it"),
    "more than all": ("guards: {max_delete_percent: 101}", "4:34 KIA0310", "correct it"),
    "more than all again": ("guards: {max_update_percent: 101}", "4:34 KIA0310", "correct it"),
    "a limit in quotes": ("guards: {max_deletes: '5'}", "4:27 KIA0301", "without quotes"),
    "half a thing": ("guards: {max_deletes: 0.5}", "4:27 KIA0301", "digits only"),
    "a limit that is true": ("guards: {max_deletes: true}", "4:27 KIA0301", "digits only"),
    "an empty limit": ("guards: {max_deletes: }", "4:27 KIA0301", "digits only"),
    "an instance with a space": ("instance: kiamo prod", "4:15 KIA0316", "begin with a letter or digit"),
    "an instance that is a number": ("instance: 1", "4:15 KIA0301", "instance: kiamo-prod"),
    "limits that are a number": ("limits: 250000", "4:13 KIA0301", "write limits: {rows: 250000}"),
    "no rows": ("limits: {rows: 0}", "4:20 KIA0315", "correct it"),
    "negative bytes": ("limits: {bytes: -1}", "4:21 KIA0315", "correct it"),
    "more rows than fit": ("limits: {rows: 5000001}", "4:20 KIA0315", "correct it"),
    "more bytes than fit": ("limits: {bytes: 8589934593}", "4:21 KIA0315", "correct it"),
    "no writes": ("limits: {writes_per_second: 0}", "4:33 KIA0315", "correct it"),
    "too many writes": ("limits: {writes_per_second: 1000.5}", "4:33 KIA0315", "correct it"),
    "writes that are true": ("limits: {writes_per_second: true}", "4:33 KIA0301", "digits only"),
    "a negative wait": ("limits: {retry_wait: -1}", "4:26 KIA0315", "correct it"),
    "a wait of more than a day": ("limits: {retry_wait: 86401}", "4:26 KIA0315", "correct it"),
    "a wait with its unit": ("limits: {retry_wait: 120s}", "4:26 KIA0301", "digits only"),
    "rows in quotes": ("limits: {rows: '5'}", "4:20 KIA0301", "without quotes"),
    "half a row": ("limits: {rows: 0.5}", "4:20 KIA0301", "digits only"),
    "bytes that are true": ("limits: {bytes: true}", "4:21 KIA0301", "digits only"),
    "bytes with a unit": ("limits: {bytes: 512 MiB}", "4:21 KIA0301", "digits only"),
    "an empty limit of a run": ("limits: {rows: }", "4:20 KIA0301", "digits only"),
    "a typo in a limit of a run": ("limits: {row: 5}", "4:14 KIA0302", 'did you mean "rows"?'),
    "a percent sign": ("guards: {max_delete_percent: 30 %}", "4:34 KIA0301", "digits only"),
    "a typo in a limit": ("guards: {max_delete: 5}", "4:14 KIA0302", 'did you mean "max_deletes"?'),
    "a global force": ("guards: {zzzz: true}", "4:14 KIA0302", "max_deletes, max_delete_percent"),
    "a window that is a list": ("guards: {change_window: [Mon]}", "4:29 KIA0301", WINDOW),
    "a window without a clock": ("guards: {change_window: 'Mon 19:00-20:00'}", "4:29 KIA0311", "IANA time zone"),
    "a window of nowhere": (
        "guards: {change_window: 'Mon 19:00-20:00 Europe/Pari'}",
        "4:29 KIA0311",
        'did you mean "Europe/Paris"?',
    ),
    "a ledger that is text": ("ledger: file", "4:13 KIA0301", "backend: file"),
    "a ledger without a backend": ("ledger: {path: a}", "4:13 KIA0304", "file or http or git"),
    "a backend that is none": ("ledger: {backend: s3}", "4:23 KIA0313", "file, http, git"),
    "a typo in a backend": ("ledger: {backend: htpp}", "4:23 KIA0313", 'did you mean "http"?'),
    "a backend that is a list": ("ledger: {backend: [git]}", "4:23 KIA0301", "backend: file or http or git"),
    "a key of another backend": ("ledger: {backend: git, path: a}", "4:28 KIA0302", "known keys: backend, remote, ref"),
    "a typo in a key": ("ledger: {backend: git, remot: a}", "4:28 KIA0302", 'did you mean "remote"?'),
    "a path out of the project": ("ledger: {backend: file, path: ../a}", "4:35 KIA0305", "into the project"),
    "an absolute path": ("ledger: {backend: file, path: /a}", "4:35 KIA0305", "relative"),
    "a path that is a number": ("ledger: {backend: file, path: 1}", "4:35 KIA0301", "relative"),
    "a path to a folder": ("ledger: {backend: file, path: manifests}", "4:35 KIA0306", "path of a file"),
    "no address": ("ledger: {backend: http}", "4:13 KIA0304", "terraform/state"),
    "an empty address": ("ledger: {backend: http, address: ''}", "4:38 KIA0301", "terraform/state"),
    "a method that is none": (
        f"ledger: {{backend: http, address: '{STATE}', lock_method: GET}}",
        "4:122 KIA0313",
        "LOCK, POST, PUT",
    ),
    "credentials for another host": (
        "ledger: {backend: http, address: 'https://h/s', lock_address: 'https://evil.example/s'}",
        "4:67 KIA0312",
        "one host only",
    ),
}
CASES |= {
    f"the address {address}": (f"ledger: {{backend: http, address: '{address}'}}", "4:38 KIA0312", "_LEDGER_USERNAME")
    for address in (
        "http://gitlab.example.com/state",
        "https://user:password@gitlab.example.com/state",
        "https://gitlab.example.com/state?private_token=password",
        "ftp://gitlab.example.com/state",
        "gitlab.example.com/state",
    )
}
_HTTP = "ledger: {backend: http, address: 'https://h/states/a'"


def _at(text: str, part: str, code: str, hint: str) -> tuple[str, str, str]:
    """A text that is refused at its last `part`."""
    return text, f"4:{text.rindex(part) + 5} {code}", hint


CASES |= {
    f"{key} {address}": _at(f"{_HTTP}, {key}: '{address}'}}", f"'{address}'", code, hint)
    for key in ("lock_address", "unlock_address")
    for address, code, hint in (
        ("https://h/states/b", "KIA0331", "https://h/states/a/lock"),
        ("https://h/states/a-production", "KIA0331", "/lock"),
        ("https://h/states", "KIA0331", "/lock"),
        ("https://h/states/A/lock", "KIA0331", "/lock"),
        ("https://h/states/a/b%2Flock", "KIA0331", "/lock"),
        ("https://h/states/a%2Flock", "KIA0331", "/lock"),
        ("https://h/states/a/../b", "KIA0312", "_LEDGER_USERNAME"),
        ("https://h/states/a/%2e%2e/b", "KIA0312", "_LEDGER_USERNAME"),
        ("https://h/states/a/..%2fb", "KIA0312", "_LEDGER_USERNAME"),
        ("https://h/states/a/..;/b", "KIA0312", "_LEDGER_USERNAME"),
        ("https://h/states/a//b", "KIA0312", "_LEDGER_USERNAME"),
        ("https://h/states/a/lock?x=/../b", "KIA0312", "_LEDGER_USERNAME"),
        ("https://h:8443/states/a/lock", "KIA0312", "one host only"),
    )
}
CASES |= {
    f"{key} {address} of a state of GitLab": _at(
        f"ledger: {{backend: http, address: '{STATE}', {key}: '{address}'}}", f"'{address}'", "KIA0331", f"{STATE}/lock"
    )
    for key in ("lock_address", "unlock_address")
    for address in (f"{STATE}-production", f"{STATE}-production/lock", f"{STATE}/versions/1", f"{STATE}/lock/x")
}
_ABOVE = "ledger: {backend: http, address: 'https://gitlab.example.com/api', unlock_method: DELETE, "
CASES |= {
    "a lock anywhere on the host": _at(
        "ledger: {backend: http, address: 'https://h', lock_address: 'https://h/b'}", "'https://h/b'", "KIA0331", "lock"
    ),
    "a state of GitLab, from above": _at(
        f"{_ABOVE}unlock_address: '{STATE}'}}", f"'{STATE}'", "KIA0331", "remove the key"
    ),
    "an address below a state of GitLab": _at(
        f"ledger: {{backend: http, address: '{STATE}/lock'}}", f"'{STATE}/lock'", "KIA0312", f"write {STATE}"
    ),
    "a lock that writes the ledger": _at(f"{_HTTP}, lock_method: PUT}}", "PUT", "KIA0332", "LOCK"),
    "an unlock that deletes the ledger": _at(f"{_HTTP}, unlock_method: DELETE}}", "DELETE", "KIA0332", "UNLOCK"),
    "an unlock that deletes a state of GitLab": _at(
        f"ledger: {{backend: http, address: '{STATE}', unlock_address: '{STATE}', unlock_method: DELETE}}",
        "DELETE",
        "KIA0332",
        "UNLOCK",
    ),
}
CASES |= {
    f"the remote {remote}": (f"ledger: {{backend: git, remote: '{remote}'}}", "4:36 KIA0312", "without a password")
    for remote in (
        "-uevil",
        "--upload-pack=evil",
        "ext::sh -c evil",
        "./evil",
        "../evil.git",
        "/evil.git",
        "file:///evil.git",
        "http://gitlab.example.com/a.git",
        "https://user:password@gitlab.example.com/a.git",
        "https://password@gitlab.example.com/a.git",
        "ssh://-oProxyCommand=evil/a",
        "git@-oProxyCommand=evil:a",
        "ssh://user:password@host/a",
        "git://host/a",
        "a b",
        "ssh://host:99999/a",
        "ssh://host:\u0662\u0662/a",
        "ssh://127.1/a",
        "ssh://host./a",
        "git@2130706433:a",
        "git@host..example:a",
        "https://host./a.git",
        "https://127.1/a.git",
        "https://host:/a.git",
        "https://host/../a.git",
    )
}
CASES |= {
    f"the ref {ref}": (f"ledger: {{backend: git, ref: '{ref}'}}", "4:33 KIA0312", "refs/kiamo-iac/")
    for ref in ("refs/heads/main", "../heads/main", "a..b", "a.lock", "a.", ".a", "-a", "a b", "a:b", "é", "a\\")
}


@pytest.mark.parametrize("case", CASES)
def test_one_problem_is_said_once_at_its_place(case: str, tmp_path: Path) -> None:
    text, expected, words = CASES[case]
    with pytest.raises(ManifestError) as caught:
        environment(tmp_path, text)
    assert codes(caught.value.diagnostics) == [f"kiamo.yaml:{expected}"]
    assert words in (caught.value.diagnostics[0].hint or "")
    assert "password" not in caught.value.diagnostics[0].summary.replace("a password", "")


@pytest.mark.parametrize(
    "remote",
    [
        "origin",
        "my.remote-1",
        "https://gitlab.example.com/a/b.git",
        "http://127.0.0.1:8080/a.git",
        "ssh://git@gitlab.example.com:2222/a/b.git",
        "ssh://gitlab.example.com/a/b.git",
        "git@gitlab.example.com:a/b.git",
    ],
)
def test_remotes(tmp_path: Path, remote: str) -> None:
    settings = environment(tmp_path, f"ledger: {{backend: git, remote: '{remote}'}}").ledger
    assert settings == GitSettings(remote=remote)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{backend: file, path: .kiamo/b.ledger.jsonl}", "{backend: file}"),
        ("{backend: file, path: x}", "{backend: file, path: ./X}"),
        (f"{{backend: http, address: '{STATE}'}}", f"{{backend: http, address: '{STATE}', lock_method: POST}}"),
        (f"{{backend: http, address: '{STATE}'}}", f"{{backend: http, address: 'HTTPS://{STATE[8:]}'}}"),
        ("{backend: http, address: 'https://h/a'}", "{backend: http, address: 'https://h:443/a/'}"),
        ("{backend: http, address: 'https://h/a'}", "{backend: http, address: 'https://h/a/b'}"),
        ("{backend: http, address: 'https://h/a/b'}", "{backend: http, address: 'https://h/a'}"),
        (
            "{backend: http, address: 'https://h/a', lock_address: 'https://h/a/b'}",
            "{backend: http, address: 'https://h/a/b'}",
        ),
        ("{backend: git, ref: b}", "{backend: git}"),
    ],
)
def test_two_environments_never_share_a_ledger(tmp_path: Path, first: str, second: str) -> None:
    with pytest.raises(ManifestError) as caught:
        project(tmp_path, f"{PREFIX}environments:\n  a: {{ledger: {first}}}\n  b: {{ledger: {second}}}\n  c:\n")
    assert codes(caught.value.diagnostics) == ["kiamo.yaml:4:3 KIA0314"]
    assert str(caught.value.diagnostics[0].related[0][1]) == "kiamo.yaml:3:3"


def test_d07_what_is_declared_nowhere_and_a_url_that_is_twice(tmp_path: Path) -> None:
    urls = "environments:\n  a: {url: 'https://k.example.com'}\n  b: {url: 'https://k.example.com/'}\n  c: {}\n"
    checked = check_project_manifests(project(tmp_path, f"{PREFIX}{urls}"), CAPABILITIES)
    assert codes(checked.diagnostics) == ["kiamo.yaml:1:13 KIA0248?", "kiamo.yaml:4:12 KIA0317?"]
