"""Projects for promotion: written by hand, or drawn at random from small alphabets."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from kiamo_iac.authoring.promoting.promote import promote
from kiamo_iac.authoring.promoting.promotion import Promotion, Strategy
from kiamo_iac.authoring.selection import Selection
from kiamo_iac.core.state import ResourceState
from kiamo_iac.document.writing import dump
from kiamo_iac.manifest.loader import compose
from kiamo_iac.manifest.project.file import load_project
from kiamo_iac.manifest.project.model import Project
from kiamo_iac.manifest.sources import SourceFiles
from tests.manifest.packaged import CAPABILITIES

EVERYTHING = Selection()
PROJECT = """\
manifests: [manifests]
variables: {brand: ACME}
environments:
  staging:
    variables: {brand: ACME Test, trial: yes please}
    patches: [environments/staging]
  production:
    patches: [environments/production]
"""
THIRD = "  test:\n    patches: [environments/test]\n"
FILES = {"environments/staging/a.yaml": "", "environments/production/a.yaml": "", "environments/test/a.yaml": ""}


def project(root: Path, files: Mapping[str, str], text: str = PROJECT) -> Project:
    """A project of these files; the folders of patches are there in any case."""
    for name, content in {**FILES, **files, "kiamo.yaml": text}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8", newline="")
    return load_project(root / "kiamo.yaml")


def promoted(
    made: Project, selection: Selection = EVERYTHING, *, source: str = "staging", to: str = "production"
) -> Promotion:
    """What brings `to` level."""
    return promote(
        made, made.environments[source], made.environments[to], selection=selection, capabilities=CAPABILITIES
    )


def write(promotion: Promotion) -> None:
    """Write its files."""
    for change in promotion.files:
        change.path.parent.mkdir(parents=True, exist_ok=True)
        change.path.write_text(change.after, encoding="utf-8", newline="")


def declared(made: Project, environment: str) -> dict[str, Any]:
    """What an environment declares, as plain data."""
    composition = made.composition(made.environments[environment])
    loaded = compose(composition, sources=SourceFiles(made.root), capabilities=CAPABILITIES)
    return {resource.address: said(resource) for resource in loaded.checked()}


def said(resource: ResourceState) -> tuple[Any, ...]:
    """What is declared of a resource."""
    return dict(resource.attributes), dict(resource.settings), resource.lifecycle


def done(promotion: Promotion) -> list[str]:
    """`move bases/prospects label`, for every change."""
    return [f"{c.how} {c.difference.address} {c.difference.path}".rstrip() for c in promotion.changes]


def left(promotion: Promotion) -> list[str]:
    """The changes that could not be made."""
    return [text for text in done(promotion) if text.startswith(Strategy.NOT_PROMOTED)]


def emptied(root: Path) -> Path:
    """The folder, with nothing in it."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    return root


# --- at random ------------------------------------------------------------------------------------------

TEXT = st.sampled_from(["x", "y", "${brand}", "${brand} z", "ACME"])
SETTING = st.sampled_from([1, 2, "x", "${brand}", [1], {"deep": "${brand}"}])


def _maybe(key: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(st.just({}), value.map(lambda given: {key: given}))


def _rarely(key: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.integers(0, 9).flatmap(lambda n: value.map(lambda given: {key: given}) if n == 0 else st.just({}))


def _joined(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda found: {key: value for part in found for key, value in part.items()})


def _null(value: st.SearchStrategy[Any], *, patch: bool) -> st.SearchStrategy[Any]:
    return st.integers(0, 7).flatmap(lambda n: st.none() if n == 0 else value) if patch else value


def _common(*, patch: bool) -> list[st.SearchStrategy[dict[str, Any]]]:
    entries = st.dictionaries(st.sampled_from(["a", "b"]), _null(SETTING, patch=patch), max_size=2)
    return [
        _maybe("label", _null(TEXT, patch=patch)),
        _maybe("settings", _null(entries, patch=patch)),
        _rarely("ensure", st.sampled_from(["present", "absent", "absent"])),
        _rarely("protect", st.booleans()),
    ]


def _blocks(names: list[str], *parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    body = _joined(*parts)
    chosen = st.sampled_from([*([name] for name in names[:2]), names[:2], names[:2], names])

    def named(found: list[str]) -> st.SearchStrategy[list[dict[str, Any]]]:
        bodies = st.lists(body, min_size=len(found), max_size=len(found))
        return bodies.map(lambda made: [{"name": name, **one} for name, one in zip(found, made, strict=True)])

    return chosen.flatmap(named)


def layer(*, patch: bool) -> st.SearchStrategy[dict[str, Any]]:
    """What one file says."""
    common = _common(patch=patch)
    roles = st.dictionaries(
        st.sampled_from(["to", "from"]), _null(st.sampled_from(["f", "g"]), patch=patch), max_size=2
    )
    batch = [
        _maybe("service", _null(st.sampled_from(["v", "w", "${brand}"]), patch=patch)),
        _maybe("association", roles),
        _maybe("state", st.sampled_from(["new", "started"])),
        *common[1:],
    ]
    base = [
        *common,
        _rarely("exclusive", st.sampled_from([["fields"], ["fields", "batches"]])),
        _maybe("fields", _blocks(["f", "g"], common[0], common[2])),
        _maybe("batches", _blocks(["s"], *batch)),
    ]
    top = [*batch[:2], st.sampled_from(["p", "q", "${brand}"]).map(lambda name: {"base": name})]
    return _joined(
        _maybe("services", _blocks(["v", "w"], _maybe("managed", st.booleans()))),
        _blocks(["p", "q", "${brand}"], *base).map(lambda found: {"bases": found} if found else {}),
        _maybe("batches", _blocks(["t"], *top)),
    )


def _text(data: dict[str, Any]) -> str:
    return dump(data) if data else ""


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[str, str], str]:
    """Files and project file of three environments; two of them may share a layer, and one may have none of its own."""
    shared = draw(
        st.sampled_from(["", "staging", "production", "test", "staging production", "staging test", "production test"])
    )
    bare = draw(st.booleans())
    files = {"manifests/a.yaml": _text(draw(layer(patch=False)))}
    lines = ["manifests: [manifests]", "variables: {brand: ACME}", "environments:"]
    for name in ("staging", "production", "test"):
        own = not (bare and name == "production")
        below = draw(st.booleans())
        entries = [f"environments/{name}"] if own else []
        if name in shared.split():
            entries = ["environments/shared.yaml", *entries] if below else [*entries, "environments/shared.yaml"]
        brand = draw(
            st.sampled_from(["", "variables: {brand: x}, ", "variables: {brand: y}, ", "variables: {brand: p}, "])
        )
        lines.append(f"  {name}: {{{brand}patches: [{', '.join(entries)}]}}")
        if own:
            files[f"environments/{name}/a.yaml"] = _text(draw(layer(patch=True)))
    files["environments/shared.yaml"] = _text(draw(layer(patch=True))) if shared else ""
    return files, "\n".join(lines) + "\n"
