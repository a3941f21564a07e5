"""Text that tries to be something else than text in a page, and plans and drifts that are full of it."""

from __future__ import annotations

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.planner.drift import AttributeDrift, ChangedBy, Drift, DriftEvent, ResourceDrift
from kiamo_iac.planner.plan import Action, FieldChange, Plan, Risk, Step

CORPUS = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "</style><script>alert(3)</script>",
    '"><img src=x onerror=alert(4)>',
    "' onmouseover='alert(5)' x='",
    "<svg onload=alert(6)>",
    "</title><script>alert(7)</script>",
    "</svg></table><iframe srcdoc='<script>alert(8)</script>'>",
    "javascript:alert(9)",
    "<a href=javascript:alert(10)>x</a>",
    "&#60;script&#62;alert(11)&#60;/script&#62;",
    "&lt;script&gt;alert(12)&lt;/script&gt;",
    "{{7*7}}{% for x in y %}${7*7}",
    "<!--<script>alert(13)</script>-->",
    "]]><script>alert(14)</script>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href=https://evil.example>",
    "<form action=https://evil.example><input name=x></form>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<style>*{background:url(https://evil.example)}</style>",
    "line\u2028and\u2029paragraph",
    "bidi \u202egnirts\u202c \u2066isolate\u2069 \u200bzero",
    "\x00\x1b[31m\x9b\x7f\ufeff",
    "\ud800 lone, \ufffe none",
    "\U000e0041\U000e0042 tags",
    "``` `code` ```",
)
"""Each is harmless where it is shown as text, and only there."""


def _reaches(number: int) -> tuple[Action, Risk]:
    actions, risks = list(Action), list(Risk)
    return actions[number % len(actions)], risks[number % len(risks)]


def evil_step(number: int, evil: str) -> Step:
    """A step with `evil` in every place that holds text."""
    action, risk = _reaches(number)
    return Step(
        id=number,
        action=action,
        address=Address.of("bases", evil).child("fields", evil) if number % 2 else Address.of("services", evil),
        kind=evil,
        depends_on=(number - 1,) if number > 1 else (),
        risk=risk,
        before={evil: evil} if action is not Action.CREATE else {},
        after={evil: {evil: [evil]}} if action is not Action.DELETE else {},
        changes=(FieldChange(evil, evil, [evil]),) if number % 3 else (),
        reason=evil,
        source=SourceRange(evil, number, 1),
    )


def evil_plan() -> Plan:
    """All of the corpus, everywhere."""
    everything = " ".join(CORPUS)
    return Plan(
        environment=everything,
        url=f"https://{everything}",
        steps=tuple(evil_step(number, evil) for number, evil in enumerate(CORPUS, start=1)),
        diagnostics=tuple(
            Diagnostic(
                evil,
                evil,
                Severity.WARNING,
                detail=evil,
                hint=evil,
                address=Address.of("bases", evil),
                source=SourceRange(evil, 1, 1),
                related=((evil, SourceRange(evil, 2, 2)),),
            )
            for evil in CORPUS
        ),
    )


def evil_drift() -> Drift:
    """All of the corpus, everywhere."""
    events, sides = list(DriftEvent), [side for side in ChangedBy if side is not ChangedBy.NEITHER]
    return Drift(
        tuple(
            ResourceDrift(
                Address.of("bases", evil),
                evil,
                events[number % len(events)],
                sides[number % len(sides)],
                (AttributeDrift(evil, sides[number % len(sides)], evil, [evil], {evil: evil}),),
                lives_as=evil,
                known_id=evil,
                live_id=evil,
                applied_at=evil,
                commit=evil,
                source=SourceRange(evil, 1, 1),
            )
            for number, evil in enumerate(CORPUS)
        )
    )
