"""A real broker, the GitHub simulator and a poller of any language, each started by the test that needs it."""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka_broker import Broker
from pollers import LANGUAGES, Language, Poller, Simulator, build
from simulator.process import started


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Run one broker for all tests."""
    broker = Broker(tmp_path_factory.mktemp("broker"))
    broker.start()
    yield broker
    broker.stop(signal.SIGKILL)


@pytest.fixture
def simulate(tmp_path: Path) -> Iterator[Callable[..., Simulator]]:
    """Start simulators with the arguments given."""
    with contextlib.ExitStack() as stack:
        log = ("--truth-log", str(tmp_path / "truth.ndjson"))
        yield lambda *arguments: Simulator(stack.enter_context(started(*log, *arguments)))


@pytest.fixture(scope="session", params=LANGUAGES, ids=lambda language: language.name)
def language(request: pytest.FixtureRequest) -> Language:
    """Build the poller of each language once."""
    language: Language = request.param
    if not build(language):
        pytest.skip(f"the {language.name} poller needs {' and '.join(language.tools)}")
    return language


@pytest.fixture
def poller(language: Language, broker: Broker, tmp_path: Path) -> Iterator[Callable[[str], Poller]]:
    """Make pollers with topics of their own, created beforehand."""
    with contextlib.ExitStack() as stack:

        def make(api_url: str, *, create: bool = True) -> Poller:
            poller = Poller(language, tmp_path, broker, api_url, f"events-{time.monotonic_ns()}")
            if create:
                broker.create(poller.topic, poller.topic + "_dlq", poller.polls_topic)
            stack.callback(lambda: poller.process and poller.stop(signal.SIGKILL))
            return poller

        yield make
