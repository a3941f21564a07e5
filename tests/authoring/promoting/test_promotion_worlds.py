"""Any three environments: what is promoted is level, nobody else notices, and a second promotion has nothing to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from kiamo_iac.authoring.selection import Selection
from kiamo_iac.core.errors import KiamoIacError, ManifestError
from kiamo_iac.manifest.project.file import load_project
from tests.authoring.promoting.worlds import declared, done, emptied, left, project, promoted, said, worlds, write

EXAMPLES = max(25, int(os.environ.get("KIAMO_IAC_WORLDS", "500")) // 25)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(world=worlds(), run_state=st.booleans())
def test_any_world_is_brought_level_or_refused(
    tmp_path_factory: pytest.TempPathFactory, world: tuple[dict[str, str], str], run_state: bool
) -> None:
    root = emptied(tmp_path_factory.getbasetemp() / "world")
    made = project(root, *world)
    selection = Selection(run_state=run_state)
    try:
        before = {name: declared(made, name) for name in made.environments}
    except ManifestError:
        assume(False)
    try:
        promotion = promoted(made, selection)
    except KiamoIacError as error:
        event(f"refused: {', '.join(sorted({d.code for d in error.diagnostics}))}")
        assert {name: declared(made, name) for name in made.environments} == before
        return
    event("some left" if left(promotion) else "promoted" if promotion.changes else "level")
    write(promotion)
    again = load_project(root / "kiamo.yaml")
    expected = {resource.address: said(resource) for resource in promotion.desired}
    assert {name: declared(again, name) for name in made.environments} == {**before, "production": expected}
    second = promoted(again, selection)
    assert done(second) == left(promotion)
    assert second.files == ()


def test_two_names_that_the_variables_of_to_make_one(tmp_path: Path) -> None:
    """With the variables of `to`, what `from` names `${brand}` falls together with another base."""
    text = (
        "manifests: [manifests]\nvariables: {brand: ACME}\nenvironments:\n"
        "  staging: {patches: [staging.yaml]}\n  production: {variables: {brand: p}}\n"
    )
    files = {
        "manifests/a.yaml": "bases: [{name: p}]\n",
        "staging.yaml": 'bases: [{name: p}, {name: "${brand}", batches: [{name: s}]}]\n',
    }
    made = project(tmp_path, files, text)
    before = {name: declared(made, name) for name in made.environments}
    promotion = promoted(made, Selection())
    write(promotion)
    again = load_project(tmp_path / "kiamo.yaml")
    assert declared(again, "staging") == before["staging"]
    assert "bases/p/batches/s" in declared(again, "production")
    assert promoted(again, Selection()).files == ()
