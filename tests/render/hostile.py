"""Names and values that try to be something else in one of the formats: a corpus that each of them is tried on."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.planner.drift import AttributeDrift, ChangedBy, Drift, DriftEvent, ResourceDrift
from kiamo_iac.planner.plan import Action, FieldChange, Plan, Risk, Step
from kiamo_iac.render.base import CheckReport

HOSTILE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "command": "x\n::error::pwned",
        "second-line-command": "x\r::set-output name=a::b",
        "old-command": "x ##[error]pwned ##vso[task.setvariable]",
        "encoded": "a%0A::error::b%25%3A%2C",
        "property": "a,file=other.yaml,line=1::b",
        "fence": "x\n```\n# out\n```",
        "long-fence": "`" * 40 + " out",
        "tildes": "~~~\nout",
        "backticks": "a`b``c```d`",
        "backtick-ends": "`a`",
        "backslash": "a\\`b\\",
        "table": "a|b||c",
        "mention": "@team @org/team",
        "reference": "#123 GH-1 !7 owner/repo#5 &4 ~label %milestone $5",
        "quick-action": "/close\n/approve\n/assign @me",
        "image": "![x](http://evil.example/a.png)",
        "link": "[click](http://evil.example) <http://evil.example> www.evil.example http://evil.example",
        "link-definition": "[a]: http://evil.example",
        "script": "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "details": "</details></summary><details open>",
        "comment": "--><b>out</b><!--",
        "cdata": "]]><![CDATA[x]]>",
        "entity": "&lt;b&gt; &#60;b&#62; &xxe; <!ENTITY xxe SYSTEM 'file:///etc/passwd'>",
        "heading": "# out\n====\n- out\n> out",
        "controls": "\x00\x07\x1b[31m\x7f\x9b31m\u0085",
        "not-xml": "a\ufffeb\uffffc\U0001ffffd\ud800e",
        "bidi": "\u202egnp.\u202c \u2066x\u2069",
        "separators": "a\u2028b\u2029c",
        "invisible": "a\u200bb\ufeffc\U000e0041",
        "placeholder": "{0} {1} {{2}} ${x}",
        "astral": "𝒜😀é",
        "spaces": "   ",
        "empty": "",
        "math": "$`x`$ $$y$$",
    }
)
"""By what it tries."""

HUGE: Final = "L" * 100_000
"""A label of 100 kB."""


def plan_of(text: str) -> Plan:
    """A plan with `text` wherever there is room for data."""
    address = Address.of("bases", text or "e").child("fields", text or "e")
    source = SourceRange(f"{text}.yaml", 2, 3)
    steps = (
        Step(
            id=1,
            action=Action.CREATE,
            address=address,
            kind=text,
            depends_on=(),
            risk=Risk.REVERSIBLE,
            before={},
            after={"name": "n", text: text},
            changes=(),
            reason=text,
            source=source,
        ),
        Step(
            id=2,
            action=Action.DELETE,
            address=address,
            kind=text,
            depends_on=(),
            risk=Risk.DATA_LOSS,
            before={"label": text},
            after={},
            changes=(),
            reason=text,
            source=source,
        ),
        Step(
            id=3,
            action=Action.START,
            address=address,
            kind=text,
            depends_on=(),
            risk=Risk.IRREVERSIBLE,
            before={"state": text},
            after={"state": [text]},
            changes=(FieldChange(text, text, {text: text}),),
            reason=text,
            source=source,
        ),
    )  # fmt: skip
    return Plan(text, text, steps, diagnostics_of(text))


def diagnostics_of(text: str) -> tuple[Diagnostic, ...]:
    """Diagnostics of every severity with `text` wherever there is room for data."""
    return tuple(
        Diagnostic(
            code,
            f'there is no "{text}"',
            severity,
            detail=text,
            hint=text,
            address=Address(f"bases/{text}"),
            source=SourceRange(f"{text}.yaml", 7, 9),
            related=((text, SourceRange(text, 1, 1)),),
        )
        for code, severity in (("KIA0202", Severity.ERROR), ("KIA0227", Severity.WARNING), ("KIA0602", Severity.NOTE))
    )


def drift_of(text: str) -> Drift:
    """A drift with `text` wherever there is room for data."""
    attribute = AttributeDrift(text, ChangedBy.BOTH, text, [text], {text: text})
    things = (
        ResourceDrift(
            Address(f"bases/{text or 'e'}"),
            text,
            DriftEvent.RENAMED,
            ChangedBy.BOTH,
            (attribute,),
            lives_as=text,
            known_id=text,
            live_id=text,
            applied_at=text,
            commit=text,
            source=SourceRange(f"{text}.yaml", 1, 1),
        ),
        ResourceDrift(Address("bases/x"), text, DriftEvent.REMADE, ChangedBy.INSTANCE, known_id=text, live_id=text),
        ResourceDrift(Address("bases/y"), text, DriftEvent.NEW, ChangedBy.GIT, source=SourceRange(text, 1, 1)),
    )
    return Drift(things)


def checked_of(text: str) -> CheckReport:
    """What `validate` found, with `text` wherever there is room for data."""
    return CheckReport(
        diagnostics_of(text), files=2, things=1, names=("a.yaml", f"{text}.yaml"), home=f"{text}/kiamo.yaml"
    )
