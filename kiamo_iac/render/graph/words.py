"""Text in a drawing: how wide it will be, and cut where it would not fit."""

from __future__ import annotations

import unicodedata

from kiamo_iac.core.secret import redact
from kiamo_iac.render.escape import visible

_NARROW = frozenset("fijlrtI.,:;|!'`()[]{}/\\ ")
_BROAD = frozenset("mwMW@%&—…")


def width(text: str, *, size: int) -> int:
    """The width of `text` in pixels, guessed, in a bold sans-serif face of `size`: rather too much than too little."""
    return sum(map(_thousandths, text)) * size // 1000


def _thousandths(char: str) -> int:
    if char in _NARROW:
        return 420
    if char in _BROAD or unicodedata.east_asian_width(char) in "WF" or ord(char) > 0xFFFF:
        return 1080
    if unicodedata.combining(char):
        return 0
    return 760 if char.isupper() else 650


def shortened(text: str, *, room: int, size: int) -> str:
    """`text` made visible, and cut with an ellipsis where it is wider than `room` pixels.

    A token is hidden before anything is cut: of half a token nobody could say what it is.
    """
    text = visible(redact(text))
    if width(text, size=size) <= room:
        return text
    kept, left = [], room - width("…", size=size)
    for char in text:
        left -= width(char, size=size) + 1
        if left < 0:
            break
        kept.append(char)
    return f"{''.join(kept).rstrip()}…"
