"""A new project: what is asked for is checked, draft_project, and written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kiamo_iac import __version__
from kiamo_iac.core.environ import variable_prefix, why_reserved
from kiamo_iac.core.errors import UsageError
from kiamo_iac.core.safe_files import real
from kiamo_iac.core.urls import origin_of
from kiamo_iac.manifest.paths import check_way, portable
from kiamo_iac.manifest.project.file import ENVIRONMENT_NAME
from kiamo_iac.scaffold.project import NewProject, draft_project
from kiamo_iac.scaffold.repository import find_repository, parse_remote
from kiamo_iac.scaffold.request import CiSystem, NewEnvironment, ProjectRequest, ToolSource, guess_ci
from kiamo_iac.scaffold.writing import write_files

EMULATOR: Final = "http://127.0.0.1:8090"
"""The address of `kiamo-iac emulator`, so that a new project can be planned at once."""
_PLACEHOLDER: Final = "https://kiamo.example.com"
_CODE: Final = frozenset('"\\$')
"""What YAML in double quotes, expressions (`${{ … }}`) and variables of pipelines would read as more than text."""
_REF: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/\-]*")


def init_project(
    folder: Path, named: Sequence[str], *, url: str | None = None, ci: str | None = None, tool: str | None = None
) -> tuple[ProjectRequest, NewProject]:
    """Write a new project in `folder`: what was asked for, and what was written.

    `named`: the environments, `NAME` or `NAME=URL` each. `url`: of the first. `ci`: github, gitlab, none, or None to
    guess. `tool`: where kiamo-iac is kept, `URL` or `URL@REF`.

    Raises:
        UsageError: one of these makes no sense.
        KiamoIacError: a file is there already, lies behind a link, or cannot be written; then none is written.
    """
    root = real(folder)
    repository = find_repository(root)
    request = ProjectRequest(
        folder=root,
        repository=repository,
        environments=_environments(named, url=url),
        ci=CiSystem(ci) if ci is not None else guess_ci(repository),
        tool=_tool(tool) if tool is not None else None,
    )
    if request.ci is not CiSystem.NONE and (_CODE & set(request.below) or not request.below.isprintable()):
        msg = "The folder, seen from the root of the repository, has a character that pipelines take for code."
        raise UsageError(msg, hint='rename it without ", \\, $ and unseen characters, or write no pipeline: --ci none')
    project = draft_project(request)
    for file in project.additions:
        check_way(file)
    write_files(project.files, repository.root)
    return request, project


def _environments(named: Sequence[str], *, url: str | None) -> tuple[NewEnvironment, ...]:
    """`NAME` or `NAME=URL`, each; `url`: of the first that has none. Left out, the first is the emulator's.

    Raises:
        UsageError: a name or an address is none, or two names would share their token.
    """
    found: list[NewEnvironment] = []
    for text in named:
        name, _, given = text.partition("=")
        if not given and url:
            given, url = url, None
        if not ENVIRONMENT_NAME.fullmatch(name):
            msg = f'"{name}" is not a name for an environment.'
            raise UsageError(msg, hint="use letters, digits, dots, hyphens and underscores of ASCII")
        if (reason := why_reserved(name)) is not None:
            msg = f'"{name}" cannot name an environment: {reason}.'
            raise UsageError(msg, hint="choose another name")
        if portable(name) or name.endswith("."):
            msg = f'No folder can be called "{name}" on every system, and each environment has one.'
            raise UsageError(msg, hint="choose another name")
        environment = NewEnvironment(
            name, _checked(given or (_PLACEHOLDER if found else EMULATOR)), variable_prefix(name)
        )
        if any(other.prefix == environment.prefix for other in found):
            msg = f'"{name}" and another environment would both be told by {environment.prefix}_TOKEN.'
            raise UsageError(msg, hint="rename one of them")
        found.append(environment)
    return tuple(found)


def _tool(text: str) -> ToolSource:
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
    return ToolSource(url.rstrip("/"), ref)


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
