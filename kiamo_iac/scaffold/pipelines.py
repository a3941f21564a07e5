"""The pipelines of a new project, put together of a stanza for each job.

The first environment is applied on merge. Each further one is planned after the one before it, and waits at a gate.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from kiamo_iac.scaffold.project import Chosen, Wish
from kiamo_iac.scaffold.repository import parse_remote
from kiamo_iac.scaffold.texts import filled

_ACTION: Final = re.compile(r"- uses: (actions/([a-z]+)(?:-artifact)?@[0-9a-f]{40} # v[0-9.]+)\n")
"""A line of `actions/action.yml`: what stands behind `uses:`, and what the templates call it."""


def actions() -> Mapping[str, str]:
    """The actions of the workflows: `checkout`, `upload`, `download` → name, commit, and the version as a comment."""
    return {name: action for action, name in _ACTION.findall(filled("actions/action.yml"))}


def github_workflow(wish: Wish) -> str:
    """`.github/workflows/kiamo.yml`."""
    named = parse_remote(wish.tool.url) if wish.tool is not None else None
    used = actions()
    tool = filled(
        "github/tool.yml",
        checkout=used["checkout"],
        repository=named.path if named is not None else _required("KIAMO_IAC_REPOSITORY"),
        ref=wish.tool.ref if wish.tool is not None else _required("KIAMO_IAC_REF"),
    ).rstrip("\n")
    lacking = (
        "#     variable KIAMO_IAC_REPOSITORY    owner/name of the repository that holds kiamo-iac\n"
        "#     variable KIAMO_IAC_REF           which tag or commit of it\n"
        "#                                      (GitHub gives no variables to the pull request of a fork: to\n"
        "#                                      validate those, write both values into this file)\n"
    )
    first, *gated = wish.environments
    text = filled(
        "github/head.yml",
        settings="" if wish.tool is not None else lacking,
        names=_listed(wish.environments),
        prefixes=_prefixes(wish.environments),
        branch=wish.repository.branch,
        gated=f" of {_listed(gated)}" if gated else "",
        project=wish.project,
        tool=tool,
        checkout=used["checkout"],
    )

    def job(template: str, chosen: Chosen, **more: str) -> str:
        common = {"name": chosen.name, "job": _job_id(chosen), "prefix": chosen.prefix, "project": wish.project}
        return filled(f"github/{template}.yml", tool=tool, **common, **used, **more)

    text += "".join(job("plan", chosen) for chosen in wish.environments)
    text += job("apply", first)
    needs, ready = f"apply-{_job_id(first)}", f"needs.apply-{_job_id(first)}.result == 'success'"
    for chosen in gated:
        text += job("gated", chosen, needs=needs, ready=ready)
        proposed, applied = f"propose-{_job_id(chosen)}", f"apply-{_job_id(chosen)}"
        needs = f"[{proposed}, {applied}]"
        ready = f"needs.{proposed}.result == 'success' && needs.{applied}.result != 'cancelled'"
    return text + "".join(job("drift", chosen) for chosen in wish.environments)


def gitlab_pipeline(wish: Wish) -> str:
    """`.gitlab-ci.yml`."""
    lacking = (
        "#   KIAMO_IAC_REPOSITORY    the https address of the git repository that holds kiamo-iac\n"
        "#   KIAMO_IAC_REF           which tag, branch or commit of it\n"
    )
    variables = ""
    if wish.tool is not None:
        variables = f'\n  KIAMO_IAC_REPOSITORY: "{wish.tool.url}"\n  KIAMO_IAC_REF: "{wish.tool.ref}"'
    first, *gated = wish.environments
    stages = ["validate", "plan", *(f"apply {chosen.name}" for chosen in wish.environments)]
    text = filled(
        "gitlab/head.yml",
        settings="" if wish.tool is not None else lacking,
        names=_listed(wish.environments),
        prefixes=_prefixes(wish.environments),
        gated=f" of {_listed(gated)}" if gated else "",
        stages=", ".join(f'"{stage}"' for stage in stages),
        variables=variables,
        project=wish.project,
        folder=wish.below,
    )

    def job(template: str, chosen: Chosen, **more: str) -> str:
        return filled(f"gitlab/{template}.yml", name=chosen.name, prefix=chosen.prefix, **more)

    text += "".join(job("plan", chosen) for chosen in wish.environments)
    text += job("apply", first)
    for previous, chosen in zip(wish.environments, gated, strict=False):
        text += job("gated", chosen, previous=previous.name)
    return text + "".join(job("drift", chosen) for chosen in wish.environments)


def _listed(environments: Sequence[Chosen]) -> str:
    return ", ".join(chosen.name for chosen in environments)


def _prefixes(environments: Sequence[Chosen]) -> str:
    """What stands for `<ENV>` in the names of variables."""
    return ", ".join(chosen.prefix.removeprefix("KIAMO_") for chosen in environments)


def _job_id(chosen: Chosen) -> str:
    """What GitHub takes as the id of a job; it stands behind a word, so it may begin with a digit."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", chosen.name)


def _required(name: str) -> str:
    """A variable of GitHub; without it, what no checkout can find. An empty `repository` would be the project itself,
    whose commit would then be the tool; an empty `ref` is whatever the default branch holds."""
    return f"${{{{ vars.{name} || '{name}-is-not-set' }}}}"
