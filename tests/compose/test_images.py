"""Every image that the repository names: its name and the form of its tag are on one list, its version is that of .env."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from compose.offline.images import targets

from operations.local.settings import ROOT
from operations.outdated.images import filled, named

if TYPE_CHECKING:
    from pathlib import Path

OURS = sorted([*ROOT.glob("[!.]*/Dockerfile"), *ROOT.glob("[!.]*/*/Dockerfile")])
# Upstream's names, and how upstream writes the tags that we use: a tag of another form does not exist there.
IMAGES = {
    "alpine": r"\d+\.\d+",
    "apache/kafka": r"\d+\.\d+\.\d+",
    "debian": r"\d+\.\d+-slim",
    "eclipse-temurin": r"\d+\.\d+\.\d+_\d+-jre",
    "golang": r"\d+\.\d+\.\d+-alpine\d+\.\d+",
    "grafana/grafana": r"\d+\.\d+\.\d+",
    "maven": r"\d+\.\d+\.\d+-eclipse-temurin-17",
    "node": r"\d+\.\d+\.\d+-slim",
    "python": r"\d+\.\d+\.\d+-slim",
    "questdb/questdb": r"\d+\.\d+\.\d+",
    "rust": r"\d+\.\d+\.\d+-slim-trixie",
    "telegraf": r"\d+\.\d+\.\d+",
}


@pytest.mark.parametrize(("path", "name"), named())
def test_image_is_on_the_list(path: str, name: str) -> None:
    image, _, tag = filled(name).partition(":")
    assert image in IMAGES, f"{path}: is {image} really called so?"
    assert re.fullmatch(IMAGES[image], tag), f"{path}: upstream writes no tag like {tag}"


def test_every_image_of_the_list_is_used() -> None:
    assert {filled(name).partition(":")[0] for _, name in named()} == set(IMAGES)


def test_one_version_of_each_image() -> None:
    versions: dict[str, set[str]] = {}
    for _, name in named():
        image, _, tag = filled(name).partition(":")
        versions.setdefault(image, set()).add(tag)
    assert {image: tags for image, tags in versions.items() if len(tags) > 1} == {}


def test_stand_ins_have_the_names_of_what_they_stand_in_for() -> None:
    used = {filled(name) for _, name in named()}
    assert [tag for tag in targets().values() if tag not in used] == []


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.parent.name)
def test_image_takes_a_private_ca_before_it_fetches_anything(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    fetches = re.search(r"^RUN (?:pip|mvn|npm|go mod|cargo) ", text, re.MULTILINE)
    assert fetches
    taken = re.compile(r"^RUN .*\[ -[zn] \"\$EXTRA_CA\" \]", re.MULTILINE)
    assert taken.search(text[: fetches.start()])
    # Each stage that runs a program on the network's behalf has it: an argument ends with its stage.
    assert text.count("ARG EXTRA_CA") == len(taken.findall(text))
