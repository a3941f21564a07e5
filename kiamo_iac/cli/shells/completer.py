"""What the four shells have in common: candidates asked of click, what could do harm left out, nothing ever raised."""

from __future__ import annotations

import os
from abc import abstractmethod
from dataclasses import dataclass
from importlib.resources import files
from typing import ClassVar

from click.shell_completion import CompletionItem, ShellComplete

from kiamo_iac.core.secret import conceal, concealing

WORDS_VARIABLE = "_KIAMO_IAC_WORDS"
"""What is typed, as the script of each shell says it; a name that no environment uses for anything else."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that the word under the cursor may become, as it is meant: not quoted for any shell yet."""

    value: str
    help: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a shell."""

    kind: str = "words"
    """`words`: the candidates; `files` or `dirs`: the shell's own completion of paths."""
    candidates: tuple[Candidate, ...] = ()


class Completer(ShellComplete):
    """Click's completion of the program, answered in a shell's own way."""

    script: ClassVar[str]
    """The file beside this one that is to be loaded by the shell."""

    def source(self) -> str:
        """The script. It names the program itself, so nothing is filled in."""
        return script_of(self.script)

    @abstractmethod
    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor, without the program, and the word that the cursor stands in."""

    @abstractmethod
    def written(self, answer: Answer) -> str:
        """The answer as the script reads it."""

    def complete(self) -> str:
        """The answer; an empty one when anything goes wrong, since a person is in the middle of typing."""
        try:
            args, incomplete = self.get_completion_args()
            with concealing(os.environ):
                answer = answer_of(self.get_completions(args, incomplete), option=_option_of(incomplete))
            return self.written(answer)
        except Exception:  # noqa: BLE001 - whatever it is, the next command says it better than a prompt can
            return self.written(Answer())


def script_of(name: str) -> str:
    """The text of a script of this folder."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def typed() -> str:
    """What the script handed over."""
    return os.environ.get(WORDS_VARIABLE, "")


def typed_words() -> tuple[list[str], str]:
    """The same, where the script has taken it apart, a word a line: those before the cursor, and the one at it."""
    _, *words = typed().split("\n") if "\n" in typed() else ["", ""]
    return words[:-1], words[-1]


def _option_of(incomplete: str) -> str:
    """`--target=` of `--target=bases/pro`: click answers with values alone, shells want the whole word."""
    name, sign, _ = incomplete.partition("=")
    return name + sign if sign and name.startswith("-") else ""


def answer_of(items: list[CompletionItem], *, option: str) -> Answer:
    """Click's items as an answer. What holds a control, a line end or another unseen character is never offered: nobody
    could tell what they pick, and a terminal may obey it. Nor is what holds a secret."""
    kinds = {"file": "files", "dir": "dirs"}
    for item in items:
        if item.type in kinds:
            return Answer(kinds[item.type])
    found = (Candidate(f"{option}{item.value}", _one_line(item.help or "")) for item in items if item.type == "plain")
    return Answer(candidates=tuple(each for each in found if each.value.isprintable() and each == _concealed(each)))


def _concealed(candidate: Candidate) -> Candidate:
    return Candidate(conceal(candidate.value), conceal(candidate.help))


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def lines(answer: Answer) -> str:
    """The answer as lines: the kind, then for each candidate its value and, where it is known, a tab and what it is."""
    said = (f"{each.value}\t{each.help}" if each.help else each.value for each in answer.candidates)
    return "\n".join((answer.kind, *said))
