"""Seconds to read N documents, keeping the place of every key, and to read them with PyYAML's C loader, in turn."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import yaml

from benchmarks import documents
from kiamo_iac.document.parser import parse


def pyyaml(text: str) -> Any:
    """The data of `text`, without any place."""
    return yaml.load(text, Loader=yaml.CSafeLoader)


def check(text: str) -> None:
    """Both read the same data, and kiamo-iac keeps places: the base of a document is in its second line."""
    document = parse(text, file="base.yaml")
    if document.data != pyyaml(text) or document.place(document.data["bases"][0]).at("name").line != 2:
        raise AssertionError("the two loaders read different things")


def seconds(load: Callable[[str], object], texts: list[str]) -> float:
    """Seconds to load all the texts and keep the results."""
    gc.collect()
    started = time.perf_counter()
    kept = [load(text) for text in texts]
    taken = time.perf_counter() - started
    del kept
    return taken


def main(count: int, pairs: int) -> list[tuple[float, float]]:
    """So many pairs of seconds, each over `count` documents."""
    texts = [documents.text(number) for number in range(count)]
    check(texts[0])
    return [(seconds(lambda text: parse(text, file="base.yaml"), texts), seconds(pyyaml, texts)) for _ in range(pairs)]


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
