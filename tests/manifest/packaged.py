"""What the packaged contract says, written out, so that these tests stand without the API room."""

from __future__ import annotations

from kiamo_iac.core.capabilities import Capabilities, KindCapabilities

PATTERN = r"[\w][\w .\-]*"
OPERATIONS = frozenset({"list", "create", "read", "update", "delete"})

CAPABILITIES = Capabilities(
    kinds={
        "service": KindCapabilities(
            operations=OPERATIONS,
            attributes=frozenset({"name", "label"}),
            required={"name": "ERR_1040"},
            wire_names=frozenset({"id", "name", "label"}),
            name_pattern=PATTERN,
        ),
        "base": KindCapabilities(
            operations=OPERATIONS,
            attributes=frozenset({"name", "label"}),
            required={"name": "ERR_1040"},
            wire_names=frozenset({"id", "name", "label", "contacts", "fields"}),
            name_pattern=PATTERN,
            embedded=frozenset({"field"}),
        ),
        "field": KindCapabilities(
            operations=OPERATIONS,
            attributes=frozenset({"name", "label", "datatype"}),
            required={"name": "ERR_1040", "label": "ERR_1070", "datatype": "ERR_1080"},
            wire_names=frozenset({"id", "name", "label", "datatype", "default"}),
            name_pattern=PATTERN,
            choices={
                "datatype": (
                    "string",
                    "text",
                    "integer",
                    "decimal",
                    "boolean",
                    "date",
                    "datetime",
                    "phone",
                    "email",
                )
            },
            defaults=({"name": "phone", "label": "Phone", "datatype": "phone"},),
        ),
        "batch": KindCapabilities(
            operations=OPERATIONS | {"start", "pause", "stop"},
            attributes=frozenset({"name", "service", "association"}),
            required={"name": "ERR_1040", "service": "ERR_1100"},
            wire_names=frozenset({"id", "name", "service", "association", "state", "contacts"}),
            name_pattern=PATTERN,
        ),
    },
    meanings={"ERR_2015": "Batch has no association configured, destination is required"},
    origin="the packaged contract",
)
