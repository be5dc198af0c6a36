"""Connectors: registered, updated, removed and restarted so that Connect is as connectors/*.json say."""

from __future__ import annotations

import json
import logging
import re
import shlex
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from operations.reconciler import files, optional
from operations.reconciler.backoff import Backoff
from operations.reconciler.part import Part
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import requests
    from requests.auth import HTTPBasicAuth

    from operations.reconciler.files import Source

log = logging.getLogger(__name__)

TIMEOUT = 10.0  # seconds
SETTLES = 10.0  # seconds that a worker may take to show settings that it took
MOVES = 60.0  # seconds that a worker may take to change the offsets of a group
STOPPED_FOR = 120.0  # seconds after which a connector that is STOPPED is resumed
ABSENT_FOR = 1.0  # seconds after which a connector whose file is gone is removed: an editor may be replacing the file
TAG = re.compile(r"<[^>]*>")
# Marks what the reconciler registered, so that it never removes a connector a person registered by hand.
MARK = {"connector.managed.by": "reconciler"}

Config = dict[str, str]
Offsets = dict[tuple[str, int], int]  # by topic and partition


def read(folder: Path) -> dict[str, Config]:
    """Read every NAME.json of `folder` as the configuration of connector NAME.

    Raises:
        Problem: a file is not in order.

    """
    return wanted(folder).strict()


def wanted(folder: Path, on: Iterable[str] = ()) -> files.Wanted[Config]:
    """Read every NAME.json of `folder` as the configuration of connector NAME."""
    return files.parsed(folder, ".json", _parse, on)


def _parse(source: Source) -> Config:
    try:
        # Connect keeps every value as text, a number as it was written.
        config = json.loads(source.text, parse_int=str, parse_float=str, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        message = f"is not JSON: {error}. Mend it: `python3 -m json.tool {shlex.quote(source.label)}` shows the place"
        raise Problem(message) from None
    if not isinstance(config, dict):
        message = f'holds {_kind(config)}, not the settings of a connector: write {{"connector.class": …}}'
        raise Problem(message)
    settings = {key: _text(key, value) for key, value in _settings(config).items() if value is not None}
    if not settings.get("connector.class"):
        message = "has no connector.class, so Connect can't tell what to run. Add it"
        raise Problem(message)
    return {**settings, **MARK, "name": source.name}


def _refuse(constant: str) -> str:
    message = f"{constant} is no number in JSON"
    raise ValueError(message)


def _settings(config: dict[str, Any]) -> dict[str, Any]:
    """Return the settings, also of the form in which Connect takes and shows them: {"name": …, "config": {…}}."""
    inner = config.get("config")
    return inner if isinstance(inner, dict) and config.keys() <= {"name", "config", "tasks", "type"} else config


def _text(key: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    message = f'"{key}" holds {_kind(value)}. Write text; several values in one text, with commas between them: "a,b"'
    raise Problem(message)


def _kind(value: object) -> str:
    return {dict: "an object", list: "a list", str: "a number or text", bool: "true or false"}.get(type(value), "null")


def topics(config: Config) -> list[str]:
    """Return the topics that a sink reads by name."""
    return [name.strip() for name in config.get("topics", "").split(",") if name.strip()]


def dead_letters(config: Config) -> list[str]:
    """Return the topic where a sink puts its dead letters, which Connect makes if it does not exist."""
    name = config.get("errors.deadletterqueue.topic.name", "").strip()
    return [name] if name else []


def tables(config: Config) -> list[str]:
    """Return the tables that a QuestDB sink writes to, as far as its settings tell.

    A record's key may choose another, and so may a transform that gives the topic another name.
    """
    if "questdb" not in config["connector.class"].lower():
        return []
    template = config.get("table", "${topic}")
    if "${topic}" in template and "transforms" in config:
        return []
    names = {template.replace("${topic}", topic) for topic in topics(config) or [""]}
    return sorted(name for name in names if name and "${" not in name)


class Refused(Problem):
    """Connect answered that it does not do what it was asked; `status` is that of HTTP."""

    def __init__(self, message: str, status: int) -> None:
        """Keep both."""
        super().__init__(message)
        self.status = status


class Connect:
    """The REST interface of one Connect worker at `url`; `login` is None where it asks for none."""

    def __init__(self, session: requests.Session, url: str, login: HTTPBasicAuth | None = None) -> None:
        """Use `session` for every request."""
        self._login = login
        self._session = session
        self._url = url.rstrip("/")

    def connectors(self) -> dict[str, Any]:
        """Return `{name: {"info": …, "status": …}}` of all registered connectors."""
        answer: dict[str, Any] = self._call("GET", "/connectors?expand=info&expand=status").json()
        return answer

    def put(self, name: str, config: Config) -> None:
        """Register or update connector `name`."""
        self._call("PUT", f"/connectors/{quote(name, safe='')}/config", json=config)

    def delete(self, name: str) -> None:
        """Remove connector `name`; its consumer group's offsets stay."""
        self._call("DELETE", f"/connectors/{quote(name, safe='')}")

    def restart_failed(self, name: str) -> None:
        """Restart the connector and those of its tasks that have failed."""
        self._call("POST", f"/connectors/{quote(name, safe='')}/restart?includeTasks=true&onlyFailed=true")

    def pause(self, name: str) -> None:
        """Keep the tasks of a connector, which then read nothing."""
        self._call("PUT", f"/connectors/{quote(name, safe='')}/pause")

    def stop(self, name: str) -> None:
        """End the tasks of a connector; its settings stay. Returns before they have ended."""
        self._call("PUT", f"/connectors/{quote(name, safe='')}/stop")

    def resume(self, name: str) -> None:
        """Have a connector run that is paused or stopped."""
        self._call("PUT", f"/connectors/{quote(name, safe='')}/resume")

    def offsets(self, name: str) -> Offsets:
        """Return the committed offsets of a sink; a partition without a commit is missing."""
        answer = self._call("GET", f"/connectors/{quote(name, safe='')}/offsets", timeout=MOVES).json()
        found = [(entry["partition"], entry["offset"]) for entry in answer["offsets"] if entry["offset"]]
        return {(place["kafka_topic"], int(place["kafka_partition"])): int(at["kafka_offset"]) for place, at in found}

    def set_offsets(self, name: str, offsets: Offsets) -> None:
        """Commit offsets for a sink; Refused unless it is STOPPED and its tasks have ended."""
        entries = [
            {"partition": {"kafka_topic": topic, "kafka_partition": number}, "offset": {"kafka_offset": offset}}
            for (topic, number), offset in offsets.items()
        ]
        path = f"/connectors/{quote(name, safe='')}/offsets"
        self._call("PATCH", path, timeout=MOVES, json={"offsets": entries})

    def _call(self, method: str, path: str, timeout: float = TIMEOUT, **keywords: Any) -> requests.Response:  # noqa: ANN401 - passed through
        answer = self._session.request(method, self._url + path, auth=self._login, timeout=timeout, **keywords)
        if not answer.ok:
            message = f"Connect refuses {method} {path}: {answer.status_code} {_reason(answer)}"
            raise Refused(message, answer.status_code)
        return answer


def _reason(answer: requests.Response) -> str:
    try:
        # Connect's message has a line for each mistake, between a headline and a hint.
        return " ".join(str(answer.json()["message"]).partition("\nYou can also")[0].split())
    except (ValueError, KeyError, TypeError):
        return " ".join(TAG.sub(" ", answer.text).split())[:200]  # while it starts, a page of its web server


STOPPED = "connector is STOPPED"  # as `failed` says it


def failed(status: dict[str, Any]) -> str | None:
    """Return why a connector with this status does not work, or None if it is RUNNING with all of its tasks."""
    parts = [("connector", status["connector"])]
    parts += [(f"task {task['id']}", task) for task in status["tasks"]]
    for what, part in parts:
        if part["state"] != "RUNNING":
            trace = (part.get("trace") or "").splitlines()
            return f"{what} is {part['state']}" + (f": {trace[0]}" if trace else "")
    return None if status["tasks"] else "no task yet"


class Connectors(Part[Config]):
    """Keeps connectors as the files of a folder say, and restarts what has FAILED, less and less often while it keeps failing.

    One that is STOPPED is resumed after a while: somebody stopped it to change its offsets, and did not come to the end. One that
    is PAUSED stays so: that is how a person holds a connector.
    """

    look_again = 0.0  # a connector may fail at any time, and one request tells all

    def __init__(
        self,
        connect: Connect,
        folder: Path,
        waits_for: Callable[[Config], str] = lambda _: "",
        clock: Callable[[], float] = time.monotonic,
        on: Iterable[str] = (),
    ) -> None:
        """Register nothing that waits for something, which `waits_for` names; `clock` gives seconds; `on` are optional datasets."""
        super().__init__(clock)
        self._connect = connect
        self._folder, self._on = folder, on
        self._waits_for = waits_for
        self._restarting = Backoff(clock)
        self._stopped: dict[str, float] = {}
        self._taken: dict[str, tuple[Config, float]] = {}
        self._unread: set[str] = set()
        self._absent: dict[str, float] = {}

    @property
    def restarts(self) -> int:
        """Return how many restarts there were."""
        return self._restarting.attempts

    def read(self) -> files.Wanted[Config]:
        """Read the files."""
        found = wanted(self._folder, self._on)
        self._unread = set(found.problems)
        return found

    def apply(self, things: dict[str, Config]) -> list[str]:
        """Register and update what is due, remove what lost its file, restart what failed; return a sentence for each problem."""
        current = self._connect.connectors()
        waiting = {name: self._match(name, config, current) for name, config in things.items()}
        if self._remove(things, current) or any(reason is None for reason in waiting.values()):
            current = self._connect.connectors()
        sentences = [
            self._about(name, waiting.get(name) or "", current) for name in [*things, *self._unread & current.keys()]
        ]
        return [sentence for sentence in sentences if sentence]

    def _match(self, name: str, config: Config, current: dict[str, Any]) -> str | None:
        """Register or update a connector that differs; return why that could not be, None if it was done."""
        known = current[name]["info"]["config"] if name in current else {}
        if known == config:
            self.attempts.done(name)
            return ""
        taken, when = self._taken.get(name, ({}, 0.0))
        if taken == config and self._clock() < when + SETTLES:
            return ""
        reason = self._waits_for(config)
        if reason:
            return f"it waits: {reason}"
        if not self.attempts.due(name, config):
            return self.attempts.failed.get(
                name, f"Connect has other values of {_different(config, known)} than the file"
            )
        return self._put(name, config, known)

    def _put(self, name: str, config: Config, known: Config) -> str | None:
        try:
            self._connect.put(name, config)
        except Problem as problem:
            self.attempts.failed[name] = str(problem)
            return str(problem)
        self.attempts.failed.pop(name, None)
        self._taken[name] = config, self._clock()
        log.info("%s connector %s", "updated" if known else "registered", name)
        return None

    def _remove(self, things: dict[str, Config], current: dict[str, Any]) -> bool:
        """Remove what the reconciler registered and has had no file for a while."""
        kept = things.keys() | self._unread
        marked = {name for name, found in current.items() if found["info"]["config"].items() >= MARK.items()}
        absent = set() if files.FOLDER in self._unread else marked - kept
        now = self._clock()
        self._absent = {name: self._absent.get(name, now) for name in absent}
        gone = {name for name, since in self._absent.items() if now >= since + ABSENT_FOR}
        for name in gone:
            try:
                self._connect.delete(name)
                log.info("removed connector %s: it has no file any more", name)
            except Problem as problem:
                log.warning("connector %s has no file any more: %s", name, problem)
        return bool(gone)

    def _about(self, name: str, reason: str, current: dict[str, Any]) -> str:
        """Restart a connector that failed, if that is due; return what is wrong with it, in one sentence."""
        wrong = failed(current[name]["status"]) if name in current else "not registered"
        if wrong is None:
            self._restarting.well(name)
        elif "FAILED" in wrong and self._restarting.due(name):
            self._restart(name, wrong)
        if wrong == STOPPED:
            wrong = self._resumed(name)
        else:
            self._stopped.pop(name, None)
        about = [f"{self._label(name)}: {reason}"] if reason else []
        if wrong and not (reason and name not in current):
            about.append(f"connector {name}: {wrong}")
        return "; ".join(about)

    def _label(self, name: str) -> str:
        """Return where the file of a connector is."""
        places = [folder / f"{name}.json" for folder in optional.folders(self._folder, self._on)]
        return files.label(next((place for place in places if place.exists()), places[0]))

    def _resumed(self, name: str) -> str:
        """Resume a connector that has been STOPPED for long enough; return what to say of it."""
        if self._clock() >= self._stopped.setdefault(name, self._clock()) + STOPPED_FOR:
            log.warning("resuming connector %s: it was stopped and not resumed", name)
            try:
                self._connect.resume(name)
            except Problem as problem:
                log.warning("%s", problem)
        return (
            f"{STOPPED}. It is resumed {STOPPED_FOR / 60:.0f} minutes after its stop;"
            f" to hold a connector, use PUT /connectors/{name}/pause"
        )

    def _restart(self, name: str, wrong: str) -> None:
        """Restart what failed; if Connect refuses, which it does while workers join, it is tried again."""
        log.warning("restarting connector %s: %s", name, wrong)
        try:
            self._connect.restart_failed(name)
        except Problem as problem:
            log.warning("%s", problem)


def _different(config: Config, known: Config) -> str:
    keys = sorted(key for key in config.keys() | known.keys() if config.get(key) != known.get(key))
    return ", ".join(keys)
