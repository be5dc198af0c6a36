"""The images that the repository names. A registry lists their tags; where none answers, the tools inside them may know."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

from dotenv import dotenv_values

from operations.local.settings import ROOT
from operations.outdated.pins import Pin, UnaskedError, ask, installed, number, relative
from operations.outdated.toolchains import newest_artifacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# What the repository builds itself.
OWN = re.compile(r"(rta|\$\{IMAGES:-rta\})/|scratch$")
NAMED = re.compile(r"^\s*(?:FROM|image:) +(\S+)", re.MULTILINE)
RELEASE = re.compile(r"(?<![\w.+-])v?(\d+\.\d+\.\d+)(?![\w.+-])")


def sources() -> Iterator[Path]:
    """Yield the files that name images. The stand-ins' own Dockerfile is built on none of these."""
    yield from ROOT.glob("docker-compose*.yml")
    yield from (path for path in (ROOT / "deploy" / "kubernetes").rglob("*.yaml") if path.name != "strimzi-fields.yaml")
    dockerfiles = {*ROOT.glob("*/Dockerfile"), *ROOT.glob("*/*/Dockerfile")}
    yield from (path for path in sorted(dockerfiles) if not installed(path))


def named() -> list[tuple[str, str]]:
    """Return each file with each image that it names, as it is written."""
    found = [(relative(path), name) for path in sources() for name in NAMED.findall(path.read_text(encoding="utf-8"))]
    return [(path, name) for path, name in found if not OWN.match(name)]


def filled(name: str) -> str:
    """Return the name of an image with the versions of .env."""
    versions = dotenv_values(ROOT / ".env")
    return re.sub(r"\$\{(\w+)\}", lambda match: versions[match[1]] or "", name)


def pins() -> tuple[list[Pin], list[str]]:
    """Return what is known of the images, and a sentence on those that nobody could be asked about."""
    found: list[Pin] = []
    silent: dict[str, list[str]] = {}
    for name in sorted({filled(name) for _, name in named()}):
        image, _, tag = name.partition(":")
        try:
            found.append(Pin(image, tag, newest(image, tag), ".env"))
        except UnaskedError as error:
            silent.setdefault(str(error), []).append(image)
    return found, [f"{', '.join(images)}: {why}" for why, images in silent.items()]


def newest(image: str, tag: str) -> str:
    """Return the newest tag of the form of `tag`. UnaskedError if neither a registry nor a tool answers."""
    try:
        return newest_tag(tag, tags(image))
    except UnaskedError as error:
        if image not in ELSEWHERE:
            raise
        why = error
    try:
        return newest_tag(re.findall(r"[\d.]+", tag)[0], ELSEWHERE[image]())
    except UnaskedError:
        raise why from None


def tags(image: str) -> list[str]:
    """Ask the registry that skopeo is configured with for all tags of an image."""
    found: list[str] = json.loads(ask("skopeo", "list-tags", f"docker://{image}"))["Tags"]
    return found


def newest_tag(tag: str, known: list[str]) -> str:
    """Return the newest of the tags that differ from `tag` in numbers only."""
    form = re.compile(re.sub(r"\d+", r"\\d+", re.escape(tag)))
    return max([tag, *(other for other in known if form.fullmatch(other))], key=number)


def _releases(*command: str) -> list[str]:
    return RELEASE.findall(re.sub(r"cpython-|-linux|[\",]", " ", ask(*command)))


def _maven() -> list[str]:
    return list(newest_artifacts({"org.apache.maven:maven-core"}).values())


# What knows the versions of the program inside an image.
ELSEWHERE: dict[str, Callable[[], list[str]]] = {
    "golang": lambda: _releases("go", "list", "-m", "-versions", "go"),
    "maven": _maven,
    "node": lambda: _releases("npm", "view", "node", "versions", "--json"),
    "python": lambda: _releases(sys.executable, "-m", "uv", "python", "list", "--only-downloads", "--all-versions"),
}
