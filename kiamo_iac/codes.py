"""Every stable diagnostic code with its meaning: a code is never reused for something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CODES: Final[Mapping[str, str]] = {
    # KIA01xx: files and YAML
    "KIA0101": "The syntax of the file is broken.",
    "KIA0102": "The file is neither UTF-8 nor UTF-16 text.",
    "KIA0103": "The file is larger than this tool reads.",
    "KIA0104": "The file cannot be opened.",
    "KIA0105": "The file says that it is in another version of YAML than 1.2.",
    "KIA0106": "The file holds more than one document.",
    "KIA0107": "A tag asks for something other than plain data.",
    "KIA0108": "A key stands twice in one mapping.",
    "KIA0109": "A key is not text.",
    "KIA0110": "A merge key, which YAML 1.2 does not have.",
    "KIA0111": "Mappings and lists stand too deep within each other.",
    "KIA0112": "The file holds too many values, or its aliases stand for too many.",
    "KIA0113": "An alias has no anchor before it.",
    "KIA0114": "A phone number, or another text with a leading zero or plus, stands without quotes.",
    "KIA0115": "A date stands without quotes.",
    "KIA0116": "A number is written in a form that JSON does not know, or cannot be kept exactly.",
    "KIA0117": "Something looks like a token.",
    "KIA0118": "A text without quotes that YAML 1.1 reads as a boolean or a number.",
    "KIA0119": "A character that cannot stand in YAML.",
    # KIA02xx: manifests
    # KIA03xx: the project file, paths and the environment
    # KIA04xx: the contract, and what is read from an instance
    # KIA05xx: refusals of the planner
    # KIA06xx: warnings and notes of the planner
}
