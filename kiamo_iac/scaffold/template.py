"""The packaged templates."""

from __future__ import annotations

import re
from importlib import resources
from typing import Final

_ROOM: Final = "kiamo_iac.scaffold"
_PLACE: Final = re.compile(r"%\{([a-z]+)\}")
"""A placeholder. Not `${…}`, which shells and pipelines use."""


def fill_template(template: str, /, **values: str) -> str:
    """A template, such as `github/plan.yml`, with its placeholders replaced.

    Raises:
        KeyError: a placeholder has no value.
    """
    text = resources.files(_ROOM).joinpath("templates", *template.split("/")).read_text(encoding="utf-8")
    return _PLACE.sub(lambda place: values[place[1]], text)
