"""A new project (`init`): the options are checked, the files drafted and written."""

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
"""The default address of `kiamo-iac emulator`: a new project can be planned without changes."""
_PLACEHOLDER: Final = "https://kiamo.example.com"
_CODE: Final = frozenset('"\\$')
"""Characters with a meaning in double-quoted YAML, expressions (`${{ … }}`) or variables of pipelines."""
_IMAGE: Final = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9.\-]*[a-z0-9])?(?::[0-9]{1,5})?/)?"
    r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9._\-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
"""The form of references that container engines share; no character of it has a meaning in YAML's quotes or a shell."""
_LONGEST_IMAGE: Final = 500
_REF: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/\-]*")


def init_project(
    folder: Path,
    named: Sequence[str],
    *,
    url: str | None = None,
    ci: str | None = None,
    tool: str | None = None,
    image: str | None = None,
) -> tuple[ProjectRequest, NewProject]:
    """Write a new project in `folder`; returns the parsed request and the written project.

    `named`: the environments, `NAME` or `NAME=URL` each. `url`: of the first. `ci`: github, gitlab, none, or None to
    detect it. `tool`: the repository of kiamo-iac, `URL` or `URL@REF`. `image`: an image with kiamo-iac, for
    the jobs.

    Raises:
        UsageError: an option is invalid.
        KiamoIacError: a file exists already, is behind a link, or cannot be written; no file is written.
    """
    root = real(folder)
    repository = find_repository(root)
    request = ProjectRequest(
        folder=root,
        repository=repository,
        environments=_environments(named, url=url),
        ci=CiSystem(ci) if ci is not None else guess_ci(repository),
        tool=_tool(tool) if tool is not None else None,
        image=_image(image) if image is not None else None,
    )
    if request.image is not None and request.ci is CiSystem.NONE:
        msg = "--image is the image of pipelines, and none are written."
        raise UsageError(msg, hint="pass --ci github or --ci gitlab")
    if request.ci is not CiSystem.NONE and (_CODE & set(request.below) or not request.below.isprintable()):
        msg = "The path of the folder in its repository has a character with a meaning in pipeline files."
        raise UsageError(msg, hint='rename it without ", \\, $ and invisible characters, or pass --ci none')
    project = draft_project(request)
    for file in project.additions:
        check_way(file)
    write_files(project.files, repository.root)
    return request, project


def _environments(named: Sequence[str], *, url: str | None) -> tuple[NewEnvironment, ...]:
    """`NAME` or `NAME=URL` each; `url`: of the first without one. Default: the first is the emulator.

    Raises:
        UsageError: a name or an address is invalid, or two names map to the same variables.
    """
    found: list[NewEnvironment] = []
    for text in named:
        name, _, given = text.partition("=")
        if not given and url:
            given, url = url, None
        if not ENVIRONMENT_NAME.fullmatch(name):
            msg = f'"{name}" is not a valid environment name.'
            raise UsageError(msg, hint="use ASCII letters, digits, dots, hyphens and underscores")
        if (reason := why_reserved(name)) is not None:
            msg = f'"{name}" cannot be an environment name: {reason}.'
            raise UsageError(msg, hint="choose another name")
        if portable(name) or name.endswith("."):
            msg = f'"{name}" is not a valid folder name on every system, and each environment has a folder.'
            raise UsageError(msg, hint="choose another name")
        environment = NewEnvironment(
            name, _checked(given or (_PLACEHOLDER if found else EMULATOR)), variable_prefix(name)
        )
        if any(other.prefix == environment.prefix for other in found):
            msg = f'"{name}" and another environment both map to {environment.prefix}_TOKEN.'
            raise UsageError(msg, hint="rename one of them")
        found.append(environment)
    return tuple(found)


def _tool(text: str) -> ToolSource:
    """`URL` or `URL@REF`.

    Raises:
        UsageError: it is not the https address of a repository.
    """
    url, mark, ref = text.rpartition("@") if "@" in text.rpartition("/")[2] else (text, "", "")
    ref = ref if mark else f"v{__version__}"
    try:
        secure = origin_of(url).scheme == "https"
    except ValueError:
        secure = False
    if not secure or parse_remote(url) is None or not _REF.fullmatch(ref):
        msg = "--tool is not the https address of a git repository."
        raise UsageError(msg, hint="pass https://github.com/owner/kiamo-iac, with @TAG for a version")
    return ToolSource(url.rstrip("/"), ref)


def _image(text: str) -> str:
    """A reference such as `registry.example.com:5000/tools/kiamo-iac:0.1.0@sha256:…`.

    Raises:
        UsageError: it is no reference of an image.
    """
    if not _IMAGE.fullmatch(text) or len(text) > _LONGEST_IMAGE:
        msg = "--image is not the reference of an image."
        raise UsageError(
            msg, hint="pass HOST/PATH:TAG@sha256:DIGEST; the path in small letters, the digest with 64 digits"
        )
    return text


def _checked(url: str) -> str:
    try:
        origin_of(url)
    except ValueError as error:
        msg = f"The address of the instance is invalid: {error}."
        raise UsageError(msg, hint="pass an address such as https://kiamo.example.com") from error
    if not re.fullmatch(r"[A-Za-z0-9:/._~%\[\]\-]*[A-Za-z0-9/]", url):
        msg = "The address of the instance has characters that YAML would have to quote."
        raise UsageError(msg)
    return url.rstrip("/")
