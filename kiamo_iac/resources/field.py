"""A field: one column of a contact base. Its name and its datatype never change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from kiamo_iac.core.resource import Resource, SystemObjects, unset


class ContactField(Resource):
    """A field of a contact base."""

    kind: ClassVar[str] = "field"
    collection: ClassVar[str] = "fields"
    parent: ClassVar[str | None] = "base"
    immutable: ClassVar[Mapping[str, str | None]] = {"name": None, "datatype": None}
    system: ClassVar[SystemObjects | None] = SystemObjects(flag="default", update="ERR_2040", delete="ERR_2050")
    column: ClassVar[bool] = True

    datatype: Annotated[str, Field(min_length=1, description="One of the contract's datatypes.")] = unset()
