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
    "KIA0201": "A manifest is something else than a mapping of collections.",
    "KIA0202": "A key that nothing of this kind has.",
    "KIA0203": "A value is of another type than its key takes.",
    "KIA0204": "A key is missing.",
    "KIA0205": "A value is not in the list of those that its key takes.",
    "KIA0206": "A value is too long, too short, or otherwise out of bounds.",
    "KIA0207": "A thing is declared twice.",
    "KIA0208": "Two names can hardly be told apart.",
    "KIA0209": "A name has characters that the contract does not allow.",
    "KIA0210": "A name holds control characters or characters that turn the direction of writing.",
    "KIA0211": "The contract has no wire name for an attribute.",
    "KIA0212": "The contract does not describe a kind that is declared.",
    "KIA0213": "A key of settings is an attribute, or the wire name of one.",
    "KIA0214": "A block says both what its state is and what it begins as.",
    "KIA0215": "A reference says more than its name.",
    "KIA0216": "A protected thing is declared absent.",
    "KIA0217": "A thing to be renamed is declared absent.",
    "KIA0218": "A thing is declared present or protected below one that is declared absent.",
    "KIA0219": "`exclusive` names something that is not a collection of children.",
    "KIA0220": "A former name is the present one, or stands twice.",
    "KIA0221": "Two things claim the same former name.",
    "KIA0222": "A former name is the name of a declared thing.",
    "KIA0223": "A thing of this kind keeps its name for life.",
    "KIA0224": "A reference to a thing that is declared absent.",
    "KIA0225": "A reference to a sibling that no manifest declares; it must exist on the instance.",
    "KIA0226": "A reference to a sibling that is not in the list that `exclusive` calls complete.",
    "KIA0227": "A reference to a thing that no manifest declares; it must exist on the instance.",
    "KIA0228": "No manifest declares this parent, but one with nearly the same name.",
    "KIA0229": "A run state needs an attribute that is declared empty.",
    # KIA03xx: the project file, its paths and environments
    "KIA0301": "A value of the project file is of another type than its key takes.",
    "KIA0302": "A key that the project file does not have.",
    "KIA0303": "A key that a later version of this tool will read.",
    "KIA0304": "A key of the project file is missing.",
    "KIA0305": "A path leads out of the project, or is not portable.",
    "KIA0306": "A path leads to nothing, or to something of another sort.",
    "KIA0307": "The address of an environment cannot be used.",
    "KIA0308": "Two environments would share their environment variables.",
    "KIA0309": "The name of an environment has characters that it cannot have.",
    # KIA04xx: the contract, and what is read from an instance
    # KIA05xx: refusals of the planner
    # KIA06xx: warnings and notes of the planner
}
