"""The edit model: steps can be undone, marks keep paths valid, and untouched bytes stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.authoring.sheet import REMOVED, BlockRef, EditTransaction, Sheet
from kiamo_iac.core.errors import EditError
from kiamo_iac.document.parser import parse

TEXT = """\
# the file
bases:
  - name: a  # first
    label: A
  - name: b
    settings: {x: 1}
"""
TOP = BlockRef("a.yaml", ())
A, B = (BlockRef("a.yaml", ("bases", index)) for index in (0, 1))


def transaction(text: str = TEXT, *, now: str | None = None, keys_last: bool = False) -> EditTransaction:
    def read(file: str) -> Sheet:
        return Sheet(file, Path(file), parse(text, file=file).data, text=lambda: text if now is None else now)

    return EditTransaction(read, keys_last=keys_last)


def after(edits: EditTransaction) -> str:
    (change,) = edits.changes()
    return change.after


def test_paths_stay_valid_while_blocks_are_removed() -> None:
    edits = transaction()
    edits.remove_block(A)
    edits.put(edits.node(B), "label", "B")
    assert edits.node(A) is REMOVED
    assert after(edits) == "# the file\nbases:\n  - name: b\n    settings: {x: 1}\n    label: B\n"


def test_a_list_without_items_is_removed_with_its_key() -> None:
    edits = transaction()
    for ref in (A, B):
        edits.remove_block(ref)
    edits.add_block(TOP, "services", {"name": "s"})
    assert after(edits) == "# the file\nservices:\n  - name: s\n"


def test_what_is_in_a_removed_block_can_be_removed_again() -> None:
    edits = transaction("bases: [{name: a, fields: [{name: f}, {name: g}]}, {name: b}]\n")
    edits.remove_block(A)
    edits.remove_block(BlockRef("a.yaml", ("bases", 0, "fields", 0)))
    assert after(edits) == "bases: [{name: b}]\n"


def test_every_step_is_undone() -> None:
    edits = transaction()
    mark = edits.mark()
    edits.put(edits.node(A), "label", "other")
    edits.put(edits.node(A), "protect", value=True, after="name")
    edits.remove(edits.node(A), "name")
    edits.add_block(TOP, "services", {"name": "s"})
    edits.comment(edits.add_block(TOP, "bases", {"name": "c"}), ("# c",))
    edits.remove_block(B)
    edits.create(Sheet("new.yaml", Path("new.yaml")))
    edits.back_to(mark)
    assert edits.changes() == ()
    assert "new.yaml" not in edits
    assert list(edits.node(A)) == ["name", "label"]


def test_all_or_nothing() -> None:
    edits = transaction()

    def broken_off() -> None:
        with edits.all_or_nothing():
            edits.remove_block(A)
            raise LookupError

    with pytest.raises(LookupError):
        broken_off()
    assert edits.changes() == ()


def test_comments_above_a_new_block() -> None:
    edits = transaction()
    edits.remove_block(A)
    edits.comment(edits.add_block(TOP, "bases", {"name": "c"}), ("# moved",))
    assert after(edits).endswith("    settings: {x: 1}\n  # moved\n  - name: c\n")


@pytest.mark.parametrize(("keys_last", "expected"), [(True, "  # c\n    z: 1\n"), (False, "    z: 1\n  # c\n")])
def test_where_a_new_key_stands_when_those_before_it_are_removed(keys_last: bool, expected: str) -> None:
    edits = transaction("m:\n    a: 1\n  # c\n    b: 2\n", keys_last=keys_last)
    mapping = edits.node(TOP)["m"]
    edits.remove(mapping, "b")
    edits.put(mapping, "z", 1)
    assert after(edits) == f"m:\n    a: 1\n{expected}"


def test_an_alias_is_edited_apart_from_its_anchor() -> None:
    edits = transaction("bases:\n  - {name: a, settings: &s {x: 1}}\n  - {name: b, settings: *s}\n")
    edits.put(edits.node(B)["settings"], "x", 2)
    assert parse(after(edits), file="a").data == {
        "bases": [{"name": "a", "settings": {"x": 1}}, {"name": "b", "settings": {"x": 2}}]
    }


def test_a_file_that_has_changed_since_is_refused() -> None:
    edits = transaction(now="bases: []\n")
    edits.remove_block(A)
    with pytest.raises(EditError, match=r"a\.yaml has changed while it was read"):
        edits.changes()


def test_a_new_file() -> None:
    edits = transaction()
    edits.create(Sheet("new.yaml", Path("new.yaml")))
    assert edits.changes() == ()
    edits.add_block(BlockRef("new.yaml", ()), "bases", {"name": "new"})
    (change,) = edits.changes()
    assert (change.file, change.before, change.after) == ("new.yaml", None, "bases:\n  - name: new\n")
