"""The room knows no kind by name: a made-up one, three levels deep, is read, checked and described without a change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar

import pytest
from pydantic import Field

from kiamo_iac.core.address import Address
from kiamo_iac.core.capabilities import Capabilities, KindCapabilities
from kiamo_iac.core.resource import Name, Reference, Resource, Scope, unset
from kiamo_iac.manifest.schema import manifest_schema
from kiamo_iac.resources import by_collection, children_of, kinds
from kiamo_iac.resources.field import ContactField
from tests.manifest.loading import codes, loaded
from tests.manifest.packaged import CAPABILITIES


def forget() -> None:
    for cached in (kinds, by_collection, children_of):
        cached.cache_clear()


@pytest.fixture
def attempts() -> Iterator[Capabilities]:
    """A kind below batches, as long as the test runs."""

    class Attempt(Resource):
        """An attempt of a batch."""

        kind: ClassVar[str] = "attempt"
        collection: ClassVar[str] = "attempts"
        parent: ClassVar[str | None] = "batch"
        references: ClassVar[tuple[Reference, ...]] = (Reference("after", "attempt", Scope.SIBLING),)

        minutes: Annotated[int, Field(ge=1, description="How long to wait.")] = unset()
        after: Annotated[Name, Field(description="Another attempt.")] = unset()

    forget()
    known = KindCapabilities(attributes=frozenset({"name", "minutes", "after"}), wire_names=frozenset({"wait"}))
    yield Capabilities({**CAPABILITIES.kinds, "attempt": known}, CAPABILITIES.meanings, "the packaged contract")
    Attempt.__bases__ = (ContactField,)  # no direct subclass of Resource is no kind, whoever still holds it
    forget()
    assert "attempt" not in kinds()


@pytest.mark.usefixtures("attempts")
def test_a_fifth_kind_is_read(tmp_path: Path, attempts: Capabilities) -> None:
    text = (
        "bases:\n  - name: a\n    batches:\n      - name: b\n        exclusive: [attempts]\n"
        "        attempts: [{name: first, minutes: 5}]\n"
        "attempts:\n  - {base: a, batch: b, name: second, after: first}\n  - {base: x, batch: y, name: third}\n"
    )
    found = loaded(tmp_path, text, attempts)
    assert found.diagnostics == ()
    assert {instance.address for instance in found.state} == {
        "bases/a",
        "bases/a/batches/b",
        "bases/a/batches/b/attempts/first",
        "bases/a/batches/b/attempts/second",
        "bases/x",
        "bases/x/batches/y",
        "bases/x/batches/y/attempts/third",
    }
    assert not found.state[Address("bases/x/batches/y")].lifecycle.managed


def test_a_fifth_kind_is_checked(tmp_path: Path, attempts: Capabilities) -> None:
    text = (
        "attempts:\n  - {base: a, name: b}\n  - {base: a, batch: b, name: c, minutes: 0, settings: {wait: 1}}\n"
        "  - {base: a, batch: b, name: d, minutes: '5', after: e, label: D}\n  - {batch: b, name: f}\n"
    )
    found = loaded(tmp_path, text, attempts)
    assert codes(found.diagnostics) == [
        "m.yaml:2:5 KIA0204",
        "m.yaml:3:43 KIA0206",
        "m.yaml:3:57 KIA0213",
        "m.yaml:4:43 KIA0203",
        "m.yaml:4:55 KIA0225?",
        "m.yaml:4:58 KIA0211",
        "m.yaml:5:5 KIA0204",
    ]
    summaries = [diagnostic.summary for diagnostic in found.diagnostics]
    assert summaries[0] == 'missing key "batch" in an attempt at the top of a file'
    assert summaries[1] == "minutes must be 1 or more, got 0"
    assert summaries[3] == "minutes must be an integer, got a string"


def test_a_fifth_kind_stands_in_the_schema(attempts: Capabilities) -> None:
    schema = manifest_schema(attempts)
    assert schema["properties"]["attempts"]["items"] == {"$ref": "#/definitions/attempt_at_top"}
    at_top = schema["definitions"]["attempt_at_top"]
    assert at_top["required"] == ["name"]
    assert (at_top["if"], at_top["else"]) == ({"required": ["use"]}, {"required": ["base", "batch"]})
    assert schema["definitions"]["batch"]["properties"]["attempts"]["items"] == {"$ref": "#/definitions/attempt"}


def test_a_kind_that_the_contract_does_not_describe_is_said_once(tmp_path: Path, attempts: Capabilities) -> None:
    text = "attempts:\n  - {base: a, batch: b, name: c}\n  - {base: a, batch: b, name: d}\n"
    found = loaded(tmp_path, text, CAPABILITIES)
    assert codes(found.diagnostics) == ["m.yaml:2:5 KIA0212"]
    assert "kinds: attempt:" in (found.diagnostics[0].hint or "")
