"""One number a version, in whatever file it stands."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from dotenv import dotenv_values
from questdb_server import ROOT

# Properties of a pom.xml, and the variables of .env by which Compose takes the same program.
SAME = {
    "kafka.version": "KAFKA_VERSION",
    "questdb.version": "QUESTDB_VERSION",
    "registry.version": "SCHEMA_REGISTRY_VERSION",
}
FOUND = [
    (path, element.tag.partition("}")[2], element.text)
    for path in sorted(ROOT.glob("*/**/pom.xml"))
    for element in ET.fromstring(path.read_text(encoding="utf-8")).iterfind("{*}properties/*")  # noqa: S314 - our own
    if element.tag.partition("}")[2] in SAME
]


@pytest.mark.parametrize(
    ("path", "name", "version"), FOUND, ids=lambda value: str(getattr(value, "parent", value)).rpartition("/")[2]
)
def test_maven_takes_the_versions_of_dot_env(path: object, name: str, version: str) -> None:
    assert version == dotenv_values(ROOT / ".env")[SAME[name]], path


def test_each_is_compared() -> None:
    assert {name for _, name, _ in FOUND} == set(SAME)
