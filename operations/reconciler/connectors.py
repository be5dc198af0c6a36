"""Connectors: registered, updated, removed and restarted so that Connect is as connectors/*.json say."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

from operations.reconciler.backoff import Backoff
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

    import requests

log = logging.getLogger(__name__)

TIMEOUT = 10.0  # seconds
TAG = re.compile(r"<[^>]*>")
# Marks what the reconciler registered, so that it never removes a connector a person registered by hand.
MARK = {"connector.managed.by": "reconciler"}

Config = dict[str, str]


def read(folder: Path) -> dict[str, Config]:
    """Read every NAME.json of `folder` as the configuration of connector NAME."""
    return {path.stem: _parse(path) for path in sorted(folder.glob("*.json"))}


def _parse(path: Path) -> Config:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        message = f"connectors/{path.name} is not JSON: {error}"
        raise Problem(message) from None
    return {**config, **MARK, "name": path.stem}


class Connect:
    """The REST interface of one Connect worker at `url`."""

    def __init__(self, session: requests.Session, url: str) -> None:
        """Use `session` for every request."""
        self._session = session
        self._url = url.rstrip("/")

    def connectors(self) -> dict[str, Any]:
        """Return `{name: {"info": …, "status": …}}` of all registered connectors."""
        answer: dict[str, Any] = self._call("GET", "/connectors?expand=info&expand=status").json()
        return answer

    def put(self, name: str, config: Config) -> None:
        """Register or update connector `name`."""
        self._call("PUT", f"/connectors/{name}/config", json=config)

    def delete(self, name: str) -> None:
        """Remove connector `name`; its consumer group's offsets stay."""
        self._call("DELETE", f"/connectors/{name}")

    def restart_failed(self, name: str) -> None:
        """Restart the connector and those of its tasks that have failed."""
        self._call("POST", f"/connectors/{name}/restart?includeTasks=true&onlyFailed=true")

    def _call(self, method: str, path: str, **keywords: Any) -> requests.Response:  # noqa: ANN401 - passed through
        answer = self._session.request(method, self._url + path, timeout=TIMEOUT, **keywords)
        if not answer.ok:
            message = f"Connect refuses {method} {path}: {answer.status_code} {_reason(answer)}"
            raise Problem(message)
        return answer


def _reason(answer: requests.Response) -> str:
    try:
        # Connect's message has a line for each mistake, between a headline and a hint.
        return " ".join(str(answer.json()["message"]).partition("\nYou can also")[0].split())
    except (ValueError, KeyError, TypeError):
        return " ".join(TAG.sub(" ", answer.text).split())[:200]  # while it starts, a page of its web server


def apply(connect: Connect, wanted: dict[str, Config]) -> None:
    """Register what is missing, update what differs, remove what the reconciler once registered and has no file now.

    Raises:
        Problem: Connect refused a configuration; the others are applied all the same.
        requests.RequestException: Connect does not answer.

    """
    current = connect.connectors()
    refused = []
    for name, config in wanted.items():
        try:
            _register(connect, name, config, current.get(name))
        except Problem as problem:
            refused.append(f"connectors/{name}.json: {problem}")
    for name in current.keys() - wanted.keys():
        if current[name]["info"]["config"].items() >= MARK.items():
            connect.delete(name)
            log.info("removed connector %s: it has no file any more", name)
    if refused:
        raise Problem("; ".join(refused))


def _register(connect: Connect, name: str, config: Config, current: dict[str, Any] | None) -> None:
    if current and current["info"]["config"] == config:
        return
    connect.put(name, config)
    log.info("%s connector %s", "updated" if current else "registered", name)


def missing(connect: Connect, wanted: dict[str, Config]) -> list[str]:
    """Return the names of connectors that Connect does not have as wanted."""
    current = connect.connectors()
    return [name for name, config in wanted.items() if name not in current or current[name]["info"]["config"] != config]


def failed(status: dict[str, Any]) -> str | None:
    """Return why a connector with this status does not work, or None if it is RUNNING with all of its tasks."""
    parts = [("connector", status["connector"])]
    parts += [(f"task {task['id']}", task) for task in status["tasks"]]
    for what, part in parts:
        if part["state"] != "RUNNING":
            trace = (part.get("trace") or "").splitlines()
            return f"{what} is {part['state']}" + (f": {trace[0]}" if trace else "")
    return None if status["tasks"] else "no task yet"


class Watch:
    """Restarts what has FAILED, less and less often while it keeps failing."""

    def __init__(self, backoff: Backoff | None = None) -> None:
        """Restart when `backoff` says so."""
        self._backoff = backoff or Backoff()

    @property
    def restarts(self) -> int:
        """Return how many restarts there were."""
        return self._backoff.attempts

    def check(self, connect: Connect, wanted: dict[str, Config]) -> list[str]:
        """Restart failed tasks that are due; return a sentence for each connector that does not work."""
        current = connect.connectors()
        problems = []
        for name in wanted:
            reason = failed(current[name]["status"]) if name in current else "not registered"
            if reason:
                problems.append(f"connector {name}: {reason}")
                if "FAILED" in reason:
                    self._restart(connect, name, reason)
            else:
                self._backoff.well(name)
        return problems

    def _restart(self, connect: Connect, name: str, reason: str) -> None:
        if self._backoff.due(name):
            log.warning("restarting connector %s: %s", name, reason)
            connect.restart_failed(name)
