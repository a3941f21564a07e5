"""A service, which batches dial for; created by hand in Kiamo, so a block is a reference unless `managed: true`."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from kiamo_iac.core.resource import Resource, unset


class Service(Resource):
    """A service of the instance."""

    kind: ClassVar[str] = "service"
    collection: ClassVar[str] = "services"
    by_reference: ClassVar[bool] = True

    managed: Annotated[
        bool, Field(description="True: kiamo-iac creates, changes and deletes it. Left out, it must exist.")
    ] = unset()
