"""Any history of a project and its instance: manifests are changed and reverted, others edit, runs meet faults, are
killed and are undone. Whatever came before, clean runs end as it is declared.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.cli.program import Completed
from tests.faults.forks import Forks
from tests.faults.kiamo import Call, Item, RefusalError, lower_case
from tests.faults.killing import check_witness, end_at
from tests.faults.proxy import AFTER, BEFORE, When, nth
from tests.faults.scene import PROJECT, calls_of, playing, shown
from tests.faults.schedules import FAULTS, moments

NAMES = ("alpha", "beta", "gamma")
STRANGERS = ("libre", "autre")
"""Names that no manifest has."""
STATES: tuple[dict[str, str], ...] = (
    {},
    {},
    {"state": "started"},
    {"state": "started"},
    {"state": "paused"},
    {"state": "stopped"},
)
INITIAL = {"initial_state": "started"}
GUARDS = "    guards: {max_delete_percent: 100, max_update_percent: 100}\n"
CONSENTS = (
    "--allow-start",
    *(
        word
        for name in (*NAMES, *STRANGERS, *(f"{name}-tmp" for name in NAMES))
        for word in ("--allow-stop", f"bases/{name}", "--allow-data-loss", f"bases/{name}")
    ),
)

REFUSAL = re.compile(r"^(?:(manifests/\S+:\d+:\d+): )?error (KIA\d+): .*(?:\n +of (\S+/.+))?", re.MULTILINE)
"""A reason for which a plan is refused, with its place, its code and its address."""
EMPTY = re.compile(r"^error KIA0442: .* the ledger has (\S+/.+)", re.MULTILINE)
ADOPT = re.compile(r"kiamo-iac adopt (\S+)")

Manifest = dict[str, Any]


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    """A few bases with fields and batches; some have a former name."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    former: Mapping[str, str] = {}
    match draw(st.sampled_from(["no rename", "no rename", "renames", "a ring"])):
        case "renames":
            former = dict(zip(names, sorted({*NAMES, *STRANGERS} - {*names}), strict=False))
        case "a ring":
            former = dict(zip(names, (*names[1:], names[0]), strict=True))
    bases = []
    for name in names:
        base: Manifest = {"name": name, "label": draw(st.sampled_from("AB"))}
        if former.get(name, name) != name:
            base["renamed_from"] = [former[name]]
        fields = draw(st.lists(st.sampled_from(["ville", "mail"]), max_size=2, unique=True))
        base["fields"] = [
            {"name": field, "label": draw(st.sampled_from("FG")), "datatype": "string"} for field in fields
        ]
        batches = draw(st.lists(st.sampled_from(["un", "deux"]), max_size=2, unique=True))
        base["batches"] = [
            {
                "name": batch,
                "service": draw(st.sampled_from(["Ventes", "Rappels"])),
                "association": {"destination": draw(st.sampled_from(["phone", *fields]))},
            }
            | draw(st.sampled_from((*STATES, INITIAL)))
            for batch in batches
        ]
        bases.append(base)
    label = draw(st.sampled_from("VW"))
    services = [{"name": "Ventes", "managed": True, "label": label}, {"name": "Rappels", "managed": True, "label": "R"}]
    return {"services": services, "bases": bases}


class History(RuleBasedStateMachine):
    """One history; what must be so is asserted after each run, and the end is a clean run."""

    forking: Forks

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(tempfile.mkdtemp())
        self.stack.callback(shutil.rmtree, folder)
        self.scene = self.stack.enter_context(playing(folder / "project"))
        self.scene.project(PROJECT + GUARDS)
        self.scene.consents = (*CONSENTS, "--prune")
        self.scene.speed = 60
        self.kiamo = self.scene.kiamo
        self.declared: list[Manifest] = []
        self.by_others: set[str] = set()
        """Ids of what others made, until a manifest declares it."""
        self.paused_by_others: set[str] = set()
        """Ids of batches that others have paused."""
        self.story: list[str] = []

    # --- what happens ------------------------------------------------------------------------------------------------

    @initialize(manifest=manifests())
    def first(self, manifest: Manifest) -> None:
        """The first manifest."""
        self.declare(manifest)

    @rule(manifest=manifests())
    def edit(self, manifest: Manifest) -> None:
        """Somebody edits the manifests."""
        self.declare(manifest)

    @rule(back=st.integers(1, 5))
    def revert(self, back: int) -> None:
        """Somebody reverts to an earlier state of them."""
        self.declare(self.declared[-min(back, len(self.declared))])

    @rule(schedule=st.lists(moments(last=16), max_size=3), parallelism=st.sampled_from(["1", "4"]))
    def apply(self, schedule: Sequence[tuple[str, int, int, When]], parallelism: str) -> None:
        """A run, perhaps with faults."""
        self.play(schedule)
        self.adopt()
        self.run("apply", "--prune", "--parallelism", parallelism)

    @rule(schedule=st.lists(moments(last=16), max_size=2))
    def undo(self, schedule: Sequence[tuple[str, int, int, When]]) -> None:
        """The last run is undone, perhaps with faults."""
        self.play(schedule)
        self.run("undo")

    @rule(number=st.integers(1, 12), when=st.sampled_from([BEFORE, AFTER]))
    def kill(self, number: int, when: When) -> None:
        """A run is killed at a write, if it has so many."""
        self.adopt()
        self.killed("apply", "--prune", number=number, when=when)

    @rule(number=st.integers(1, 8), when=st.sampled_from([BEFORE, AFTER]))
    def kill_undo(self, number: int, when: When) -> None:
        """An undo is killed at a write, if it has so many."""
        self.killed("undo", number=number, when=when)

    @rule(lag=st.sampled_from([0, 0, 2]), lower=st.booleans())
    def habits(self, lag: int, lower: bool) -> None:
        """The instance is slow to list what is new, and keeps labels in lower case."""
        self.kiamo.lists_behind, self.kiamo.keeping = lag, lower_case if lower else None
        self.tell(f"lists {lag} behind, lower case: {lower}")

    @rule(data=st.data())
    def by_hand(self, data: st.DataObject) -> None:
        """Somebody does something at the console."""
        paths = ["/bases", *(f"/bases/{id_}" for id_ in self.kiamo.bases)]
        for id_, base in self.kiamo.bases.items():
            paths += [f"/bases/{id_}/batches", *(f"/bases/{id_}/batches/{each}" for each in base["batches"])]
            paths += [f"/bases/{id_}/fields/{each}" for each in base["fields"]]
        path = data.draw(st.sampled_from(paths))
        name = data.draw(st.sampled_from((*NAMES, *STRANGERS)))
        match path.count("/"), path.split("/")[-1]:
            case 1, _:
                calls: list[tuple[str, str, object]] = [("POST", path, {"name": name, "label": "Z", "fields": []})]
            case _, "batches":
                body = {"name": data.draw(st.sampled_from(["un", "deux", "trois"])), "association": {}}
                calls = [("POST", path, body | {"service": id_}) for id_ in sorted(self.kiamo.services)[:1]]
            case _:
                bodies = [{"label": "Z"}, {"name": name}] if path.count("/") == 2 else [{"label": "Z"}]
                calls = [("PUT", path, body) for body in bodies] + [("DELETE", path, None)]
                if "/batches/" in path:
                    calls += [("PUT", f"{path}/command", {"command": word}) for word in ("start", "pause", "stop")]
                calls = [data.draw(st.sampled_from(calls))]
        for method, place, sent in calls:
            self.tell(f"by hand: {method} {place} {sent}")
            with suppress(RefusalError):
                made = self.kiamo.by_hand(method, place, sent)
                if sent == {"command": "pause"}:
                    self.paused_by_others.add(made["id"])
                if method == "POST":
                    self.by_others.add(made["id"])

    # --- how it happens ----------------------------------------------------------------------------------------------

    def tell(self, what: str) -> None:
        self.story.append(what)

    def declare(self, manifest: Manifest) -> None:
        self.declared.append(manifest)
        self.scene.manifest(yaml.safe_dump(manifest, sort_keys=False))
        self.tell(f"declared: {json.dumps(manifest)}")

    def play(self, schedule: Sequence[tuple[str, int, int, When]]) -> None:
        for name, first, last, when in schedule:
            fault, method, _ = FAULTS[name]
            self.scene.proxy.play(fault, method, on=nth(*range(first, last + 1)), when=when)
        self.tell(f"faults: {schedule}")

    def adopt(self) -> None:
        """What a manifest declares is not of others any more."""
        for base in self.declared[-1]["bases"]:
            for live in self.kiamo.bases.values():
                if live["name"] in (base["name"], *base.get("renamed_from", ())):
                    self.by_others -= {live["id"]}
                    names = {each["name"] for each in base["batches"]}
                    self.by_others -= {id_ for id_, each in live["batches"].items() if each["name"] in names}

    def killed(self, *arguments: str, number: int, when: When) -> None:
        self.scene.proxy.peace()
        journals, writes = self.scene.journals(), len(self.kiamo.writes)
        code, out, err = end_at(
            self.scene, self.forking, number, when=when, arguments=(*arguments, "--parallelism", "1", *CONSENTS)
        )
        self.tell(f"killed {arguments} {when.value} write {number}: {code}\n{out}{err}")
        if code == -signal.SIGKILL:
            check_witness(self.scene, self.scene.journals() - journals, self.kiamo.writes[writes:], self.log())
        self.check_writes(self.kiamo.writes[writes:], arguments[0])
        self.scene.proxy.peace()

    def run(self, *arguments: str) -> Completed:
        journals, replies, writes = self.scene.journals(), len(self.scene.proxy.replies), len(self.kiamo.writes)
        consents = () if arguments[0] in ("adopt", "ledger") else ("--yes", *CONSENTS)
        done = self.scene.run(*arguments, "-e", "staging", *consents)
        self.scene.proxy.peace()
        self.tell(f"{' '.join(arguments)}: {shown(done)}")
        assert done.returncode in (0, 1, 3, 4, 64), self.log()
        assert "Traceback" not in done.stderr, self.log()
        assert (done.returncode not in (1, 64)) | (not any(c.committed for c in self.kiamo.writes[writes:])), self.log()
        new = sorted(self.scene.journals() - journals)
        check_calls(new, self.scene.proxy.replies[replies:], self.log)
        self.check_writes(self.kiamo.writes[writes:], arguments[0])
        return done

    def check_writes(self, writes: Sequence[Call], command: str) -> None:
        """No run starts a batch twice, nor one that others have paused, if it is not declared as started; nothing of
        others is deleted, but with the base that it is in."""
        starts = Counter(c.path.split("/")[-2] for c in writes if c.committed and is_start(c))
        assert [id_ for id_, number in starts.items() if number > 1] == [], self.log()
        started = {
            batch["name"] for base in self.declared[-1]["bases"] for batch in base["batches"] if "state" in batch
        }
        names = {id_: each["name"] for base in self.kiamo.bases.values() for id_, each in base["batches"].items()}
        again = {id_ for id_ in starts if id_ in self.paused_by_others and names.get(id_) not in started}
        assert command == "undo" or not again, f"{again}\n{self.log()}"
        self.paused_by_others -= starts.keys()
        gone = {call.path.split("/")[-1] for call in writes if call.committed and call.method == "DELETE"}
        assert not gone & self.by_others, f"{gone & self.by_others}\n{self.log()}"

    def log(self) -> str:
        return "\n".join([*self.story, *map(str, self.kiamo.writes)])

    # --- how it ends -------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """A clean run ends as it is declared, or is refused with a place; then what the hint says is done."""
        try:
            if self.declared:
                self.end()
        finally:
            self.stack.close()

    def end(self) -> None:
        kiamo = self.kiamo
        kiamo.lists_behind = 0
        kiamo.show()
        for _ in range(6):
            self.adopt()
            done = self.run("apply", "--prune")
            if done.returncode == 0:
                break
            assert done.returncode == 1, self.log()
            self.follow(done)
        else:
            raise AssertionError(self.log())
        writes = len(kiamo.writes)
        again = self.run("apply", "--prune")
        assert (again.returncode, len(kiamo.writes)) == (0, writes), self.log()
        assert "No changes" in again.stdout, self.log()
        self.is_as_declared()
        ids = Counter((entry["address"].split("/")[-2], entry["id"]) for entry in self.scene.owned().values())
        assert [id_ for id_, number in ids.items() if number > 1] == [], self.log()

    def follow(self, done: Completed) -> None:
        """Do what a refusal says. Every reason has a place."""
        if (empty := EMPTY.search(done.stderr)) is not None:
            forgot = self.run("ledger", "forget", *empty[1].split(", "))
            assert forgot.returncode == 0, f"REFUSED forget\n{self.log()}"
            return
        refusals = REFUSAL.findall(done.stdout + done.stderr)
        for address in ADOPT.findall(done.stdout):
            adopted = self.run("adopt", address)
            assert adopted.returncode == 0, f"REFUSED adopt\n{self.log()}"
        assert refusals, f"REFUSED\n{self.log()}"
        assert all(place or address for place, _, address in refusals), f"REFUSED without a place\n{self.log()}"
        manifest = deepcopy(self.declared[-1])
        for code in sorted({code for _, code, _ in refusals}):
            match code:
                case "KIA0508" | "KIA0509" | "KIA0510":  # "declare a new one under another name"
                    for base in manifest["bases"]:
                        for batch in base["batches"]:
                            batch["name"] += " bis"
                case "KIA0517":  # "remove it from renamed_from of one of them"
                    for base in manifest["bases"]:
                        base.pop("renamed_from", None)
                case "KIA0520":  # "kiamo-iac adopt ADDRESS"
                    pass
                case _:
                    msg = f"REFUSED {code}\n{self.log()}"
                    raise AssertionError(msg)
        self.declare(manifest)

    def is_as_declared(self) -> None:
        """All that is declared is there once, with its values."""
        services = {each["name"]: id_ for id_, each in self.kiamo.services.items()}
        for base in self.declared[-1]["bases"]:
            (live,) = [each for each in self.kiamo.bases.values() if each["name"] == base["name"]]
            assert live["label"].upper() == base["label"], self.log()
            for field in base["fields"]:
                (there,) = [each for each in live["fields"].values() if each["name"] == field["name"]]
                assert there["label"].upper() == field["label"], self.log()
            for batch in base["batches"]:
                (there,) = [each for each in live["batches"].values() if each["name"] == batch["name"]]
                if there["state"] in ("stopped", "finished"):
                    continue
                assert there["service"] == services[batch["service"]], self.log()
                assert there["association"] == batch["association"], self.log()
                assert batch.get("state") in (None, there["state"]), self.log()


def is_start(call: Call) -> bool:
    return call.path.endswith("/command") and bool(call.body["command"] == "start")


def check_calls(journals: Sequence[Path], replies: Sequence[tuple[str, int | None]], log: Callable[[], str]) -> None:
    """The journal of a run has the writes that came to the proxy, each with the status that was sent.

    Raises:
        AssertionError: it has not.
    """
    came = [(call, status) for call, status in replies if not call.startswith("GET ")]
    known = calls_of(journals[0]) if journals else []
    assert sorted(known) == sorted(call for call, _ in came), log()
    answers = Counter(answers_of(journals[0])) if journals else Counter[tuple[str, int | None]]()
    missing = Counter[tuple[str, int | None]]((call, status) for call, status in came if status is not None) - answers
    assert not missing, f"{missing}\n{log()}"


def answers_of(journal: Path) -> list[tuple[str, int | None]]:
    """`METHOD path` of every call of a journal, with its status."""
    lines: list[Mapping[str, Item]] = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    calls = {line["call"]["n"]: f"{line['call']['method']} {line['call']['path']}" for line in lines if "call" in line}
    return [(calls[line["answer"]["n"]], line["answer"]["status"]) for line in lines if "answer" in line]
