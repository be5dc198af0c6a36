"""Whatever a file holds, the reconciler names it and goes on: one process, beside the stack that it keeps."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from waiting import until

from operations.reconciler import connectors, status
from operations.reconciler.files import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack import Stack

SCHEMA, TOPICS, CONNECTORS = "questdb/schema", "kafka/topics", "kafka-connect-plugins/connectors"
# What runs is the reconciler as its image has it; it makes a pass as often as the test wants to see one.
PROGRAM = "import sys; from operations.reconciler import __main__ as r; r.PAUSE = 0.1; sys.exit(r.main())"
SHIPPED = json.loads((ROOT / CONNECTORS / "iot_data.json").read_text(encoding="utf-8"))
SINK = {
    "connector.class": SHIPPED["connector.class"],
    "client.conf.string": SHIPPED["client.conf.string"],
    "value.converter": SHIPPED["value.converter"],
    "timestamp.field.name": "ts",
}
Make = Callable[[Path], object]
RIDES = "CREATE TABLE IF NOT EXISTS rides (ts TIMESTAMP) TIMESTAMP(ts) PARTITION BY DAY"


class Desk:
    """A copy of the repository's files that a reconciler keeps the shared stack as."""

    def __init__(self, root: Path, reach: dict[str, str]) -> None:
        """Start the reconciler."""
        self.root = root
        for folder in (SCHEMA, TOPICS, CONNECTORS, "operations/reconciler"):
            shutil.copytree(ROOT / folder, root / folder)
        shutil.copy(ROOT / "operations" / "__init__.py", root / "operations")
        self._status = root / "status.json"
        self.log = root / "log"
        with self.log.open("w") as log:
            command = [sys.executable, "-c", PROGRAM]
            environment = os.environ | reach | {"RECONCILER_STATUS_FILE": str(self._status), "RECONCILER_PORT": "0"}
            self.process = subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=log)

    def line(self) -> str:
        """Return what `make status` says of the reconciler."""
        return "; ".join(status.sentences(self._status))

    def text(self) -> str:
        """Return what it says and has logged."""
        return self.line() + "\n" + self.log.read_text()

    def says(self, *words: str) -> None:
        """Wait until all of these are in what `make status` says."""
        until(lambda: all(word in self.line() for word in words), str(words), 60, self.text)

    def well(self) -> None:
        """Wait until nothing is wrong."""
        until(lambda: not self.line(), "all as the files say", 60, self.text)


@pytest.fixture(scope="module")
def desk(reach: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A reconciler that has found all well."""
    found = Desk(tmp_path_factory.mktemp("desk"), reach)
    try:
        found.well()
        yield found
    finally:
        found.process.terminate()
        found.process.wait(30)


def text(content: str | bytes | object) -> Make:
    """Return what writes a file that holds this: bytes, text, or anything else as JSON."""
    if isinstance(content, bytes):
        return lambda path: path.write_bytes(content)
    written = content if isinstance(content, str) else json.dumps(content)
    return lambda path: path.write_text(written, encoding="utf-8")


def bound(path: Path) -> None:
    """Leave a socket; the name that it is bound to must be short."""
    with socket.socket(socket.AF_UNIX) as left, tempfile.TemporaryDirectory() as short:
        left.bind(f"{short}/s")
        Path(short, "s").rename(path)


# The file, what makes it, and words that the sentence about it must hold besides its name.
ODD: list[tuple[str, Make, str]] = [
    (f"{SCHEMA}/rides.sql", text(b"-- Gr\xfc\xdfe\n" + RIDES.encode()), "line 1 is not UTF-8. Save the file"),
    (f"{SCHEMA}/utf16.sql", text(RIDES.encode("utf-16")), "is not UTF-8"),
    (f"{SCHEMA}/utf16le.sql", text(RIDES.encode("utf-16-le")), "as UTF-16 does. Save the file as UTF-8"),
    (f"{SCHEMA}/dangling.sql", lambda path: path.symlink_to("nowhere.sql"), "links to nothing. Remove it"),
    (f"{SCHEMA}/loop.sql", lambda path: path.symlink_to(path.name), "can't be read"),
    (f"{SCHEMA}/folder.sql", lambda path: path.mkdir(), "is not a file but a folder"),
    (f"{SCHEMA}/pipe.sql", os.mkfifo, "is not a file but a device, a pipe or a socket"),
    (f"{SCHEMA}/socket.sql", bound, "is not a file but"),
    (f"{SCHEMA}/zero.sql", lambda path: path.symlink_to("/dev/zero"), "is not a file but"),
    (f"{SCHEMA}/large.sql", text("-" * (1 << 21)), "has 2097152 bytes, and 1048576 are the most"),
    (f"{SCHEMA}/quote.sql", text("CREATE TABLE q (\n  'ts TIMESTAMP)"), "line 2 opens a quote that is not closed"),
    (f"{SCHEMA}/comment.sql", text("/* CREATE TABLE q (a INT)"), "line 1 opens a comment that is not closed"),
    (f"{SCHEMA}/drop.sql", text("DROP TABLE trips;"), "can be applied again and again, this can't: DROP TABLE trips"),
    (f"{SCHEMA}/prose.sql", text("Dear diary"), "this can't: Dear diary"),
    (
        f"{SCHEMA}/unquoted.sql",
        text("CREATE TABLE weather-data (a INT)"),
        "the name that begins with weather needs quotes",
    ),
    (f"{SCHEMA}/typo.sql", text("CREATE TABLE t (ts TIMESTAMPP)"), "t: "),
    (f"{SCHEMA}/cut.sql", text("CREATE TABLE IF NOT EXISTS"), "this can't"),
    (
        f"{SCHEMA}/base.sql",
        text("CREATE MATERIALIZED VIEW v AS SELECT ts, count() n FROM nope SAMPLE BY 1h"),
        "v: QuestDB refuses the statement (table does not exist",
    ),
    (
        f"{SCHEMA}/iot_data copy.sql",
        text("CREATE TABLE IOT_DATA (a INT)"),
        "IOT_DATA is defined in questdb/schema/iot_data.sql",
    ),
    (f"{TOPICS}/rides.properties", text(b"# Gr\xfc\xdfe\npartitions=1"), "line 1 is not UTF-8"),
    (f"{TOPICS}/empty.properties", text(""), "`partitions` must be a whole number"),
    (f"{TOPICS}/yaml.properties", text("partitions: 1"), "line 1 is not of the form NAME=VALUE: partitions: 1"),
    (f"{TOPICS}/many.properties", text("partitions=99999999999"), "from 1 to 10000"),
    (f"{TOPICS}/bad value.properties", text("partitions=1"), "Rename the file"),
    (f"{TOPICS}/refused.properties", text("partitions=1\nretention.ms=soon"), "topic refused: "),
    (f"{CONNECTORS}/list.json", text("[]"), "holds a list, not the settings of a connector"),
    (f"{CONNECTORS}/null.json", text("null"), "holds null, not the settings of a connector"),
    (f"{CONNECTORS}/none.json", text(""), "is not JSON"),
    (f"{CONNECTORS}/latin.json", text(b'{"a": "\xfc"}'), "line 1 is not UTF-8"),
    (f"{CONNECTORS}/nan.json", text('{"a": NaN}'), "NaN is no number in JSON"),
    (f"{CONNECTORS}/deep.json", text("[" * 100_000), "is not JSON"),
    (f"{CONNECTORS}/nested.json", text({**SINK, "topics": ["a", "b"]}), '"topics" holds a list. Write text'),
    (f"{CONNECTORS}/classless.json", text({"topics": "a"}), "has no connector.class"),
    (f"{CONNECTORS}/unknown.json", text({"connector.class": "nope"}), "Connect refuses PUT"),
    (f"{CONNECTORS}/sch\udcf6n #1?.json", text("{"), "is not JSON"),
]
# Beside these nothing is to be seen: what editors and file managers leave, and files that are for somebody else.
IGNORED: list[tuple[str, Make]] = [
    (f"{CONNECTORS}/.#taxi_rides.json", lambda path: path.symlink_to("me@host.123:456")),
    (f"{SCHEMA}/.#x.sql", lambda path: path.symlink_to("me@host.123:456")),
    (f"{SCHEMA}/.x.sql.swp", text(b"b0VIM\xff")),
    (f"{SCHEMA}/#x.sql#", text("half a")),
    (f"{SCHEMA}/x.sql~", text("DROP")),
    (f"{TOPICS}/._x.properties", text(b"\0\5\x16\7")),
    (f"{TOPICS}/~$x.properties", text("")),
    (f"{CONNECTORS}/README.md", text("how to")),
    (f"{CONNECTORS}/.hidden", lambda path: path.mkdir()),
]


def remove(path: Path) -> None:
    """Remove a file of any kind."""
    path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def test_odd_files_one_after_the_other(desk: Desk, alone: Stack, reach: dict[str, str]) -> None:
    """All stay until the last is there; meanwhile the events are stored, and their connector comes back when it is deleted."""
    pid, rows = desk.process.pid, alone.count("github_events")
    connect = connectors.Connect(requests.Session(), reach["CONNECT_URL"])
    for name, make in IGNORED:
        make(desk.root / name)
    for number, (name, make, words) in enumerate(ODD):
        make(desk.root / name)
        desk.says(name.replace("\udcf6", " "), words)
        if number == len(ODD) // 2:
            connect.delete("github_events")
    until(lambda: not connectors.failed(alone.connector("github_events")), "registered again", 60, desk.text)
    until(lambda: alone.count("github_events") > rows, "events stored", 60, desk.text)
    assert {"github_polls", "iot_data"} <= connect.connectors().keys()
    for name, _ in [row[:2] for row in ODD] + IGNORED:
        remove(desk.root / name)
    desk.well()
    assert (desk.process.pid, desk.process.poll()) == (pid, None)
    assert "Traceback" not in desk.log.read_text()


def test_only_the_dataset_of_a_bad_file_waits(desk: Desk, alone: Stack, reach: dict[str, str]) -> None:
    """Its connector is registered when all of its files are in order; which they are, the connector's settings tell."""
    connect = connectors.Connect(requests.Session(), reach["CONNECT_URL"])
    (desk.root / SCHEMA / "taxi.sql").write_text(RIDES.replace("TIMESTAMP)", "TIMESTAMPP)", 1), encoding="utf-8")
    (desk.root / TOPICS / "rides.properties").write_text("partitions=one", encoding="utf-8")
    config = {**SINK, "tasks.max": 1, "topics": "rides", "table": "rides"}
    (desk.root / CONNECTORS / "cabs.json").write_text(json.dumps(config), encoding="utf-8")
    desk.says("taxi.sql", "rides.properties", "cabs.json: it waits: topic rides is not as its file says")
    assert "github_events" not in desk.line()
    (desk.root / TOPICS / "rides.properties").write_text("partitions=1", encoding="utf-8")
    desk.says("cabs.json: it waits: table rides is not as its file says")
    assert "cabs" not in connect.connectors()
    (desk.root / SCHEMA / "taxi.sql").write_text(RIDES, encoding="utf-8")
    desk.well()
    assert not connectors.failed(alone.connector("cabs"))
    # A registered one goes on, whatever happens to its dataset's files, and comes back when it fails.
    for name in (f"{SCHEMA}/taxi.sql", f"{TOPICS}/rides.properties", f"{CONNECTORS}/cabs.json"):
        (desk.root / name).write_bytes(b"\xff")
    desk.says("taxi.sql", "rides.properties", "cabs.json")
    assert not connectors.failed(alone.connector("cabs"))
    for name in (f"{SCHEMA}/taxi.sql", f"{TOPICS}/rides.properties", f"{CONNECTORS}/cabs.json"):
        (desk.root / name).unlink()
    desk.well()
    until(lambda: "cabs" not in connect.connectors(), "removed", 30)
    alone.sql("DROP TABLE rides")


def test_a_folder_that_is_gone_is_named_and_nothing_is_removed(desk: Desk, alone: Stack) -> None:
    for folder in (SCHEMA, TOPICS, CONNECTORS):
        (desk.root / folder).rename(desk.root / "aside")
        desk.says(f"{folder} can't be read (No such file or directory)")
        assert not connectors.failed(alone.connector("github_events"))
        (desk.root / "aside").rename(desk.root / folder)
    desk.well()


def test_a_reconciler_that_hangs_or_was_stopped_is_not_well(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that waits less long than users' readers do; the file of a run before tells nothing about this one."""
    monkeypatch.setattr("operations.reconciler.status.STALE", 2.0)
    desk.process.send_signal(signal.SIGSTOP)
    desk.says("s old: it does not run, or hangs")
    desk.process.send_signal(signal.SIGCONT)
    desk.well()
    desk.process.terminate()
    assert desk.process.wait(30) == 0
    assert desk.line() == "its first pass is not done"
