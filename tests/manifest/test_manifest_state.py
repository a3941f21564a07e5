"""What manifests become: things at addresses, with what is declared and nothing else."""

from __future__ import annotations

import gc
import itertools
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.core.address import Address
from kiamo_iac.core.capabilities import Capabilities, KindCapabilities
from kiamo_iac.core.errors import ManifestError
from kiamo_iac.core.resource import PRESENT, Ensure, Lifecycle
from kiamo_iac.core.state import EMPTY, State
from kiamo_iac.resources import kinds
from tests.manifest.loading import codes, loaded

ANY = frozenset({"name", "label", "datatype", "service", "association"})

MANIFEST = """\
services:
  - name: Outbound Sales
  - name: Win-back
    managed: true
    label: Win-back desk
bases:
  - name: prospects
    label: Prospects
    protect: true
    exclusive: [fields]
    fields:
      - {name: city, label: City, datatype: string}
    batches:
      - name: spring
        service: Outbound Sales
        association: {destination: phone}
        state: started
      - name: autumn
        service: Win-back
        association: {destination: phone, town: city}
        initial_state: paused
        settings: {pace: 3}
        renamed_from: [fall]
  - name: old
    ensure: absent
    fields:
      - {name: gone}
batches:
  - {base: prospects, name: summer, service: Outbound Sales, association: {destination: phone}}
  - {base: elsewhere, name: winter}
"""


def contents(state: State) -> list[tuple[Any, ...]]:
    return [(i.address, i.kind.kind, i.attributes, i.settings, i.lifecycle, i.source) for i in state]


def test_the_example_of_the_design(tmp_path: Path) -> None:
    found = loaded(tmp_path, MANIFEST)
    assert found.diagnostics == ()
    assert found.checked() is found.state
    state = found.state
    assert {instance.address for instance in state} == {
        "services/Outbound Sales",
        "services/Win-back",
        "bases/prospects",
        "bases/prospects/fields/city",
        "bases/prospects/batches/spring",
        "bases/prospects/batches/autumn",
        "bases/prospects/batches/summer",
        "bases/old",
        "bases/old/fields/gone",
        "bases/elsewhere",
        "bases/elsewhere/batches/winter",
    }
    autumn = state[Address("bases/prospects/batches/autumn")]
    assert autumn.attributes == {
        "name": "autumn",
        "service": "Win-back",
        "association": {"destination": "phone", "town": "city"},
    }
    assert autumn.settings == {"pace": 3}
    assert autumn.lifecycle == Lifecycle(initial_state="paused", renamed_from=("fall",))
    assert str(autumn.source) == "m.yaml:18:9"
    assert str(autumn.source_of("association")) == "m.yaml:20:22"
    assert autumn.kind is kinds()["batch"]
    prospects = state[Address("bases/prospects")]
    assert prospects.attributes == {"name": "prospects", "label": "Prospects"}
    assert prospects.lifecycle == Lifecycle(protect=True, exclusive=("fields",))
    assert state[Address("bases/prospects/batches/spring")].run_state == "started"
    assert [i.name for i in state.within(Address("bases/prospects"), "batches")] == ["autumn", "spring", "summer"]


def test_references_and_what_is_below_an_absent_thing(tmp_path: Path) -> None:
    state = loaded(tmp_path, MANIFEST).state
    assert state[Address("services/Outbound Sales")].lifecycle == Lifecycle(managed=False)
    assert state[Address("services/Win-back")].lifecycle == PRESENT
    elsewhere = state[Address("bases/elsewhere")]
    assert elsewhere.lifecycle == Lifecycle(managed=False)
    assert elsewhere.attributes == {"name": "elsewhere"}
    assert str(elsewhere.source) == "m.yaml:30:12"
    assert state[Address("bases/old/fields/gone")].lifecycle.ensure is Ensure.ABSENT


def test_what_is_the_same_is_shared(tmp_path: Path) -> None:
    state = loaded(tmp_path, MANIFEST).state
    city = state[Address("bases/prospects/fields/city")]
    summer = state[Address("bases/prospects/batches/summer")]
    assert city.lifecycle is PRESENT
    assert summer.lifecycle is PRESENT
    assert city.settings is EMPTY
    assert city.extras is EMPTY


def test_d24_names_stay_as_they_are_written_and_addresses_are_in_nfc(tmp_path: Path) -> None:
    text = "bases:\n  - {name: cafe\u0301, renamed_from: [the\u0301]}\nfields:\n  - {base: café, name: f}\n"
    assert loaded(tmp_path, text).diagnostics == ()
    found = loaded(tmp_path, text, Capabilities({kind: KindCapabilities(attributes=ANY) for kind in kinds()}))
    assert found.diagnostics == ()
    base = found.state[Address("bases/café")]
    assert base.name == "cafe\u0301"
    assert base.lifecycle.renamed_from == ("thé",)
    assert Address("bases/café/fields/f") in found.state


def test_the_order_of_files_does_not_matter(tmp_path: Path) -> None:
    files = {
        "a.yaml": "bases:\n  - name: a\n    fields: [{name: f}]\nzzz: 1\n",
        "b.yaml": "batches:\n  - {base: a, name: b, service: S, association: {to: g}}\n  - {base: c, name: b}\n",
        "sub/c.yaml": "bases:\n  - {name: a}\n  - {name: A}\n",
        "d.yml": "services:\n  - name: s\n  - name: S \n",
    }
    loadings = [loaded(tmp_path, {name: files[name] for name in order}) for order in itertools.permutations(files)]
    first = loadings[0]
    assert len(loadings) == 24
    assert codes(first.diagnostics) == [
        "a.yaml:4:1 KIA0202",
        "b.yaml:2:54 KIA0225?",
        "d.yml:3:11 KIA0208?",
        "sub/c.yaml:2:5 KIA0207",
        "sub/c.yaml:3:12 KIA0208?",
    ]
    for other in loadings[1:]:
        assert other.diagnostics == first.diagnostics
        assert contents(other.state) == contents(first.state)
        assert other.files == 4


def test_errors_are_raised_together(tmp_path: Path) -> None:
    found = loaded(tmp_path, {"a.yaml": "bases:\n  - nam: a\n", "b.yaml": "x: [\n", "c.yaml": "bases: []\n"})
    with pytest.raises(ManifestError, match="The manifests have 3 errors") as caught:
        found.checked()
    assert codes(caught.value.diagnostics) == ["a.yaml:2:5 KIA0202", "a.yaml:2:5 KIA0204", "b.yaml:2:1 KIA0101"]
    assert caught.value.exit_code == 1


def test_warnings_are_not_raised(tmp_path: Path) -> None:
    found = loaded(tmp_path, "batches:\n  - {base: a, name: b, service: s}\n")
    assert codes(found.diagnostics) == ["m.yaml:2:33 KIA0227?"]
    assert len(found.checked()) == 2


def test_a_file_that_cannot_be_read_is_one_problem_among_others(tmp_path: Path) -> None:
    from kiamo_iac.manifest.loader import load
    from tests.manifest.packaged import CAPABILITIES

    (tmp_path / "a.yaml").write_bytes("bases: [{name: é}]".encode("cp1252"))
    (tmp_path / "b.yaml").write_text("bases: [{name: b}]", encoding="utf-16")
    found = load(
        [tmp_path / name for name in ("none.yaml", "b.yaml", "a.yaml")], root=tmp_path, capabilities=CAPABILITIES
    )
    assert codes(found.diagnostics) == ["a.yaml:1:16 KIA0102", "none.yaml:1:1 KIA0104"]
    assert [instance.address for instance in found.state] == ["bases/b"]


def test_what_is_wrong_stays_out_of_the_state(tmp_path: Path) -> None:
    found = loaded(tmp_path, "bases:\n  - {name: a, label: 1, protect: 2, zzz: 3, ensure: absent}\n")
    assert len(found.diagnostics) == 3
    base = found.state[Address("bases/a")]
    assert base.attributes == {"name": "a"}
    assert base.lifecycle == Lifecycle(ensure=Ensure.ABSENT)


def test_the_collector_is_left_as_it_was(tmp_path: Path) -> None:
    assert gc.isenabled()
    loaded(tmp_path, MANIFEST)
    assert gc.isenabled()
    gc.disable()
    try:
        loaded(tmp_path, MANIFEST)
        assert not gc.isenabled()
    finally:
        gc.enable()
