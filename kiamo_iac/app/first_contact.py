"""The first reading of an instance with a contract that is mostly assumed says so, once."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from kiamo_iac.contract.entries import EMULATOR, Basis
from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.safe_files import RootedFile

if TYPE_CHECKING:
    from kiamo_iac.app.project import Workspace
    from kiamo_iac.http.message import Response
    from kiamo_iac.manifest.environment import Target


class FirstContact:
    """Watches the responses of an instance, and announces once that most of the contract is assumed."""

    def __init__(self, workspace: Workspace, target: Target) -> None:
        self._workspace = workspace
        self._target = target
        self._server: str | None = None
        """What the instance calls itself; None: it has not responded but to refuse the token."""

    def watch(self, response: Response) -> None:
        """See a response. Safe under threads."""
        if response.status not in {401, 403}:
            self._server = response.headers.get("server", "")

    def announce(self) -> None:
        """Notify, unless this instance was read with this contract before. A mark below `.kiamo/` remembers it; where
        that cannot be written, it is said again.

        The emulator speaks whatever contract it is given: there is nothing to say.
        """
        from kiamo_iac.contract.assumptions import assumptions

        if self._server is None or self._server == EMULATOR:
            return
        bases = [each.basis for each in assumptions(self._workspace.contract)]
        assumed = bases.count(Basis.ASSUMED)
        if 2 * assumed > len(bases) and self._is_first():
            name = self._target.name
            summary = (
                f"{name} is read for the first time with a contract of which {assumed} of {len(bases)} statements are "
                f"assumed: kiamo-iac doctor -e {name} checks them, kiamo-iac contract derive makes a contract from the "
                "vendor's collection"
            )
            self._workspace.notify(Diagnostic("KIA0409", summary, Severity.NOTE))

    def _is_first(self) -> bool:
        """Whether the environment has no mark of this contract and this instance; it has one afterwards."""
        name, url = self._target.name, self._target.url
        mark = f"{self._workspace.contract_digest()} {url}\n".encode()
        file = RootedFile(self._workspace.private_root(name), (".kiamo", f"{name}.contract-seen"))
        with suppress(OSError):
            if file.read(limit=len(mark)) == mark:
                return False
        with suppress(OSError):
            file.write(mark)
        return True
