"""Where the forge shows the manifests of a commit: what the `file:line` of a page leads to.

The address comes out of the variables of the pipeline, or of git's own configuration of the checkout: neither a plan, a
manifest nor any other file of a commit has a part in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from kiamo_iac.app.repository_paths import below_repository
from kiamo_iac.core.environ import variable
from kiamo_iac.core.errors import KiamoIacError
from kiamo_iac.core.urls import page_of_remote, parse_url
from kiamo_iac.git.command import Git, is_commit

if TYPE_CHECKING:
    from kiamo_iac.core.provenance import PlanProvenance

_GITLAB: Final = "/-/blob/"
_GITHUB: Final = "/blob/"
_SECONDS: Final = 10.0


def source_pages(folder: Path, provenance: PlanProvenance, environ: Mapping[str, str]) -> str | None:
    """The https address of `folder` at the commit of a plan, with a final slash. Runs git.

    None unless `folder` is in a checkout of that very commit, the plan was made of files as they are in it, and its
    forge is known: GitHub and GitLab are.
    """
    commit = provenance.commit
    if commit is None or not is_commit(commit) or provenance.dirty is not False:
        return None
    try:
        git = Git.of(folder, environ, seconds=_SECONDS)
        if git is None or git.run("rev-parse", "--verify", "HEAD").output.decode("ascii", "replace").strip() != commit:
            return None
        found = _of_pipeline(environ) or _of_remote(git)
    except (KiamoIacError, OSError, ValueError):
        return None
    return None if found is None else f"{found}{commit}/{quote(below_repository(folder, environ), safe='/')}"


def _of_pipeline(environ: Mapping[str, str]) -> str | None:
    """The start of the address, up to the commit, as GitLab or GitHub names the repository of its job.

    Raises:
        ValueError: the variables hold no URL.
    """
    if project := variable(environ, "CI_PROJECT_URL"):
        return _https(project, _GITLAB)
    server, repository = variable(environ, "GITHUB_SERVER_URL"), variable(environ, "GITHUB_REPOSITORY")
    return _https(f"{server}/{repository}", _GITHUB) if server and repository else None


def _of_remote(git: Git) -> str | None:
    """The same of the remote `origin`; None where its host does not tell which forge it is.

    Raises:
        ValueError: the remote is no URL of a forge.
    """
    remote = git.run("config", "--local", "--get", "remote.origin.url")
    if remote.code:
        return None
    page = page_of_remote(remote.output.decode("utf-8").strip())
    host = page.split("/")[2]
    if "gitlab" in host:
        return _https(page, _GITLAB)
    return _https(page, _GITHUB) if "github" in host else None


def _https(project: str, between: str) -> str:
    url = parse_url(project)
    if url.origin.scheme != "https" or not url.path.strip("/"):
        msg = "it is not the https address of a repository"
        raise ValueError(msg)
    return f"{project.rstrip('/')}{between}"
