"""The packaged templates, fill_template in."""

from __future__ import annotations

import re
from importlib import resources
from typing import Final

_ROOM: Final = "kiamo_iac.scaffold"
_PLACE: Final = re.compile(r"%\{([a-z]+)\}")
"""A place to fill: `$` belongs to shells and pipelines, and stays."""


def fill_template(template: str, /, **values: str) -> str:
    """The template of that name, such as `github/plan.yml`, with `values` in its places.

    Raises:
        KeyError: a place has no value.
    """
    text = resources.files(_ROOM).joinpath("templates", *template.split("/")).read_text(encoding="utf-8")
    return _PLACE.sub(lambda place: values[place[1]], text)
