"""`make outdated` reads what each tool answers; the answers here are those of the real tools, shortened."""

from __future__ import annotations

import json
import re

import pytest

from operations.local.settings import ROOT
from operations.outdated import __main__ as command
from operations.outdated import images, toolchains
from operations.outdated.pins import Pin, UnaskedError, ask, reason

GO = """{
\t"Path": "github.com/twmb/franz-go",
\t"Version": "v1.21.7",
\t"Update": {
\t\t"Path": "github.com/twmb/franz-go",
\t\t"Version": "v1.22.3"
\t}
}
{
\t"Path": "github.com/twmb/franz-go/pkg/kmsg",
\t"Version": "v1.13.1"
}
"""
CARGO = """    Updating index
     Locking 0 packages to latest Rust 1.85 compatible versions
    Updating tokio v1.50.0 -> v1.50.1
   Unchanged humantime v2.3.0 (available: v2.4.0)
   Unchanged icu_provider v2.1.1 (available: v2.4.0, requires Rust 1.88)
note: to see how you depend on a package, run `cargo tree --invert <dep>@<ver>`
"""
MAVEN = """The following dependencies in Dependencies have newer versions:
  org.apache.kafka:kafka-clients ............................ 0 -> 4.4.0
  org.apache.maven.plugins:maven-a-plugin-of-a-very-long-name-indeed ...
                                                                0 -> 1.2

"""


def test_tools_answers_are_understood() -> None:
    packages = [{"metadata": {"name": "PyYAML", "version": "6.0.4"}}]
    assert toolchains.from_pip(json.dumps({"install": packages})) == {"pyyaml": "6.0.4"}
    assert list(toolchains.from_go(GO)) == [("github.com/twmb/franz-go", "v1.21.7", "v1.22.3")]
    assert toolchains.from_cargo(CARGO) == [
        ("tokio", "1.50.0", "1.50.1"),
        ("humantime", "2.3.0", "2.4.0"),
        ("icu_provider", "2.1.1", "2.4.0"),
    ]
    assert toolchains.from_maven(MAVEN) == {
        "org.apache.kafka:kafka-clients": "4.4.0",
        "org.apache.maven.plugins:maven-a-plugin-of-a-very-long-name-indeed": "1.2",
    }


@pytest.mark.parametrize(
    ("tag", "known", "newest"),
    [
        ("3.13.9-slim", ["3.13.18-slim", "3.14.1", "3.14.0rc1-slim", "3.9.1-slim"], "3.13.18-slim"),
        ("1.25.4-alpine3.22", ["1.25.10-alpine3.22", "1.25.10-bookworm"], "1.25.10-alpine3.22"),
        ("17.0.17_10-jre", ["17.0.18_8-jre", "17.0.18_8-jre-ubi"], "17.0.18_8-jre"),
        ("9.3.4", ["latest", "9.3.3"], "9.3.4"),
    ],
)
def test_a_newer_tag_has_the_form_of_ours(tag: str, known: list[str], newest: str) -> None:
    assert images.newest_tag(tag, known) == newest


def test_pre_releases_are_not_taken() -> None:
    ignored = [
        v for v in ("4.0.0-rc-6", "2.0.0-beta1", "5.0.0-M1", "1.0.0.RC2") if re.fullmatch(toolchains.PRE_RELEASE, v)
    ]
    assert ignored == ["4.0.0-rc-6", "2.0.0-beta1", "5.0.0-M1", "1.0.0.RC2"]
    assert not re.fullmatch(toolchains.PRE_RELEASE, "33.4.0-jre")


def test_every_version_of_a_pom_is_found() -> None:
    found = dict(toolchains.artifacts(ROOT / "operations" / "local" / "pom.xml"))
    assert {
        "org.apache.kafka:kafka_2.13",
        "org.questdb:questdb",
        "org.apache.maven.plugins:maven-dependency-plugin",
    } <= {*found}
    assert not any("$" in version for version in found.values())


def test_the_table_shows_what_is_behind_and_what_was_not_asked() -> None:
    behind, level = Pin("kafka", "4.3.1", "4.10.0", ".env"), Pin("questdb", "9.3.4", "9.3.4", ".env")
    answers: dict[str, command.Answer] = {
        "images": ([behind, level], ["alpine: skopeo is not installed"]),
        "Go": ([], []),
    }
    assert command.table(answers) == [
        "part    what   used   newest  in",
        "images  kafka  4.3.1  4.10.0  .env",
    ]
    assert command.unasked(answers) == ["! images were not asked. alpine: skopeo is not installed"]


def test_a_tool_that_can_not_answer_is_a_sentence() -> None:
    with pytest.raises(UnaskedError, match=r"^no-such-tool is not installed$"):
        ask("no-such-tool")
    with pytest.raises(UnaskedError, match=r"^git says: fatal: "):
        ask("git", "rev-parse", "no-such-commit")
    assert reason("mvn", "\x1b[1m[INFO] x\n[ERROR] no network\nhint") == "mvn says: [ERROR] no network"
    assert (
        reason("skopeo", 'time="2026-11-26T21:11:56Z" level=fatal msg="Error: no host"')
        == 'skopeo says: "Error: no host"'
    )
    assert reason("pip", "") == "pip says: nothing"
