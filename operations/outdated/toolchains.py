"""The packages of each language, as its own tool finds them: where that tool looks is for its configuration to say."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operations.outdated.pins import Pin, ask, files, number, relative

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

VERSIONS_PLUGIN = "org.codehaus.mojo:versions-maven-plugin:2.21.0:display-dependency-updates"
PRE_RELEASE = r"(?i).*[-.](alpha|beta|rc|cr|m|ea|preview|snapshot)[-.]?\d*.*"
PLUGINS = "org.apache.maven.plugins"  # the group of a plugin that names none
NAMESPACE = "{http://maven.apache.org/POM/4.0.0}"


def pip() -> list[Pin]:
    """Ask pip for what the requirements.in files pin; it answers for the Python that runs it."""
    pinned = [
        (name, version, relative(path))
        for path in files("requirements.in")
        for name, version in re.findall(
            r"^([\w.-]+)(?:\[\w+\])?==([\w.]+)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    ]
    options = ("--dry-run", "--no-deps", "--ignore-installed", "--quiet", "--report", "-")
    newest = from_pip(ask(sys.executable, "-m", "pip", "install", *options, *sorted({name for name, _, _ in pinned})))
    return [Pin(name, version, newest[normal(name)], file) for name, version, file in pinned]


def from_pip(report: str) -> dict[str, str]:
    """Return the versions by name that pip would install."""
    found = [package["metadata"] for package in json.loads(report)["install"]]
    return {normal(package["name"]): package["version"] for package in found}


def normal(name: str) -> str:
    """Return a name as packages are compared by."""
    return re.sub(r"[-_.]+", "-", name).lower()


def maven() -> list[Pin]:
    """Ask Maven for what each pom.xml names: dependencies, plugins, files to copy."""
    pinned = [(name, version, relative(path)) for path in files("pom.xml") for name, version in artifacts(path)]
    newest = newest_artifacts({name for name, _, _ in pinned})
    return [Pin(name, version, newest.get(name, version), file) for name, version, file in pinned]


def artifacts(pom: Path) -> Iterator[tuple[str, str]]:
    """Yield `group:artifact` and version of whatever a pom.xml names, its own properties filled in."""
    root = ET.fromstring(pom.read_text(encoding="utf-8"))  # noqa: S314 - a file of this checkout
    properties = {element.tag: element.text or "" for element in root.iterfind(f"{NAMESPACE}properties/*")}
    for element in root.iter():
        version = element.findtext(f"{NAMESPACE}version")
        if element.tag in {f"{NAMESPACE}{kind}" for kind in ("dependency", "plugin", "artifactItem")} and version:
            group = element.findtext(f"{NAMESPACE}groupId", PLUGINS)
            filled = re.sub(r"\$\{(.+?)\}", lambda match: properties[NAMESPACE + match[1]], version)
            yield f"{group}:{element.findtext(f'{NAMESPACE}artifactId')}", filled


def newest_artifacts(names: Iterable[str]) -> dict[str, str]:
    """Return the newest version of each `group:artifact`, by a project that depends on version 0 of all."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pom.xml").write_text(project(sorted(names)), encoding="utf-8")
        output = Path(folder, "newest.txt")
        options = (f"-Dmaven.version.ignore={PRE_RELEASE}", f"-Dversions.outputFile={output}")
        ask("mvn", "--batch-mode", "--quiet", VERSIONS_PLUGIN, *options, folder=Path(folder))
        return from_maven(output.read_text(encoding="utf-8"))


def project(names: list[str]) -> str:
    """Return the pom.xml of that project."""
    parts = [name.split(":") for name in names]
    depends = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>0</version></dependency>"
        for group, name in parts
    )
    head = "<modelVersion>4.0.0</modelVersion><groupId>a</groupId><artifactId>a</artifactId><version>0</version>"
    return f"<project>{head}<dependencies>{depends}</dependencies></project>"


def from_maven(printed: str) -> dict[str, str]:
    """Return newest versions by name; a long name is alone on its line."""
    return dict(re.findall(r"^ +(\S+:\S+)\s[.\s]*0 -> (\S+)", printed, re.MULTILINE))


def npm() -> list[Pin]:
    """Ask npm for what each package.json names."""
    found = []
    for path in files("package.json"):
        outdated = json.loads(ask("npm", "outdated", "--json", folder=path.parent, codes=(0, 1)) or "{}")
        found += [Pin(name, told["wanted"], told["latest"], relative(path)) for name, told in outdated.items()]
    return found


def go() -> list[Pin]:
    """Ask Go for the modules that each go.mod requires itself, or has a tool of."""
    found = []
    for path in files("go.mod"):
        modules = required(json.loads(ask("go", "mod", "edit", "-json", folder=path.parent)))
        printed = ask("go", "list", "-mod=mod", "-m", "-u", "-e", "-json", *modules, folder=path.parent)
        found += [Pin(name, used, newest, relative(path)) for name, used, newest in from_go(printed)]
    return found


def required(edited: dict[str, Any]) -> list[str]:
    """Return the modules of a go.mod, read as JSON, that are no mere consequence of others."""
    tools = [tool["Path"] for tool in edited.get("Tool") or []]
    return [
        module["Path"]
        for module in edited.get("Require") or []
        if not module.get("Indirect") or any(tool.startswith(module["Path"] + "/") for tool in tools)
    ]


def from_go(printed: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, version and newest version of each module that `go list -json` printed."""
    for text in re.split(r"(?<=^\})\s", printed, flags=re.MULTILINE):
        module = json.loads(text) if text.strip() else {}
        if "Update" in module:
            yield module["Path"], module["Version"], module["Update"]["Version"]


def cargo() -> list[Pin]:
    """Ask Cargo for the crates that each Cargo.toml names; it answers for the Rust version that the file asks for."""
    found = []
    for path in files("Cargo.toml"):
        names = set(re.findall(r"^([\w-]+) = [{\"]", path.read_text(encoding="utf-8"), re.MULTILINE))
        printed = ask("cargo", "update", "--dry-run", "--verbose", "--color=never", folder=path.parent, errors=True)
        found += [Pin(name, used, new, relative(path)) for name, used, new in from_cargo(printed) if name in names]
    return found


def from_cargo(printed: str) -> list[tuple[str, str, str]]:
    """Return name, version and newest version of each crate that Cargo would or could update."""
    lines = re.findall(r"^ +(?:Updating|Unchanged) (\S+) v(\S+)(.*)$", printed, re.MULTILINE)
    newest = [(name, used, re.findall(r"(?:-> |available: )v([\w.-]+)", rest)) for name, used, rest in lines]
    return [(name, used, max(versions, key=number)) for name, used, versions in newest if versions]
