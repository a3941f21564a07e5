"""The pipelines of a new project, one template for each job.

The first environment is applied on merge. Each further one is planned after the previous one, and waits for approval.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from kiamo_iac.scaffold.repository import parse_remote
from kiamo_iac.scaffold.request import NewEnvironment, ProjectRequest
from kiamo_iac.scaffold.template import fill_template

_ACTION: Final = re.compile(r"- uses: (actions/([a-z]+)(?:-artifact)?@[0-9a-f]{40} # v[0-9.]+)\n")
"""A line of `actions/action.yml`: the value of `uses:`, and the name in the templates."""

_IMAGE: Final = """\
  # A tag can move. To pin the image, add its digest: python:3.12@sha256:…, as shown by the registry.
  image: python:3.12
"""
_OWN_IMAGE: Final = """\
  # It has kiamo-iac, bash and git. A tag can move: pin it with the digest that the registry shows, NAME@sha256:…
  image: {{name: "{}", entrypoint: [""]}}
"""
_IMAGED: Final = """\
# Jobs run in an image that has kiamo-iac, bash and git; nothing is installed. They run as root, since the checkout
# belongs to the user of the runner. Pin the image with the digest that the registry shows, NAME@sha256:…
#
"""


def actions() -> Mapping[str, str]:
    """The actions of the workflows: `checkout`, `upload`, `download` → name, commit, and the version as a comment."""
    return {name: action for action, name in _ACTION.findall(fill_template("actions/action.yml"))}


def github_workflow(request: ProjectRequest) -> str:
    """The workflow of a project."""
    named = parse_remote(request.tool.url) if request.tool is not None else None
    used = actions()
    tool = fill_template(
        "github/tool.yml",
        checkout=used["checkout"],
        repository=named.path if named is not None else _required("KIAMO_IAC_REPOSITORY"),
        ref=request.tool.ref if request.tool is not None else _required("KIAMO_IAC_REF"),
    ).rstrip("\n")
    in_image = {"container": "", "install": "", "installed": "", "temp": "${{ runner.temp }}"}
    imaged = ""
    if request.image is not None:
        tool = f"{tool}\n{fill_template('github/image.yml')}".rstrip("\n")
        imaged = _IMAGED
        in_image = {
            "container": f'\n    container: {{image: "{request.image}", options: --user root}}',
            "install": ', install: "false"',
            "installed": '\n          install: "false"',
            "temp": "${{ steps.temp.outputs.folder }}",
        }
    lacking = (
        "#     variable KIAMO_IAC_REPOSITORY    owner/name of the repository of kiamo-iac\n"
        "#     variable KIAMO_IAC_REF           the tag or commit of it\n"
        "#                                      (not available to pull requests of forks: to validate those,\n"
        "#                                      write both values into this file)\n"
    )
    first, *gated = request.environments
    paths = "".join(f'\n      - "{path}"' for path in request.changes)
    filtered = "\n  # Require none of these checks for merging: where no path below has changed, there are none."
    text = fill_template(
        "github/head.yml",
        of=_of(request),
        group=_within(request, "/"),
        paths=f"\n    paths:{paths}" if paths else "",
        filtered=filtered if paths else "",
        settings="" if request.tool is not None else lacking,
        names=_listed(request.environments),
        prefixes=_prefixes(request.environments),
        branch=request.repository.branch,
        gated=f" of {_listed(gated)}" if gated else "",
        project=request.project,
        tool=tool,
        checkout=used["checkout"],
        imaged=imaged,
        **in_image,
    )

    def job(template: str, environment: NewEnvironment, **more: str) -> str:
        common = {
            "name": environment.name,
            "job": _job_id(environment),
            "prefix": environment.prefix,
            "project": request.project,
            "of": _of(request),
            "group": _within(request, "/"),
            "artifact": _within(request, "-"),
            **in_image,
        }
        return fill_template(f"github/{template}.yml", tool=tool, **common, **used, **more)

    text += "".join(job("plan", environment) for environment in request.environments)
    text += job("apply", first)
    needs, ready = f"apply-{_job_id(first)}", f"needs.apply-{_job_id(first)}.result == 'success'"
    for environment in gated:
        text += job("gated", environment, needs=needs, ready=ready)
        proposed, applied = f"propose-{_job_id(environment)}", f"apply-{_job_id(environment)}"
        needs = f"[{proposed}, {applied}]"
        ready = f"needs.{proposed}.result == 'success' && needs.{applied}.result != 'cancelled'"
    return text + "".join(job("drift", environment) for environment in request.environments)


def gitlab_pipeline(request: ProjectRequest) -> str:
    """The jobs of a project, in a file that `.gitlab-ci.yml` includes."""
    lacking = (
        "#   KIAMO_IAC_REPOSITORY    the https address of the git repository of kiamo-iac\n"
        "#   KIAMO_IAC_REF           the tag, branch or commit of it\n"
    )
    variables = ""
    if request.image is not None:
        lacking = ""
    elif request.tool is not None:
        lacking = ""
        variables = f'\n    KIAMO_IAC_REPOSITORY: "{request.tool.url}"\n    KIAMO_IAC_REF: "{request.tool.ref}"'
    first, *gated = request.environments
    paths = ", ".join(f'"{path}/*"' if path.endswith("**") else f'"{path}"' for path in request.changes)
    names = {
        "colon": f":{request.name}" if request.name is not None else "",
        "hidden": f"-{request.name}" if request.name is not None else "",
        "tag": _within(request, ":"),
        "folder": _within(request, "/"),
        "changes": f"\n      changes: [{paths}]" if paths else "",
    }
    text = fill_template(
        "gitlab/head.yml",
        settings=lacking,
        names=_listed(request.environments),
        prefixes=_prefixes(request.environments),
        gated=f" of {_listed(gated)}" if gated else "",
        variables=variables,
        image=_IMAGE if request.image is None else _OWN_IMAGE.format(request.image),
        required=" KIAMO_IAC_REPOSITORY KIAMO_IAC_REF" if request.image is None else "",
        tool=fill_template("gitlab/tool.yml" if request.image is None else "gitlab/image.yml"),
        project=request.project,
        below=request.below,
        of=_of(request),
        **names,
    )

    def job(template: str, environment: NewEnvironment, **more: str) -> str:
        common = {"name": environment.name, "prefix": environment.prefix, **names}
        return fill_template(f"gitlab/{template}.yml", **common, **more)

    text += "".join(job("plan", environment) for environment in request.environments)
    text += job("apply", first)
    for previous, environment in zip(request.environments, gated, strict=False):
        text += job("gated", environment, previous=previous.name)
    return text + "".join(job("drift", environment) for environment in request.environments)


def gitlab_root() -> str:
    """`.gitlab-ci.yml`: it includes the jobs of every project of the repository."""
    return fill_template("gitlab/root.yml")


INCLUDED: Final = ".gitlab/kiamo*.gitlab-ci.yml"
"""What `.gitlab-ci.yml` includes."""
WORKFLOWS: Final = ".github/workflows/kiamo*.yml"
"""The workflows of all projects."""


def _of(request: ProjectRequest) -> str:
    """` emea`: the project in the name of a job that people read; empty where the repository has one at its root."""
    return f" {request.name}" if request.name is not None else ""


def _within(request: ProjectRequest, mark: str) -> str:
    """`emea/`: what comes before the name of an environment, so that projects share nothing."""
    return f"{request.name}{mark}" if request.name is not None else ""


def _listed(environments: Sequence[NewEnvironment]) -> str:
    return ", ".join(environment.name for environment in environments)


def _prefixes(environments: Sequence[NewEnvironment]) -> str:
    """The values of `<ENV>` in the names of variables."""
    return ", ".join(environment.prefix.removeprefix("KIAMO_") for environment in environments)


def _job_id(environment: NewEnvironment) -> str:
    """A valid part of a GitHub job id; it follows a word, so it may begin with a digit."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", environment.name)


def _required(name: str) -> str:
    """A GitHub variable, with a default that no checkout can find. An empty `repository` would mean the project itself,
    whose code would then run as the tool; an empty `ref` would mean the default branch."""
    return f"${{{{ vars.{name} || '{name}-is-not-set' }}}}"
