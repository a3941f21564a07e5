"""Plans made by hand, that every format is tried on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.core.provenance import ContractName, PlanProvenance
from kiamo_iac.core.state import DanglingReference
from kiamo_iac.planner.plan import Action, FieldChange, Plan, Risk, Step

BASE = "bases/prospects"

PROVENANCE_OF_TESTS = PlanProvenance(
    tool_version="0.1.0",
    created_at="2026-11-28T12:00:00Z",
    commit="abcdef0123" * 4,
    dirty=True,
    branch="feature/`::error::x`<b>|\u202e",
    author="</td><script>alert(1)</script> ::warning::`",
    pipeline_url="https://gitlab.example.com/job/1",
    contract=ContractName("Kiamo API v2", "1"),
    digest="e" * 64,
)
"""Everything is known, and what people choose is hostile."""


def step(
    number: int,
    action: Action,
    address: str,
    *,
    reason: str,
    kind: str = "batch",
    risk: Risk = Risk.REVERSIBLE,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    changes: tuple[FieldChange, ...] = (),
    depends_on: tuple[int, ...] = (),
    line: int | None = None,
    also_deletes: tuple[Address, ...] = (),
) -> Step:
    """A step declared in `manifests/prospects.yaml`."""
    return Step(
        id=number,
        action=action,
        address=Address(address),
        kind=kind,
        depends_on=depends_on,
        risk=risk,
        before=before or {},
        after=after or {},
        changes=changes,
        reason=reason,
        source=SourceRange("manifests/prospects.yaml", line, 5) if line else None,
        also_deletes=also_deletes,
    )


def deleting_a_base() -> Plan:
    """Two deletions: of a batch, and of its base, with which two fields go."""
    base = Address("bases/p")
    below = (base.child("batches", "spring"), base.child("fields", "city"), base.child("fields", "fax"))
    steps = (
        command(1, Action.STOP, below[0], before="paused", after="stopped", reason="it is deleted"),
        step(2, Action.DELETE, below[0], reason="declared with ensure: absent", depends_on=(1,)),
        step(3, Action.DELETE, base, kind="base", reason="not declared", depends_on=(2,), also_deletes=below),
    )
    return Plan("staging", "http://127.0.0.1:8090", steps)


def command(number: int, action: Action, address: str, *, before: str, after: str, reason: str, **keys: Any) -> Step:
    """A step that moves a run state."""
    return step(
        number,
        action,
        address,
        before={"state": before},
        after={"state": after},
        changes=(FieldChange("state", before, after),),
        reason=reason,
        **keys,
    )


def full_plan() -> Plan:
    """Every action, both lasting risks, several roots, and diagnostics of all severities but errors."""
    old = {"name": "old", "service": "Outbound Sales", "association": {"destination": "phone"}, "state": "started"}
    steps = (
        step(
            1,
            Action.CREATE,
            "services/Win-back",
            kind="service",
            after={"name": "Win-back", "label": "Win-back desk"},
            reason="it is declared, and the instance has none of that name",
            line=3,
        ),
        command(
            2,
            Action.STOP,
            f"{BASE}/batches/old",
            before="started",
            after="stopped",
            risk=Risk.IRREVERSIBLE,
            reason="a batch is stopped before it is deleted",
            line=31,
        ),
        step(
            3,
            Action.DELETE,
            f"{BASE}/batches/old",
            before=old | {"state": "stopped"},
            risk=Risk.DATA_LOSS,
            depends_on=(2,),
            reason="the manifest says `ensure: absent`",
            line=31,
        ),
        step(
            4,
            Action.UPDATE,
            BASE,
            kind="base",
            before={"label": "Prospects"},
            after={"label": 'Prospects "B2B" 2026'},
            changes=(FieldChange("label", "Prospects", 'Prospects "B2B" 2026'),),
            reason="the label differs",
            line=12,
        ),
        step(
            5,
            Action.CREATE,
            f"{BASE}/fields/city",
            kind="field",
            after={"name": "city", "label": "Ville d’appel", "datatype": "string"},
            reason="it is declared, and the instance has none of that name",
            line=15,
        ),
        step(
            6,
            Action.RENAME,
            f"{BASE}/batches/printemps",
            before={"name": "spring"},
            after={"name": "printemps"},
            changes=(FieldChange("name", "spring", "printemps"),),
            reason='it was called "spring", says `renamed_from`',
            line=18,
        ),
        command(
            7,
            Action.PAUSE,
            f"{BASE}/batches/autumn",
            before="started",
            after="paused",
            reason="its service and its association cannot be changed while it is started",
            line=24,
        ),
        step(
            8,
            Action.UPDATE,
            f"{BASE}/batches/autumn",
            before={
                "service": DanglingReference("(gone: 17)"),
                "association": {"destination": "phone"},
                "settings": {"pace": 2},
            },
            after={"service": "Win-back", "association": {"destination": "mobile"}, "settings": {"pace": 3}},
            changes=(
                FieldChange("service", DanglingReference("(gone: 17)"), "Win-back"),
                FieldChange("association.destination", "phone", "mobile"),
                FieldChange("association.reference", None, "city"),
                FieldChange("settings.pace", 2, 3),
                FieldChange("settings.hours", None, {"monday": ["09:00", "18:00"], "férié": False}),
            ),
            depends_on=(1, 5, 7),
            reason="service, association and settings differ",
            line=24,
        ),
        command(
            9,
            Action.START,
            f"{BASE}/batches/autumn",
            before="paused",
            after="started",
            risk=Risk.IRREVERSIBLE,
            depends_on=(8,),
            reason="it was started before it was changed",
            line=24,
        ),
        step(
            10,
            Action.CREATE,
            "bases/clients",
            kind="base",
            after={
                "name": "clients",
                "label": "Clients du programme de fidélité, toutes régions confondues",
                "settings": {"retention": "36 mois", "owner": "Direction de la relation client"},
            },
            reason="it is declared, and the instance has none of that name",
            line=40,
        ),
        step(
            11,
            Action.DELETE,
            "services/Legacy",
            kind="service",
            before={"name": "Legacy", "label": "Legacy"},
            risk=Risk.IRREVERSIBLE,
            depends_on=(8,),
            reason="the manifest says `ensure: absent`",
        ),
    )
    return Plan(
        environment="staging",
        url="http://127.0.0.1:8090",
        steps=steps,
        diagnostics=(
            Diagnostic("KIA0602", "a note of no weight", Severity.NOTE, source=SourceRange("manifests/a.yaml", 1, 1)),
            Diagnostic(
                "KIA0601",
                'the base "prospects" has a batch "hiver" that nobody declares',
                Severity.WARNING,
                detail="It is left alone.",
                hint="declare it, or say `exclusive: [batches]`",
                address=Address(f"{BASE}/batches/hiver"),
                source=SourceRange("manifests/prospects.yaml", 12, 5),
            ),
        ),
    )


def refused_plan() -> Plan:
    """Two errors, one of them with a related place."""
    return Plan(
        environment="production",
        url="https://kiamo.example.com",
        steps=(
            step(
                1,
                Action.UPDATE,
                BASE,
                kind="base",
                before={"label": "A"},
                after={"label": "B"},
                changes=(FieldChange("label", "A", "B"),),
                reason="the label differs",
                line=2,
            ),
        ),
        diagnostics=(
            Diagnostic(
                "KIA0503",
                'batch "spring" cannot be renamed: it is started',
                detail="ERR_2080: Only new batches can be renamed.",
                hint='keep the name "spring"',
                address=Address(f"{BASE}/batches/printemps"),
                source=SourceRange("manifests/prospects.yaml", 18, 21),
                related=(("its service stands here", SourceRange("manifests/services.yaml", 3, 5)),),
            ),
            Diagnostic("KIA0501", "the contract has no way to delete a service"),
        ),
    )


def empty_plan() -> Plan:
    """Nothing to do."""
    return Plan(environment="staging", url="http://127.0.0.1:8090", steps=())


def hostile_plan() -> Plan:
    """Names and values that try to be markup, an order to a CI system, or another line."""
    evil = "x\n::error::pwned"
    return Plan(
        environment="staging\x1b[31m",
        url="http://127.0.0.1:8090/\u202e",
        steps=(
            step(
                1,
                Action.UPDATE,
                Address.of("bases", f"{evil}\u202e/\x9b[/red]"),
                kind="base",
                before={"label": "\x1b]8;;http://evil.example\x07"},
                after={"label": "##[error]##vso[task.setvariable]"},
                changes=(
                    FieldChange("label", "\x1b]8;;http://evil.example\x07", "##[error]##vso[task.setvariable]"),
                    FieldChange("settings.\u2028x", "\ud800", "a\u200bb\ufeff\u061c\u2066\U000e0041"),
                ),
                reason='the label differs from "\r\n##[group]"',
                line=2,
            ),
        ),
        diagnostics=(
            Diagnostic(
                "KIA0602",
                "\x07bell\x7f",
                Severity.WARNING,
                detail="one\n::warning::two",
                hint="::add-mask::three\u0085",
                source=SourceRange("::error file=a::b.yaml", 1, 1),
            ),
        ),
    )


PLANS: dict[str, Callable[[], Plan]] = {
    "full": full_plan,
    "refused": refused_plan,
    "empty": empty_plan,
    "hostile": hostile_plan,
}
