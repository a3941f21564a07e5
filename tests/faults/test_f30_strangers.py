"""An instance of another, and what others make: F29, F30."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.kiamo import Kiamo
from tests.faults.proxy import BEFORE, always, proxying, reply, reset, then
from tests.faults.scene import MANIFEST, Scene, playing, shown


def test_f29_a_url_that_means_another_instance_is_refused(scene: Scene, tmp_path: Path) -> None:
    tree = scene.converges()
    with playing(tmp_path / "other", Kiamo(prefix="other")) as other:
        other.converges()
        writes = len(other.kiamo.writes)
        url = {"KIAMO_STAGING_URL": other.proxy.url}
        scene.manifest("services:\n  - {name: Ventes, managed: true, label: Ventes}\n")
        for command in (("plan", "-e", "staging", "--prune"), ("apply", "-e", "staging", "--yes", "--prune")):
            done = scene.run(*command, **url)
            assert (done.returncode, "ledger move" in done.stderr) == (1, True), shown(done)
        assert other.kiamo.writes[writes:] == []
        assert other.kiamo.tree() == tree
        scene.manifest(MANIFEST)
        moved = scene.run("ledger", "move", "-e", "staging", "--yes", **url)
        assert moved.returncode == 0, shown(moved)
        done = scene.run("apply", "-e", "staging", "--yes", **url)
        assert (done.returncode, "KIA0520" in done.stdout) == (1, True), shown(done)  # none of its ids is there
        assert other.kiamo.writes[writes:] == []


def test_f29_an_instance_that_has_a_new_url_is_moved_to(scene: Scene) -> None:
    scene.converges()
    with proxying(scene.kiamo.url) as second:
        url = {"KIAMO_STAGING_URL": second.url}
        done = scene.run("apply", "-e", "staging", "--yes", **url)
        assert (done.returncode, "ledger move" in done.stderr) == (1, True), shown(done)
        assert scene.run("ledger", "move", "-e", "staging", "--yes", **url).returncode == 0
        scene.more = url
        scene.converges()
        assert len(scene.kiamo.writes) == 4


# --- F30: a stranger makes what our POST did not ---------------------------------------------------------------------

CLIENTS = "bases:\n  - {name: clients, label: Clients}\n"
REFUSED = reply(400, '{"code": "ERR_1020"}')


@pytest.mark.parametrize("how", ["refused", "lost and not found"])
def test_f30_what_a_stranger_makes_is_not_managed(scene: Scene, how: str) -> None:
    scene.manifest(CLIENTS)
    scene.speed = 100
    scene.proxy.play(REFUSED if how == "refused" else reset, "POST", on=always, when=BEFORE)
    scene.apply(expect=4)
    scene.proxy.peace()
    scene.kiamo.base("clients", label="Clients")
    done = scene.apply(expect=0)
    assert scene.kiamo.writes[1:] == scene.kiamo.committed == []
    assert "adopt" in done.stdout + done.stderr, shown(done)
    assert "bases/clients" not in scene.owned()
    scene.manifest("services:\n  - {name: Ventes, managed: true, label: Ventes}\n")
    scene.apply("--prune", expect=0)
    assert [base["name"] for base in scene.kiamo.bases.values()] == ["clients"]
    scene.converges()


def test_f30_a_stranger_who_is_faster_than_the_second_post(scene: Scene) -> None:
    """Our create was dropped; a stranger made one of that name and another content; it is neither changed nor ours."""
    scene.manifest(CLIENTS)
    scene.speed = 100
    make = then(lambda: scene.kiamo.base("clients", label="By hand"), reset)
    scene.proxy.play(make, "POST", when=BEFORE)
    scene.apply(expect=4)
    assert scene.kiamo.tree()["bases"][0]["label"] == "By hand"
    assert "bases/clients" not in scene.owned()
    scene.manifest("services:\n  - {name: Ventes, managed: true, label: Ventes}\n")
    scene.apply("--prune", expect=0)
    assert len(scene.kiamo.bases) == 1
    scene.converges()


def test_f01_what_was_there_before_is_not_adopted(scene: Scene) -> None:
    """A stranger's base of that name, made between the check and a call that was lost, with another content."""
    stranger = then(lambda: scene.kiamo.base("clients", label="By hand"), reset)
    scene.proxy.play(stranger, "POST", "/bases$", when=BEFORE)
    scene.manifest("bases:\n  - {name: clients, label: Clients}\n")
    done = scene.apply(expect=4)
    assert "bases/clients" in done.stdout, shown(done)
    assert scene.created("/bases") == []
    assert "bases/clients" not in scene.owned()
    scene.converges()
    assert scene.kiamo.tree()["bases"][0]["label"] == "Clients"


def test_two_batches_of_one_name_that_no_manifest_declares_do_not_stop_their_base(scene: Scene) -> None:
    scene.kiamo.names_unique = False
    ventes = scene.kiamo.service("Ventes", label="Ventes")
    base = scene.kiamo.base("clients", label="Before")
    for command in ((), ("start",)):
        scene.kiamo.batch(base, "by hand", ventes, *command)
    made = scene.kiamo.bases[base]["batches"]
    twins = {one: dict(batch) for one, batch in made.items()}
    spring = "{name: spring, service: Ventes, association: {destination: phone}}"
    text = f"services: [{{name: Ventes}}]\nbases:\n  - name: clients\n    label: Clients\n    batches: [{spring}]\n"
    scene.manifest(text)
    done = scene.apply(expect=0)
    assert 'warning KIA0421: two batches on the instance have the name "by hand"' in done.stdout + done.stderr
    scene.apply(expect=0)
    assert sorted(each["name"] for each in made.values()) == ["by hand", "by hand", "spring"]
    assert {one: made[one] for one in twins} == twins
    assert scene.kiamo.bases[base]["label"] == "Clients"
    writes = len(scene.kiamo.writes)
    for more in (f"{text}    exclusive: [batches]\n", text.replace("name: spring", "name: by hand")):
        scene.manifest(more)
        done = scene.apply(expect=1)
        assert "error KIA0421" in done.stderr, shown(done)
    scene.manifest("services: [{name: Ventes}]\nbases: []\n")
    assert "error KIA0421" in scene.apply("--prune", expect=1).stderr
    assert len(scene.kiamo.writes) == writes
