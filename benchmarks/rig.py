"""What the benchmarks of the sink stand on: the parts of `make up` that rows go through, alone, and meters on them."""

from __future__ import annotations

import os
import re
import shutil
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import load
import psutil
import requests
from confluent_kafka.admin import AdminClient
from load import Config
from stack import Stack
from waiting import until

from operations.local import environment, health, passwords, programs
from operations.local.settings import ROOT
from operations.reconciler import connectors, tables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from operations.local.settings import Settings

WORKER = ROOT / "kafka-connect-plugins" / "worker.properties"


def official_sink() -> list[Path]:
    """Return the jars that OFFICIAL_SINK names (jars or folders, separated by `:`), none if it is not set."""
    named = [Path(name) for name in os.environ.get("OFFICIAL_SINK", "").split(os.pathsep) if name]
    jars = [jar for path in named for jar in (sorted(path.rglob("*.jar")) if path.is_dir() else [path])]
    if named and not (jars and all(jar.is_file() for jar in jars)):
        message = f"OFFICIAL_SINK={os.environ['OFFICIAL_SINK']} names no jars"
        raise SystemExit(message)
    return jars


class Worker:
    """The Connect worker, run as `make up` runs it, with further jars on its plugin path."""

    def __init__(self, settings: Settings, jars: list[Path]) -> None:
        """Prepare its configuration under the state folder."""
        self._settings = settings
        self._state = settings.state_dir
        self._properties = self._configure(jars) if jars else WORKER
        self.process: psutil.Popen | None = None

    def _configure(self, jars: list[Path]) -> Path:
        # Jars of one plugin share a folder of their own, which lies in a folder that the path names.
        plugin = self._state / "plugins" / "official"
        plugin.mkdir(parents=True)
        for jar in jars:
            shutil.copy(jar, plugin)
        text = WORKER.read_text(encoding="utf-8")
        text = re.sub(r"^plugin\.path=.*", rf"\g<0>,{plugin.parent}", text, flags=re.MULTILINE)
        # The official connector has no service file.
        text = re.sub(r"^plugin\.discovery=.*", "plugin.discovery=hybrid_warn", text, flags=re.MULTILINE)
        path = self._state / "worker.properties"
        path.write_text(text, encoding="utf-8")
        return path

    def start(self) -> float:
        """Start it; return after how many seconds it answers."""
        began = time.monotonic()
        with (self._state / "logs" / "worker.log").open("ab") as log:
            command = programs.connect(self._settings, str(self._properties))
            variables = environment.render(self._settings)
            self.process = psutil.Popen(command, cwd=ROOT, env=variables, stdout=log, stderr=log)
        until(lambda: health.problem("kafka-connect", self._settings) is None, "Connect answers", 60)
        return time.monotonic() - began

    def end(self, *, kill: bool = False) -> None:
        """End it, by SIGKILL if `kill`."""
        if self.process is not None:
            (self.process.kill if kill else self.process.terminate)()
            self.process.wait(60)
            self.process = None


class Rig:
    """Broker, QuestDB and a Connect worker. Poller, simulator and reconciler have done their work and are stopped."""

    def __init__(self, jars: list[Path] | None = None, *, secured: bool = False, datasets: str = "") -> None:
        """Choose ports and a folder; start nothing. `jars` are a further plugin; `secured` has everybody log in.

        Of the optional `datasets` only the schema registry runs on, if they need it.
        """
        logins = {"SECURITY": "on", **passwords.made([])} if secured else {}
        self.stack = Stack(ROOT, DATASETS=datasets, **logins)
        self.settings = self.stack.settings
        self.worker = Worker(self.settings, jars or [])
        self.session = requests.Session()
        self.database = tables.QuestDb(self.session, *self.settings.questdb)

    def __enter__(self) -> Rig:  # noqa: PYI034
        """Start it."""
        try:
            self.stack.up()
            for name in ("github-events", "simulator", "reconciler", "kafka-connect"):
                self.stack.supervisor.stop_program(name)
            self.worker.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all of it and remove its folder."""
        self.worker.end()
        self.stack.remove()

    @cached_property
    def admin(self) -> AdminClient:
        """Kafka's admin interface; with logins it needs a file that the start writes."""
        return AdminClient({**self.settings.kafka, "log_level": 0})

    def client(self, address: str = "") -> str:
        """Return the configuration of QuestDB's own client, by another address if one is given."""
        user, password = self.settings.questdb_http_user, self.settings.questdb_http_password
        return f"http::addr={address or self.settings.questdb_address};username={user};password={password};"

    def processes(self) -> dict[str, psutil.Process]:
        """Return the processes whose cost is measured."""
        assert self.worker.process is not None
        return {
            "connect": psutil.Process(self.worker.process.pid),
            "questdb": psutil.Process(self.stack.pid("questdb")),
            "broker": psutil.Process(self.stack.pid("broker")),
        }

    def create_topic(self, name: str, partitions: int = 1) -> None:
        """Make a topic that keeps all it gets."""
        load.create_topic(self.admin, name, partitions)

    def create_table(self, name: str, *, dedup: bool) -> None:
        """Make a table with the columns of the shipped one, without its TTL, with or without its keys."""
        self.database.run(load.create_table(name, dedup=dedup))

    def drop_table(self, name: str) -> None:
        """Remove a table."""
        self.database.run(f"DROP TABLE {name}")

    def transactions(self, table: str) -> tuple[int, int]:
        """Return how many transactions the table has applied, and how many it has been sent."""
        row = self.database.run(f"SELECT writerTxn, sequencerTxn FROM wal_tables() WHERE name = '{table}'")[0]
        return row["writerTxn"], row["sequencerTxn"]

    def rows(self, table: str) -> int:
        """Return how many rows a query sees."""
        return int(self.database.run(f"SELECT count() n FROM {table}")[0]["n"])

    def complete(self, table: str, rows: int) -> bool:
        """Tell whether all rows are there and nothing waits to be applied."""
        if self.rows(table) < rows:
            return False
        applied, sent = self.transactions(table)
        return applied == sent

    def connector(self, name: str, config: Config) -> None:
        """Register or replace a connector."""
        connectors.Connect(self.session, self.settings.connect_url, self.settings.connect_login).put(name, config)

    def remove_connector(self, name: str) -> None:
        """Remove a connector and what its consumer group remembers."""
        connectors.Connect(self.session, self.settings.connect_url, self.settings.connect_login).delete(name)
        group = f"connect-{name}"
        until(lambda: self._forgotten(group), f"{group} is gone", 30)

    def _forgotten(self, group: str) -> bool:
        # The group can't be deleted while its last member is leaving.
        future = self.admin.delete_consumer_groups([group])[group]
        return (
            future.exception() is None
            or "not found" in str(future.exception()).lower()
            or "not exist" in str(future.exception()).lower()
        )

    def why(self) -> str:
        """Return what explains a failure: the end of the logs, and the state of the connectors."""
        answer = self.session.get(
            self.settings.connect_url + "/connectors?expand=status", auth=self.settings.connect_login, timeout=10
        )
        log = (self.stack.state / "logs" / "worker.log").read_text(errors="replace")
        return f"{answer.text[:4000]}\n{log[-4000:]}\n{self.stack.log('questdb')}"


def official(client: str, **changes: str) -> Config:
    """Return a configuration of the official connector: keys common to all its variants, and these."""
    return {
        "connector.class": "io.questdb.kafka.QuestDBSinkConnector",
        "client.conf.string": client,
        "include.key": "false",
        "symbols": "type,action",
        "timestamp.field.name": "created_at",
        "timestamp.string.format": "yyyy-MM-ddTHH:mm:ssZ",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        **{key.replace("__", "."): value for key, value in changes.items()},
    }


class Meter:
    """CPU seconds of some processes, their children included, since the meter was made."""

    def __init__(self, processes: Mapping[str, psutil.Process]) -> None:
        """Start counting."""
        self._processes = dict(processes)
        self._before = self._read()
        self._began = time.monotonic()

    def _read(self) -> dict[str, float]:
        return {name: _seconds(process) for name, process in self._processes.items()}

    def seconds(self) -> dict[str, float]:
        """Return CPU seconds by name."""
        return {name: now - self._before[name] for name, now in self._read().items()}

    def percent(self) -> dict[str, float]:
        """Return the same in percent of one core."""
        passed = time.monotonic() - self._began
        return {name: 100 * seconds / passed for name, seconds in self.seconds().items()}


def _seconds(process: psutil.Process) -> float:
    family: list[Any] = [process.cpu_times(), *(child.cpu_times() for child in process.children(recursive=True))]
    return float(sum(times.user + times.system for times in family))
