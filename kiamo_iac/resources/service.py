"""A service: what batches dial for; made by hand in Kiamo, so a block is a reference unless it says `managed: true`."""

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
        bool, Field(description="True: created, changed and deleted by this tool; else it must exist.")
    ] = unset()
