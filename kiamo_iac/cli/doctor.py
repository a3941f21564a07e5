"""`kiamo-iac doctor`: an instance held against the contract, by reading it."""

from __future__ import annotations

from pathlib import Path

import click

from kiamo_iac.cli.options import NamedPath, environment_option, format_option
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import write_data, write_message

EPILOG = """\b
Examples:
  kiamo-iac doctor -e staging
  kiamo-iac doctor -e staging --format json
  kiamo-iac doctor -e staging --record recording.json
  kiamo-iac contract derive collection.json --recording recording.json -o my-contract.yaml

\b
Exit codes: 0 nothing is contradicted, 1 something is, or a check failed, 64 usage.
"""


@click.command(epilog=EPILOG, short_help="Hold an instance against the contract, by reading it.")
@environment_option
@format_option
@click.option(
    "--record",
    type=NamedPath(dir_okay=False),
    metavar="FILE",
    help="Write what was answered to FILE, without names, ids, contact data and tokens.",
)
@pass_session
def doctor(session: Session, *, environment: str, output: str, record: Path | None) -> int:
    """Hold an instance against the contract in force, by reading it: nothing is written to it.

    Checks the address, TLS, the token and what it may read; reads each list of the contract, and a few objects;
    then says of each assumption of the contract whether the instance confirms it, contradicts it, or does not
    show it, and which line of the contract to correct.
    """
    from kiamo_iac.app.doctor import examine_instance, write_recording
    from kiamo_iac.render.doctor import examination_json, examination_text

    examination, recording = examine_instance(session.workspace(), environment, record=record)
    as_json = output == "json"
    write_data(examination_json(examination) if as_json else examination_text(examination), utf8=as_json)
    if record is not None and recording is not None:
        write_recording(recording, record)
        write_message(f"Written to {record}.")
    return int(not examination.is_sound)
