"""A comment is there once, is ours, and says what it is to say; over real HTTP, on both forges."""

from __future__ import annotations

import tracemalloc

import pytest

from kiamo_iac.core.errors import AccessError, RefusedError, TransportError, UsageError
from kiamo_iac.forge.comment import PostedComment, PostOutcome
from kiamo_iac.render.base import Style
from kiamo_iac.render.environments import table_markdown
from tests.forge.conftest import Job
from tests.forge.fake import MARKER, STRANGER, US, Fake

OTHER = MARKER.replace("staging", "production")


def bodies(fake: Fake) -> list[str]:
    """What the comments say, after their markers."""
    return [comment["body"].split("\n", 1)[-1].strip() for comment in fake.comments]


def outcome(posted: PostedComment | None) -> PostOutcome:
    """What became of it."""
    assert posted is not None
    return posted.outcome


def test_the_first_run_posts_and_the_next_one_updates(job: Job) -> None:
    first = job.comment(f"{MARKER}\n\nOne.\n")
    second = job.comment(f"{MARKER}\n\nTwo.\n")
    assert (outcome(first), outcome(second)) == (PostOutcome.CREATED, PostOutcome.UPDATED)
    assert bodies(job.fake) == ["Two."]
    assert first is not None
    assert second is not None
    assert first.page == second.page
    assert first.page is not None
    assert first.page.startswith(f"{job.fake.url}/acme/kiamo/")


def test_the_same_text_is_not_sent_again(job: Job) -> None:
    job.comment()
    assert outcome(job.comment()) is PostOutcome.UNCHANGED
    assert len(job.fake.writes()) == 1


def test_the_same_text_with_the_line_ends_of_a_form_is_the_same(job: Job) -> None:
    job.fake.say(US, f"{MARKER}\r\n\r\nA plan.")
    assert outcome(job.comment()) is PostOutcome.UNCHANGED


def test_each_environment_has_its_own(job: Job) -> None:
    for text in (f"{MARKER}\ns", f"{OTHER}\np", f"{MARKER}\ns2", f"{OTHER}\np2"):
        job.comment(text)
    assert bodies(job.fake) == ["s2", "p2"]


def test_a_comment_of_a_stranger_with_our_marker_is_left_alone(job: Job) -> None:
    job.fake.say(STRANGER, f"{MARKER}\n\nMine.")
    assert outcome(job.comment()) is PostOutcome.CREATED
    job.comment(f"{MARKER}\n\nTwo.\n")
    assert bodies(job.fake) == ["Mine.", "Two."]


def test_a_comment_that_only_quotes_the_marker_is_left_alone(job: Job) -> None:
    job.fake.say(US, f"Look:\n{MARKER}")
    assert outcome(job.comment()) is PostOutcome.CREATED


def test_the_own_comment_is_found_on_a_later_page(job: Job) -> None:
    job.fake.page = 10
    for number in range(25):
        job.fake.say(STRANGER, f"{number}")
    job.fake.say(US, f"{MARKER}\n\nOld.")
    job.fake.say(STRANGER, "The last word.")
    assert outcome(job.comment()) is PostOutcome.UPDATED
    assert bodies(job.fake)[25] == "A plan."
    assert sum(call.startswith("GET") and call.endswith(("comments 200", "notes 200")) for call in job.fake.log) == 3


def test_one_that_cannot_be_changed_any_more_is_made_again(job: Job) -> None:
    job.fake.say(US, f"{MARKER}\n\nOld.")["locked"] = True
    assert outcome(job.comment()) is PostOutcome.CREATED


@pytest.mark.parametrize("fault", ["drop", "commit and drop", "503", "429+"])
def test_a_write_of_unknown_outcome_leaves_one_comment(job: Job, fault: str) -> None:
    job.fake.faults.append(fault)
    job.comment()
    assert bodies(job.fake) == ["A plan."]


def test_the_wait_is_the_one_that_was_asked_for(job: Job, waits: list[float]) -> None:
    job.fake.faults += ["503", "429+", "503+"]  # a 429 is waited out by the caller
    job.comment()
    assert waits == [1.0, 0.0]


def test_a_forge_that_does_not_come_back_is_an_error(job: Job) -> None:
    job.fake.faults += ["503"] * 3
    with pytest.raises(TransportError, match="503"):
        job.comment()
    assert bodies(job.fake) == []


def test_a_redirect_is_not_followed(job: Job, fake: Fake) -> None:
    job.fake.redirect = f"{fake.url}/elsewhere"
    with pytest.raises(Exception, match="302") as caught:
        job.comment()
    assert "redirects are never followed" in str(getattr(caught.value, "hint", ""))
    assert len(job.fake.log) == 1


def test_a_token_that_is_not_valid_is_never_shown(job: Job) -> None:
    wrong = "wrong-token-of-somebody"
    with pytest.raises(AccessError) as caught:
        job.comment(GITHUB_TOKEN=wrong, KIAMO_GITLAB_TOKEN=wrong)
    assert wrong not in f"{caught.value} {caught.value.hint} {caught.value.__cause__!r} {job.log}"
    assert "(hidden)" in str(caught.value)


def test_no_message_shows_the_token(job: Job) -> None:
    job.comment()
    assert job.log
    assert "token" not in " ".join(job.log)


def test_the_body_is_as_long_as_the_forge_takes(job: Job) -> None:
    limit = {"github": 65_536, "gitlab": 1_000_000}[job.name]
    text = f"{MARKER}\n".ljust(limit, "x")
    assert outcome(job.comment(text)) is PostOutcome.CREATED
    with pytest.raises(UsageError, match=f"allows {limit:,}"):
        job.comment(text + "x")


def test_the_table_of_all_environments_is_a_comment_too(job: Job) -> None:
    text = table_markdown((), Style())
    assert outcome(job.comment(text)) is PostOutcome.CREATED
    assert outcome(job.comment(f"{text}\nMore.\n")) is PostOutcome.UPDATED


@pytest.mark.parametrize(
    "text", ["", "A plan.\n", f"\n{MARKER}\n", f"{MARKER} x\n", "<!-- kiamo-iac:plan:a --> -->\n", "<!-- other -->\n"]
)
def test_a_text_without_a_marker_is_refused(job: Job, text: str) -> None:
    with pytest.raises(UsageError, match="does not begin with a marker"):
        job.comment(text)
    assert job.fake.log == []


def test_githubs_token_of_a_fork_only_reads(github: Job) -> None:
    from tests.forge.fake import READER

    with pytest.raises(AccessError) as caught:
        github.comment(GITHUB_TOKEN=READER)
    assert caught.value.hint is not None
    assert "fork" in caught.value.hint


@pytest.mark.parametrize("viewer", [None, 17, ""])
def test_where_github_does_not_name_the_user_nothing_is_edited(github: Job, viewer: object) -> None:
    github.fake.viewer = viewer
    github.fake.say(US, f"{MARKER}\n\nOld.")
    assert outcome(github.comment()) is PostOutcome.CREATED
    assert bodies(github.fake) == ["Old.", "A plan."]


def test_github_may_name_an_app_with_or_without_its_suffix(github: Job) -> None:
    github.fake.viewer = US[0].removesuffix("[bot]")
    assert github.fake.viewer != US[0]
    github.fake.say(US, f"{MARKER}\n\nOld.")
    assert outcome(github.comment()) is PostOutcome.UPDATED


def test_gitlabs_own_notes_are_no_comments(gitlab: Job) -> None:
    gitlab.fake.say(US, f"{MARKER}\n\nchanged the description", system=True)
    assert outcome(gitlab.comment()) is PostOutcome.CREATED


def test_no_line_is_an_order_to_gitlab(gitlab: Job) -> None:
    gitlab.comment(f"{MARKER}\n/merge\n  /approve\ntext /close\n")
    assert gitlab.fake.orders == []
    assert bodies(gitlab.fake) == ["\\/merge\n  \\/approve\ntext /close"]


def test_another_project_is_not_found(gitlab: Job) -> None:
    with pytest.raises(RefusedError) as caught:
        gitlab.comment(CI_MERGE_REQUEST_PROJECT_ID="43")
    assert caught.value.status == 404
    assert caught.value.hint is not None
    assert "KIAMO_GITLAB_TOKEN" in caught.value.hint


@pytest.mark.parametrize("body", [None, 17, [[[MARKER]]], {"a": 1}])
def test_a_comment_without_text_is_skipped(job: Job, body: object) -> None:
    job.fake.say(US, "")["body"] = body
    assert outcome(job.comment()) is PostOutcome.CREATED


def test_of_endless_pages_only_candidates_are_kept(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forge that always has another page is left after a hundred, with nothing of them in memory."""
    monkeypatch.setattr("kiamo_iac.forge.pipeline._LARGEST_EVENT", 10_000)
    for _ in range(200):
        job.fake.say(STRANGER, "x" * 100_000)
    job.fake.page = 1
    tracemalloc.start()
    assert outcome(job.comment()) is PostOutcome.CREATED
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len([call for call in job.fake.log if call.startswith("GET")]) == 100
    assert peak < 5_000_000
