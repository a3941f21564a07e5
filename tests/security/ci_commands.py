"""The commands that CI systems recognise in the output of a job, from the sources and pages of GitHub's runner, Azure
Pipelines, TeamCity and GitLab, not from the escapes of this package; and texts that try them."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

_LINE_ENDS: Final = re.compile(r"\r\n|[\r\n]")
_ANYWHERE: Final = ("##[", "##vso[", "##teamcity[")
_SECTION: Final = re.compile(r"section_(?:start|end):[0-9]+:[a-zA-Z0-9_.-]+.*\r\x1b\[0K")
_ANNOTATION: Final = re.compile(r"::(?:error|warning|notice) (?:[a-z]+=[^:,\r\n]*,?)+::[^\r\n]*")
"""An annotation of the format `github`."""

TRIES: Final = MappingProxyType(
    {
        "github, first": "::error::pwned",
        "github": "x\n::error::pwned",
        "github, carriage return": "x\r::add-mask::e",
        "github, indented": "x\n \u00a0\t::stop-commands::x",
        "github, next line": "x\u0085::error::a\u2028::error::b",
        "github, old": "##[add-mask]x",
        "github, old, inside": "x##[set-env name=A;]b",
        "github, after a sign": "###[error]x",
        "azure": "##vso[task.setvariable variable=PATH]/tmp",
        "azure, inside": "a: b ##vso[task.complete result=Succeeded;]DONE",
        "teamcity": "##teamcity[buildStatus status='SUCCESS']",
        "gitlab": "section_start:1700000000:x[collapsed=true]\r\x1b[0Ky",
        "terminal": "\x1b]8;;http://evil.example\x07x\x1b]8;;\x07\x1b[2J\x9b31m\x08\x7f",
        "unseen": "a\u202eb\u2066c\u200bd\ufeffe\u115ff\U000e0041",
    }
)
"""By the CI system that it is for."""


def obeyed(text: str, *, annotations: bool = False) -> list[str]:
    """The lines of `text` that a CI system or a terminal would obey; `annotations`: without those of the format
    `github`."""
    found = []
    for line in _LINE_ENDS.split(text):
        opens = line.lstrip().startswith("::") and not (annotations and _ANNOTATION.fullmatch(line))
        if opens or any(sign in line for sign in _ANYWHERE) or any(map(_is_control, line)):
            found.append(line)
    return found + _SECTION.findall(text) + (["a carriage return"] if "\r" in text else [])


def _is_control(char: str) -> bool:
    return char != "\t" and (ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0)
