"""The JSON Schema of the project file; a test compares it with what `project.file` reads."""

from __future__ import annotations

from typing import Any, Final

from kiamo_iac.core.change_window import WRITTEN
from kiamo_iac.core.environ import RESERVED_ENDINGS, RESERVED_NAMES
from kiamo_iac.core.json_schema import (
    Schema,
    closed,
    defined,
    list_of,
    mapping_of,
    one_of,
    pattern,
    schema_document,
    text,
    when,
)
from kiamo_iac.core.ledger_settings import BACKENDS, PROJECT_NAME, LedgerSettings, ValueKind
from kiamo_iac.core.settings import (
    DEFAULT_JOURNALS,
    DELETE_PERCENT,
    DELETE_PERCENT_OF_FEW,
    FEW,
    MAX_BYTES,
    MAX_JOURNALS,
    MAX_RETRY_WAIT,
    MAX_ROWS,
    MAX_WRITES_PER_SECOND,
    MIN_WRITES_PER_SECOND,
    LimitSettings,
)
from kiamo_iac.manifest.project.file import ENVIRONMENT_NAME, INSTANCE_NAME
from kiamo_iac.manifest.variables import EACH, VARIABLE_NAME

VERSION: Final = 1
"""Changes when a valid project file becomes invalid."""

_PATH: Final = "Relative to the project file, with forward slashes, and within its folder."
_URL: Final = "https, or http for this machine only; without user, password, query or fragment."


def project_schema() -> Schema:
    """The schema of `kiamo.yaml`."""
    body = closed(
        {
            "name": text(
                "The name of the project. Its ledgers, and their git refs, belong to that name alone. Default: the "
                "path of its folder below the root of the repository.",
                **pattern(f"^{PROJECT_NAME.pattern}$", "Use 1 to 40 lower-case letters, digits and hyphens."),
            ),
            "manifests": list_of(
                text(f"A folder of manifests. {_PATH}", minLength=1),
                "The folders of the manifests, searched with all folders below them.",
                minItems=1,
            ),
            "contract": text(f"A file that is merged over the packaged contract. {_PATH}", minLength=1),
            "variables": _variables("The variables of every environment; an environment can override them."),
            "environments": mapping_of(
                defined("environment"),
                "The environments, by name: letters, digits, dots, hyphens and underscores.",
                propertyNames=pattern(
                    f"^{_not_reserved()}{ENVIRONMENT_NAME.pattern}$",
                    "Use ASCII letters, digits, dots, hyphens and underscores; begin with a letter or digit. "
                    f"The last word must not be one of {', '.join(RESERVED_ENDINGS).lower()}, and the name must not be "
                    f"{' or '.join(RESERVED_NAMES).lower()}: its variables would have another meaning.",
                ),
            ),
            "journals": closed(
                {
                    "keep": {
                        "type": "integer",
                        "description": f"How many are kept of each environment. Default: {DEFAULT_JOURNALS}.",
                        "minimum": 1,
                        "maximum": MAX_JOURNALS,
                    }
                },
                "The journals of runs, below .kiamo/journal.",
                required=[],
            ),
        },
        "The project file: its manifests, its contract and its environments.",
        required=["manifests"],
    )
    definitions = {
        "environment": {**_environment(), "type": ["object", "null"]},
        "guards": _guards(),
        "limits": _limits(),
        "ledger": _ledger(),
        **{f"ledger_{name}": _backend(settings) for name, settings in BACKENDS.items()},
    }
    return schema_document(
        "project", VERSION, title="The project file of kiamo-iac", body=body, definitions=definitions
    )


def _not_reserved() -> str:
    """What `environ.why_reserved` refuses, as lookaheads: no dialect of patterns in JSON Schema ignores case."""

    def words(reserved: tuple[str, ...]) -> str:
        return "|".join("".join(f"[{letter}{letter.lower()}]" for letter in word) for word in reserved)

    return rf"(?!(?:.*[._\-])?(?:{words(RESERVED_ENDINGS)})$)(?!(?:{words(RESERVED_NAMES)})$)"


def _variables(description: str) -> Schema:
    value = {
        "description": "A string, a number or a boolean; it cannot refer to another variable.",
        "type": ["string", "number", "boolean"],
        **pattern(r"^(?![\s\S]*\$\{)", "A variable cannot refer to another variable: write its value."),
    }
    names = pattern(
        f"^(?!{EACH}$){VARIABLE_NAME.pattern}$",
        f"Use ASCII letters, digits and underscores; do not begin with a digit. {EACH} is the row of for_each.",
    )
    return mapping_of(value, f"{description} A manifest uses them as ${{name}}.", propertyNames=names)


def _environment() -> Schema:
    return closed(
        {
            "url": text(f"The address of the instance. {_URL} KIAMO_<ENV>_URL overrides it.", minLength=1),
            "instance": text(
                "The name of the instance, where several urls lead to it, or its url changes: its ledger belongs to "
                "that instance alone. Default: the origin of the url.",
                **pattern(
                    f"^{INSTANCE_NAME.pattern}$",
                    "Use letters, digits, dots, hyphens, colons and slashes; begin with a letter or digit.",
                ),
            ),
            "variables": _variables("The variables of this environment; they override those of the project."),
            "patches": list_of(
                text(f"A folder of manifests, or a manifest. {_PATH}", minLength=1),
                "Manifests merged over the others by name, in this order.",
            ),
            "ledger": defined("ledger"),
            "guards": defined("guards"),
            "limits": defined("limits"),
        },
        "A named instance. Its token is never written here: set KIAMO_<ENV>_TOKEN.",
        required=[],
    )


def _guards() -> Schema:
    percent = {"type": "integer", "minimum": 0, "maximum": 100}
    return closed(
        {
            "max_deletes": {
                "type": "integer",
                "minimum": 0,
                "description": "How many resources one apply may delete, including those declared absent and those "
                "below a base that is deleted.",
            },
            "max_delete_percent": {
                **percent,
                "description": "How many percent of the managed resources one apply may delete without a manifest that "
                "declares them absent; what is below a deleted base counts. Default: "
                f"{DELETE_PERCENT}, and {DELETE_PERCENT_OF_FEW} below {FEW} managed resources; 100 is no limit.",
            },
            "max_update_percent": {
                **percent,
                "description": "How many percent of the managed resources one apply may change; 100 is no limit. "
                f"Not checked below {FEW} managed resources.",
            },
            "allow_start": {
                "type": "boolean",
                "description": "true: batches may be started without --allow-start; contacts are dialled. A start "
                "that an earlier run owes still needs it.",
            },
            "allow_stop": {
                "type": "boolean",
                "description": "true: batches that are managed or declared may be stopped without --allow-stop; a "
                "stopped batch never runs again. Any other batch must still be named.",
            },
            "change_window": text(
                f"When apply may make changes: {WRITTEN}, or daily for the days; separate several with semicolons.",
                minLength=1,
            ),
        },
        "How much one apply may change. A blocked plan ends with exit code 6.",
        required=[],
    )


def _limits() -> Schema:
    bounds = LimitSettings()
    return closed(
        {
            "rows": {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_ROWS,
                "description": "How many objects one run may read, in all lists together. A list that is read again "
                f"counts once, at its longest. Default: {bounds.rows}.",
            },
            "bytes": {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_BYTES,
                "description": "How many bytes of responses one run may read, after decompression. A response that is "
                f"read again counts once, at its largest. Default: {bounds.bytes} (512 MiB).",
            },
            "writes_per_second": {
                "type": "number",
                "minimum": MIN_WRITES_PER_SECOND,
                "maximum": MAX_WRITES_PER_SECOND,
                "description": "How many writes one run may send in a second, all concurrent ones together. "
                "Default: no limit, until the instance answers 429: then the rate follows what it takes.",
            },
            "retry_wait": {
                "type": "number",
                "minimum": 0,
                "maximum": MAX_RETRY_WAIT,
                "description": "For how many seconds in all one run waits because the instance asks it to "
                f"(Retry-After, 429) or is not available (502, 503, 504, no response). Default: {bounds.retry_wait}.",
            },
        },
        "How much one run may read from the instance, how fast it may write, and how long it waits. A run that would "
        "read more, or wait longer, fails.",
        required=[],
    )


def _ledger() -> Schema:
    return {
        "type": "object",
        "description": "Where the ledger is stored: it records what is managed. Default: a file below .kiamo/.",
        "properties": {
            "backend": one_of(
                BACKENDS, "file: one machine applies. http: GitLab, or Terraform's protocol. git: a ref of its own."
            )
        },
        "required": ["backend"],
        "allOf": [when("backend", name, defined(f"ledger_{name}")) for name in BACKENDS],
    }


def _backend(settings: type[LedgerSettings]) -> Schema:
    made: dict[str, Any] = {"backend": {"const": settings.backend, "description": "What keeps the ledger."}}
    for name, key in settings.keys.items():
        about = f"{key.description} {_PATH}" if key.kind is ValueKind.PATH else key.description
        made[name] = one_of(key.choices, about) if key.choices else text(about, minLength=1)
    needed = [name for name, key in settings.keys.items() if key.required]
    return closed(made, settings.summary, required=["backend", *needed])
