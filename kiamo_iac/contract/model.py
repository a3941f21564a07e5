"""The contract: every route and wire name as data, read from `contract.yaml`, with a user's override merged over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import PrivateAttr, ValidationError, model_validator

from kiamo_iac.contract.checks import ContradictionError, contradictions
from kiamo_iac.contract.entries import Auth, Basis, Calls, ContractEntry, Errors, KindContract, Prefix
from kiamo_iac.contract.expansion import expanded, merge
from kiamo_iac.contract.places import EntryPlaces, entry_text
from kiamo_iac.core.capabilities import Capabilities

__all__ = ["Contract", "merge"]

_PACKAGED = "a contract file (contract: in kiamo.yaml)"
"""Where an override of the packaged contract would be written."""


class Contract(ContractEntry):
    """A whole contract."""

    contract_version: Literal["1"]
    name: str
    auth: Auth
    prefix: Prefix
    errors: Errors
    kinds: dict[str, KindContract]
    calls: Calls | None = None
    basis: Basis | None = None
    """The basis of every entry that has none."""

    _origin: str = PrivateAttr(default=_PACKAGED)
    _places: tuple[EntryPlaces, ...] = PrivateAttr(default=())

    @model_validator(mode="before")
    @classmethod
    def _expanded(cls, data: Any) -> Any:
        return expanded(data, cls)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if found := tuple(contradictions(self.kinds, query=self.auth.query, absent=self.errors.absent)):
            raise ContradictionError(found)
        return self

    @property
    def origin(self) -> str:
        """Where to change it: the file of the override, or the key of kiamo.yaml that would name one."""
        return self._origin

    @property
    def overridden(self) -> bool:
        """Whether a file of the project is merged over the packaged contract."""
        return self._origin != _PACKAGED

    def from_file(self, shown: str, *places: EntryPlaces) -> Self:
        """The same contract, with `shown` as its origin. `places`: of its entries, of the override first."""
        copy = self.placed(*places)
        copy._origin = shown  # noqa: SLF001 - of the same class
        return copy

    def placed(self, *places: EntryPlaces) -> Self:
        """The same contract, with the places of its entries."""
        copy = self.model_copy()
        copy._places = places  # noqa: SLF001 - of the same class
        return copy

    def accepts(self, override: Mapping[str, Any]) -> bool:
        """Whether this contract with an override merged over it is one."""
        own = self.model_dump(mode="json", exclude_unset=True, by_alias=True)
        try:
            type(self).model_validate(merge(own, override))
        except ValidationError:
            return False
        return True

    def entry(self, *path: str) -> str:
        """An entry as messages name it: `kinds.base.listing.items (my-contract.yaml:5)`."""
        return entry_text(path, self._places)

    def capabilities(self) -> Capabilities:
        """What manifests and plans can do under this contract."""
        return Capabilities(
            kinds={name: kind.capabilities() for name, kind in self.kinds.items()},
            meanings=self.errors.meanings.codes,
            origin=self.origin,
        )
