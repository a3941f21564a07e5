"""Files of git's configuration that a commit can bring: HOME is the checkout, or an `include` leads there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from kiamo_iac.core.errors import GitError
from kiamo_iac.git.command import Git
from kiamo_iac.git.tracking import why_tracked

_HARMLESS: Final = re.compile(
    r"(?:advice|alias|am|apply|blame|branch|color|column|commit|diff|difftool|filter|format|gui|i18n|init|interactive"
    r"|log|merge|mergetool|notes|pretty|pull|rebase|rerere|status|tag|user)\..*"
    r"|core\.(?:abbrev|attributesfile|autocrlf|commentchar|editor|eol|excludesfile|filemode|fsmonitor|hookspath"
    r"|ignorecase|longpaths|pager|precomposeunicode|quotepath|safecrlf|symlinks|untrackedcache|whitespace)"
    r"|fetch\.(?:prune|prunetags)|push\.(?:autosetupremote|default|followtags)|submodule\.recurse",
    re.DOTALL,
)
"""Keys that no command which this tool starts obeys, or that `command.CONFIG` overrules: a team may share them."""


def check_configuration(git: Git, environ: Mapping[str, str]) -> None:
    """Refuse a file of the configuration that git tracks, if it sets what may run a program or lead git elsewhere.

    Raises:
        GitError: there is one, or git failed.
        TransportError: it took too long.
    """
    checkout, git_dir = git.repository.checkout, git.repository.git_dir
    for file, key in _set_in_files(git):
        for path in {file.parent.resolve() / file.name, file.resolve()}:
            if not path.is_relative_to(checkout) or path.is_relative_to(git_dir):
                continue
            why = why_tracked(path.parent, (path.name,), environ)
            if why is not None:
                msg = f"Git would take {key} from {path.as_posix()}, and a commit can bring that file: {why}."
                hint = "set HOME, or what else leads there (git config --list --show-origin), to a folder elsewhere"
                raise GitError(msg, hint=f"{hint}; or take the file out of git")


def _set_in_files(git: Git) -> Iterator[tuple[Path, str]]:
    """Each file, with the first key in it that is not harmless."""
    ran = git.run("config", "--list", "--show-origin", "--name-only", "-z")
    if ran.code:
        msg = f"git config --list failed: {ran.said}."
        raise GitError(msg, hint="run it, and mend what it says")
    seen = set()
    parts = iter(os.fsdecode(ran.output).split("\0"))
    for origin, key in zip(parts, parts, strict=False):
        kind, _, name = origin.partition(":")
        if kind == "file" and name not in seen and not _HARMLESS.fullmatch(key):
            seen.add(name)
            yield git.repository.work_tree / name, key
