"""The dev container: what `make up` needs, on the versions of .env, with every port of the stack forwarded by name."""

from __future__ import annotations

import json
import re

from dotenv import dotenv_values
from questdb_server import ROOT

FOLDER = ROOT / ".devcontainer"
CONTAINER = json.loads((FOLDER / "devcontainer.json").read_text(encoding="utf-8"))
ENV = dotenv_values(ROOT / ".env")


def test_every_port_that_compose_publishes_is_forwarded_by_name() -> None:
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    published = {
        int(ENV[name] or 0) for name in re.findall(r"(?:127\.0\.0\.1|\$\{BIND_ADDRESS\}):\$\{(\w+)\}:", compose)
    }
    assert set(CONTAINER["forwardPorts"]) == published
    labels = {int(port): port_of["label"] for port, port_of in CONTAINER["portsAttributes"].items()}
    assert set(labels) == published
    assert len(set(labels.values())) == len(published)


def test_its_image_is_pinned_as_in_dot_env() -> None:
    build = CONTAINER["build"]
    dockerfile = (FOLDER / build["dockerfile"]).read_text(encoding="utf-8")
    assert build["args"] == {name: ENV[name] for name in build["args"]}
    assert re.findall(r"^FROM (.*)$", dockerfile, re.MULTILINE) == ["debian:${DEBIAN_VERSION}-slim"]


def test_it_starts_the_stack_by_its_own_commands() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for when in ("onCreateCommand", "postStartCommand"):
        target = CONTAINER[when].removeprefix("make ")
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), CONTAINER[when]
    assert CONTAINER["postStartCommand"] == "make up"
