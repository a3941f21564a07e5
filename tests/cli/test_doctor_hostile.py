"""doctor on instances that answer anything: the report is whole, shows no token, and obeys its schema; so does the
recording, and a contract can be derived from it."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from kiamo_iac.app.schemas import catalogue
from kiamo_iac.cli.main import run
from kiamo_iac.cli.session import Session
from kiamo_iac.contract.collection.derive import derive_contract
from kiamo_iac.contract.collection.reading import read_collection
from kiamo_iac.contract.collection.writing import override_text
from kiamo_iac.contract.recording import read_recording
from kiamo_iac.emulator import EmulatorRequest, EmulatorResponse
from kiamo_iac.http.transport import InProcess
from tests.cli.test_doctor import OTHER, PROJECT
from tests.cli.test_recording import collection

TOKEN: Final = "5e1f" * 10
HOSTILE: Final = ("\x1b[31m", "::error::x", "##[group]", TOKEN, "\u202e\u202e", "../x", "a/b", "x" * 3000, "")
KEYS: Final = (
    "id", "ref", "name", "key", "label", "state", "phase", "service", "association", "datatype", "default", "contacts",
    "data", "items", "total", "meta", "next", "rows", "answer", "libelle", "$group", "$from", "a.b", *HOSTILE,
)  # fmt: skip
WORDS: Final = (None, True, False, 0, 1, -1, 3.5, 10**30, "x", "started", "new", "string", "N", "7", *HOSTILE)


class Answers:
    """Answers that follow from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.methods: set[str] = set()

    def __call__(self, request: EmulatorRequest) -> EmulatorResponse:
        self.methods.add(request.method)
        status = self.random.choice([200] * 14 + [400, 401, 403, 404, 418, 500])
        bodies = [json.dumps(self.body()).encode()] * 20 + [b"", b"<html>", b"{", b"\xff", b"[NaN]"]
        link = {"link": '<https://x/?p=2>; rel="next"'} if self.random.random() < 0.1 else {}
        return EmulatorResponse(status, link, self.random.choice(bodies))

    def body(self) -> Any:
        rows = [self.row() for _ in range(self.random.randrange(6))]
        keyed = {self.random.choice(KEYS): rows, self.random.choice(KEYS): self.value()}
        return self.random.choice([rows, rows, rows, self.row(), keyed, self.value()])

    def row(self) -> dict[str, Any]:
        row = {key: self.value(3) for key in ("id", "name", "label", "state", "datatype", "contacts")}
        row |= {
            "id": self.random.choice(["a", "b", 1, 2, "../x", True]),
            "name": self.random.choice(["n", "m", *HOSTILE]),
        }
        row |= {self.random.choice(KEYS): self.value(2), "association": self.value(2), "service": self.value(2)}
        row.pop(self.random.choice([*row]))
        return row

    def value(self, depth: int = 0) -> Any:
        kind = self.random.random() if depth < 4 else 1.0
        if kind < 0.25:
            return {self.random.choice(KEYS): self.value(depth + 1) for _ in range(self.random.randrange(5))}
        if kind < 0.45:
            return [self.value(depth + 1) for _ in range(self.random.randrange(4))]
        return self.random.choice(WORDS)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIAMO_STAGING_TOKEN", TOKEN)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "c.yaml").write_text(OTHER.read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("seed", range(10))
def test_any_answer_is_examined(seed: int, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "kiamo.yaml").write_text(PROJECT if seed % 2 else f"contract: c.yaml\n{PROJECT}", encoding="utf-8")
    answers = Answers(seed)
    form = "json" if seed % 4 < 2 else "text"
    session = Session(transport=InProcess(answers, request=EmulatorRequest))
    code = run(["doctor", "-e", "staging", "--format", form, "--record", "r.json"], session=session)
    captured = capsys.readouterr()
    shown, text = captured.out + captured.err, (project / "r.json").read_text(encoding="ascii")
    assert code in {0, 1}
    assert answers.methods == {"GET"}
    assert shown.endswith("Written to r.json.\n")
    assert not re.search(r"\x1b|^\s*::|##\[|\u202e", shown, re.MULTILINE)
    assert TOKEN not in shown + text
    assert "u001b" not in text
    if form == "json":
        jsonschema.Draft7Validator(catalogue()["doctor"].make()).validate(json.loads(captured.out))
    jsonschema.Draft7Validator(catalogue()["recording"].make()).validate(json.loads(text))
    found = read_collection(json.dumps(collection()).encode(), shown="collection.json")
    assert override_text(found, derive_contract(found, read_recording(text.encode(), shown="r.json")))
