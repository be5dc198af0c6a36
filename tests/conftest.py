"""The one stack that the end-to-end tests share, and which tests may run side by side.

It is that of `make up`, or with `--docker` that of `docker compose up`.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import copies
import pytest
from compose.offline.images import provide
from containers import Containers
from engine import engine
from pollers import LANGUAGES
from stack import Stack
from xdist.scheduler import LoadScopeScheduling

from operations.local import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack import Pipeline
    from xdist.remote import Producer

NOTEBOOKS_PYTHON = (3, 11)
THOROUGH = "THOROUGH" in os.environ


def pytest_configure() -> None:
    """Let the programs that are tested be interrupted, also where the tests run in the background and ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make test-compose` gives the first option, `make test-kubernetes` the second."""
    parser.addoption("--docker", action="store_true", help="run on docker-compose.yml and a Docker engine")
    parser.addoption("--kubernetes", action="store_true", help="apply deploy/kubernetes to an API server of its own")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave what needs a Docker engine to `make test-compose`, what needs an API server to `make test-kubernetes`."""
    option = "--kubernetes" if collection_path.parent.name == "kubernetes" else "--docker"
    return True if collection_path.name == "run" and not config.getoption(option) else None


# These take minutes. Started first, they do not keep everybody waiting at the end. Folders of one lane share a running stack:
# first those who count every event, last those who stop the poller for so long that it misses some.
SLOW = ("notebooks", "end_to_end", "reconciler", "monitoring", "local", "offsets", "poller")
LANES = {"reconciler": "end_to_end", "monitoring": "end_to_end", "datasets": "offsets"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the slow ones first; leave to a command of its own what is marked, and what only varies a poller's test."""
    folders = {item: folder(item.nodeid) for item in items}
    items.sort(key=lambda item: SLOW.index(folders[item]) if folders[item] in SLOW else len(SLOW))
    command = "make test-compose THOROUGH=1" if config.getoption("--docker") else "make test-thorough"
    skipped = [] if THOROUGH else [item for item in items if item.get_closest_marker("thorough")] + variants(items)
    for item in skipped:
        item.add_marker(pytest.mark.skip(reason=f"`{command}` runs it"))


def variants(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return what repeats a test of a poller with other parameters than its first, in a language other than Python."""
    found, seen = [], set()
    for item in items:
        language = getattr(item, "callspec", None) and item.callspec.params.get("language")  # type: ignore[attr-defined]
        test = (item.nodeid.partition("[")[0], language)
        if language and language.name != "python" and test in seen:
            found.append(item)
        seen.add(test)
    return found


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives tests that share what is costly to start or build to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling:
    """Tell xdist which tests belong together."""
    return GroupScheduling(config, log)


def folder(nodeid: str) -> str:
    """Return the folder below tests/."""
    return Path(nodeid.partition("::")[0]).parent.name


def group(nodeid: str) -> str:
    """Return the name of the tests that run one after the other: a folder's, or those of one language's poller."""
    language = re.search(r"\[(" + "|".join(language.name for language in LANGUAGES) + r")\b", nodeid)
    if language and folder(nodeid) == "poller":
        return language[1]
    return LANES.get(folder(nodeid), folder(nodeid))


_SHARED: list[Stack] = []
ENDED = settings.ROOT / ".local" / "ended-parts.log"  # `.ci/run` prints it


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Pipeline:
    """A running stack, fed by the simulator. All tests of a lane get the same; that of the notebooks has Jupyter, too."""
    if request.config.getoption("--docker"):
        project: Pipeline = request.getfixturevalue("project")
        return project
    if not _SHARED:
        jupyter = {"NOTEBOOKS_VENV": os.environ.get("NOTEBOOKS_VENV", "")}
        found = jupyter if group(request.node.nodeid) == "notebooks" else {}
        # Few answers and few commits: what a stack does by itself takes CPU from the other lanes' tests.
        calm = {"SIMULATOR_RATE": "15", "POLL_INTERVAL": "5"}
        _SHARED.append(Stack(settings.ROOT, **found, **calm, MONITORING_INTERVAL="2"))
        try:
            _SHARED[0].up()
        except AssertionError:
            remove_shared()
            raise
    return _SHARED[0]


def remove_shared() -> None:
    """Stop the stack of the lane, if it runs; keep the logs of parts that ended by themselves and not by a test's SIGKILL."""
    if _SHARED:
        stack = _SHARED.pop()
        ends = re.findall(r"exited: (\S+) \((?!terminated by SIGKILL).*", stack.log("supervisord"))
        if ends:
            with ENDED.open("a", encoding="utf-8") as file:
                file.writelines(stack.log(name) + "\n" for name in ("supervisord", *ends))
        stack.remove()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Stop it after the lane's last test: a stack that only runs takes a fifth of a core from the other tests."""
    if nextitem is None or group(nextitem.nodeid) != group(item.nodeid):
        remove_shared()


def pytest_sessionfinish() -> None:
    """Stop it where the tests were interrupted."""
    remove_shared()


@pytest.fixture(scope="session")
def project(request: pytest.FixtureRequest) -> Iterator[Containers]:
    """The running project of docker-compose.yml, of a copy: `make test` runs beside it and would list the files that it gets."""
    request.getfixturevalue("images")
    name = Containers().project  # other tests change the settings of the project that runs
    with copies.copy() as root, Containers(root=root, COMPOSE_PROJECT_NAME=name) as started:
        started.build()
        started.up()
        times = sorted(started.times.items(), key=lambda item: item[1])
        say(request.config, "\n".join(f"{name:17} healthy after {seconds:5.1f} s" for name, seconds in times))
        yield started


@pytest.fixture(scope="session")
def images(request: pytest.FixtureRequest) -> Iterator[str]:
    """A Docker engine with all images that are not ours; the line says where they are from."""
    with engine():
        line = provide()
        say(request.config, line)
        yield line


def say(config: pytest.Config, line: str) -> None:
    """Print a line that is no failure's, and is wanted all the same."""
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        config.pluginmanager.getplugin("terminalreporter").write_line("\n" + line)


@pytest.fixture(scope="session")
def telegraf() -> str:
    """The Telegraf that the shared stack runs."""
    found = settings.telegraf()
    if found is None:
        missing = "no Telegraf: `make telegraf` builds it where Go is installed"
        (pytest.fail if os.environ.get("REQUIRE_TOOLCHAINS") else pytest.skip)(missing)
    return str(found)


@pytest.fixture(scope="session")
def notebooks_python() -> Path:
    """The notebooks' own interpreter (`make notebooks`), which this machine's Python may be too old for."""
    found = settings.ROOT / os.environ.get("NOTEBOOKS_VENV", ".local/notebooks-venv") / "bin" / "python"
    if not found.exists() and sys.version_info < NOTEBOOKS_PYTHON and not os.environ.get("REQUIRE_TOOLCHAINS"):
        pytest.skip("the notebooks need Python 3.11")
    assert found.exists(), "run `make notebooks`"
    return found
