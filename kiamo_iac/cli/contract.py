"""`kiamo-iac contract`: the API contract in force, checks of overrides, and what a vendor's collection says of it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kiamo_iac.cli.options import NamedPath, format_option
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import RunLog, log_line, write_data, write_file, write_message, write_unchanged

EPILOG = """\b
Examples:
  kiamo-iac contract show
  kiamo-iac contract show --format json > contract.json
  kiamo-iac contract check my-contract.yaml
  kiamo-iac contract fetch -o collection.json
  kiamo-iac contract compare collection.json
  kiamo-iac contract derive collection.json -o my-contract.yaml

\b
Exit codes: 0 done, 1 the contract is invalid, or an operation is missing in the collection, 64 usage.
"""

SHOW_EPILOG = """\b
Examples:
  kiamo-iac contract show
  kiamo-iac contract show --format json > contract.json

\b
Exit codes: 0 shown, 1 the project's contract is invalid, 64 usage.
"""

CHECK_EPILOG = """\b
Examples:
  kiamo-iac contract check my-contract.yaml
  kiamo-iac contract check

\b
Exit codes: 0 valid, 1 invalid, 64 usage.
"""

FETCH_EPILOG = """\b
Examples:
  kiamo-iac contract fetch -o collection.json
  kiamo-iac contract fetch --from https://docs.example.com/view/metadata/2sAbCd -o collection.json

\b
Exit codes: 0 fetched, 1 error, 64 usage.
"""

DERIVE_EPILOG = """\b
Examples:
  kiamo-iac contract derive collection.json -o my-contract.yaml
  kiamo-iac contract derive collection.json --answers answers.yaml -o my-contract.yaml
  kiamo-iac contract derive collection.json --recording recording.json -o my-contract.yaml
  kiamo-iac contract derive --published -o my-contract.yaml
  kiamo-iac contract derive openapi.yaml

\b
Exit codes: 0 derived, 1 the collection cannot be read, 64 usage.
"""

COMPARE_EPILOG = """\b
Examples:
  kiamo-iac contract compare collection.json
  kiamo-iac contract compare collection.json --explain
  kiamo-iac contract compare collection.json --recording recording.json
  kiamo-iac contract compare collection.json --format json

\b
Exit codes: 0 compared, 1 an operation of the contract is missing in the collection, 64 usage.
"""


_recording_option = click.option(
    "--recording",
    type=NamedPath(exists=True, dir_okay=False),
    metavar="FILE",
    help="What an instance answered, as doctor --record wrote it; it settles questions.",
)


@click.group(epilog=EPILOG, short_help="Show, check or derive the API contract.")
def contract() -> None:
    """Show, check or derive the API contract.

    The contract lists every route, method and wire name of the API, each marked documented (by the vendor),
    observed or assumed. `contract: FILE` in the project file merges FILE over the packaged contract.
    """


@contract.command(epilog=SHOW_EPILOG, short_help="Print the contract in force, with its basis.")
@format_option
@pass_session
def show(session: Session, *, output: str) -> int:
    """Print the contract in force: the project's, or the packaged one outside a project."""
    from kiamo_iac.app.project import contract_in_force
    from kiamo_iac.render.contract import contract_json, contract_text

    in_force = contract_in_force(session.project)
    write_data(contract_json(in_force) if output == "json" else contract_text(in_force), utf8=output == "json")
    return 0


@contract.command(
    epilog=CHECK_EPILOG,
    short_help="Check an override, and show what it changes.",
)
@click.argument("file", required=False, type=NamedPath(exists=True, dir_okay=False))
@pass_session
def check(session: Session, *, file: Path | None) -> int:
    """Merge an override over the packaged contract, check the result, and show what changes.

    Without FILE, the override of the project.
    """
    from kiamo_iac.app.project import contract_in_force
    from kiamo_iac.contract.file import load_contract
    from kiamo_iac.render.contract import changes_text

    merged = load_contract(file) if file is not None else contract_in_force(session.project)
    write_data(changes_text(load_contract(), merged, session.style(sys.stdout)))
    write_message(f"{file or (merged.origin if merged.overridden else 'The packaged contract')} is valid.")
    return 0


@contract.command(epilog=FETCH_EPILOG, short_help="Download the vendor's collection.")
@click.option("--from", "address", metavar="URL", help="The published metadata, or the collection itself.")
@click.option("-o", "--out", type=NamedPath(dir_okay=False), metavar="FILE", help="Write to FILE instead of stdout.")
@pass_session
def fetch(session: Session, *, address: str | None, out: Path | None) -> int:
    """Download the collection that the vendor publishes: its metadata first, which say where it is.

    Without --from, that of Kiamo API v2. Only https, without a token, at most 32 MiB. Needs no project.
    """
    data = _fetched(session, address).decode("utf-8", "replace")
    if out is None:
        write_data(data, utf8=True)
    else:
        write_file(data, out, what="the collection")
    return 0


@contract.command(epilog=DERIVE_EPILOG, short_help="Write an override from the vendor's collection.")
@click.argument("collection", required=False, type=NamedPath(exists=True, dir_okay=False))
@click.option("--published", is_flag=True, help="Fetch the collection of Kiamo API v2 instead of reading a file.")
@click.option(
    "--answers",
    type=NamedPath(exists=True, dir_okay=False),
    metavar="FILE",
    help="Entries that answer questions: they take the place of what is derived.",
)
@_recording_option
@click.option("-o", "--out", type=NamedPath(dir_okay=False), metavar="FILE", help="Write to FILE instead of stdout.")
@format_option
@pass_session
def derive(
    session: Session,
    *,
    collection: Path | None,
    published: bool,
    answers: Path | None,
    recording: Path | None,
    out: Path | None,
    output: str,
) -> int:
    """Derive an override of the contract from a collection: Postman v2.0 or v2.1, or OpenAPI 3 (JSON or YAML).

    What is certain is written as documented. What is not is null, with a commented question and its candidates at
    its place: no call is made by guess. Needs no project. --answers takes an override of a few lines, so that a newer
    collection is derived again without losing what you know. --format json has the operations and the questions too.
    """
    from kiamo_iac.app.doctor import recording_from_file
    from kiamo_iac.app.fetching import PUBLISHED, collection_from_file
    from kiamo_iac.contract.collection.answering import answered
    from kiamo_iac.contract.collection.derive import derive_contract
    from kiamo_iac.contract.collection.matching import Certainty
    from kiamo_iac.contract.collection.reading import read_collection
    from kiamo_iac.contract.collection.writing import override_text
    from kiamo_iac.render.collection import derivation_json

    if (collection is None) != published:
        msg = "Pass either COLLECTION or --published."
        raise click.UsageError(msg)
    if collection is None:
        found = read_collection(_fetched(session, None), shown=PUBLISHED)
    else:
        found = collection_from_file(collection)
    derived = derive_contract(found, recording_from_file(recording) if recording is not None else None)
    if answers is not None:
        derived = answered(derived, answers)
    text = derivation_json(found, derived) if output == "json" else override_text(found, derived)
    if out is None and output == "json":
        write_data(text, utf8=True)
    elif out is None:
        write_unchanged(text, instead="pass -o FILE")
    else:
        write_file(text, out, what="the contract")
    certain = sum(match.certainty is Certainty.CERTAIN for match in derived.matches)
    write_message(f"{certain} of {len(derived.matches)} operations certain, {len(derived.questions)} questions.")
    return 0


@contract.command(epilog=COMPARE_EPILOG, short_help="Hold the contract against the vendor's collection.")
@click.argument("collection", type=NamedPath(exists=True, dir_okay=False))
@click.option("--explain", is_flag=True, help="Show the candidates, with their evidence and score.")
@_recording_option
@format_option
@pass_session
def compare(session: Session, *, collection: Path, explain: bool, recording: Path | None, output: str) -> int:
    """Compare the contract in force with a collection: a line an operation, whether and where it is found there.

    Exit code 1 where the collection has nothing like an operation that the contract has.
    """
    from kiamo_iac.app.doctor import recording_from_file
    from kiamo_iac.app.fetching import collection_from_file
    from kiamo_iac.app.project import contract_in_force
    from kiamo_iac.contract.collection.comparing import Correspondence, compare_contract
    from kiamo_iac.render.collection import comparison_json, comparison_text

    recorded = recording_from_file(recording) if recording is not None else None
    rows = compare_contract(contract_in_force(session.project), collection_from_file(collection), recorded)
    as_json = output == "json"
    write_data(comparison_json(rows) if as_json else comparison_text(rows, explain=explain), utf8=as_json)
    return int(any(row.outcome is Correspondence.MISSING for row in rows))


def _fetched(session: Session, address: str | None) -> bytes:
    from kiamo_iac.app.fetching import PUBLISHED, fetch_collection

    return fetch_collection(
        address or PUBLISHED,
        transport=session.transport,
        ca_bundle=session.ca_bundle,
        show=log_line,
        log=RunLog() if session.verbose else None,
    )
