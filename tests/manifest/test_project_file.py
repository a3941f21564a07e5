"""The project file: what it takes, what it refuses, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.core.errors import ManifestError, UsageError
from kiamo_iac.manifest.project.file import load_project
from kiamo_iac.manifest.project.model import Project, find_project
from kiamo_iac.manifest.project_checks import missing_patches
from tests.manifest.loading import codes


def project(root: Path, text: str) -> Project:
    (root / "manifests").mkdir(parents=True, exist_ok=True)
    (root / "contract.yaml").touch()
    (root / "kiamo.yaml").write_text(text, encoding="utf-8")
    return load_project(root / "kiamo.yaml")


def test_everything_that_it_takes(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        "manifests: [manifests]\ncontract: ./contract.yaml\nenvironments:\n"
        "  staging:\n    url: http://127.0.0.1:8090/\n    guards: {allow_start: true}\n"
        "  production: {url: 'https://kiamo.example.com/base'}\n  bare:\n",
    )
    assert found.root == tmp_path.resolve()
    assert found.file == tmp_path.resolve() / "kiamo.yaml"
    assert [folder.path for folder in found.folders] == [tmp_path.resolve() / "manifests"]
    assert found.contract == tmp_path.resolve() / "contract.yaml"
    staging, production, bare = found.environments.values()
    assert (staging.name, staging.url, staging.guards.allow_start) == ("staging", "http://127.0.0.1:8090", True)
    assert (production.url, production.guards.allow_start) == ("https://kiamo.example.com/base", False)
    assert str(production.source) == "kiamo.yaml:7:21"
    assert (bare.url, str(bare.source)) == (None, "kiamo.yaml:8:3")


def test_the_least_that_it_takes(tmp_path: Path) -> None:
    found = project(tmp_path, "manifests: [manifests]\n")
    assert found.contract is None
    assert found.environments == {}
    assert found.manifests == ()


PREFIX = "manifests: [manifests]\n"
CASES = {
    "a list": ("- a\n", "1:1 KIA0301", "manifests: [manifests]"),
    "nothing": ("", "1:1 KIA0301", "manifests: [manifests]"),
    "broken": ("manifests: [\n", "2:1 KIA0101", "value"),
    "no manifests": ("environments: {}\n", "1:1 KIA0304", "manifests: [manifests]"),
    "a folder that is not in a list": ("manifests: manifests\n", "1:12 KIA0301", "[manifests]"),
    "no folders": ("manifests: []\n", "1:12 KIA0301", "[manifests]"),
    "a folder that is no text": ("manifests: [1]\n", "1:13 KIA0301", "relative"),
    "a folder that is not there": ("manifests: [manifest]\n", "1:13 KIA0306", "create the folder"),
    "a file for a folder": ("manifests: [contract.yaml]\n", "1:13 KIA0306", "folder"),
    "a contract that is not there": (PREFIX + "contract: c.yaml\n", "2:11 KIA0306", "correct"),
    "a folder for a contract": (PREFIX + "contract: manifests\n", "2:11 KIA0306", "correct"),
    "a typo": (PREFIX + "enviroments: {}\n", "2:1 KIA0302", 'did you mean "environments"?'),
    "an unknown key": (PREFIX + "zzz: {}\n", "2:1 KIA0302", "name, manifests, contract, variables, environments"),
    "a name in capitals": ("name: Outbound\n" + PREFIX, "1:7 KIA0316", "lower-case"),
    "a name with a slash": ("name: teams/outbound\n" + PREFIX, "1:7 KIA0316", "lower-case"),
    "a long name": (f"name: {'a' * 41}\n" + PREFIX, "1:7 KIA0316", "1 to 40"),
    "a name that is a number": ("name: 7\n" + PREFIX, "1:7 KIA0301", "name: outbound"),
    "an empty name": ("name: ''\n" + PREFIX, "1:7 KIA0301", "name: outbound"),
    "variables in a list": (PREFIX + "variables: [a]\n", "2:12 KIA0301", "brand: ACME"),
    "a variable with a hyphen": (PREFIX + "variables: {a-b: c}\n", "2:13 KIA0323", "underscores"),
    "a variable that is a list": (PREFIX + "variables: {a: [b]}\n", "2:16 KIA0323", "a patch"),
    "a variable that is empty": (PREFIX + "variables: {a: }\n", "2:16 KIA0323", "one value"),
    "a variable in a variable": (PREFIX + "variables: {a: 'x${b}'}\n", "2:16 KIA0323", "out"),
    "a phone number without quotes": (PREFIX + "variables: {a: 0612345678}\n", "2:16 KIA0114", "quote"),
    "variables of an environment in a list": (
        PREFIX + "environments: {a: {variables: [x]}}\n",
        "2:31 KIA0301",
        "brand: ACME",
    ),
    "patches that are no list": (
        PREFIX + "environments: {a: {patches: x}}\n",
        "2:29 KIA0301",
        "[environments/staging]",
    ),
    "a patch out of the project": (
        PREFIX + "environments: {a: {patches: [../x]}}\n",
        "2:30 KIA0305",
        "into the project",
    ),
    "environments in a list": (PREFIX + "environments: [a]\n", "2:15 KIA0301", "staging"),
    "an environment that is text": (PREFIX + "environments: {a: 'https://h'}\n", "2:16 KIA0301", "url"),
    "a name with spaces": (PREFIX + "environments: {a b: }\n", "2:16 KIA0309", "ASCII"),
    "a name with accents": (PREFIX + "environments: {é: }\n", "2:16 KIA0309", "ASCII"),
    **{
        f"the name {name}": (PREFIX + f"environments: {{{name}: }}\n", "2:16 KIA0330", "choose another name")
        for name in (
            *("staging-plan", "Staging_Plan", "a.ledger", "x-y-url", "prod.ORIGIN", "token", "a_file", "PLAN"),
            *("gitlab", "GitLab", "iac"),
        )
    },
    "two names for one variable": (PREFIX + "environments: {a-b: , A.b: }\n", "2:23 KIA0308", "rename"),
    "a typo in an environment": (PREFIX + "environments: {a: {ulr: x}}\n", "2:20 KIA0302", 'did you mean "url"?'),
    "a url that is no text": (PREFIX + "environments: {a: {url: 1}}\n", "2:25 KIA0301", "https://"),
    "guards that are none": (PREFIX + "environments: {a: {guards: 1}}\n", "2:28 KIA0301", "allow_start"),
    "a guard that is no boolean": (
        PREFIX + "environments: {a: {guards: {allow_start: 1}}}\n",
        "2:42 KIA0301",
        "true or false",
    ),
    "a typo in a guard": (PREFIX + "environments: {a: {guards: {alow_start: true}}}\n", "2:29 KIA0302", "allow_start"),
}
CASES |= {
    f"the path {path}": (f"manifests: ['{path}']\n", "1:13 KIA0305", hint)
    for path, hint in {
        "/etc": "relative",
        "C:/manifests": "relative",
        "c:manifests": "relative",
        "..": "into the project",
        "../manifests": "into the project",
        "manifests/../../x": "into the project",
        "../PROJECT/manifests": "into the project",
        "manifests\\a": '"/"',
        "\\\\server\\share": '"/"',
        "//server/share": "relative",
        "manifests/nul": "rename",
        "COM1.d": "rename",
        "manifests /a": "rename",
    }.items()
}
CASES |= {
    f"the url {url}": (PREFIX + f"environments: {{a: {{url: '{url}'}}}}\n", "2:25 KIA0307", "https://")
    for url in (
        "kiamo.example.com",
        "ftp://kiamo.example.com",
        "http://kiamo.example.com",
        "http://10.0.0.1",
        "http://localhost.example.com",
        "https://user:password@kiamo.example.com",
        "https://kiamo.example.com?a=b",
        "https://kiamo.example.com/#a",
        "https://kiamo.example.com:port",
        "https://",
        "https://kiamo.exämple.com",
        "https://kiamo.example.com\\@evil.example",
        "https://kiamo.example.com/a b",
        "https://[::1",
    )
}


@pytest.mark.parametrize("case", CASES)
def test_one_problem_is_said_once_at_its_place(case: str, tmp_path: Path) -> None:
    text, expected, words = CASES[case]
    root = tmp_path / "PROJECT"
    with pytest.raises(ManifestError) as caught:
        project(root, text)
    assert codes(caught.value.diagnostics) == [f"kiamo.yaml:{expected}"]
    assert words in (caught.value.diagnostics[0].hint or "")
    assert "password" not in repr(caught.value.diagnostics).replace("a password", "")


def test_all_problems_are_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="5 problems") as caught:
        project(tmp_path, "manifests: [none, ..]\nzzz: 0612\nenvironments: {a: {url: 'http://h'}}\n")
    assert codes(caught.value.diagnostics) == [
        "kiamo.yaml:1:13 KIA0306",
        "kiamo.yaml:1:19 KIA0305",
        "kiamo.yaml:2:1 KIA0302",
        "kiamo.yaml:2:6 KIA0114",
        "kiamo.yaml:3:25 KIA0307",
    ]


def test_manifests_are_found_in_a_fixed_order(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "sub/c.yaml", "sub/deeper/d.YAML", "README.md", ".hidden.yaml", ".git/e.yaml"):
        path = tmp_path / "manifests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = project(tmp_path, "manifests: [manifests/sub, manifests]\n")
    names = [path.relative_to(tmp_path.resolve()).as_posix() for path in found.manifests]
    assert names == ["manifests/a.yml", "manifests/b.yaml", "manifests/sub/c.yaml", "manifests/sub/deeper/d.YAML"]


def test_links_inside_the_project_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "a.yaml").touch()
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "one").symlink_to(tmp_path / "shared", target_is_directory=True)
    (tmp_path / "manifests" / "two").symlink_to(tmp_path / "shared", target_is_directory=True)
    (tmp_path / "shared" / "loop").symlink_to(tmp_path / "manifests", target_is_directory=True)
    (tmp_path / "manifests" / "b.yaml").symlink_to(tmp_path / "shared" / "a.yaml")
    found = project(tmp_path, PREFIX)
    assert [path.resolve().name for path in found.manifests] == ["a.yaml"]


@pytest.mark.parametrize("target", ["outside/secret.yaml", "outside"])
def test_links_out_of_the_project_are_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.yaml").touch()
    root = tmp_path / "project"
    (root / "manifests").mkdir(parents=True)
    (root / "manifests" / "link.yaml").symlink_to(tmp_path / target)
    found = project(root, PREFIX)
    with pytest.raises(ManifestError) as caught:
        _ = found.manifests
    assert codes(caught.value.diagnostics) == ["kiamo.yaml:1:13 KIA0305"]
    assert "manifests/link.yaml" in caught.value.diagnostics[0].summary
    (root / "linked").symlink_to(tmp_path / "outside", target_is_directory=True)
    with pytest.raises(ManifestError) as caught:
        project(root, "manifests: [linked]\n")
    assert codes(caught.value.diagnostics) == ["kiamo.yaml:1:13 KIA0305"]


def test_a_folder_that_is_gone_since(tmp_path: Path) -> None:
    found = project(tmp_path, PREFIX)
    (tmp_path / "manifests").rmdir()
    with pytest.raises(ManifestError) as caught:
        _ = found.manifests
    assert codes(caught.value.diagnostics) == ["kiamo.yaml:1:13 KIA0306"]


def test_it_is_found_upward_and_not_above_the_repository(tmp_path: Path) -> None:
    inner = tmp_path / "repository" / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "kiamo.yaml").touch()
    assert find_project(inner) == tmp_path / "kiamo.yaml"
    (tmp_path / "repository" / ".git").mkdir()
    with pytest.raises(UsageError, match=r"No kiamo\.yaml") as caught:
        find_project(inner)
    assert "--project" in (caught.value.hint or "")
    (tmp_path / "repository" / "kiamo.yaml").touch()
    assert find_project(inner) == tmp_path / "repository" / "kiamo.yaml"


def test_a_project_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        load_project(tmp_path / "none.yaml")


def test_a_patch_that_is_no_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("x")
    with pytest.raises(ManifestError) as caught:
        project(tmp_path, PREFIX + "environments: {a: {patches: [README.md]}}\n")
    assert codes(caught.value.diagnostics) == ["kiamo.yaml:2:30 KIA0306"]


@pytest.mark.parametrize("name", ["environments/a", "environments/a.yaml"])
def test_d20_patches_whose_last_file_was_deleted_count_as_empty(tmp_path: Path, name: str) -> None:
    """Git keeps no empty folder."""
    found = project(tmp_path, PREFIX + f"environments: {{a: {{patches: [{name}]}}}}\n")
    (environment,) = found.environments.values()
    assert found.composition(environment).patches == ((),)
    (warning,) = missing_patches(environment)
    assert (warning.code, warning.severity, str(warning.source)) == ("KIA0319", "warning", "kiamo.yaml:2:30")
