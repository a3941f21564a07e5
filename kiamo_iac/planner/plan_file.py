"""A saved plan: the plan's JSON, with what `apply` needs to check that it is still valid. Pure: text in and out.

    plan JSON     what is to be done, each step with what it saw (`plan_json`)
    "provenance"  where it comes from, for people; never compared
    "saved"       version, time, digests of manifests and contract, options; a nonce, so that no two are equal
    "digest"      SHA-256 over all of that

The digest detects accidental changes, and identifies the plan in the ledger, so that it is applied once. It is no
signature: apply does not trust the file, but plans again and compares (`plan_compare`). Nothing that looks like a
token is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any, Final

from kiamo_iac.core.address import Address
from kiamo_iac.core.common_records import ADDRESS, DIAGNOSTIC
from kiamo_iac.core.errors import PlanFileError
from kiamo_iac.core.json_schema import Schema, closed, schema_document
from kiamo_iac.core.provenance import PROVENANCE, PlanProvenance
from kiamo_iac.core.record import Key, Record, boolean, constant, definitions, list_of, mapping_of, text
from kiamo_iac.core.secret import redact
from kiamo_iac.core.sensitive import masked, revealed
from kiamo_iac.core.state import ResourceState, State
from kiamo_iac.core.strict_json import parse_json
from kiamo_iac.planner.plan import FORMAT_VERSION, Plan
from kiamo_iac.planner.plan_json import PLAN, STEP

SAVED_VERSION: Final = "1"
"""The format of `saved`; any other is refused."""

MAX_BYTES: Final = 128 * 1024 * 1024
"""Of a saved plan: over 100,000 steps."""

SAVE_AGAIN: Final = "review and save a new plan: kiamo-iac plan --out FILE"
_CHANGED: Final = "a saved plan must not be edited or reformatted; " + SAVE_AGAIN


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the plan; apply plans again with the same."""

    prune: bool = False
    targets: tuple[Address, ...] = ()
    may_stop: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan, and its inputs."""

    plan: Plan
    """Without bindings when it was read from a file: it is for showing and comparing."""
    tool_version: str
    created_at: str
    """RFC 3339, UTC, to the second."""
    manifests_digest: str
    """See `manifests_digest`."""
    contract_digest: str
    """See `contract_digest`."""
    nonce: str
    """32 random hexadecimal characters."""
    options: Options = Options()
    observed: Mapping[Address, Mapping[str, Any]] = field(default_factory=dict)
    """See `observed_of`: only for telling people what has changed."""
    declared: Mapping[Address, str] = field(default_factory=dict)
    """See `declared_digests`: only for telling people what has changed."""
    provenance: PlanProvenance = field(kw_only=True)

    @property
    def digest(self) -> str:
        """64 hexadecimal characters, over everything."""
        return _digest(_data(self))


_DIGEST: Final = "^[0-9a-f]{64}$"
OPTIONS: Final = Record(
    Options,
    "The options of the plan; apply plans again with the same.",
    {
        "prune": boolean("Whether --prune was passed."),
        "targets": Key(list_of(ADDRESS, "What --target named."), lambda options: sorted(options.targets), "targets"),
        "may_stop": Key(
            list_of(ADDRESS, "What --allow-stop named."), lambda options: sorted(options.may_stop), "may_stop"
        ),
    },
)
SAVED: Final = Record(
    SavedPlan,
    "The inputs of the plan.",
    {
        "format_version": constant(SAVED_VERSION, "The format of `saved`."),
        "tool_version": text("The version of kiamo-iac; apply takes no other."),
        "created_at": text("When it was created: RFC 3339, UTC, to the second."),
        "manifests_digest": text("SHA-256 over what the manifests declare.", pattern=_DIGEST),
        "contract_digest": text("SHA-256 over the contract.", pattern=_DIGEST),
        "nonce": text("Random, so that no two plans are equal.", pattern="^[0-9a-f]{32}$"),
        "options": OPTIONS,
        "observed": mapping_of(
            mapping_of(None, "Attribute → value; a sensitive one is masked."),
            "What the plan saw, by address, to tell what has changed since; it is never compared.",
            keys=ADDRESS,
        ),
        "declared": mapping_of(
            text("16 hexadecimal characters.", pattern="^[0-9a-f]{16}$"),
            "A digest of each declaration without its sensitive values, by address, to tell what has changed since; it "
            "is never compared.",
            keys=ADDRESS,
        ),
    },
)
"""All of a saved plan but the plan itself."""


def saved_plan_schema() -> Schema:
    """The schema of the file that `plan --out` writes."""
    properties = {
        **PLAN.properties,
        "applyable": {"const": True, "description": "A plan that is refused is not saved."},
        "provenance": PROVENANCE.schema,
        "saved": SAVED.schema,
        "digest": text("SHA-256 over all of the above.", pattern=_DIGEST).schema,
    }
    body = closed(properties, "A plan saved for one apply; not to be edited by hand.")
    title = "A saved plan of kiamo-iac"
    return schema_document(
        "saved-plan", SAVED_VERSION, title=title, body=body, definitions=definitions(STEP, DIAGNOSTIC)
    )


def manifests_digest(desired: State) -> str:
    """64 hexadecimal characters over what manifests declare: comments, layout, line ends, names of files and the order
    of blocks make no difference."""
    rows = sorted((one.address, json.dumps(_declared(one), sort_keys=True)) for one in desired)
    return sha256(json.dumps(rows).encode("ascii")).hexdigest()


def declared_digests(desired: State) -> dict[Address, str]:
    """16 hexadecimal characters over each declaration. Of a sensitive value only its presence is in them: the file is
    kept, and could serve to guess a value."""
    return {
        one.address: sha256(json.dumps(_declared(one, masked), sort_keys=True).encode("ascii")).hexdigest()[:16]
        for one in sorted(desired, key=lambda one: one.address)
    }


def _declared(one: ResourceState, values: Callable[[Any], Any] = revealed) -> list[Any]:
    lifecycle = asdict(one.lifecycle)
    return [one.kind.kind, values(one.attributes), values(one.settings), lifecycle]


def observed_of(state: ResourceState) -> dict[str, Any]:
    """The attributes of a live object for people, with its settings and how much it contains; sensitive ones masked."""
    counted = state.kind.contents
    contents = {counted: state.extras.get(counted, 0)} if counted else {}
    settings = {"settings": masked(state.settings)} if state.settings else {}
    found: dict[str, Any] = without_tokens({**masked(state.attributes), **settings, **contents})
    return found


def plan_digest(plan: Plan) -> str:
    """64 hexadecimal characters over a plan alone."""
    return _digest(without_tokens(PLAN.data(plan)))


def contract_digest(contract: Mapping[str, Any]) -> str:
    """64 hexadecimal characters over a merged contract, given as plain data."""
    return _digest(contract)


def text_of(saved: SavedPlan) -> str:
    """The text of the file, ASCII, a line for each step.

    Raises:
        ValueError: the plan is refused: there is nothing to apply later.
        PlanFileError: it is larger than `MAX_BYTES`.
    """
    if not saved.plan.applyable:
        msg = "a plan that is refused cannot be saved"
        raise ValueError(msg)
    data = _data(saved)
    data["digest"] = _digest(data)
    lines = [f'"{key}": {_lines(value) if key == "steps" else _compact(value)}' for key, value in data.items()]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    if len(text) > MAX_BYTES:
        raise PlanFileError(
            f"The plan has {len(saved.plan.steps):,} steps, more than can be saved.",
            hint="apply without saving it, or limit it with --target",
        )
    return text


def load_plan(text: bytes, *, shown: str) -> SavedPlan:
    """Read what `text_of` wrote. `shown` is the name of the file in messages.

    Raises:
        PlanFileError: it is not a saved plan, has another format, or was modified.
    """
    if len(text) > MAX_BYTES:
        raise _no_plan(shown, f"it is larger than {MAX_BYTES // (1024 * 1024)} MiB")
    try:
        data = parse_json(text)
    except ValueError as error:
        raise _no_plan(shown, str(error)) from None
    if not isinstance(data, dict) or not isinstance(data.get("saved"), dict):
        raise _no_plan(shown, 'the key "saved" is missing')
    _check_format(data, shown)
    digest = data.pop("digest", None)
    if digest != _digest(data):
        raise PlanFileError(f"{shown} was modified after it was saved: its digest does not match.", hint=_CHANGED)
    try:
        saved = _saved(data)
        is_canonical = _canonical(_data(saved)) == _canonical(data)
    except (ValueError, TypeError, LookupError, AttributeError):
        is_canonical = False
    if not is_canonical:
        raise PlanFileError(f"{shown} is not in the form in which kiamo-iac saves plans.", hint=_CHANGED)
    return saved


def _check_format(data: Mapping[str, Any], shown: str) -> None:
    formats = (data.get("format_version"), data["saved"].get("format_version"))
    if formats != (FORMAT_VERSION, SAVED_VERSION):
        version = data["saved"].get("tool_version")
        by = f' by version "{version}" of kiamo-iac' if isinstance(version, str) and len(version) <= 40 else ""
        raise PlanFileError(f"{shown} was saved{by} in a format that this version does not support.", hint=SAVE_AGAIN)


def _no_plan(shown: str, why: str) -> PlanFileError:
    return PlanFileError(f"{shown} is not a saved plan: {why}.", hint="save a plan: kiamo-iac plan --out FILE")


# --- the data --------------------------------------------------------------------------------------------------------


def _data(saved: SavedPlan) -> dict[str, Any]:
    """Everything but the digest."""
    return {
        **without_tokens(PLAN.data(saved.plan)),
        "provenance": PROVENANCE.data(saved.provenance),
        "saved": without_tokens(SAVED.data(saved)),
    }


def _saved(data: Mapping[str, Any]) -> SavedPlan:
    plan = PLAN.parse({name: data[name] for name in PLAN.names})
    return SavedPlan(plan, provenance=PROVENANCE.parse(data["provenance"]), **SAVED.values(data["saved"]))


def without_tokens(data: Any) -> Any:
    """Plain data, with everything in it that looks like a token hidden."""
    if isinstance(data, str):
        return redact(data)
    if isinstance(data, Mapping):
        return {redact(key): without_tokens(value) for key, value in data.items()}
    return [without_tokens(value) for value in data] if isinstance(data, list | tuple) else data


def _digest(data: Mapping[str, Any]) -> str:
    return sha256(_canonical(data).encode("ascii")).hexdigest()


def _canonical(data: Any) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _compact(data: Any) -> str:
    return json.dumps(data, allow_nan=False)


def _lines(steps: list[Any]) -> str:
    return "[\n" + ",\n".join(map(_compact, steps)) + "\n]" if steps else "[]"
