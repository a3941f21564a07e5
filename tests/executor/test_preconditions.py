"""Looks before writes, on the emulator under both contracts: what changed since the plan, and what did not matter."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.api.client import Client
from kiamo_iac.contract.file import load_contract
from kiamo_iac.core.errors import RefusedError, StaleError, TransportError
from kiamo_iac.core.state import State
from kiamo_iac.emulator import Emulator
from kiamo_iac.executor.report import Outcome, Report, Status
from kiamo_iac.executor.writer import Writer
from kiamo_iac.planner.plan import Action, Plan, Step
from tests.executor.checking import Clock, PlannedRun, apply, failures, planned, reads_of
from tests.executor.rig import CITY, OTHER, WORLD, base_of, bindings_of, client_to, live_of, mark, writes
from tests.executor.steps import plan as plan_of
from tests.executor.steps import step

ALL: dict[str, Any] = {
    "services": [{"name": "Sales"}, {"name": "Care", "managed": True, "label": "Care desk"}],
    "bases": [
        {
            "name": "prospects",
            "label": "New label",
            "fields": [CITY, {"name": "since", "label": "Since", "datatype": "date"}],
            "batches": [
                {"name": "spring", "service": "Care", "association": {"destination": "city", "backup": "phone"}},
                {"name": "running", "service": "Sales", "association": {"destination": "city"}, "state": "started"},
                {"name": "late", "service": "Sales", "association": {"destination": "phone"}},
            ],
        }
    ],
}
"""Service updated, base updated, field created, spring updated (refers to Care), running paused, changed and started,
late created."""


def changing(emulator: Emulator, kind: str, name: str, /, **attributes: Any) -> None:
    """An update by another client, with manifest attribute names."""
    stanza = emulator.contract.kinds[kind]
    ids = ids_of(emulator)
    body = {stanza.attributes[k].wire if k in stanza.attributes else k: v for k, v in attributes.items()}
    with client_to(emulator) as client:
        client.call(kind, "update", {"id": ids[kind, name], "base": ids["base", "prospects"]}, body=body)


def calling(emulator: Emulator, kind: str, name: str, operation: str) -> None:
    ids = ids_of(emulator)
    with client_to(emulator) as client:
        client.call(kind, operation, {"id": ids[kind, name], "base": ids["base", "prospects"]})


def ids_of(emulator: Emulator) -> dict[tuple[str, str], Any]:
    dump = emulator.dump(ids=True)
    found = {("service", s["name"]): s["id"] for s in dump["services"]}
    for base in dump.get("bases", ()):
        found["base", base["name"]] = base["id"]
        found |= {("field", f["name"]): f["id"] for f in base.get("fields", ())}
        found |= {("batch", b["name"]): b["id"] for b in base.get("batches", ())}
    return found


def step_of(plan: Plan, action: Action, address: str) -> int:
    return next(s.id for s in plan.steps if (s.action, s.address) == (action, address))


BATCHES = "bases/prospects/batches"


# --- nothing happens -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parallelism", [1, 4])
def test_undisturbed_everything_is_done(emulator: Emulator, tmp_path: Path, parallelism: int) -> None:
    plan = planned(emulator, ALL, tmp_path)
    report = apply(emulator, plan, parallelism=parallelism)
    assert report.ok, failures(report)
    assert not planned(emulator, ALL, tmp_path).plan.steps
    assert all(result.outcome and result.outcome.shown is None for result in report.results)


SWAPS: dict[str, Any] = {
    "services": [
        {"name": "Sales", "managed": True, "renamed_from": ["Care"], "label": "was Care"},
        {"name": "Care", "managed": True, "renamed_from": ["Sales"], "label": "was Sales"},
    ],
    "bases": [
        {
            "name": "clients",
            "renamed_from": ["prospects"],
            "batches": [
                {"name": "summer", "renamed_from": ["spring"], "service": "Care", "settings": {"a": 7}},
                {"name": "running", "service": "Care", "state": "stopped"},
            ],
        }
    ],
}


@pytest.mark.parametrize("parallelism", [1, 4])
def test_renames_swaps_and_resources_below_them_are_checked_by_id(
    emulator: Emulator, tmp_path: Path, parallelism: int
) -> None:
    changing(emulator, "service", "Care", label="was Care")
    changing(emulator, "service", "Sales", label="was Sales")
    plan = planned(emulator, SWAPS, tmp_path)
    renames = [s.address for s in plan.plan.steps if s.action is Action.RENAME]
    assert len(renames) == 5
    report = apply(emulator, plan, parallelism=parallelism)
    assert report.ok, failures(report)
    assert not planned(emulator, SWAPS, tmp_path).plan.steps


def test_a_name_that_this_run_frees_can_be_taken(emulator: Emulator) -> None:
    calling(emulator, "batch", "running", "stop")
    new = {"service": "Sales", "association": {"destination": "phone"}}
    steps = (
        step(1, Action.CREATE, f"{BATCHES}/first", after={"name": "first", **new}),
        step(2, Action.RENAME, f"{BATCHES}/summer", needs=[1], before={"name": "spring"}, after={"name": "summer"}),
        step(3, Action.CREATE, f"{BATCHES}/spring", needs=[2], after={"name": "spring", **new}),
        step(4, Action.DELETE, f"{BATCHES}/running", needs=[3]),
        step(5, Action.CREATE, f"{BATCHES}/running", needs=[4], after={"name": "running", **new}),
    )
    bindings = bindings_of(emulator, {f"{BATCHES}/spring": f"{BATCHES}/summer"})
    begun = mark(emulator)
    report = apply(emulator, PlannedRun(plan_of(*steps, bindings=bindings), live_of(emulator), State()))
    assert report.ok, failures(report)
    assert [b["name"] for b in base_of(emulator)["batches"]] == ["summer", "first", "spring", "running"]
    assert reads_of(emulator.calls(after=begun)).count(("batch", "list")) >= 3


# --- changes by another client between plan and apply ----------------------------------------------------------------


def _recreate(emulator: Emulator) -> None:
    _delete_running(emulator)
    ids = ids_of(emulator)
    stanza = emulator.contract.kinds["batch"].attributes
    service = "Sales" if stanza["service"].by == "name" else ids["service", "Sales"]
    phone = "phone" if stanza["association"].by == "name" else ids["field", "phone"]
    body = {"name": "running", "service": service, "association": {"destination": phone}}
    with client_to(emulator) as client:
        client.call(
            "batch",
            "create",
            {"base": ids["base", "prospects"]},
            body={stanza[key].wire: value for key, value in body.items()},
        )


def _late(emulator: Emulator) -> None:
    emulator_batch = {"name": "late", "service": "Sales", "association": {}}
    ids = ids_of(emulator)
    stanza = emulator.contract.kinds["batch"].attributes
    service = "Sales" if stanza["service"].by == "name" else ids["service", "Sales"]
    body = {stanza["name"].wire: emulator_batch["name"], stanza["service"].wire: service}
    with client_to(emulator) as client:
        client.call("batch", "create", {"base": ids["base", "prospects"]}, body=body)


TARGETS: dict[str, tuple[Callable[[Emulator], object], str, str, str, Action]] = {
    "the label of a base": (
        lambda e: changing(e, "base", "prospects", label="Theirs"),
        "KIA0801",
        'Label was "Prospects" and is "Theirs".',
        "bases/prospects",
        Action.UPDATE,
    ),
    "a setting that no step writes": (
        lambda e: changing(e, "batch", "spring", b=3, new=True),
        "KIA0801",
        "Settings.b was 2 and is 3; settings.new was not set and is true.",
        f"{BATCHES}/spring",
        Action.UPDATE,
    ),
    "a run state": (
        lambda e: calling(e, "batch", "running", "pause"),
        "KIA0801",
        'State was "started" and is "paused".',
        f"{BATCHES}/running",
        Action.PAUSE,
    ),
    "a batch that ended by itself": (
        lambda e: e.finish("prospects", "running"),
        "KIA0801",
        'State was "started" and is "finished".',
        f"{BATCHES}/running",
        Action.PAUSE,
    ),
    "a renamed batch": (
        lambda e: changing(e, "batch", "spring", name="fall"),
        "KIA0801",
        'Name was "spring" and is "fall".',
        f"{BATCHES}/spring",
        Action.UPDATE,
    ),
    "a recreated batch": (_recreate, "KIA0803", "", f"{BATCHES}/running", Action.PAUSE),
    "a name that was taken": (_late, "KIA0804", "Its id is", f"{BATCHES}/late", Action.CREATE),
}


@pytest.mark.parametrize("name", TARGETS)
def test_f11_a_change_of_a_target_is_not_overwritten_and_the_rest_goes_on(
    emulator: Emulator, tmp_path: Path, name: str
) -> None:
    change, code, detail, address, action = TARGETS[name]
    plan = planned(emulator, ALL, tmp_path)
    change(emulator)
    before, begun = base_of(emulator), mark(emulator)
    report = apply(emulator, plan)
    hit = step_of(plan.plan, action, address)
    errors = failures(report)
    assert set(errors) == {hit}
    _check_stale(errors[hit], plan, hit, code=code, detail=detail)
    kept = [b for b in [before, *before["batches"]] if b["name"] == address.rsplit("/", 1)[-1]]
    there = base_of(emulator)
    for thing in kept:  # what was changed is as they left it
        now = next(b for b in [there, *there["batches"]] if b["name"] == thing["name"])
        assert {k: v for k, v in now.items() if k not in {"fields", "batches"}} == {
            k: v for k, v in thing.items() if k not in {"fields", "batches"}
        }
    after = [r for r in report.results if r.status is Status.SKIPPED]
    assert {r.because for r in after} <= {hit}
    assert report.counts[Status.DONE] == len(plan.plan.steps) - 1 - len(after)
    assert len(writes(emulator, begun)) == report.counts[Status.DONE]


def _check_stale(error: BaseException, plan: PlannedRun, hit: int, *, code: str, detail: str) -> None:
    at_fault = plan.plan.steps[hit - 1]
    assert isinstance(error, StaleError)
    assert error.exit_code == 3
    (diagnostic,) = error.diagnostics
    assert (diagnostic.code, diagnostic.address, diagnostic.source) == (code, at_fault.address, at_fault.source)
    assert (diagnostic.detail or "").startswith(detail)
    assert error.hint
    assert str(error).endswith(".")


def test_an_attribute_that_comes_from_nowhere_may_be_one_that_lists_do_not_show(
    emulator: Emulator, tmp_path: Path
) -> None:
    plan = planned(emulator, ALL, tmp_path)
    changing(emulator, "base", "prospects", etag="x")
    (error,) = failures(apply(emulator, plan)).values()
    assert "Settings.etag was not set" in str(error)
    assert "kinds.base.operations.read: null" in (error.hint or "")


def _without_users(emulator: Emulator) -> None:
    for batch in ("spring", "running"):
        calling(emulator, "batch", batch, "stop")
        calling(emulator, "batch", batch, "delete")
    calling(emulator, "service", "Sales", "delete")


REFERENCES: dict[str, tuple[Callable[[Emulator], object], str, str]] = {
    "a service": (lambda e: changing(e, "service", "Sales", label="Theirs"), "KIA0802", "Label was not set"),
    "a service that went": (_without_users, "KIA0803", ""),
    "a field": (lambda e: changing(e, "field", "city", label="Theirs"), "KIA0802", 'Label was "City"'),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_f11_a_change_of_a_referenced_object_prevents_the_write(emulator: Emulator, tmp_path: Path, name: str) -> None:
    change, code, detail = REFERENCES[name]
    manifest: dict[str, Any] = {
        "services": [{"name": "Sales"}],
        "bases": [
            {
                "name": "prospects",
                "label": "Mine",
                "batches": [{"name": "late", "service": "Sales", "association": {"destination": "city"}}],
            }
        ],
    }
    plan = planned(emulator, manifest, tmp_path)
    change(emulator)
    begun = mark(emulator)
    report = apply(emulator, plan)
    hit = step_of(plan.plan, Action.CREATE, f"{BATCHES}/late")
    errors = failures(report)
    assert set(errors) == {hit}
    _check_stale(errors[hit], plan, hit, code=code, detail=detail)
    assert "which this step needs" in str(errors[hit])
    assert writes(emulator, begun) == [("base", "update")]


def _contacts_come(emulator: Emulator) -> None:
    emulator.set_contacts("prospects", 12)
    emulator.set_contacts("prospects", 3, batch="spring")


UNRELATED: dict[str, Callable[[Emulator], object]] = {
    "another service": lambda e: e.seed({"services": [{"name": "Third"}]}),
    "another base": lambda e: e.seed({"bases": [{"name": "more"}]}),
    "contacts": _contacts_come,
    "a field that nothing refers to": lambda e: changing(e, "field", "extra", label="Theirs"),
    "a batch that nobody declares": lambda e: calling(e, "batch", "idle", "stop"),
}


@pytest.mark.parametrize("name", UNRELATED)
def test_f11_an_unrelated_change_does_not_matter(emulator: Emulator, tmp_path: Path, name: str) -> None:
    ids = ids_of(emulator)
    stanza = emulator.contract.kinds
    with client_to(emulator) as client:
        above = {"base": ids["base", "prospects"]}
        field = {"name": "extra", "label": "E", "datatype": "text"}
        client.call("field", "create", above, body={stanza["field"].attributes[k].wire: v for k, v in field.items()})
        service = "Care" if stanza["batch"].attributes["service"].by == "name" else ids["service", "Care"]
        names = stanza["batch"].attributes
        client.call("batch", "create", above, body={names["name"].wire: "idle", names["service"].wire: service})
    plan = planned(emulator, ALL, tmp_path)
    UNRELATED[name](emulator)
    report = apply(emulator, plan)
    assert report.ok, failures(report)


# --- changes by another client during the run -------------------------------------------------------------------------


def _delete_running(emulator: Emulator) -> None:
    calling(emulator, "batch", "running", "stop")
    calling(emulator, "batch", "running", "delete")


MIDDLE: dict[str, tuple[str, Action, Callable[[Emulator], object], Action]] = {
    "between pause and update": (
        "after",
        Action.PAUSE,
        lambda e: changing(e, "batch", "running", pace=3),
        Action.UPDATE,
    ),
    "between update and start": (
        "after",
        Action.UPDATE,
        lambda e: calling(e, "batch", "running", "stop"),
        Action.START,
    ),
    "it is deleted before the start": (
        "after",
        Action.UPDATE,
        _delete_running,
        Action.START,
    ),
}


@pytest.mark.parametrize("name", MIDDLE)
def test_f12_a_change_in_the_middle_stops_before_it_is_overwritten(
    emulator: Emulator, tmp_path: Path, name: str
) -> None:
    when, action, change, hit = MIDDLE[name]
    changing(emulator, "batch", "running", pace=1)
    plan = planned(emulator, ALL, tmp_path)
    at = step_of(plan.plan, action, f"{BATCHES}/running")

    def happens(moment: str, step: Step) -> None:
        if (moment, step.id) == (when, at):
            change(emulator)

    report = apply(emulator, plan, happens=happens)
    expected = step_of(plan.plan, hit, f"{BATCHES}/running")
    assert set(failures(report)) == {expected}
    assert isinstance(failures(report)[expected], StaleError)
    assert [r.because for r in report.results if r.status is Status.SKIPPED] == [expected] * (
        report.counts[Status.SKIPPED]
    )


def test_f12_a_service_changed_in_the_middle_is_seen_within_a_second(emulator: Emulator, tmp_path: Path) -> None:
    manifest = {
        "services": [{"name": "Sales"}],
        "bases": [{"name": "prospects", "batches": [{"name": f"b{n}", "service": "Sales"} for n in range(4)]}],
    }
    plan, clock = planned(emulator, manifest, tmp_path), Clock()

    def happens(moment: str, step: Step) -> None:
        if (moment, step.id) == ("after", 1):
            changing(emulator, "service", "Sales", label="Theirs")
        if (moment, step.id) == ("before", 3):
            clock.now += 1.01

    report = apply(emulator, plan, happens=happens, clock=clock)
    assert [r.status for r in report.results] == [Status.DONE, Status.DONE, Status.FAILED, Status.FAILED]
    assert {e.diagnostics[0].code for e in failures(report).values()} == {"KIA0802"}


def test_what_creates_refer_to_is_renewed_before_it_is_a_second_old(tmp_path: Path) -> None:
    """At 0.8 seconds by one step alone, in a list and by a read; the others go on with what is known."""
    with Emulator(load_contract()) as emulator:
        emulator.seed({"services": [{"name": "Sales"}]})
        bases = [
            {"name": f"b{n}", "batches": [{"name": "x", "service": "Sales", "association": {"destination": "f"}}]}
            | {"fields": [{"name": "f", "label": "F", "datatype": "text"}]}
            for n in range(12)
        ]
        plan, clock = planned(emulator, {"services": [{"name": "Sales"}], "bases": bases}, tmp_path), Clock()
        begun = mark(emulator)
        written: list[str] = []

        def happens(when: str, step: Step) -> None:
            written.append(f"{when} {step.kind}")
            if written.count("after batch") == 6 and when == "after":
                clock.now += 0.8 * (step.kind == "batch")

        report = apply(emulator, plan, happens=happens, clock=clock)
        assert report.ok, failures(report)
        reads = reads_of(emulator.calls(after=begun))
        assert (reads.count(("base", "list")), reads.count(("service", "read"))) == (2, 2)


def test_f12_what_is_checked_in_a_list_is_as_old_as_the_list(tmp_path: Path) -> None:
    """Two fields are listed at 0.7 seconds in the list of those before them, which 1.4 seconds is too old."""
    with Emulator(load_contract()) as emulator:
        fields = [{"name": name, "label": name, "datatype": "text"} for name in ("city", "b", "c", "d")]
        base, services = {"name": "prospects", "fields": fields}, [{"name": "Sales"}]
        emulator.seed({"services": services, "bases": [base]})
        batches = [
            {"name": name, "service": "Sales", "association": {"destination": one, "backup": other}}
            for name, one, other in (("x", "city", "b"), ("y", "c", "d"), ("z", "c", "d"))
        ]
        manifest = {"services": services, "bases": [{**base, "batches": batches}]}
        plan, clock = planned(emulator, manifest, tmp_path), Clock()

        def happens(when: str, step: Step) -> None:
            if when == "after":
                clock.now += 0.7
            if (when, step.id) == ("after", 1):
                changing(emulator, "field", "c", label="Theirs")

        report = apply(emulator, plan, happens=happens, clock=clock)
        assert [r.status for r in report.results] == [Status.DONE, Status.DONE, Status.FAILED]
        assert failures(report)[3].diagnostics[0].code == "KIA0802"


def test_f12_a_name_taken_in_the_middle_is_seen_within_a_second(emulator: Emulator, tmp_path: Path) -> None:
    manifest = {
        "services": [{"name": "Sales"}],
        "bases": [{"name": "prospects", "batches": [{"name": n, "service": "Sales"} for n in ("a", "b", "late")]}],
    }
    plan, clock = planned(emulator, manifest, tmp_path), Clock()

    def happens(moment: str, step: Step) -> None:
        if (moment, step.id) == ("after", 1):
            _late(emulator)
            clock.now += 1.01

    report = apply(emulator, plan, happens=happens, clock=clock)
    assert [r.status for r in report.results] == [Status.DONE, Status.DONE, Status.FAILED]
    assert failures(report)[3].diagnostics[0].code == "KIA0804"


def test_the_parent_of_a_new_resource_was_deleted(emulator: Emulator, tmp_path: Path) -> None:
    manifest = {"bases": [{"name": "prospects", "fields": [{"name": "x", "label": "X", "datatype": "text"}]}]}
    plan = planned(emulator, manifest, tmp_path)
    for batch in ("spring", "running"):
        calling(emulator, "batch", batch, "stop")
    calling(emulator, "base", "prospects", "delete")
    error = failures(apply(emulator, plan))[1]
    assert isinstance(error, StaleError)
    assert error.diagnostics[0].code == "KIA0803"
    assert "bases/prospects, which this step needs, has been deleted" in str(error)


# --- what this run does itself is no change --------------------------------------------------------------------------


def test_what_this_run_wrote_is_no_change_for_those_that_refer_to_it(emulator: Emulator, tmp_path: Path) -> None:
    plan = planned(emulator, ALL, tmp_path)
    assert step_of(plan.plan, Action.UPDATE, "services/Care")
    order: list[str] = []
    report = apply(emulator, plan, happens=lambda when, step: order.append(step.address) if when == "after" else None)
    assert report.ok, failures(report)
    assert order.index("services/Care") != order.index(f"{BATCHES}/spring")


class Mute:
    """A writer whose answers show nothing, as a server's that answers 204 to all."""

    def __init__(self, client: Client, plan: Plan) -> None:
        self._writer = Writer(client, client.contract, plan)

    def perform(self, step: Step) -> Outcome:
        return Outcome(self._writer.perform(step).remote_id)


@pytest.mark.parametrize("manifest", [ALL, SWAPS], ids=["all", "swaps"])
def test_results_of_empty_responses_are_read_back(emulator: Emulator, tmp_path: Path, manifest: dict[str, Any]) -> None:
    plan = planned(emulator, manifest, tmp_path)
    report = apply(emulator, plan, writer=Mute)
    assert report.ok, failures(report)


class Lost(Mute):
    """A writer that loses the response to one of its calls."""

    def perform(self, step: Step) -> Outcome:
        outcome = self._writer.perform(step)
        if step.address == "services/Care":
            msg = "cut off."
            raise TransportError(msg, sent=True)
        return outcome


def test_a_write_of_unknown_outcome_is_not_taken_for_a_change_by_others(emulator: Emulator, tmp_path: Path) -> None:
    plan = planned(emulator, ALL, tmp_path)
    report = apply(emulator, plan, writer=Lost)
    assert [type(e) for e in failures(report).values()] == [TransportError]


def test_a_failed_check_is_a_failure_of_the_step(emulator: Emulator, tmp_path: Path) -> None:
    plan = planned(emulator, ALL, tmp_path)
    with Emulator(emulator.contract) as other:  # an instance without any of it, and a token that it does not know
        other._tokens = type(other._tokens)({"a" * 40: ["GET"]})
        report = apply(other, plan)
    error = next(iter(failures(report).values()))
    assert isinstance(error, RefusedError)
    assert error.diagnostics[0].code == "KIA0431"
    assert error.diagnostics[0].address == report.results[0].step.address


# --- another contract, and what it costs -----------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["packaged", "other"])
def test_without_a_call_to_read_one_the_list_is_looked_at(tmp_path: Path, which: str) -> None:
    contract = load_contract(OTHER if which == "other" else None)
    data = contract.model_dump()
    for kind in data["kinds"].values():
        del kind["operations"]["read"]
    with Emulator(type(contract).model_validate(data)) as emulator:
        emulator.seed(WORLD)
        plan = planned(emulator, ALL, tmp_path)
        begun = mark(emulator)
        assert apply(emulator, plan, parallelism=4).ok
        assert {operation for _, operation in reads_of(emulator.calls(after=begun))} == {"list"}
        changed = copy.deepcopy(ALL)
        changed["bases"][0]["label"] = "Again"
        plan = planned(emulator, changed, tmp_path)
        changing(emulator, "base", "prospects", label="Theirs")
        assert isinstance(failures(apply(emulator, plan))[1], StaleError)


def reads_during(emulator: Emulator, manifest: dict[str, Any], folder: Path, **keys: Any) -> tuple[Report, list[Any]]:
    plan = planned(emulator, manifest, folder)
    begun = mark(emulator)
    report = apply(emulator, plan, **keys)
    assert report.ok, failures(report)
    return report, reads_of(emulator.calls(after=begun))


def test_a_new_base_with_all_that_is_in_it_costs_a_list_and_a_look_at_its_service(tmp_path: Path) -> None:
    with Emulator(load_contract()) as emulator:
        emulator.seed({"services": [{"name": "Sales"}]})
        manifest = {
            "services": [{"name": "Sales"}],
            "bases": [
                {
                    "name": f"b{n}",
                    "fields": [{"name": f"f{m}", "label": "F", "datatype": "text"} for m in range(5)],
                    "batches": [
                        {"name": m, "service": "Sales", "association": {"destination": "f1"}} for m in ("x", "y")
                    ],
                }
                for n in range(20)
            ],
        }
        report, reads = reads_during(emulator, manifest, tmp_path)
        assert len(report.results) == 20 * 8
        assert sorted(set(reads)) == [("base", "list"), ("field", "list"), ("service", "read")]
        counts = {what: reads.count(what) for what in set(reads)}
        assert counts == {("base", "list"): 1, ("service", "read"): 1, ("field", "list"): 20}  # 20: the writer's own


def test_an_update_costs_one_read_and_creates_share_a_list(tmp_path: Path) -> None:
    with Emulator(load_contract()) as emulator:
        emulator.seed({"services": [{"name": f"s{n}"} for n in range(30)]})
        old = [{"name": f"s{n}", "label": "L", "managed": True} for n in range(30)]
        new = [{"name": f"t{n}", "managed": True} for n in range(30)]
        _, reads = reads_during(emulator, {"services": old + new}, tmp_path, parallelism=4)
        assert {what: reads.count(what) for what in set(reads)} == {("service", "read"): 30, ("service", "list"): 1}


def test_several_references_are_checked_in_one_list(emulator: Emulator, tmp_path: Path) -> None:
    manifest: dict[str, Any] = {
        "services": [{"name": "Sales"}],
        "bases": [
            {
                "name": "prospects",
                "batches": [
                    {"name": "spring", "service": "Sales", "association": {"destination": "city", "backup": "phone"}}
                ],
            }
        ],
    }
    _, reads = reads_during(emulator, manifest, tmp_path)
    assert ("field", "read") not in reads
    assert ("field", "list") in reads
    assert reads.count(("batch", "read")) == 1
