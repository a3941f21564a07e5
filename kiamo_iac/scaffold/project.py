"""The files of a new project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never
from urllib.parse import quote

from kiamo_iac.scaffold.pipelines import INCLUDED, WORKFLOWS, github_workflow, gitlab_pipeline, gitlab_root
from kiamo_iac.scaffold.repository import read_text
from kiamo_iac.scaffold.request import CiSystem, NewEnvironment, ProjectRequest
from kiamo_iac.scaffold.template import fill_template


@dataclass(frozen=True, slots=True)
class NewProject:
    """The files to write, and the texts that the user has to add to existing files."""

    files: dict[Path, str] = field(default_factory=dict)
    additions: dict[Path, str] = field(default_factory=dict)


def draft_project(request: ProjectRequest) -> NewProject:
    """The files of a new project."""
    project, root = NewProject(), request.repository.root
    project.files[request.folder / "kiamo.yaml"] = _project_file(request)
    project.files[request.folder / "manifests" / "prospects.yaml"] = fill_template("project/prospects.yaml")
    for environment in request.environments[1:]:
        patch = fill_template("project/patch.yaml", name=environment.name)
        project.files[request.folder / "environments" / environment.name / "prospects.yaml"] = patch
    _add_unless_present(project, request.folder / ".gitignore", fill_template("project/gitignore"))
    hooks = root / ".pre-commit-config.yaml"
    if not (hooks.exists() and "kiamo-validate" in read_text(hooks)):  # they are of all projects of the repository
        _add_unless_present(project, hooks, _pre_commit(request))
    _prettier(project, request)
    _yamllint(project, root)
    match request.ci:
        case CiSystem.GITHUB:
            project.files[root / request.pipeline_file] = github_workflow(request)
            _dependabot(project, root / ".github")
        case CiSystem.GITLAB:
            project.files[root / request.pipeline_file] = gitlab_pipeline(request)
            _gitlab(project, root / ".gitlab-ci.yml")
        case CiSystem.NONE:
            pass
        case _:
            assert_never(request.ci)
    return project


def _prettier(project: NewProject, request: ProjectRequest) -> None:
    """Prettier has another layout than `fmt`. It reads one file, at the root, which has the lines of each project."""
    if not request.below.isprintable():  # a line break would be another pattern
        return
    below = re.sub(r"[\\*?\[\]]", r"\\\g<0>", request.below)
    lines = [f"/{below}{name}" for name in ("kiamo.yaml", "manifests/", "environments/", ".schemas/", ".kiamo/")]
    match request.ci:
        case CiSystem.GITHUB:
            lines.append(f"/{WORKFLOWS}")
        case CiSystem.GITLAB:
            lines.append(f"/{INCLUDED}")
        case CiSystem.NONE:
            pass
        case _:
            assert_never(request.ci)
    file = request.repository.root / ".prettierignore"
    there = {line.strip().strip("/") for line in read_text(file).splitlines()}
    lacking = [line for line in lines if line.strip("/") not in there]
    if lacking:
        _add_unless_present(project, file, fill_template("project/prettierignore") + "".join(f"{x}\n" for x in lacking))


def _yamllint(project: NewProject, root: Path) -> None:
    """Settings with which yamllint accepts the layout of `fmt`. They are of all projects of the repository."""
    text = fill_template("project/yamllint")
    rules = text[text.index("rules:\n") :]
    there = [file for name in (".yamllint", ".yamllint.yaml", ".yamllint.yml") if (file := root / name).exists()]
    if not there:
        project.files[root / ".yamllint"] = text
    elif rules not in read_text(there[0]):
        project.additions[there[0]] = rules


def _gitlab(project: NewProject, file: Path) -> None:
    """The file that includes the jobs of every project. One that is there may do so already."""
    if not file.exists():
        project.files[file] = gitlab_root()
    elif INCLUDED not in read_text(file):
        stages = "and add to your stages: validate, plan, apply"
        project.additions[file] = f'include:\n  - local: "{INCLUDED}" # {stages}\n'


def _dependabot(project: NewProject, folder: Path) -> None:
    """Dependabot updates the actions, which are pinned to commits. A repository has at most one such file."""
    text = fill_template("github/dependabot.yml")
    there = [file for name in ("dependabot.yml", "dependabot.yaml") if (file := folder / name).exists()]
    if not there:
        project.files[folder / "dependabot.yml"] = text
    elif not re.search(r"""package-ecosystem["']?\s*:\s*["']?github-actions""", read_text(there[0])):
        project.additions[there[0]] = text.partition("updates:\n")[2]


def _add_unless_present(project: NewProject, file: Path, text: str) -> None:
    """An existing file is not changed."""
    (project.additions if file.exists() else project.files)[file] = text


def _project_file(request: ProjectRequest) -> str:
    name = f"name: {request.name}\n" if request.name is not None else ""
    return fill_template("project/kiamo.yaml", name=name) + "".join(
        line for environment in request.environments for line in _stanza(request, environment)
    )


def _stanza(request: ProjectRequest, environment: NewEnvironment) -> Iterator[str]:
    yield fill_template("project/environment.yaml", name=environment.key, url=environment.url)
    if environment is request.environments[0]:
        yield f"    variables: {{brand: ACME {environment.name}}}\n" if len(request.environments) > 1 else ""
    else:
        yield f"    patches: [environments/{environment.name}]\n"
    yield _ledger(request, environment)


def _ledger(request: ProjectRequest, environment: NewEnvironment) -> str:
    """The remote backend of the ledger, since the disks of pipelines begin empty; commented out without a remote."""
    remote = request.repository.remote
    match request.ci:
        case CiSystem.NONE:
            return ""
        case CiSystem.GITHUB if remote is not None:
            return "    ledger: {backend: git}\n"
        case CiSystem.GITLAB if remote is not None:
            address = f"https://{remote.host}/api/v4/projects/{quote(remote.path, safe='')}/terraform/state"
            return f"    ledger:\n      backend: http\n      address: {address}/{_state(request, environment)}\n"
        case CiSystem.GITHUB:
            return "    # ledger: {backend: git}  # once there is a remote: pipelines lose a ledger that is a file\n"
        case CiSystem.GITLAB:
            return (
                "    # ledger:  # pipelines lose a ledger that is a file: use GitLab's managed Terraform states\n"
                "    #   backend: http\n"
                "    #   address: https://gitlab.example.com/api/v4/projects/42/terraform/state/"
                f"{_state(request, environment)}\n"
            )
        case _:
            assert_never(request.ci)


def _state(request: ProjectRequest, environment: NewEnvironment) -> str:
    name = f"{request.name}-" if request.name is not None else ""
    return f"kiamo-{name}{environment.prefix.removeprefix('KIAMO_').lower().replace('_', '-')}"


def _pre_commit(request: ProjectRequest) -> str:
    if request.tool is None:
        return fill_template("project/pre-commit-local.yaml")
    return fill_template("project/pre-commit.yaml", tool=request.tool.url, ref=request.tool.ref)
