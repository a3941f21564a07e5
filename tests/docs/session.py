"""A page played through in one bash, as a reader would at two terminals: an emulator in one, commands in the other.

Run as a module, it makes an edit of a page: `python -m tests.docs.session NAME BEFORE AFTER`.
"""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.docs.page import Command, Doing, Edited, Written, pattern
from tests.shells import project

PORT = re.compile(r"\b809\d\b")
"""The ports that pages show. Each is exchanged for a free one on the way in, and back on the way out."""
_PRELUDE = """
status=0
ended() { printf '\\n[ended %s %s]\\n' "$1" "$status"; }
background() {  # a server, until it says where it is
  local said
  said=$(mktemp)
  "$@" >"$said" 2>&1 & jobs+=($!)
  for _ in {1..600}; do grep -q Ctrl-C "$said" && break; sleep 0.05; done
  cat "$said"
}
by-hand() { "$PYTHON" -m tests.docs.by_hand "$@"; }
vendor() { background "$PYTHON" -m tests.docs.vendor "$@"; }
edited() { "$PYTHON" -m tests.docs.session "$@" || exit 1; }
jobs=()
trap 'kill "${jobs[@]}" 2>/dev/null; wait' EXIT
exec 2>&1
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A command that did not answer as its page says."""

    command: Command
    code: int
    said: str


def free_ports(doings: Sequence[Doing]) -> dict[str, str]:
    """A free port for each that the page shows."""
    shown = {port for doing in doings for port in PORT.findall(_text(doing))}
    held = {port: socket.create_server(("127.0.0.1", 0)) for port in sorted(shown)}
    try:
        return {port: str(server.getsockname()[1]) for port, server in held.items()}
    finally:
        for server in held.values():
            server.close()


def _text(doing: Doing) -> str:
    match doing:
        case Command():
            return doing.typed
        case Written():
            return doing.text
        case Edited():
            return doing.before + doing.after


def script_of(doings: Sequence[Doing], ports: dict[str, str]) -> str:
    """The whole page as one script, which tells the end and the exit code of each command."""

    def real(text: str) -> str:
        return PORT.sub(lambda port: ports.get(port[0], port[0]), text)

    parts = [_PRELUDE]
    for number, doing in enumerate(doings):
        if isinstance(doing, Written):
            name = shlex.quote(doing.name)
            parts.append(f'mkdir -p "$(dirname {name})"; printf %s {shlex.quote(real(doing.text))} >{name}\n')
            continue
        if isinstance(doing, Edited):
            parts.append(shlex.join(["edited", doing.name, real(doing.before), real(doing.after)]) + "\n")
            continue
        typed = real(doing.typed)
        if typed.startswith("kiamo-iac emulator "):
            typed = f"background {typed}"
        parts.append(f"(exit $status)\n{typed}\nstatus=$?; ended {number}\n")
    return "".join(parts)


def played(doings: Sequence[Doing], folder: Path) -> list[Difference]:
    """Play a page in an empty folder; what did not go as it says. A command ends with 0, or `echo $?` comes next."""
    project.make(folder)
    home = folder / "home"
    home.mkdir()
    ports = free_ports(doings)
    done = subprocess.run(
        ["bash", "--norc"],
        cwd=home, env=project.surroundings(folder, PYTHONUNBUFFERED="1", PYTHON=sys.executable, HOME=str(folder)),
        input=script_of(doings, ports), capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    said = done.stdout
    for shown, real in ports.items():
        said = said.replace(f":{real}", f":{shown}").replace(f" {real}", f" {shown}")
    answers = {
        int(number): (text, int(code))
        for text, number, code in re.findall(r"(.*?)\n\[ended (\d+) (\d+)\]\n", said, re.DOTALL)
    }
    rest = said.rpartition("\n[ended ")[2].partition("\n")[2]
    return list(_differences(doings, answers, rest=rest))


def _differences(doings: Sequence[Doing], answers: dict[int, tuple[str, int]], *, rest: str) -> list[Difference]:
    """`rest`: what was said after the last command that ended."""
    found = []
    for number, doing in enumerate(doings):
        if not isinstance(doing, Command):
            continue
        said, code = answers.get(number, (f"(it never ended)\n{rest}", 255))
        following = doings[number + 1] if number + 1 < len(doings) else None
        expected = code == 0 or (isinstance(following, Command) and following.typed == "echo $?")
        if not expected or not (doing.hidden or re.fullmatch(pattern(doing.said), said)):
            found.append(Difference(doing, code, said))
    return found


if __name__ == "__main__":
    Edited(*sys.argv[1:]).apply(Path.cwd())
