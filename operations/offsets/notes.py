"""Which connectors a command has stopped: in files, which are still there when the command was killed."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

import requests

from operations.backup.lock import at_work
from operations.local.console import say
from operations.reconciler import files
from operations.reconciler.connectors import Connect
from operations.reconciler.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from operations.local.settings import Settings


def folder(settings: Settings) -> Path:
    """Return where the notes lie."""
    return settings.state_dir / "stopped"


def write(settings: Settings, name: str, state: str) -> None:
    """Note that connector `name` is about to be stopped, and in which state it was."""
    file = _file(settings, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    files.replace(file, json.dumps({"connector": name, "state": state}))


def remove(settings: Settings, name: str) -> None:
    """Forget a connector: it is in its old state again."""
    _file(settings, name).unlink(missing_ok=True)


def _file(settings: Settings, name: str) -> Path:
    return folder(settings) / f"{quote(name, safe='')}.json"


def read(settings: Settings) -> dict[str, str]:
    """Return the states that connectors had before a command stopped them, by name."""
    found = {}
    for file in sorted(folder(settings).glob("*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            note = json.loads(file.read_text(encoding="utf-8"))
            found[str(note["connector"])] = str(note["state"])
    return found


def state(connect: Connect, name: str) -> str | None:
    """Return the state of a connector, None if it is not registered."""
    found = connect.connectors().get(name)
    return None if found is None else str(found["status"]["connector"]["state"])


def bring_back(connect: Connect, name: str, before: str) -> None:
    """Give a connector that is STOPPED the state it had before."""
    if before == "PAUSED":
        connect.pause(name)
    elif before != "STOPPED":
        connect.resume(name)


def settle(settings: Settings, connect: Connect) -> None:
    """Bring back what a command that was killed left STOPPED."""
    for name, before in read(settings).items():
        if state(connect, name) == "STOPPED" and before != "STOPPED":
            bring_back(connect, name, before)
            say(f"connector {name} was left STOPPED by a command that was killed: it is {before} again")
        remove(settings, name)


def sentences(settings: Settings) -> list[str]:
    """Return a sentence for each connector that a command which was killed left STOPPED."""
    noted = read(settings)
    if not noted or at_work(settings.state_dir):
        return []
    connect = Connect(requests.Session(), settings.connect_url, settings.connect_login)
    return [
        f"connector {name} is STOPPED: `make replay` or `make skip` was killed. `make lag` lets it run again at once;"
        " so does the reconciler after two minutes if the connector has a file"
        for name in noted
        if _is_stopped(connect, name)
    ]


def _is_stopped(connect: Connect, name: str) -> bool:
    try:
        return state(connect, name) == "STOPPED"
    except (Problem, requests.RequestException):  # another line says that Connect does not answer
        return False
