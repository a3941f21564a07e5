"""Where the plans and ledger entries of a run come from: git, the pipeline, the contract."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kiamo_iac import __version__
from kiamo_iac.core.environ import variable
from kiamo_iac.core.printable import printable
from kiamo_iac.core.provenance import ContractName, PlanProvenance
from kiamo_iac.core.urls import parse_url
from kiamo_iac.git.checkout import Checkout, checkout_of
from kiamo_iac.planner.plan_file import plan_digest

if TYPE_CHECKING:
    from kiamo_iac.app.planning import PlanResult
    from kiamo_iac.app.project import Workspace
    from kiamo_iac.planner.plan import Plan

_LONGEST: Final = 200
"""Characters of a branch or an author that are kept."""


def checkout_of_run(workspace: Workspace, environment: str, *, files: Iterable[Path] = ()) -> Checkout:
    """The checkout of the files that a run on an environment depends on; `files`: what its manifests read. Runs git."""
    return checkout_of(workspace.project.root, (*_files(workspace, environment), *files), workspace.environ)


def _files(workspace: Workspace, environment: str) -> Iterable[Path]:
    """The project file, the contract, the manifests and the patches."""
    project = workspace.project
    composition = project.composition(project.environments[environment])
    yield project.file
    if project.contract is not None:
        yield project.contract
    yield from composition.files
    for layer in composition.patches:
        yield from layer


def provenance_of(workspace: Workspace, plan: Plan, checkout: Checkout) -> PlanProvenance:
    """Where `plan`, which is made now, comes from. `checkout`: what `checkout_of_run` found for it."""
    contract = workspace.contract
    return PlanProvenance(
        tool_version=__version__,
        created_at=workspace.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        commit=checkout.commit,
        dirty=checkout.dirty,
        branch=_text(checkout.branch or _branch(workspace.environ)),
        author=_text(checkout.author),
        pipeline_url=_pipeline_url(workspace.environ),
        contract=ContractName(printable(contract.name, _LONGEST), contract.contract_version),
        digest=plan_digest(plan),
    )


def provenance_of_result(workspace: Workspace, result: PlanResult) -> PlanProvenance:
    """The same of a plan with its inputs. Runs git."""
    plan = result.plan
    return provenance_of(workspace, plan, checkout_of_run(workspace, plan.environment, files=result.inputs.files))


def _text(found: str | None) -> str | None:
    return printable(found, _LONGEST) if found else None


def _branch(environ: Mapping[str, str]) -> str | None:
    """The branch of the job: GitHub and GitLab check out a commit."""
    names = ["GITHUB_HEAD_REF", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_BRANCH"]
    names += ["GITHUB_REF_NAME"] if variable(environ, "GITHUB_REF_TYPE") == "branch" else []
    return next(filter(None, (variable(environ, name) for name in names)), None)


def _pipeline_url(environ: Mapping[str, str]) -> str | None:
    """The page of the job that runs this; None: it is none of GitHub or GitLab, or its variables are no URL."""
    found = variable(environ, "CI_JOB_URL") or variable(environ, "CI_PIPELINE_URL")
    server, repository = variable(environ, "GITHUB_SERVER_URL"), variable(environ, "GITHUB_REPOSITORY")
    run = variable(environ, "GITHUB_RUN_ID")
    if found is None and server and repository and run:
        found = f"{server}/{repository}/actions/runs/{run}"
    try:
        parse_url(found or "")
    except ValueError:
        return None
    return found
