"""`kiamo-iac emulator`: a local Kiamo emulator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from kiamo_iac.cli.options import NamedPath
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import write_data, write_message
from kiamo_iac.core.errors import UsageError
from kiamo_iac.core.printable import visible
from kiamo_iac.core.urls import is_loopback

EPILOG = """\b
Examples:
  kiamo-iac emulator
  kiamo-iac emulator --port 8090 --seed live.json
  kiamo-iac emulator --db kiamo.sqlite --latency 20
  kiamo-iac emulator --fault "status=503,call=create base,times=2,retry-after=1"
  kiamo-iac emulator --fault "reset,call=POST,when=after" --fault "lag=2,call=create batch,times=0"

\b
stdout holds only its URL. Press Ctrl-C to stop it.

\b
Exit codes: 0 stopped, 1 error, 64 usage, or the port or a file cannot be used.
"""


def _loopback(_context: click.Context, _parameter: click.Parameter, host: str) -> str:
    """Accept loopback addresses only: the emulator's tokens are public."""
    if not is_loopback(host):
        msg = f"{host} is not a loopback address (127.0.0.1, ::1 or localhost)."
        raise click.BadParameter(msg)
    return "127.0.0.1" if host.lower() == "localhost" else host


@click.command(epilog=EPILOG, short_help="Run a local Kiamo emulator.")
@click.option("--host", default="127.0.0.1", show_default=True, callback=_loopback, help="A loopback address.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8090, show_default=True, metavar="N", help="0: any free port."
)
@click.option(
    "--db",
    type=NamedPath(dir_okay=False),
    metavar="FILE",
    help="Keep the state in this SQLite file. Default: in memory.",
)
@click.option(
    "--seed",
    type=NamedPath(exists=True, dir_okay=False),
    metavar="FILE",
    help="Initial state (JSON), used if the emulator is empty.",
)
@click.option("--latency", type=click.FloatRange(0, 60_000), default=0, metavar="MS", help="Delay every response.")
@click.option(
    "--fault", "faults", multiple=True, metavar="SPEC", help="Play a fault, such as reset,call=POST (see the examples)."
)
@click.option(
    "--project",
    type=NamedPath(exists=True, dir_okay=False),
    metavar="FILE",
    help="The project file whose contract it implements, as the option of that name before the command.",
)
@pass_session
def emulator(
    session: Session,
    *,
    project: Path | None,
    host: str,
    port: int,
    db: Path | None,
    seed: Path | None,
    latency: float,
    faults: tuple[str, ...],
) -> int:
    """Run a local Kiamo emulator.

    Implements the contract in force (the project's, or the packaged one outside a project) over SQLite, with
    the API's rules as far as they are known or assumed.

    SPEC is KIND[=VALUE][,KEY=VALUE...]. Kinds: status=N, reset, silence=S, slow=S, truncate, lag=S,
    normalise=FORM, ignore. Keys: call=METHOD [PATH] or OPERATION [KIND], when=before|after, skip=N,
    times=N (0: always), retry-after=TEXT.
    """
    from sqlite3 import Error as DatabaseError

    from kiamo_iac.app.project import contract_in_force
    from kiamo_iac.emulator import FULL_TOKEN, READ_ONLY_TOKEN, Emulator
    from kiamo_iac.emulator.faults import Fault
    from kiamo_iac.emulator.server import serve

    contract = contract_in_force(project or session.project)
    named = f"{contract.name} ({contract.origin if contract.overridden else 'packaged'})"

    def ready(url: str) -> None:
        # Not with write_message: it would mask the token if a variable holds it, and this token is public.
        click.echo(f"A local Kiamo emulator. Token: {FULL_TOKEN} (read-only: {READ_ONLY_TOKEN}).", err=True)
        write_message(f"It implements the contract {visible(named)}.")
        write_data(f"{url}\n")
        write_message("Press Ctrl-C to stop it.")

    try:
        instance = Emulator(contract, database=db or ":memory:", latency=latency / 1000)
        with instance:
            instance.faults.add([Fault.parse(text) for text in faults])
            if seed is not None and not any(instance.dump().values()):
                instance.seed(_read(seed))
            serve(instance, host=host, port=port, ready=ready)
    except OSError as error:
        msg = f"The emulator cannot listen on {host}, port {port}: {error.strerror or error}."
        raise UsageError(msg, hint="pass another --port, or --port 0 for any free port") from error
    except (ValueError, DatabaseError) as error:
        msg = f"The emulator cannot start: {error}."
        raise UsageError(msg) from error
    return 0


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        msg = f"{path} is not valid JSON: {error.msg}, line {error.lineno} column {error.colno}"
        raise ValueError(msg) from error
    if not isinstance(data, dict):
        msg = f"{path} is not a JSON object"
        raise ValueError(msg)
    return data
