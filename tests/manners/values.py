"""Manners of values: ids, names, references, states, flags, and what is on an instance and in no manifest."""

from __future__ import annotations

from typing import Any, Final

from tests.manners.contracts import KINDS, attributes, both, every, kind, wires, words
from tests.manners.desk import Desk
from tests.manners.story import Manner

ALL = frozenset(KINDS)
FRENCH = {"new": "nouveau", "started": "en cours", "paused": "en pause", "stopped": "arrêté", "finished": "terminé"}
NUMBERS = {"new": 0, "started": 1, "paused": 2, "stopped": 3, "finished": 4}
RUNNING = {"new": "DRAFT", "started": "STARTING", "paused": "HELD", "stopped": "CLOSED", "finished": "DONE"}


def _service(out: Any, back: Any = lambda _, value: value) -> dict[str, Any]:
    return {"forms": {"batch.service": (out, back)}}


def _association(out: Any, back: Any) -> dict[str, Any]:
    return {"forms": {"batch.association": (out, back)}}


def _states(each: dict[str, Any]) -> dict[str, Any]:
    return {"forms": {"batch.state": words(**each)}}


def _named(desk: Desk, value: Any) -> Any:
    return desk.items["service"][value]["name"]


def _values(name: str, each: Any, **more: Any) -> dict[str, Any]:
    return attributes("batch" if name == "state" else "field", **{name: {"values": each, **more}})


MANNERS: Final = (
    # --- ids
    Manner("ids-are-numbers", every(id={"type": "integer"}), {"numbered": ALL}),
    Manner(
        "ids-of-services-are-numbers", kind("service", id={"type": "integer"}), {"numbered": frozenset({"service"})}
    ),
    Manner("ids-under-another-name", every(id={"wire": "uuid"}), {"names": {f"{name}.id": "uuid" for name in KINDS}}),
    Manner("nested-ids", every(id={"wire": "meta.key"}), {"names": {f"{name}.id": "meta.key" for name in KINDS}}),
    Manner(
        "names-identify-services",
        both(
            kind(
                "service",
                identity="name",
                operations={op: {"path": "/services/{name}"} for op in ("read", "update", "delete")},
            ),
            attributes("batch", service={"by": "name"}),
        ),
        {"nameless": frozenset({"service"})},
    ),
    Manner(
        "names-identify-bases",
        kind(
            "base", identity="name", operations={op: {"path": "/bases/{name}"} for op in ("read", "update", "delete")}
        ),
        {"nameless": frozenset({"base"})},
    ),
    # --- wire names
    Manner(
        "names-in-french",
        wires(
            service__name="nom",
            service__label="libelle",
            base__name="nom",
            base__label="libelle",
            field__name="nom",
            field__label="libelle",
            field__datatype="type",
            batch__name="nom",
            batch__service="file",
            batch__association="correspondance",
            batch__state="etat",
        ),
        {
            "names": {
                "service.name": "nom",
                "service.label": "libelle",
                "base.name": "nom",
                "base.label": "libelle",
                "field.name": "nom",
                "field.label": "libelle",
                "field.datatype": "type",
                "batch.name": "nom",
                "batch.service": "file",
                "batch.association": "correspondance",
                "batch.state": "etat",
            }
        },
    ),
    Manner(
        "a-label-for-each-language",
        wires(service__label="label.fr", base__label="label.fr", field__label="label.fr"),
        {"names": {f"{name}.label": "label.fr" for name in ("service", "base", "field")}},
    ),
    Manner(
        "attributes-in-an-object-of-their-own",
        wires(base__name="attributes.name", base__label="attributes.label"),
        {"names": {"base.name": "attributes.name", "base.label": "attributes.label"}},
    ),
    Manner("null-is-left-out", knobs={"drops_null": True}, more=(("base", "sans"),)),
    Manner(
        "more-than-manifests-know",
        knobs={
            "adds": {
                name: lambda _, item: {"createdAt": "2026-01-05", "_links": {"self": f"/x/{item['id']}"}, "tags": []}
                for name in KINDS
            }
        },
    ),
    # --- references
    Manner(
        "services-by-name",
        attributes("batch", service={"by": "name"}),
        _service(_named, lambda desk, value: desk.service_id(value)),
    ),
    Manner(
        "services-are-shown-as-objects",
        attributes("batch", service={"read": "service.id"}),
        _service(lambda desk, value: {"id": value, "name": _named(desk, value)}),
    ),
    Manner(
        "services-are-sent-as-objects",
        attributes("batch", service={"shape": {"id": "$"}}),
        _service(lambda _, value: {"id": value}, lambda _, value: value["id"]),
    ),
    Manner(
        "services-are-shown-under-another-name",
        attributes("batch", service={"wire": "serviceId", "read": "service.id"}),
        {
            "names": {"batch.service": "serviceId"},
            "hides": {"batch": frozenset({"serviceId"})},
            "adds": {
                "batch": lambda desk, item: {"service": {"id": item["service"], "name": _named(desk, item["service"])}}
            },
        },
    ),
    Manner(
        "services-are-links",
        attributes("batch", service={"shape": "/api/services/$"}),
        _service(lambda _, value: f"/api/services/{value}", lambda _, value: value.removeprefix("/api/services/")),
    ),
    Manner(
        "services-by-key",
        both(
            attributes("service", key={"wire": "code", "read_only": True, "basis": "assumed"}),
            attributes("batch", service={"by": "key"}),
        ),
        {
            "adds": {"service": lambda _, item: {"code": f"SVC-{item['id']}"}},
            **_service(lambda _, value: f"SVC-{value}", lambda _, value: value.removeprefix("SVC-")),
        },
    ),
    Manner(
        "associations-by-id",
        attributes("batch", association={"by": "id"}),
        _association(
            lambda desk, value: {role: desk.field_id(name) for role, name in value.items()},
            lambda desk, value: {role: desk.field_name(id_) for role, id_ in value.items()},
        ),
    ),
    Manner(
        "associations-are-lists",
        attributes("batch", association={"shape": [{"role": "$role", "field": "$field"}]}),
        _association(
            lambda _, value: [{"role": role, "field": name} for role, name in value.items()],
            lambda _, value: {each["role"]: each["field"] for each in value},
        ),
    ),
    Manner(
        "associations-are-lists-of-ids",
        attributes("batch", association={"by": "id", "shape": [{"type": "$role", "fieldId": "$field"}]}),
        _association(
            lambda desk, value: [{"type": role, "fieldId": desk.field_id(name)} for role, name in value.items()],
            lambda desk, value: {each["type"]: desk.field_name(each["fieldId"]) for each in value},
        ),
    ),
    Manner(
        "associations-hold-objects",
        attributes("batch", association={"shape": {"$role": {"field": "$field"}}}),
        _association(
            lambda _, value: {role: {"field": name} for role, name in value.items()},
            lambda _, value: {role: each["field"] for role, each in value.items()},
        ),
    ),
    Manner(
        "nested-associations",
        wires(batch__association="mapping.fields"),
        {"names": {"batch.association": "mapping.fields"}},
    ),
    # --- states
    Manner("nested-states", wires(batch__state="status.code"), {"names": {"batch.state": "status.code"}}),
    Manner(
        "states-from-an-endpoint-of-their-own",
        both(
            kind(
                "batch",
                operations={
                    "status": {"method": "GET", "path": "/bases/{base}/batches/{id}/status", "basis": "assumed"}
                },
            ),
            attributes("batch", state={"from": "status"}),
        ),
        {
            "routes": {"batch": {"status": "GET /bases/{base}/batches/{id}/status"}},
            "hides": {"batch": frozenset({"state"})},
        },
    ),
    Manner("states-in-french", _values("state", FRENCH), _states(FRENCH)),
    Manner("states-are-numbers", _values("state", NUMBERS), _states(NUMBERS)),
    Manner(
        "several-words-for-one-state",
        _values("state", RUNNING | {"started": ["RUNNING", "STARTING"]}),
        _states(RUNNING),
    ),
    # --- flags and words
    Manner(
        "flags-are-o-and-n",
        _values("default", {"true": "O", "false": "N"}),
        {"forms": {"field.default": (lambda _, value: "O" if value else "N", None)}},
    ),
    Manner(
        "flags-are-1-and-0",
        _values("default", {"true": 1, "false": 0}),
        {"forms": {"field.default": (lambda _, value: int(value), None)}},
    ),
    Manner(
        "flags-are-1-and-0-as-text",
        knobs={"forms": {"field.default": (lambda _, value: str(int(value)), None)}},
    ),
    Manner("flags-are-n-unsaid", knobs={"forms": {"field.default": (lambda _, value: "Y" if value else "N", None)}}),
    Manner(
        "datatypes-in-french",
        _values("datatype", {"string": "chaine", "text": "texte", "phone": "telephone"}),
        {"forms": {"field.datatype": words(string="chaine", text="texte", phone="telephone")}},
    ),
    Manner(
        "counts-as-text",
        knobs={"forms": {"base.contacts": (lambda _, v: str(v), None), "batch.contacts": (lambda _, v: str(v), None)}},
    ),
    # --- what nothing declares
    Manner("an-unlisted-state", archive={"state": "archived"}),
    Manner("an-unlisted-datatype", archived_field={"datatype": "color"}),
    Manner("a-role-that-is-null", archive={"association": {"destination": "phone", "second": None}}),
    Manner("names-outside-the-pattern", more=(("service", "SAV (n° 1)"), ("base", "Été & Cie / 2026"))),
)
