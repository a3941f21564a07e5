"""A contact base: the contacts, the fields that describe them, and the batches that dial them."""

from __future__ import annotations

from typing import ClassVar

from kiamo_iac.core.resource import Resource


class ContactBase(Resource):
    """A contact base of the instance."""

    kind: ClassVar[str] = "base"
    collection: ClassVar[str] = "bases"
    contents: ClassVar[str | None] = "contacts"
