"""A comment on the merge request of the running pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from kiamo_iac.core.errors import KiamoIacError, UsageError
from kiamo_iac.forge.comment import Forge, MergeRequestComment, PostedComment, post
from kiamo_iac.forge.pipeline import GithubPipeline, GitlabPipeline, Pipeline, pipeline_of

if TYPE_CHECKING:
    from kiamo_iac.http.message import Send
    from kiamo_iac.http.transport import Transport


def post_comment(
    text: str,
    environ: Mapping[str, str],
    *,
    transport: Transport | None = None,
    ca_bundle: Path | None = None,
    show: Callable[[str], object] | None = None,
    log: Callable[[str], object] | None = None,
) -> PostedComment | None:
    """Post `text`, which begins with its marker, or update this user's comment with the same marker.

    None: the pipeline has no merge request, and no call was made.

    Raises:
        UsageError: not in a pipeline, its variables are invalid, or the text has no marker.
        ApiError: the forge refused, or gave no usable response.
    """
    wanted = MergeRequestComment.of(text)
    pipeline = pipeline_of(environ)
    if pipeline is None:
        return None
    from kiamo_iac.http.caller import HttpCaller
    from kiamo_iac.http.retry import CONNECTS, Limits

    with HttpCaller(
        pipeline.api,
        pipeline.endpoint,
        pipeline.authorization,
        transport=transport,
        ca_bundle=ca_bundle,
        limits=Limits(attempts=CONNECTS),
        show=show,
        log=log,
    ) as send:
        return post(_forge(pipeline, send), wanted)


def project_name(file: Path | None) -> str | None:
    """The `name` of the project of `file`, or of the nearest one; None: it has none, or cannot be read."""
    from kiamo_iac.app.project import project_above
    from kiamo_iac.manifest.project.file import load_project

    try:
        found = file or project_above(Path.cwd())
        return load_project(found).name if found is not None else None
    except KiamoIacError:
        return None


def of_project(text: str, name: str | None) -> str:
    """`text` with a marker that belongs to the project `name` alone: two projects of a repository may have environments
    of one name."""
    marker, line_end, rest = text.partition("\n")
    if name is None or not marker.rstrip("\r").endswith(" -->"):
        return text
    return f"{marker.rstrip()[: -len(' -->')]}:{name} -->{line_end}{rest}"


def read_comment(file: Path) -> str:
    """The text of a file.

    Raises:
        UsageError: it cannot be read, or is not UTF-8.
    """
    try:
        return file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{file} cannot be read as UTF-8 text."
        raise UsageError(msg) from error


def _forge(pipeline: Pipeline, send: Send) -> Forge:
    match pipeline:
        case GithubPipeline():
            from kiamo_iac.forge.github import Github

            return Github(pipeline, send)
        case GitlabPipeline():
            from kiamo_iac.forge.gitlab import Gitlab

            return Gitlab(pipeline, send)
        case _:
            assert_never(pipeline)
