"""Completion in bash, zsh, fish and PowerShell: click finds the candidates, each shell gets them quoted as it needs.

    shell ─ typed words ─► script (completion_scripts/) ─ two variables ─► Completer ─► click ─► candidates ─► script

Click's own scripts insert candidates unquoted: a name such as `$(…)` would run as soon as the user presses Enter.
"""

from __future__ import annotations

import json
import os
import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePath
from types import MappingProxyType
from typing import ClassVar, Final

from click.shell_completion import CompletionItem, ShellComplete, add_completion_class

from kiamo_iac.core.secret import conceal, concealing

WORDS_VARIABLE: Final = "_KIAMO_IAC_WORDS"
"""Set by the scripts: what is typed."""
BREAKS_VARIABLE: Final = "_KIAMO_IAC_BREAKS"
"""Set by the script of bash: COMP_WORDBREAKS."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A completion of the word at the cursor, not quoted yet."""

    value: str
    help: str


@dataclass(frozen=True, slots=True)
class Completions:
    """The answer to a shell."""

    kind: str = "words"
    """`words`: the candidates; `files` or `dirs`: the shell completes paths itself."""
    candidates: tuple[Candidate, ...] = ()


class Completer(ShellComplete):
    """Click's completion, written in the form that a shell's script reads."""

    script: ClassVar[str]
    """The shell's script, in `completion_scripts/`."""

    def source(self) -> str:
        """The script as it is: it names the program itself."""
        return script_text(self.script)

    @abstractmethod
    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor, without the program, and the word at the cursor."""

    @abstractmethod
    def format_answer(self, answer: Completions) -> str:
        """The answer as the script reads it."""

    def complete(self) -> str:
        """The answer; an empty one after any error, since the user is typing."""
        try:
            args, incomplete = self.get_completion_args()
            with concealing(os.environ):
                answer = completions_from(self.get_completions(args, incomplete), option=_option_prefix(incomplete))
            return self.format_answer(answer)
        except Exception:  # noqa: BLE001 - the command itself will report the error
            return self.format_answer(Completions())


class Bash(Completer):
    """The answer is the kind, then one candidate a line, quoted: bash inserts it unchanged."""

    name = "bash"
    script = "kiamo-iac.bash"

    def get_completion_args(self) -> tuple[list[str], str]:
        line = _bash_line()
        at = next((number for number, word in enumerate(line.words) if _is_program(word)), 0)
        return list(line.words[at + 1 :]), line.current

    def format_answer(self, answer: Completions) -> str:
        line = _bash_line()
        matching = (each.value for each in answer.candidates if each.value.startswith(line.current))
        return "\n".join((answer.kind, *(quote_for_bash(v[line.kept :], quote=line.quote) for v in matching)))


class Zsh(Completer):
    """The answer is plain lines: `compadd` quotes what it inserts."""

    name = "zsh"
    script = "kiamo-iac.zsh"

    def get_completion_args(self) -> tuple[list[str], str]:
        return _typed_words()

    def format_answer(self, answer: Completions) -> str:
        return _plain_lines(answer)


class Fish(Completer):
    """The answer is plain lines: fish escapes what it inserts."""

    name = "fish"
    script = "kiamo-iac.fish"

    def get_completion_args(self) -> tuple[list[str], str]:
        words, current = _typed_words()
        return words, split_line(current).current  # fish passes the word at the cursor with its quotes

    def format_answer(self, answer: Completions) -> str:
        return _plain_lines(answer)


class PowerShell(Completer):
    """The answer is a JSON list of quoted candidates; an empty one leaves the word to PowerShell's completion of paths.

    In ASCII: the output of a program passes through the console's code page.
    """

    name = "powershell"
    script = "kiamo-iac.ps1"

    def get_completion_args(self) -> tuple[list[str], str]:
        words, current = _typed_words()
        return words, unquote_from_powershell(current)

    def format_answer(self, answer: Completions) -> str:
        return json.dumps(
            [
                {"text": quote_for_powershell(each.value), "shown": each.value, "help": each.help or each.value}
                for each in answer.candidates
            ]
        )


SHELLS: Mapping[str, type[Completer]] = MappingProxyType({shell.name: shell for shell in (Bash, Zsh, Fish, PowerShell)})
"""Name → completer."""


def register() -> None:
    """Replace click's own completers."""
    for shell in SHELLS.values():
        add_completion_class(shell)


def script_text(name: str) -> str:
    """The text of a file in `completion_scripts/`."""
    return files(__package__).joinpath("completion_scripts", name).read_text(encoding="utf-8")


def completions_from(items: list[CompletionItem], *, option: str) -> Completions:
    """Click's items as an answer, without those that hold control or invisible characters (a terminal may obey them),
    and without those that hold a secret."""
    kinds = {"file": "files", "dir": "dirs"}
    for item in items:
        if item.type in kinds:
            return Completions(kinds[item.type])
    found = (Candidate(f"{option}{item.value}", _one_line(item.help or "")) for item in items if item.type == "plain")
    return Completions(
        candidates=tuple(each for each in found if each.value.isprintable() and each == _concealed(each))
    )


def _option_prefix(incomplete: str) -> str:
    """`--target=` of `--target=bases/pro`: click returns values only, shells need the whole word."""
    name, sign, _ = incomplete.partition("=")
    return name + sign if sign and name.startswith("-") else ""


def _concealed(candidate: Candidate) -> Candidate:
    return Candidate(conceal(candidate.value), conceal(candidate.help))


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _plain_lines(answer: Completions) -> str:
    """The kind, then for each candidate its value and, if it has one, a tab and its help."""
    lines = (f"{each.value}\t{each.help}" if each.help else each.value for each in answer.candidates)
    return "\n".join((answer.kind, *lines))


# --- what is typed ---------------------------------------------------------------------------------------------------


def _typed() -> str:
    return os.environ.get(WORDS_VARIABLE, "")


def _typed_words() -> tuple[list[str], str]:
    """Words before the cursor and the word at it, where the script passes one word a line."""
    _, *words = _typed().split("\n") if "\n" in _typed() else ["", ""]
    return words[:-1], words[-1]


def _bash_line() -> CommandLineInput:
    return split_line(_typed(), breaks=os.environ.get(BREAKS_VARIABLE, ""))


def _is_program(word: str) -> bool:
    """Whether a word is the program, not a variable set before it."""
    return PurePath(word).name.startswith("kiamo-iac")


_BLANKS: Final = " \t\n"
_ESCAPED_IN_DOUBLE_QUOTES: Final = '"\\$`'


@dataclass(frozen=True, slots=True)
class CommandLineInput:
    """A command line up to the cursor."""

    words: tuple[str, ...]
    """Those before the word at the cursor, without quotes."""
    current: str
    """The word at the cursor, without quotes; empty after a blank."""
    kept: int
    """How much of `current` the shell keeps: readline replaces only what follows a break or a quote."""
    quote: str
    """The quote that is open at the cursor: `"`, `'`, or none."""


def split_line(text: str, *, breaks: str = "") -> CommandLineInput:
    """`text` split as a POSIX shell would, without evaluating it; `breaks`: characters that end a word for readline."""
    splitter = _LineSplitter(breaks)
    for char in text:
        splitter.feed(char)
    return CommandLineInput(tuple(splitter.words), splitter.current or "", splitter.kept, splitter.quote)


class _LineSplitter:
    """A state machine that is fed one character at a time."""

    def __init__(self, breaks: str) -> None:
        self.words: list[str] = []
        self.current: str | None = None
        self.kept = 0
        self.quote = ""
        self._breaks = breaks
        self._escaped = False
        self._kept_before = 0

    def feed(self, char: str) -> None:
        if self._escaped:
            self._escaped = False
            inside = self.quote and char not in _ESCAPED_IN_DOUBLE_QUOTES
            self._add(f"\\{char}" if inside else char)
        elif char == "\\" and self.quote != "'":
            self._escaped = True
        elif self.quote:
            self._inside(char)
        elif char in "\"'":
            self._add("")
            self.quote, self._kept_before = char, self.kept
            self._break()
        elif char in _BLANKS:
            self._end()
        else:
            self._add(char)
            if char in self._breaks:
                self._break()

    def _inside(self, char: str) -> None:
        if char == self.quote:
            self.quote, self.kept = "", self._kept_before  # for readline, closed quotes are part of the word
        else:
            self._add(char)

    def _add(self, char: str) -> None:
        self.current = (self.current or "") + char

    def _break(self) -> None:
        self.kept = len(self.current or "")

    def _end(self) -> None:
        if self.current is not None:
            self.words.append(self.current)
        self.current, self.kept = None, 0


# --- quoting ---------------------------------------------------------------------------------------------------------

_SPECIAL = re.compile(r"[^A-Za-z0-9_./,+=:@%\-\u0080-\U0010ffff]")
_SPECIAL_IN_DOUBLE_QUOTES = re.compile(r'["\\$`]')
_PLAIN_IN_POWERSHELL = re.compile(r"[A-Za-z0-9_./:=\\-]+")
_POWERSHELL_QUOTES = "'\u2018\u2019\u201a\u201b"
"""PowerShell reads typographic quotes as the plain one (about_Quoting_Rules)."""


def quote_for_bash(value: str, *, quote: str) -> str:
    """`value` quoted so that bash, with `quote` open, reads exactly `value`.

    Each special character has its own escape, since bash may insert only a common prefix of the candidates. In double
    quotes no backslash keeps `!` from history expansion, so it gets quotes of its own.
    """
    match quote:
        case "'":
            return value.replace("'", "'\\''")
        case '"':
            return _SPECIAL_IN_DOUBLE_QUOTES.sub(r"\\\g<0>", value).replace("!", "\"'!'\"")
        case _:
            return _SPECIAL.sub(r"\\\g<0>", value)


def quote_for_powershell(value: str) -> str:
    """`value` bare, or in single quotes, in which PowerShell expands nothing."""
    if _PLAIN_IN_POWERSHELL.fullmatch(value):
        return value
    return "'" + "".join(char * 2 if char in _POWERSHELL_QUOTES else char for char in value) + "'"


def unquote_from_powershell(word: str) -> str:
    """The word at the cursor without its quotes, of which the last one is often missing."""
    if word[:1] and word[0] in _POWERSHELL_QUOTES:
        return re.sub(f"([{_POWERSHELL_QUOTES}])[{_POWERSHELL_QUOTES}]|[{_POWERSHELL_QUOTES}]$", r"\1", word[1:])
    return word.strip('"')
