"""A new project as files: what is asked for, and what it comes to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final, assert_never
from urllib.parse import quote

from kiamo_iac.scaffold.repository import Repository, text_of
from kiamo_iac.scaffold.texts import filled

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9._\-]*")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


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
    prefix: str
    """`KIAMO_STAGING` for `staging`."""

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
            _dependabot(draft, root / ".github")
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


def _dependabot(draft: Draft, folder: Path) -> None:
    """Keeps the actions current, which are named by commit. There is one such file at most, of either ending."""
    text = filled("github/dependabot.yml")
    there = [file for name in ("dependabot.yml", "dependabot.yaml") if (file := folder / name).exists()]
    if not there:
        draft.files[folder / "dependabot.yml"] = text
    elif not re.search(r"""package-ecosystem["']?\s*:\s*["']?github-actions""", text_of(there[0])):
        draft.additions[there[0]] = text.partition("updates:\n")[2]


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
            return "    # ledger: {backend: git}  # once there is a remote: pipelines lose a ledger that is a file\n"
        case Ci.GITLAB:
            return (
                "    # ledger:  # pipelines lose a ledger that is a file: GitLab's managed Terraform states keep it\n"
                "    #   backend: http\n"
                f"    #   address: https://gitlab.example.com/api/v4/projects/42/terraform/state/{_state(chosen)}\n"
            )
        case _:
            assert_never(wish.ci)


def _state(chosen: Chosen) -> str:
    return f"kiamo-{chosen.prefix.removeprefix('KIAMO_').lower().replace('_', '-')}"


def _pre_commit(wish: Wish) -> str:
    if wish.tool is None:
        return filled("project/pre-commit-local.yaml")
    return filled("project/pre-commit.yaml", tool=wish.tool.url, ref=wish.tool.ref)
