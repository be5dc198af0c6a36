"""Settings of the run without Docker: .env, overridden by the environment, and what follows from them."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parents[2]
SECRETS = ROOT / ".env.secrets"  # need not exist
FILES = (ROOT / ".env", SECRETS)  # the later wins
BUILD = ROOT / ".local"  # virtual environment and jars; the same for every stack of this checkout

PORTS = [
    "KAFKA_PORT",
    "KAFKA_INTERNAL_PORT",
    "KAFKA_CONTROLLER_PORT",
    "BROKER_JMX_PORT",
    "BROKER_JOLOKIA_PORT",
    "CONNECT_PORT",
    "CONNECT_JOLOKIA_PORT",
    "QUESTDB_HTTP_PORT",
    "QUESTDB_PG_PORT",
    "QUESTDB_ILP_PORT",
    "QUESTDB_HEALTH_PORT",
    "RECONCILER_PORT",
]


def load() -> dict[str, str]:
    """Return every setting of .env, .env.secrets and the environment, with the ones that the local processes need added."""
    chosen = {name: value or "" for file in FILES for name, value in dotenv_values(file).items()}
    chosen |= {name: value for name, value in os.environ.items() if value or name not in chosen}
    state = Path(chosen.get("STATE_DIR") or BUILD).resolve()
    return chosen | derived(chosen | recall(state), state)


def remember(settings: dict[str, str]) -> None:
    """Keep which feed the running stack uses, for the commands that come after `up`."""
    path = Path(settings["STATE_DIR"], "run", "feed.json")
    feed_settings = {name: settings[name] for name in ("FEED", "GITHUB_API_URL")}
    path.write_text(json.dumps(feed_settings), encoding="utf-8")


def forget(settings: dict[str, str]) -> None:
    """Remove what a stack that ended, or was killed, left: it would pass for news of the next one."""
    shutil.rmtree(Path(settings["STATE_DIR"], "run"), ignore_errors=True)


def recall(state: Path) -> dict[str, str]:
    """Return what the stack in folder `state` remembers; nothing unless it runs or was killed."""
    try:
        remembered: dict[str, str] = json.loads((state / "run" / "feed.json").read_text(encoding="utf-8"))
    except OSError:
        return {}
    return remembered


def derived(chosen: dict[str, str], state: Path) -> dict[str, str]:
    """Return what follows from `chosen`: folders, addresses of the parts for each other, and what starts."""
    host = loopback(chosen["BIND_ADDRESS"])
    return {
        "FEED": chosen["FEED"],
        "ROOT": str(ROOT),
        "STATE_DIR": str(state),
        "JARS": str(BUILD / "jars"),
        "PYTHON": sys.executable,
        "JAVA": str(Path(chosen["JAVA_HOME"], "bin", "java")) if chosen.get("JAVA_HOME") else "java",
        "PYTHONUNBUFFERED": "1",
        **broker(chosen, state, host),
        **connect(chosen, host),
        **questdb(chosen, host),
        **feed(chosen, state, host),
        **jvms(chosen),
        **grafana(chosen, state),
        **jupyter(chosen, state),
        **monitoring(chosen, state, host),
        "SUPERVISOR_SOCKET": str(state / "run" / "supervisor.sock"),
        "RECONCILER_STATUS_FILE": str(state / "run" / "reconciler.json"),
    }


def loopback(bind: str) -> str:
    """Return the address by which parts on this machine reach each other."""
    return "127.0.0.1" if bind in {"0.0.0.0", "127.0.0.1"} else bind  # noqa: S104 - compared, not bound


def flag(value: object) -> str:
    """Return `value` as supervisor spells a truth value."""
    return "true" if value else "false"


def broker(chosen: dict[str, str], state: Path, host: str) -> dict[str, str]:
    """Return what kafka/server.properties and the broker's clients read."""
    return {
        "BROKER_BIND": chosen["BIND_ADDRESS"],
        "BROKER_HOST": host,
        "BROKER_PUBLIC_HOST": "localhost" if host == "127.0.0.1" else host,
        "BROKER_PORT": chosen["KAFKA_PORT"],
        "BROKER_INTERNAL_PORT": chosen["KAFKA_INTERNAL_PORT"],
        "BROKER_CONTROLLER_PORT": chosen["KAFKA_CONTROLLER_PORT"],
        "BROKER_DATA": str(state / "data" / "kafka"),
        "KAFKA_BOOTSTRAP_SERVERS": chosen.get("KAFKA_BOOTSTRAP_SERVERS") or f"{host}:{chosen['KAFKA_PORT']}",
    }


def connect(chosen: dict[str, str], host: str) -> dict[str, str]:
    """Return what kafka-connect-plugins/worker.properties and the worker's clients read."""
    return {
        # No login of its own, and it may run any connector: never open to others.
        "CONNECT_URL": f"http://127.0.0.1:{chosen['CONNECT_PORT']}",
        "CONNECT_BOOTSTRAP_SERVERS": f"{host}:{chosen['KAFKA_INTERNAL_PORT']}",
        "CONNECT_BIND": "127.0.0.1",
        "CONNECT_HOST": "127.0.0.1",
    }


def questdb(chosen: dict[str, str], host: str) -> dict[str, str]:
    """Return QuestDB's own settings (QDB_…) and how the other parts reach it."""
    bind = chosen["BIND_ADDRESS"]
    static = {name: value or "" for name, value in dotenv_values(ROOT / "questdb" / "server.env").items()}
    return static | {
        "QDB_HTTP_NET_BIND_TO": f"{bind}:{chosen['QUESTDB_HTTP_PORT']}",
        "QDB_HTTP_MIN_NET_BIND_TO": f"{bind}:{chosen['QUESTDB_HEALTH_PORT']}",
        "QDB_PG_NET_BIND_TO": f"{bind}:{chosen['QUESTDB_PG_PORT']}",
        "QDB_LINE_TCP_NET_BIND_TO": f"127.0.0.1:{chosen['QUESTDB_ILP_PORT']}",  # has no login
        "QDB_PG_USER": chosen["QUESTDB_USER"],
        "QDB_PG_PASSWORD": chosen["QUESTDB_PASSWORD"],
        "QDB_PG_READONLY_USER": chosen["QUESTDB_READONLY_USER"],
        "QDB_PG_READONLY_PASSWORD": chosen["QUESTDB_READONLY_PASSWORD"],
        "QDB_HTTP_USER": chosen["QUESTDB_HTTP_USER"],
        "QDB_HTTP_PASSWORD": chosen["QUESTDB_HTTP_PASSWORD"],
        "QUESTDB_HTTP_URL": f"http://{host}:{chosen['QUESTDB_HTTP_PORT']}",
        "QUESTDB_ADDRESS": f"{host}:{chosen['QUESTDB_HTTP_PORT']}",
        "QUESTDB_PG_HOST": host,
    }


def feed(chosen: dict[str, str], state: Path, host: str) -> dict[str, str]:
    """Return what the poller and the simulator read."""
    simulated = chosen["FEED"] == "simulator"
    return {
        "GITHUB_API_URL": chosen["GITHUB_API_URL"]
        or (f"http://{host}:{chosen['SIMULATOR_PORT']}" if simulated else "https://api.github.com"),
        # Not every part runs in this folder.
        "GITHUB_TOKEN_FILE": chosen["GITHUB_TOKEN_FILE"] and str(ROOT / chosen["GITHUB_TOKEN_FILE"]),
        "HEARTBEAT_FILE": str(state / "run" / "github-events.heartbeat"),
        "SIMULATOR_TRUTH_LOG": chosen.get("SIMULATOR_TRUTH_LOG", ""),
        "START_SIMULATOR": flag(simulated),
    }


def grafana(chosen: dict[str, str], state: Path) -> dict[str, str]:
    """Return Grafana's own settings (GF_…), and whether it is there to be started."""
    binary = shutil.which("grafana")
    return {
        "START_GRAFANA": flag(binary),
        "GRAFANA_HOME": grafana_home(binary),
        "GF_SECURITY_ADMIN_USER": chosen["GRAFANA_USER"],
        "GF_SECURITY_ADMIN_PASSWORD": chosen["GRAFANA_PASSWORD"],
        "GF_SERVER_HTTP_ADDR": chosen["BIND_ADDRESS"],
        "GF_SERVER_HTTP_PORT": chosen["GRAFANA_PORT"],
        "GF_PATHS_DATA": str(state / "data" / "grafana"),
        "GF_PATHS_LOGS": str(state / "logs"),
        "GF_PATHS_PROVISIONING": str(ROOT / "dashboard" / "grafana" / "provisioning"),
        "GF_LOG_MODE": "console",
        "DASHBOARDS": str(ROOT / "dashboard" / "grafana" / "dashboards"),
    }


def grafana_home(binary: str | None) -> str:
    """Return the folder with Grafana's own files: beside `bin` in a tarball, under `share` in a package."""
    bin_folder = Path(binary or "/usr/bin/grafana").resolve().parent
    homes = [bin_folder.parent, bin_folder.parent / "share" / "grafana"]
    return str(next((home for home in homes if (home / "conf" / "defaults.ini").exists()), homes[-1]))


def jupyter(chosen: dict[str, str], state: Path) -> dict[str, str]:
    """Return what notebooks/jupyter_server_config.py reads, and whether Jupyter is there to be started."""
    command = ROOT / (chosen.get("NOTEBOOKS_VENV") or ".local/notebooks-venv") / "bin" / "jupyter-lab"
    return {
        "START_JUPYTER": flag(command.exists()),
        "JUPYTER_LAB": str(command),
        "JUPYTER_BIND": chosen["BIND_ADDRESS"],
        # The settings of this user's other notebook servers stay out of it.
        "JUPYTER_CONFIG_DIR": str(state / "data" / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(state / "run" / "jupyter"),
        "IPYTHONDIR": str(state / "data" / "ipython"),
    }


def monitoring(chosen: dict[str, str], state: Path, host: str) -> dict[str, str]:
    """Return what monitoring/telegraf/telegraf.conf reads, and whether Telegraf is there to be started."""
    return {
        "START_TELEGRAF": flag(telegraf()),
        "TELEGRAF": telegraf() or "telegraf",
        "BROKER_JOLOKIA_URL": f"http://{host}:{chosen['BROKER_JOLOKIA_PORT']}/jolokia",
        "CONNECT_JOLOKIA_URL": f"http://{host}:{chosen['CONNECT_JOLOKIA_PORT']}/jolokia",
        "QUESTDB_HEALTH_URL": f"http://{host}:{chosen['QUESTDB_HEALTH_PORT']}",
        "RECONCILER_URL": f"http://{host}:{chosen['RECONCILER_PORT']}",
        "TELEGRAF_ADDRESS": f"http://{host}:{chosen['TELEGRAF_PORT']}",
        "BROKER_DISK": str(mount_point(state)),
        "QUESTDB_DISK": str(mount_point(state)),
    }


def mount_point(path: Path) -> Path:
    """Return where the file system that holds `path` is mounted."""
    return next(folder for folder in (path, *path.parents) if folder.is_mount())


def telegraf() -> str | None:
    """Return the Telegraf to run: ours (`make telegraf`), else one on the PATH, else none."""
    ours = BUILD / "bin" / "telegraf"
    return str(ours) if ours.exists() else shutil.which("telegraf")


def jvms(chosen: dict[str, str]) -> dict[str, str]:
    """Return the options of the three JVMs: small, started fast, read-only to the monitoring agent."""
    # One collector thread each: on two cores, three JVMs starting at once fight for them. The broker moves bytes and gains
    # nothing from the second compiler; Connect and QuestDB do twice the work with it. Of each record Connect makes objects
    # that die at once: the more of them there is room for, the fewer are copied.
    small = "-XX:+UseSerialGC -Xshare:auto"
    policy = "policyLocation=file:monitoring/kafka-agent/jolokia-access.xml"
    agent = f"-javaagent:{BUILD}/jars/jolokia.jar=host=127.0.0.1,{policy}"
    return {
        "BROKER_JVM": f"{small} -XX:TieredStopAtLevel=1 {agent},port={chosen['BROKER_JOLOKIA_PORT']}",
        "CONNECT_JVM": f"-Xms128m -Xmn64m {small} {agent},port={chosen['CONNECT_JOLOKIA_PORT']}",
        "QUESTDB_JVM": "-XX:+UseSerialGC",
        "BROKER_JMX": jmx(chosen),
    }


def jmx(chosen: dict[str, str]) -> str:
    """Return the options that open the broker's JMX port."""
    port, options = chosen["BROKER_JMX_PORT"], "-Dcom.sun.management.jmxremote"
    return (
        f"{options} {options}.port={port} {options}.rmi.port={port} {options}.host=127.0.0.1 "
        f"{options}.authenticate=false {options}.ssl=false -Djava.rmi.server.hostname=127.0.0.1"
    )
