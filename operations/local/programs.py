"""The components as local processes: what starts, how, and the supervisor's configuration for them."""

from __future__ import annotations

import configparser
import io
import re
import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from operations.local.environment import own
from operations.local.settings import THIS_MACHINE

if TYPE_CHECKING:
    from pathlib import Path

    from operations.local.settings import Settings

# Of every JVM. One collector thread: on two cores, three JVMs that start at once fight for them.
JVM = ("-XX:+UseSerialGC",)
JARS = ".local/jars"  # relative to the checkout, so that its path may hold any character
CLASS_DATA = f"{JARS}/class-data"
REGISTRY = "schema-registry/target/registry"
LOGGING = "-Dlog4j2.configurationFile=file:kafka/log4j2.yaml"
OPENED = ("java.lang", "java.lang.reflect", "java.nio", "java.time.zone")  # packages that QuestDB reaches into

SUPERVISOR = {
    "supervisord": {
        "nodaemon": "false",
        "logfile": "logs/supervisord.log",
        "logfile_maxbytes": "1MB",
        "logfile_backups": "1",
        "pidfile": "run/supervisord.pid",
        "childlogdir": "logs",
        "minfds": "4096",  # QuestDB keeps a file open for each column of each partition
    },
    "unix_http_server": {"file": "run/supervisor.sock", "chmod": "0700"},
    "rpcinterface:supervisor": {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
}
# Of every program. It restarts whenever it ends by itself, whatever its exit code; `make down` ends it.
# One that ends before `startsecs` waits a second longer before each further attempt, and is never given up.
PROGRAM = {
    "autorestart": "true",
    "startsecs": "10",
    "startretries": "1000000",
    "redirect_stderr": "true",
    "stdout_logfile_maxbytes": "5MB",
    "stdout_logfile_backups": "2",
}


@dataclass(frozen=True)
class Program:
    """One component: its command, its place in the order of start, and how long it may take to end, in seconds."""

    name: str
    command: tuple[str, ...]
    priority: int
    stop_within: int = 10
    folder: str = ""  # where it runs, relative to the checkout
    login: str = ""  # the part of operations/security by which it reaches Kafka


def programs(settings: Settings) -> list[Program]:
    """Return what starts with `settings`. Telegraf and Jupyter join where they are installed, Grafana then shows the dashboards."""
    found = [
        Program("broker", broker(settings), 10, stop_within=30),
        Program("kafka-connect", connect(settings), 20, stop_within=30),
        Program("reconciler", (sys.executable, "-m", "operations.reconciler"), 30, login="reconciler"),
    ]
    if not settings.external:
        found.append(Program("questdb", questdb(settings), 10, stop_within=30))
    if settings.feed != "none":
        poller = (sys.executable, "ingestion/python/github_events.py")
        found.append(Program("github-events", poller, 50, stop_within=30, login="poller"))
    if settings.schema_registry:
        found.append(Program("schema-registry", schema_registry(settings), 10))
    if settings.feed == "simulator":
        found.append(Program("simulator", (sys.executable, "ingestion/simulator"), 40))
    if settings.grafana:
        found.append(Program("grafana", grafana(settings.grafana), 60))
    else:
        found.append(Program("dashboards", (sys.executable, "-m", "dashboard.server"), 60))
    if settings.telegraf:
        found.append(Program("telegraf", telegraf(settings.telegraf, settings), 60))
    if settings.jupyter.exists():
        command = (str(settings.jupyter), "--config", "jupyter_server_config.py")
        found.append(Program("jupyter", command, 60, folder="notebooks", login="tools"))
    return found


def broker(settings: Settings) -> tuple[str, ...]:
    """Return the broker's command. It moves bytes, and gains nothing from the second compiler."""
    heap, port = settings.chosen["BROKER_HEAP"], settings.ports.broker_jolokia
    options = (f"-Xms{heap}", f"-Xmx{heap}", *jvm("broker"), "-XX:TieredStopAtLevel=1", agent(port), *jmx(settings))
    return (settings.java, *options, LOGGING, "-cp", f"{JARS}/kafka/*", "kafka.Kafka", "kafka/server.properties")


def connect(settings: Settings, properties: str = "kafka-connect-plugins/worker.properties") -> tuple[str, ...]:
    """Return the worker's command, with the configuration in the file `properties`."""
    heap, port = settings.chosen["CONNECT_HEAP"], settings.ports.connect_jolokia
    # Of each record Connect makes objects that die at once: the more of them there is room for, the fewer are copied.
    options = (f"-Xmx{heap}", "-Xms128m", "-Xmn64m", *jvm("connect"), agent(port))
    main = "org.apache.kafka.connect.cli.ConnectDistributed"
    return (settings.java, *options, LOGGING, "-cp", f"{JARS}/kafka/*", main, properties)


def schema_registry(settings: Settings) -> tuple[str, ...]:
    """Return the schema registry's command; it answers a few requests, and gains nothing from the second compiler."""
    version, heap = settings.chosen["SCHEMA_REGISTRY_VERSION"], settings.chosen["SCHEMA_REGISTRY_HEAP"]
    jar = f"{REGISTRY}/apicurio-registry-app-{version}-runner.jar"
    return (settings.java, f"-Xmx{heap}", *JVM, "-XX:TieredStopAtLevel=1", "-jar", jar)


def questdb(settings: Settings) -> tuple[str, ...]:
    """Return QuestDB's command."""
    heap = settings.chosen["QUESTDB_HEAP"]
    opened = [word for package in OPENED for word in ("--add-opens", f"java.base/{package}=ALL-UNNAMED")]
    where = ("-Dcontainerized=false", f"-Dquestdb.libs.dir={settings.run}")
    main = ("io.questdb.ServerMain", "-d", str(settings.data / "questdb"))
    return (
        settings.java,
        "-Xms64m",
        f"-Xmx{heap}",
        *jvm("questdb"),
        *where,
        *opened,
        "-cp",
        f"{JARS}/questdb.jar",
        *main,
    )


def jvm(name: str) -> tuple[str, ...]:
    """Return the options of every JVM; the archive need not be there, see operations/local/class_data.py."""
    return (*JVM, f"-XX:SharedArchiveFile={CLASS_DATA}/{name}.jsa")


def agent(port: int) -> str:
    """Return the option that opens a JVM to the monitoring on `port` of this machine: to read, not to write."""
    policy = "policyLocation=file:monitoring/kafka-agent/jolokia-access.xml"
    return f"-javaagent:{JARS}/jolokia.jar=host={THIS_MACHINE},{policy},port={port}"


def jmx(settings: Settings) -> tuple[str, ...]:
    """Return the options that open the broker's JMX port. It has no login and can do more than look: not where all have one."""
    if settings.secured:
        return ()
    option, port = "-Dcom.sun.management.jmxremote", settings.ports.broker_jmx
    address = (f"{option}.port={port}", f"{option}.rmi.port={port}", f"{option}.host={THIS_MACHINE}")
    open_to_all = (f"{option}.authenticate=false", f"{option}.ssl=false")
    return (option, *address, *open_to_all, f"-Djava.rmi.server.hostname={THIS_MACHINE}")


def telegraf(program: Path, settings: Settings) -> tuple[str, ...]:
    """Return Telegraf's command: what it reads, and how it writes."""
    output = "telegraf-output-token.conf" if settings.questdb.token else "telegraf-output.conf"
    files = [f"monitoring/telegraf/{name}" for name in ("telegraf.conf", output)]
    return (str(program), *(word for file in files for word in ("--config", file)))


def grafana(program: Path) -> tuple[str, ...]:
    """Return Grafana's command; `--homepath` is the folder with its own files."""
    # Beside `bin` in a tarball, under `share` in a package.
    bin_folder = program.resolve().parent
    homes = [bin_folder.parent, bin_folder.parent / "share" / "grafana"]
    home = next((home for home in homes if (home / "conf" / "defaults.ini").exists()), homes[-1])
    return (str(program), "server", "--homepath", str(home))


def configuration(settings: Settings) -> str:
    """Return supervisord.conf. Its relative paths are below STATE_DIR, the supervisor's working directory."""
    parser = configparser.RawConfigParser()
    parser.read_dict(SUPERVISOR)
    for program in programs(settings):
        parser[f"program:{program.name}"] = {
            "command": escaped(program.command),
            "directory": f"%(ENV_ROOT)s/{program.folder}",
            "priority": str(program.priority),
            "stopwaitsecs": str(program.stop_within),
            "stdout_logfile": f"logs/{program.name}.log",
            "environment": environment(program, settings),
            **PROGRAM,
        }
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()


def environment(program: Program, settings: Settings) -> str:
    """Return the variables that only this program has. Their values are in the supervisor's own environment, under other names."""
    names = settings.security(program.login) if program.login else {}
    return ",".join(f'{name}="%(ENV_{own(program.login, name)})s"' for name in names)


def escaped(command: tuple[str, ...]) -> str:
    """Return a command as the supervisor splits it again: like a shell, after comments and %(names)s are gone."""
    quoted = shlex.join(command).replace("%", "%%")
    return re.sub(r"(?<=\s)(?=[;#])", "''", quoted)
