"""Answers that are not what they seem: F17, F21, F23, F24."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.kiamo import Kiamo
from tests.faults.proxy import BEFORE, Fault, always, changed, doing, gzip_bomb, html, nth, proxying, reply
from tests.faults.scene import PROJECT, Scene, shown
from tests.http.servers import CERTIFICATES


def without_writing(scene: Scene, *arguments: str, expect: int = 1, **more: str) -> str:
    """What an apply says on stderr that ends before it has written anything; the ledger is as before."""
    before = scene.ledger.read_bytes() if scene.ledger.exists() else b""
    writes = len(scene.kiamo.writes)
    done = scene.run(*(arguments or ("apply", "-e", "staging", "--yes", "--prune")), **more)
    assert done.returncode == expect, shown(done)
    assert scene.kiamo.writes[writes:] == [], shown(done)
    assert (scene.ledger.read_bytes() if scene.ledger.exists() else b"") == before
    return done.stderr


# --- F17: no JSON of this API ----------------------------------------------------------------------------------------

STRANGE: list[tuple[str, Fault]] = [
    ("html", html()),
    ("nan", changed(lambda body: b'[{"id": "1", "name": "x", "contacts": NaN}]')),
    ("twice", changed(lambda body: b'[{"id": "1", "name": "x", "name": "y"}]')),
    ("object", changed(lambda body: b'{"data": []}')),
    ("numbers", changed(lambda body: b"[1, 2]")),
    ("no id", changed(lambda body: b'[{"name": "x"}]')),
    ("no name", changed(lambda body: b'[{"id": "1"}]')),
    ("cut", changed(lambda body: body[:-1])),
]


@pytest.mark.parametrize(("name", "fault"), STRANGE, ids=[name for name, _ in STRANGE])
def test_f17_an_answer_that_is_none_names_the_call_and_nothing_is_written(
    scene: Scene, name: str, fault: Fault
) -> None:
    tree = scene.converges()
    scene.manifest("bases:\n  - {name: autres, label: Autres}\n", "b.yaml")
    scene.proxy.play(fault, "GET", "/bases$", on=always)
    assert "GET /api/bases" in without_writing(scene)
    assert scene.kiamo.tree() == tree
    scene.converges()


def test_f17_a_page_in_answer_to_a_create_is_no_second_base(scene: Scene) -> None:
    scene.proxy.play(html(201), "POST", "/bases$", on=always)
    done = scene.apply()
    assert done.returncode in (0, 4), shown(done)
    assert len(scene.created("/bases")) == 2
    scene.converges()
    assert len(scene.created("/bases")) == 2


def test_f17_a_redirect_is_not_followed(scene: Scene) -> None:
    with proxying(scene.kiamo.url) as elsewhere:
        away = reply(302, "", location=f"{elsewhere.url}/api/bases")
        scene.proxy.play(away, "GET", "/bases$", on=always, when=BEFORE)
        assert "302" in without_writing(scene)
        scene.proxy.peace()
        scene.proxy.play(away, "POST", "/services$", on=always, when=BEFORE)
        done = scene.apply(expect=4)
        assert "302" in done.stdout, shown(done)
        assert elsewhere.passed == []
    scene.converges()


# --- F21: pages shift while they are listed --------------------------------------------------------------------------

PAGES = """\
contract_version: "1"
kinds:
  base:
    listing: {%s, paging: {style: page, page: page, size: size, first: 1, limit: 2}, basis: assumed}
"""
FIVE = "bases:\n" + "".join(f"  - {{name: b{number}, label: B{number}}}\n" for number in range(5))


def in_pages(scene: Scene, *, counted: bool) -> None:
    """Five bases of ours and one before them, in pages of two."""
    scene.project("contract: contract.yaml\n" + PROJECT)
    shape = "items: items, total: total" if counted else "items: null"
    (scene.folder / "contract.yaml").write_text(PAGES % shape, encoding="utf-8")
    scene.manifest(FIVE)
    scene.kiamo.page_size, scene.kiamo.counted = 2, counted
    scene.kiamo.base("stranger")
    scene.converges()


def one_more(kiamo: Kiamo) -> None:
    """Another base, at the head of the list."""
    with kiamo.lock:
        made = kiamo.base("autre")
        kiamo.bases = {made: kiamo.bases.pop(made)} | kiamo.bases


def one_less(kiamo: Kiamo) -> None:
    """The first of the list goes."""
    kiamo.by_hand("DELETE", f"/bases/{kiamo.id_of('stranger')}")


@pytest.mark.parametrize("shift", [one_more, one_less])
@pytest.mark.parametrize("page", [2, 3])
@pytest.mark.parametrize("counted", [True, False])
def test_f21_pages_that_shift_lose_nothing_and_show_nothing_twice(
    scene: Scene, shift: Callable[[Kiamo], None], page: int, counted: bool
) -> None:
    in_pages(scene, counted=counted)
    writes = len(scene.kiamo.writes)
    rule = scene.proxy.play(doing(lambda: shift(scene.kiamo)), "GET", "/bases$", on=nth(page), when=BEFORE)
    done = scene.apply("--prune", expect=0)
    assert rule.played == 1
    assert "No changes" in done.stdout, shown(done)
    assert scene.kiamo.writes[writes:] == []
    scene.converges()


# --- F23: no way there -----------------------------------------------------------------------------------------------


def test_f23_a_name_that_does_not_resolve(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    scene.speed = 100
    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", unknown)
        said = without_writing(scene, KIAMO_STAGING_URL="https://kiamo.example.com")
    assert "no connection to kiamo.example.com: " in said
    scene.converges()


def test_f23_a_refused_connection(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    scene.speed = 100
    assert f"no connection to 127.0.0.1:{port}: " in without_writing(
        scene, KIAMO_STAGING_URL=f"http://127.0.0.1:{port}"
    )
    scene.converges()


def test_f23_a_certificate_that_is_not_trusted(scene: Scene, no_proxy: None) -> None:
    with proxying(scene.kiamo.url, certificate=CERTIFICATES / "loopback.pem") as guarded:
        said = without_writing(scene, KIAMO_STAGING_URL=guarded.url)
        assert "is not trusted" in said
        assert "--ca-bundle" in said
        assert guarded.passed == []
        bundle = ("--ca-bundle", str(CERTIFICATES / "authority.pem"))
        done = scene.run(*bundle, "apply", "-e", "staging", "--yes", KIAMO_STAGING_URL=guarded.url)
        assert done.returncode == 0, shown(done)
        assert len(guarded.passed) > 5


# --- F24: more than fits ---------------------------------------------------------------------------------------------


def large(body: bytes) -> bytes:
    """A list of one base of two mebibytes."""
    return json.dumps([{"id": "1", "name": "x", "label": "x" * (2 << 20)}]).encode()


@pytest.mark.parametrize(("name", "fault"), [("bomb", gzip_bomb(64)), ("body", changed(large))])
def test_f24_a_body_over_the_cap_ends_the_run_before_it_writes(scene: Scene, name: str, fault: Fault) -> None:
    scene.project(PROJECT + "    limits: {bytes: 1048576}\n")
    tree = scene.converges()
    scene.proxy.play(fault, "GET", "/bases$", on=always)
    assert "GET /api/bases" in without_writing(scene)
    scene.converges(to=tree)


def test_f24_a_bomb_in_answer_to_a_create_is_no_second_base(scene: Scene) -> None:
    scene.proxy.play(then_bomb, "POST", "/bases$", on=always)
    done = scene.apply()
    assert done.returncode in (0, 4), shown(done)
    assert len(scene.created("/bases")) == 2
    scene.converges()
    assert len(scene.created("/bases")) == 2


then_bomb = gzip_bomb(64)
"""The server has done it, and answers this."""
