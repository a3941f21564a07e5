"""Whatever stands in a manifest, it becomes a state and diagnostics, never an exception."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from kiamo_iac.resources import kinds
from tests.manifest.loading import loaded

NAMES = st.sampled_from(["a", "A", "b", "é", "e\u0301", "a/b", "", "phone", "bases/a", "\u202e", "x" * 300])
KEYS = st.sampled_from(
    sorted({key for kind in kinds().values() for key in (*kind.model_fields, kind.collection, kind.kind)} | {"zzz"})
)
SCALARS = (
    NAMES
    | st.sampled_from(["absent", "present", "started", "paused", "fields", "string", "2026-01-01"])
    | st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | NAMES, inner, max_size=3)
)
COMMON = {
    "name": NAMES,
    "ensure": st.sampled_from(["absent", "present"]),
    "protect": st.booleans(),
    "renamed_from": st.lists(NAMES, max_size=2),
    "settings": st.dictionaries(KEYS, SCALARS, max_size=2),
    "base": NAMES,
    "service": NAMES,
    "association": st.dictionaries(NAMES, NAMES, max_size=2),
    "state": st.sampled_from(["new", "started"]),
    "initial_state": st.sampled_from(["new", "paused"]),
    "managed": st.booleans(),
    "exclusive": st.lists(st.sampled_from(["fields", "batches", "zzz"]), max_size=2),
}
LEAF = st.fixed_dictionaries({}, optional=COMMON) | st.dictionaries(KEYS, VALUES, max_size=4)
CHILDREN = {"fields": st.lists(LEAF, max_size=3), "batches": st.lists(LEAF, max_size=3)}
BLOCK = st.fixed_dictionaries({}, optional=COMMON | CHILDREN) | LEAF
BLOCKS = st.lists(BLOCK, max_size=4) | VALUES
MANIFEST = st.dictionaries(st.sampled_from(["bases", "services", "fields", "batches"]) | KEYS, BLOCKS, max_size=4)


@given(st.lists(MANIFEST | VALUES, min_size=1, max_size=3))
@settings(max_examples=400, deadline=None)
def test_load_never_raises_and_always_says_where(manifests: list[object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = {f"m{n}.yaml": json.dumps(data, ensure_ascii=False) for n, data in enumerate(manifests)}
        found = loaded(Path(folder), files)
    for diagnostic in found.diagnostics:
        assert diagnostic.source is not None
        assert diagnostic.hint
        assert not diagnostic.summary.endswith(".")
    for instance in found.state:
        assert instance.place is not None
        assert isinstance(instance.name, str)
        assert instance.address.parent is None or instance.address.parent in found.state
        assert set(instance.attributes) <= instance.kind.model_fields.keys()
