"""What the Makefile hands on to the programs it starts."""

from __future__ import annotations

import os
import subprocess

import pytest
from questdb_server import ROOT


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_the_stack_itself_is_reached_without_a_proxy(name: str) -> None:
    show = ["make", "--silent", "--eval", "show: ; @echo $$NO_PROXY $$no_proxy", "show"]
    clean = {key: value for key, value in os.environ.items() if key.upper() != "NO_PROXY"}
    for given, expected in (({}, "localhost,127.0.0.1"), ({name: "corp"}, "localhost,127.0.0.1,corp")):
        answer = subprocess.run(show, cwd=ROOT, env=clean | given, capture_output=True, text=True, check=True)
        assert answer.stdout.split() == [expected, expected]


def test_maven_leaves_no_escape_codes_between_the_lines() -> None:
    show = ["make", "--silent", "--eval", "show: ; @$(MVN) -f schema-registry/pom.xml validate", "show"]
    clean = {key: value for key, value in os.environ.items() if not key.endswith("MAKEFLAGS") and key != "MFLAGS"}
    answer = subprocess.run(show, cwd=ROOT, env=clean, capture_output=True, text=True, check=True)
    assert answer.stdout + answer.stderr == ""
