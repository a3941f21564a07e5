"""What `validate` found as annotations."""

from __future__ import annotations

from kiamo_iac.core.diagnostics import worst_first
from kiamo_iac.render.base import Checked, Style
from kiamo_iac.render.github.commands import annotations_text, of_diagnostic


class GithubCheck:
    """The format for GitHub Actions; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, checked: Checked) -> str:
        """Workflow commands, a line each; nothing where there is nothing to say."""
        return annotations_text(map(of_diagnostic, worst_first(checked.diagnostics)))
