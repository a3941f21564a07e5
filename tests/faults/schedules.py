"""Schedules of faults, as Hypothesis draws them."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.faults.proxy import (
    AFTER,
    BEFORE,
    Fault,
    When,
    cut_chunk,
    cut_short,
    dropped,
    html,
    reply,
    reset,
    truncated,
)

FAULTS: dict[str, tuple[Fault, str, tuple[When, ...]]] = {
    "reset": (reset, ".*", (BEFORE, AFTER)),
    "dropped": (dropped, ".*", (BEFORE, AFTER)),
    "502": (reply(502, "Bad Gateway"), ".*", (BEFORE, AFTER)),
    "503": (reply(503), ".*", (BEFORE, AFTER)),
    "503 in a second": (reply(503, retry_after="1"), ".*", (BEFORE,)),
    "429": (reply(429, retry_after="1"), ".*", (BEFORE,)),
    "500 with a code": (reply(500, '{"code": "ERR_4080", "message": "No."}'), "POST|PUT|DELETE", (BEFORE, AFTER)),
    "400": (reply(400, '{"code": "ERR_1020", "message": "No."}'), "POST|PUT|DELETE", (BEFORE,)),
    "401": (reply(401, '{"message": "The token is not valid"}'), ".*", (BEFORE,)),
    "cut short": (cut_short, "GET|POST|PUT", (AFTER,)),
    "cut chunk": (cut_chunk, "GET|POST|PUT", (AFTER,)),
    "html": (html(), ".*", (BEFORE, AFTER)),
    "empty": (truncated(b""), "POST|PUT|DELETE", (AFTER,)),
    "bare": (truncated(b"{}"), "POST|PUT", (AFTER,)),
    "nothing": (truncated(b"[]"), "GET", (AFTER,)),
}


@st.composite
def moments(draw: st.DrawFn, last: int = 40) -> tuple[str, int, int, When]:
    """A fault, the first call of its methods that it is played to, to how many, and on which side of the server."""
    name = draw(st.sampled_from(sorted(FAULTS)))
    number = draw(st.integers(1, last))
    return name, number, number + draw(st.sampled_from([0, 0, 0, 1, 3, 8])), draw(st.sampled_from(FAULTS[name][2]))
