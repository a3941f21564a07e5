"""Any text at all, and any data as others write it."""

from __future__ import annotations

import io
import json

from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from kiamo_iac.document.parser import parse
from tests.document.reading import codes


@given(st.text(st.characters() | st.sampled_from("{}[]:,-&*!|>'\"%@`?# \n\t~.0123456789abcdef"), max_size=200))
@settings(max_examples=500, deadline=None)
def test_parse_never_raises(text: str) -> None:
    document = parse(text, file="m.yaml")
    for diagnostic in document.diagnostics:
        assert diagnostic.source is not None
        assert diagnostic.hint
        assert diagnostic.source.line >= 1
        assert diagnostic.source.column >= 1


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=30)
)
DATA = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcé0 ~-", max_size=5), inner, max_size=4),
)


@given(DATA)
@settings(max_examples=200, deadline=None)
def test_json_is_read_as_json(data: object) -> None:
    document = parse(json.dumps({"data": data}, ensure_ascii=False), file="m.yaml")
    assert document.diagnostics == ()
    assert document.data == {"data": data}


BEYOND_THE_STANDARD = {"KIA0114", "KIA0115", "KIA0116", "KIA0118", "KIA0123"}
"""What ruamel writes without quotes, and we want quoted."""


@given(DATA)
@settings(max_examples=200, deadline=None)
def test_parse_agrees_with_ruamel_on_plain_data(data: object) -> None:
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    stream = io.StringIO()
    yaml.dump({"data": data}, stream)
    document = parse(stream.getvalue(), file="m.yaml")
    assert set(codes(document)) <= BEYOND_THE_STANDARD
    if not document.diagnostics:
        assert document.data == yaml.load(stream.getvalue())
