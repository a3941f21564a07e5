"""Brings the rooms together: a function for each thing that a command wants.

    project file ─► contract ─► manifests ─► desired ─┐
                        ├────► client ─────► live ────┼─► plan ─► guards ─► run ─► report
                        └────► ledger ─────► owned ───┘                      └──► ledger

Only what is light stands here; the rest is imported from its own file by the command that wants it.
"""

from typing import TYPE_CHECKING

from kiamo_iac.app.opening import Workspace, contract_in_force, contract_of_project
from kiamo_iac.app.outcome import check_report
from kiamo_iac.app.validation import Validation, validate

if TYPE_CHECKING:
    from kiamo_iac.app.opening import Transport

__all__ = [
    "Transport",
    "Validation",
    "Workspace",
    "check_report",
    "contract_in_force",
    "contract_of_project",
    "validate",
]
