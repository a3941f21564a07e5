"""A qualification: how a call ended, and the field of the base that keeps it. Made up for a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from kiamo_iac.core.resource import Name, Reference, ReferenceShape, Resource, Scope, unset


class Qualification(Resource):
    """A qualification of a contact base."""

    kind: ClassVar[str] = "qualification"
    collection: ClassVar[str] = "qualifications"
    parent: ClassVar[str | None] = "base"
    references: ClassVar[tuple[Reference, ...]] = (
        Reference("field", "field", Scope.SIBLING, missing="ERR_1140", in_use="ERR_1140"),
        Reference(
            "services",
            "service",
            Scope.INSTANCE,
            shape=ReferenceShape.LIST,
            missing="ERR_3001",
            in_use="ERR_2140",
        ),
    )
    immutable: ClassVar[Mapping[str, str | None]] = {"outcome": None}

    outcome: Annotated[str, Field(min_length=1, description="One of the contract's outcomes.")] = unset()
    field: Annotated[Name, Field(description="The field of its base that keeps it.")] = unset()
    services: Annotated[list[Name], Field(description="The services whose agents may choose it.")] = unset()
