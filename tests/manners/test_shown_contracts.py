"""`contract show --format json` of every manner: each shorthand written out, in the shape of a whole contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract
from kiamo_iac.render.contract import contract_json
from tests.cli.program import kiamo
from tests.manners.story import Manner
from tests.manners.table import TABLE

PROJECT = "manifests: [manifests]\nenvironments: {staging: {url: 'http://127.0.0.1:1'}}\n"


@pytest.mark.parametrize("manner", TABLE, ids=lambda manner: manner.name)
def test_what_is_shown_is_written_out_and_says_the_same(manner: Manner, tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(json.dumps(manner.contract), encoding="utf-8")
    loaded = load_contract(path)
    found: dict[str, Any] = json.loads(contract_json(loaded))
    assert found.keys() == {"contract_version", "name", "auth", "prefix", "errors", "kinds"}
    assert isinstance(found["prefix"]["path"], str)
    for stanza in found["kinds"].values():
        assert not {"routes", "calls"} & stanza.keys()
        for call in stanza["operations"].values():
            assert call["method"] in {"GET", "POST", "PUT", "PATCH", "DELETE"}
            assert call["path"].startswith("/")
            assert call["basis"] in {"documented", "observed", "assumed"}
            assert call.get("wrap") != "$kind"
            assert "{name}" not in json.dumps(call)
    assert Contract.model_validate(found).model_dump() == loaded.model_dump()


def test_show_says_where_the_contract_is_from(tmp_path: Path) -> None:
    (manner,) = (each for each in TABLE if each.name == "routes-in-one-line")
    (tmp_path / "manifests").mkdir()
    (tmp_path / "kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    done = kiamo("contract", "show", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "(packaged)" in done.stdout.splitlines()[0]
    (tmp_path / "kiamo.yaml").write_text(PROJECT + "contract: mine.yaml\n", encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(json.dumps(manner.contract), encoding="utf-8")
    done = kiamo("contract", "show", cwd=tmp_path)
    assert done.stdout.splitlines()[0].endswith("(from mine.yaml)"), done.stdout + done.stderr
    assert "POST   /listes" in done.stdout
    (tmp_path / "elsewhere" / "manifests").mkdir(parents=True)
    (tmp_path / "elsewhere" / "kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    assert "(packaged)" in kiamo("contract", "show", cwd=tmp_path / "elsewhere").stdout.splitlines()[0]


def test_check_shows_the_body_that_results(tmp_path: Path) -> None:
    body = {"kinds": {"batch": {"operations": {"start": {"body": {"state": "started"}}}}}}
    (tmp_path / "mine.yaml").write_text(json.dumps(body), encoding="utf-8")
    done = kiamo("contract", "check", "mine.yaml", cwd=tmp_path)
    says = '~ kinds.batch.operations.start.body: {"command": "start"} → {"state": "started"}'
    assert says in done.stdout, done.stdout + done.stderr
