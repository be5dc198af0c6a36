"""`python -m datasets new|replay|drop`: a dataset of one's own on a running stack. Called by the Makefile, with its variables."""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from datetime import timezone
from pathlib import Path
from typing import TYPE_CHECKING

from datasets import columns, files, loading, names, sample
from datasets.columns import Wishes
from datasets.files import Paths
from datasets.services import Services
from operations.backup.failures import FAILURES
from operations.local.console import agreed, ended, say
from operations.local.settings import load
from operations.offsets.clients import sentence
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from datasets.columns import Decisions
    from datasets.loading import Outcome
    from datasets.sample import Sample
    from operations.local.settings import Settings

TOPIC = "topic:"
COMMA = re.compile(r",(?![^(]*\))")  # but for those in DECIMAL(10,2)
RATE = 100.0  # records a second of a replay
GONE = 60.0  # seconds until Connect has no connector any more


def new(settings: Settings) -> int:
    """Make a dataset of a sample, load it, and say where to look."""
    name, services = names.checked(settings.chosen.get("NAME", "")), Services(settings)
    files.free(name, settings.root)
    source = settings.chosen.get("SAMPLE", "")
    if not source:
        message = f"SAMPLE is missing: make new-dataset NAME={name} SAMPLE=rides.csv (or topic:NAME)"
        raise Problem(message)
    services.check()
    services.free(name, Paths(name).view)
    with tempfile.TemporaryDirectory(prefix="rta-dataset-") as folder:
        found = _read(services, source, Path(folder))
        decisions = columns.decide(found, wishes(settings))
        _say_decisions(found, decisions)
        paths = files.write(name, _shown(source), decisions, settings.root)
        say("Written: " + ", ".join(str(path.relative_to(settings.root)) for path in paths.all))
        outcome = _load(services, paths, found, decisions)
    return _say_outcome(settings, paths, decisions, outcome)


def _read(services: Services, source: str, folder: Path) -> Sample:
    if not source.startswith(TOPIC):
        return sample.read(Path(source).expanduser(), folder)
    path = folder / f"{source.removeprefix(TOPIC)}.jsonl"
    loading.download(services, source.removeprefix(TOPIC), path)
    return sample.read(path, folder)


def _shown(source: str) -> str:
    """Return how files name a sample: without the folder, which is of this machine."""
    return source if source.startswith(TOPIC) else Path(source).name


def wishes(settings: Settings) -> Wishes:
    """Return what TIME, KEY and TYPES decide."""

    def listed(setting: str) -> list[str]:
        return [each.strip() for each in COMMA.split(settings.chosen.get(setting, "")) if each.strip()]

    types = []
    for each in listed("TYPES"):
        column, colon, kind = each.rpartition(":")
        if not colon:
            message = f"TYPES: {each} is not COLUMN:TYPE"
            raise Problem(message)
        types.append((column, kind.upper()))
    return Wishes(settings.chosen.get("TIME", ""), tuple(listed("KEY")), tuple(types))


def _say_decisions(found: Sample, decisions: Decisions) -> None:
    say(f"Sample: {found.format}, {decisions.rows} rows, {len(decisions.columns)} columns")
    for remark in decisions.remarks:
        say(f"  note: {remark}")
    time_ = decisions.time.time
    if time_ is not None:
        say(f"Time: {decisions.time.name}, {decisions.time_reason}; {time_.what}, zone {time_.zone}")
        say(f"  from {decisions.first} to {decisions.last} UTC")
    key = "" if decisions.key is None else ", ".join(["timestamp", *decisions.key]) + ": "
    say(f"Key: {key}{decisions.key_reason}")
    for column in decisions.others:
        original = "" if column.field.name == column.name else f" (in the sample: {column.field.name})"
        say(f"  {column.name:24} {column.type:12} {column.reason}{original}")


def _load(services: Services, paths: Paths, found: Sample, decisions: Decisions) -> Outcome:
    loading.ready(services, paths.name, paths.view)
    started = time.monotonic()
    lines = loading.keep(loading.records(found, decisions), _kept(services.settings, paths.name))
    sent = loading.send(services, paths.name, lines)
    return loading.stored(services, paths.name, sent, started)


def _kept(settings: Settings, name: str) -> Path:
    return settings.state_dir / "datasets" / f"{name}.jsonl.gz"


def _say_outcome(settings: Settings, paths: Paths, decisions: Decisions, outcome: Outcome) -> int:
    lost = outcome.sent - outcome.rows - outcome.dead
    mark = "✓" if not lost and not outcome.dead else "✗"
    say(
        f"{mark} {outcome.rows} rows stored, {outcome.dead} dead letters, of {outcome.sent} records in {outcome.seconds:.1f} s"
    )
    if lost > 0:
        say(
            f"  {lost} are not there yet: `{'docker compose ps' if settings.docker else 'make doctor'}` looks for the stage"
        )
    if outcome.dead:
        say(f"  why: make dead-letters TOPIC={paths.name}_dlq{_docker(settings)}")
    say(f"Dashboard  {_address(settings)}/d/{paths.uid}{_range(decisions)}")
    say(f"SQL        SELECT * FROM {paths.name} ORDER BY timestamp DESC LIMIT 10;")
    return 0 if mark == "✓" else 1


def _docker(settings: Settings) -> str:
    """Return what another command needs to mean the same stack."""
    return " DOCKER=1" if settings.docker else ""


def _address(settings: Settings) -> str:
    return f"http://{settings.host.replace('127.0.0.1', 'localhost')}:{settings.ports.grafana}"


def _range(decisions: Decisions) -> str:
    """Return the part of a link that shows all of the sample."""
    if decisions.first is None or decisions.last is None:
        return ""
    start, end = (int(each.replace(tzinfo=timezone.utc).timestamp()) for each in (decisions.first, decisions.last))
    return f"?from={start}000&to={end + 1}000"


def replay(settings: Settings) -> int:
    """Send the sample of a dataset again."""
    name, services = _existing(settings), Services(settings)
    rate = _rate(settings.chosen.get("RATE") or str(RATE))
    services.check()
    lines = loading.kept(_kept(settings, name), name)
    now = bool(settings.chosen.get("NOW"))
    if now:
        connector = json.loads(Paths(name, settings.root).connector.read_text(encoding="utf-8"))
        lines = loading.moved(lines, connector["timestamp.field.name"])
    before, dead = services.rows(name), loading.dead_letters(services, name)
    started = time.monotonic()
    sent = loading.send(services, name, loading.paced(lines, rate))
    say(f"{sent} records sent in {time.monotonic() - started:.1f} s")
    if not now:
        say("Their times are those of the sample, so the key makes them the same rows again. NOW=1 moves them to now.")
        return 0
    outcome = loading.stored(services, name, before + dead + sent, started)
    say(f"{outcome.rows - before} rows stored, {outcome.dead - dead} dead letters")
    say(f"Dashboard  {_address(settings)}/d/{Paths(name).uid}?from=now-15m&to=now&refresh=5s")
    return 0 if outcome.rows + outcome.dead >= outcome.sent and outcome.dead == dead else 1


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0
    if not rate > 0:
        message = f"RATE={text} is no number of records a second"
        raise Problem(message)
    return rate


def _existing(settings: Settings) -> str:
    """Return the name of a dataset that was made here."""
    name = names.checked(settings.chosen.get("NAME", ""))
    if not Paths(name, settings.root).expectation.exists():
        message = f"NAME={name}: no dataset of that name was made by `make new-dataset`"
        raise Problem(message)
    return name


def drop(settings: Settings) -> int:
    """Take a dataset away: files, connector, table, topics, and the kept sample."""
    name, services = _existing(settings), Services(settings)
    services.check()
    say(
        f"This removes {services.rows(name) if name in services.questdb.names() else 0} rows, the topics and all files of {name}."
    )
    if not agreed(settings):
        say("nothing removed")
        return 1
    files.remove(name, settings.root)
    deadline = time.monotonic() + GONE
    while name in services.connect.connectors() and time.monotonic() < deadline:
        time.sleep(loading.PAUSE)
    services.delete(name, Paths(name).view)
    _kept(settings, name).unlink(missing_ok=True)
    say(f"✓ {name} is gone")
    return 0


COMMANDS = {"new": new, "replay": replay, "drop": drop}


def main() -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m datasets", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    command = COMMANDS[parser.parse_args().command]
    return ended(lambda: _said(command, load()))


def _said(command: Callable[[Settings], int], settings: Settings) -> int:
    try:
        return command(settings)
    except FAILURES as error:
        say(f"✗ {sentence(error, settings)}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
