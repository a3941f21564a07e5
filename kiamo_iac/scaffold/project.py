"""A new project as files: what is asked for, and what it comes to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final, assert_never
from urllib.parse import quote

from kiamo_iac import __version__
from kiamo_iac.errors import UsageError
from kiamo_iac.manifest.environment import variable_prefix
from kiamo_iac.manifest.project_file import ENVIRONMENT_NAME
from kiamo_iac.manifest.urls import origin_of
from kiamo_iac.scaffold.repository import Repository, parse_remote
from kiamo_iac.scaffold.texts import filled

EMULATOR: Final = "http://127.0.0.1:8090"
"""The address of `kiamo-iac emulator`, so that a new project can be planned at once."""
_PLACEHOLDER: Final = "https://kiamo.example.com"
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_\-]*")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_REF: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/\-]*")


class Ci(StrEnum):
    """Whose pipelines are written."""

    GITHUB = "github"
    GITLAB = "gitlab"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Chosen:
    """An environment of the new project."""

    name: str
    url: str

    @property
    def prefix(self) -> str:
        """`KIAMO_STAGING` for `staging`."""
        return variable_prefix(self.name)

    @property
    def key(self) -> str:
        """The name as a key of YAML, which has no other meaning."""
        plain = _PLAIN.fullmatch(self.name) and self.name.lower() not in _WORDS
        return self.name if plain else f'"{self.name}"'


@dataclass(frozen=True, slots=True)
class Tool:
    """Where kiamo-iac itself is kept, for pipelines and hooks to fetch it from."""

    url: str
    ref: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What `init` is asked for."""

    folder: Path
    """Of the project file; absolute."""
    repository: Repository
    environments: Sequence[Chosen]
    ci: Ci
    tool: Tool | None = None

    @property
    def below(self) -> str:
        """`folder` as seen from the root of the repository: "" or "sub/folder/"."""
        relative = PurePosixPath(self.folder.relative_to(self.repository.root).as_posix())
        return "" if relative == PurePosixPath() else f"{relative}/"

    @property
    def project(self) -> str:
        """The project file from there."""
        return f"{self.below}kiamo.yaml"


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be written, and what is to be added by hand to files that people have already."""

    files: dict[Path, str] = field(default_factory=dict)
    additions: dict[Path, str] = field(default_factory=dict)


def environments_of(named: Sequence[str], *, url: str | None) -> tuple[Chosen, ...]:
    """`NAME` or `NAME=URL`, each; `url`: of the first that has none. Left out, the first is the emulator's.

    Raises:
        UsageError: a name or an address is none, or two names would share their token.
    """
    found: list[Chosen] = []
    for text in named:
        name, _, given = text.partition("=")
        if not given:
            given, url = (url, None) if url else ("", None) if found else (EMULATOR, None)
        if not ENVIRONMENT_NAME.fullmatch(name):
            msg = f'"{name}" is not a name for an environment.'
            raise UsageError(msg, hint="use letters, digits, dots, hyphens and underscores of ASCII")
        chosen = Chosen(name, _checked(given or _PLACEHOLDER))
        if any(other.prefix == chosen.prefix for other in found):
            msg = f'"{name}" and another environment would both be told by {chosen.prefix}_TOKEN.'
            raise UsageError(msg, hint="rename one of them")
        found.append(chosen)
    return tuple(found)


def tool_of(text: str) -> Tool:
    """`URL` or `URL@REF`.

    Raises:
        UsageError: it is no https address of a repository.
    """
    url, mark, ref = text.rpartition("@") if "@" in text.rpartition("/")[2] else (text, "", "")
    ref = ref if mark else f"v{__version__}"
    try:
        secure = origin_of(url).scheme == "https"
    except ValueError:
        secure = False
    if not secure or parse_remote(url) is None or not _REF.fullmatch(ref):
        msg = "--tool is not the https address of a git repository."
        raise UsageError(msg, hint="write https://github.com/owner/kiamo-iac, and @TAG behind it for a version")
    return Tool(url.rstrip("/"), ref)


def guessed_ci(repository: Repository) -> Ci:
    """By the host of `origin`, or by the files that are there."""
    host = repository.remote.host if repository.remote is not None else ""
    if "github" in host or (repository.root / ".github").is_dir():
        return Ci.GITHUB
    if "gitlab" in host or (repository.root / ".gitlab-ci.yml").is_file():
        return Ci.GITLAB
    return Ci.NONE


def drafted(wish: Wish) -> Draft:
    """The files of a new project."""
    from kiamo_iac.scaffold.pipelines import github_workflow, gitlab_pipeline

    draft, root = Draft(), wish.repository.root
    draft.files[wish.folder / "kiamo.yaml"] = _project_file(wish)
    draft.files[wish.folder / "manifests" / "prospects.yaml"] = filled("project/prospects.yaml")
    for chosen in wish.environments[1:]:
        patch = filled("project/patch.yaml", name=chosen.name)
        draft.files[wish.folder / "environments" / chosen.name / "prospects.yaml"] = patch
    _unless_there(draft, wish.folder / ".gitignore", filled("project/gitignore"))
    _unless_there(draft, root / ".pre-commit-config.yaml", _pre_commit(wish))
    match wish.ci:
        case Ci.GITHUB:
            draft.files[root / ".github" / "workflows" / "kiamo.yml"] = github_workflow(wish)
        case Ci.GITLAB:
            _gitlab(draft, root, gitlab_pipeline(wish))
        case Ci.NONE:
            pass
        case _:
            assert_never(wish.ci)
    return draft


def _gitlab(draft: Draft, root: Path, text: str) -> None:
    file = root / ".gitlab-ci.yml"
    if file.exists():
        draft.files[root / ".gitlab" / "kiamo.gitlab-ci.yml"] = text
        draft.additions[file] = "include:\n  - local: .gitlab/kiamo.gitlab-ci.yml # and its stages to yours\n"
    else:
        draft.files[file] = text


def _unless_there(draft: Draft, file: Path, text: str) -> None:
    """People have these files before they have a project: what is theirs is left alone."""
    (draft.additions if file.exists() else draft.files)[file] = text


def _project_file(wish: Wish) -> str:
    return filled("project/kiamo.yaml") + "".join(
        line for chosen in wish.environments for line in _stanza(wish, chosen)
    )


def _stanza(wish: Wish, chosen: Chosen) -> Iterator[str]:
    yield filled("project/environment.yaml", name=chosen.key, url=chosen.url)
    if chosen is wish.environments[0]:
        yield f"    variables: {{brand: ACME {chosen.name}}}\n" if len(wish.environments) > 1 else ""
    else:
        yield f"    patches: [environments/{chosen.name}]\n"
    yield _ledger(wish, chosen)


def _ledger(wish: Wish, chosen: Chosen) -> str:
    """Where pipelines keep the ledger: their own disks begin empty. Without a remote there is nothing to keep it in."""
    remote = wish.repository.remote
    match wish.ci:
        case Ci.NONE:
            return ""
        case Ci.GITHUB if remote is not None:
            return "    ledger: {backend: git}\n"
        case Ci.GITLAB if remote is not None:
            address = f"https://{remote.host}/api/v4/projects/{quote(remote.path, safe='')}/terraform/state"
            return f"    ledger:\n      backend: http\n      address: {address}/{_state(chosen)}\n"
        case Ci.GITHUB:
            return "    # ledger: {backend: git} # once there is a remote: pipelines lose a ledger that is a file\n"
        case Ci.GITLAB:
            return (
                "    # ledger: # pipelines lose a ledger that is a file: GitLab's managed Terraform states keep it\n"
                "    #   backend: http\n"
                f"    #   address: https://gitlab.example.com/api/v4/projects/42/terraform/state/{_state(chosen)}\n"
            )
        case _:
            assert_never(wish.ci)


def _state(chosen: Chosen) -> str:
    return f"kiamo-{chosen.prefix.removeprefix('KIAMO_').lower().replace('_', '-')}"


def _pre_commit(wish: Wish) -> str:
    if wish.tool is None:
        return filled("project/pre-commit-local.yaml", project=wish.project, files=re.escape(wish.below))
    return filled("project/pre-commit.yaml", project=wish.project, tool=wish.tool.url, ref=wish.tool.ref)


def _checked(url: str) -> str:
    try:
        origin_of(url)
    except ValueError as error:
        msg = f"The address of the instance cannot be used: {error}."
        raise UsageError(msg, hint="write https://kiamo.example.com") from error
    if not re.fullmatch(r"[A-Za-z0-9:/._~%\[\]\-]*[A-Za-z0-9/]", url):
        msg = "The address of the instance holds characters that a file of YAML would have to quote."
        raise UsageError(msg)
    return url.rstrip("/")
