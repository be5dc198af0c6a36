"""Settings of the run without Docker: .env, .env.secrets and the environment, as far as our own code reads them.

The processes read more; operations/local/environment.py renders that from the same settings.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import shutil
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from requests.auth import HTTPBasicAuth

from operations.local import env_file
from operations.local.env_file import SettingsError
from operations.reconciler import optional
from operations.reconciler.kafka import Client, client
from operations.reconciler.problems import Problem
from operations.reconciler.questdb import Access

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests.auth import AuthBase

ROOT = Path(__file__).resolve().parents[2]
SECRETS = ".env.secrets"  # need not exist
HIGHEST_PORT = 65535
FEEDS = ("github", "simulator", "none")
SECURITY = ("off", "on")
HEAPS = ("BROKER_HEAP", "CONNECT_HEAP", "QUESTDB_HEAP")
REGISTRY_HEAP = "SCHEMA_REGISTRY_HEAP"
THIS_MACHINE = "127.0.0.1"
SSLMODES = ("verify-full", "disable")
DEAD_LETTERS_SHOWN = 20


@dataclass(frozen=True)
class Ports:
    """Where each part listens. The field `kafka_internal` is the setting KAFKA_INTERNAL_PORT."""

    kafka: int
    kafka_internal: int
    kafka_controller: int
    broker_jmx: int
    broker_jolokia: int
    connect: int
    connect_jolokia: int
    schema_registry: int
    questdb_http: int
    questdb_pg: int
    questdb_ilp: int
    questdb_health: int
    reconciler: int
    grafana: int
    jupyter: int
    simulator: int
    telegraf: int

    @staticmethod
    def setting(name: str) -> str:
        """Return the name of the setting of field `name`."""
        return f"{name.upper()}_PORT"


@dataclass(frozen=True)
class Settings:
    """What our own code reads. A field has the setting's name in small letters, unless it says otherwise.

    `chosen` holds every setting as text, the environment of this process included: for the processes, not for our code.
    """

    chosen: Mapping[str, str] = field(repr=False)
    root: Path  # this checkout
    state_dir: Path
    bind_address: str
    ports: Ports
    datasets: tuple[str, ...]  # optional ones that are on
    feed: str
    github_api_url: str
    kafka_bootstrap_servers: str  # for programs on this machine
    kafka_public_host: str
    questdb_http_user: str
    questdb_http_password: str = field(repr=False)
    jupyter_token: str = field(repr=False)
    monitoring_interval: int  # seconds
    java: str  # path or name of the program
    grafana: Path | None  # the program, None if it is not installed
    jupyter: Path
    telegraf: Path | None

    @property
    def host(self) -> str:
        """Return the address by which parts on this machine reach each other."""
        return loopback(self.bind_address)

    @property
    def kafka_inside(self) -> str:
        """Return where the stack's own parts reach Kafka."""
        return f"{THIS_MACHINE}:{self.ports.kafka_internal}"

    @property
    def simulator_url(self) -> str:
        """Return where the simulated feed answers."""
        return f"http://{self.host}:{self.ports.simulator}"

    @property
    def connect_url(self) -> str:
        """Return where Kafka Connect answers. It may run any connector: never open to others."""
        return f"http://{THIS_MACHINE}:{self.ports.connect}"

    @property
    def schema_registry_url(self) -> str:
        """Return where the schema registry answers. It has no login: never open to others."""
        return f"http://{THIS_MACHINE}:{self.ports.schema_registry}"

    @property
    def schema_registry(self) -> bool:
        """Tell whether a dataset that is on needs the schema registry."""
        return optional.need_registry(self.datasets)

    @property
    def external(self) -> bool:
        """Tell whether QuestDB is elsewhere, and not started with the other parts."""
        return bool(self.chosen["QUESTDB_URL"])

    @property
    def questdb_address(self) -> str:
        """Return host and port of QuestDB's REST interface."""
        return self.questdb_http_url.partition("://")[2]

    @property
    def questdb_http_url(self) -> str:
        """Return where QuestDB's REST interface answers."""
        return self.chosen["QUESTDB_URL"].rstrip("/") or f"http://{self.host}:{self.ports.questdb_http}"

    @property
    def questdb_pg_host(self) -> str:
        """Return the host of QuestDB's PostgreSQL interface."""
        return self.chosen["QUESTDB_PG_HOST"] if self.external else self.host

    @property
    def questdb_pg_port(self) -> int:
        """Return its port."""
        return int(self.chosen["QUESTDB_EXTERNAL_PG_PORT"]) if self.external else self.ports.questdb_pg

    @property
    def questdb_pg_sslmode(self) -> str:
        """Return how that is reached, in libpq's words."""
        return self.chosen["QUESTDB_PG_SSLMODE"] if self.external else "disable"

    @property
    def questdb_ca(self) -> str:
        """Return the file with the authority that QuestDB's certificate is of, empty for those that everybody trusts."""
        named = self.chosen["QUESTDB_CA"] if self.external else ""
        return named and str(self.root / named)

    @property
    def questdb_login(self) -> AuthBase | None:
        """Return the `auth` of a request to QuestDB, None where no login is asked for."""
        return self.questdb.auth

    @property
    def questdb(self) -> Access:
        """Return how QuestDB's REST interface is reached."""
        token = self.chosen["QUESTDB_HTTP_TOKEN"] if self.external else ""
        return Access(self.questdb_http_url, self.questdb_http_user, self.questdb_http_password, token, self.questdb_ca)

    @property
    def connect_login(self) -> HTTPBasicAuth | None:
        """Return the `auth` of a request to Kafka Connect, None where no login is asked for."""
        login = HTTPBasicAuth(self.chosen["CONNECT_HTTP_USER"], self.chosen["CONNECT_HTTP_PASSWORD"])
        return login if self.secured else None

    @property
    def secured(self) -> bool:
        """Tell whether every part has a login."""
        return self.chosen["SECURITY"] == "on"

    def security(self, part: str) -> dict[str, str]:
        """Return the variables by which `part` logs in, or asks for logins, as operations/security has them."""
        folder = self.root / "operations" / "security" / self.chosen["SECURITY"]
        return env_file.read(folder / f"{part}.env", self.chosen, {})

    @property
    def kafka_outside(self) -> dict[str, str]:
        """Return the variables by which programs on this machine reach Kafka."""
        authority = {"KAFKA_SSL_CA_LOCATION": str(self.tls / "ca.pem")} if self.secured else {}
        servers = {"KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap_servers}
        return servers | self.security("outside") | authority

    @property
    def kafka(self) -> Client:
        """Return how programs on this machine reach Kafka, as confluent_kafka configures a client."""
        return client(self.kafka_outside)

    @property
    def tls(self) -> Path:
        """Return the folder with the certificate that programs outside the stack need."""
        return self.state_dir / "tls"

    @property
    def reconciler_url(self) -> str:
        """Return where the reconciler answers Telegraf."""
        return f"http://{self.host}:{self.ports.reconciler}"

    @property
    def telegraf_address(self) -> str:
        """Return where Telegraf says whether it is well."""
        return f"http://{self.host}:{self.ports.telegraf}"

    @property
    def logs(self) -> Path:
        """Return the folder of all logs."""
        return self.state_dir / "logs"

    @property
    def data(self) -> Path:
        """Return the folder of all data."""
        return self.state_dir / "data"

    @property
    def run(self) -> Path:
        """Return the folder of what is only true while the stack runs."""
        return self.state_dir / "run"

    @property
    def supervisor_configuration(self) -> Path:
        """Return where the supervisor's configuration is written at each start."""
        return self.run / "supervisord.conf"

    @property
    def supervisor_socket(self) -> Path:
        """Return where the supervisor answers."""
        return self.run / "supervisor.sock"

    @property
    def reconciler_status_file(self) -> Path:
        """Return where the reconciler writes what its last pass found."""
        return self.run / "reconciler.json"

    @property
    def heartbeat_file(self) -> Path:
        """Return where the poller writes until when it counts as healthy."""
        return self.run / "github-events.heartbeat"

    @property
    def versions(self) -> dict[str, str]:
        """Return the version of each component by the name of its setting, for instance QUESTDB_VERSION."""
        return {name: value for name, value in self.chosen.items() if name.endswith("_VERSION")}

    @property
    def version(self) -> str:
        """Return the version of this checkout."""
        return self.chosen["STACK_VERSION"]

    @property
    def yes(self) -> bool:
        """Tell whether YES=1 answers the questions of commands that remove or repeat something."""
        return bool(self.chosen.get("YES"))

    @property
    def docker(self) -> bool:
        """Tell whether DOCKER=1 makes a command mean the stack of Docker Compose."""
        return bool(self.chosen.get("DOCKER"))

    @property
    def connector(self) -> str:
        """Return the connector that CONNECTOR names, empty if none."""
        return self.chosen.get("CONNECTOR", "").strip()

    @property
    def replay_from(self) -> str:
        """Return where FROM has `make replay` begin, as text."""
        return self.chosen.get("FROM", "").strip()

    @property
    def skip_to(self) -> str:
        """Return where TO has `make skip` end, as text."""
        return self.chosen.get("TO", "").strip()

    @property
    def topic(self) -> str:
        """Return the topic that TOPIC names, empty if none."""
        return self.chosen.get("TOPIC", "").strip()

    @property
    def last(self) -> int:
        """Return how many dead letters LAST has `make dead-letters` show; SettingsError if that is no number."""
        text = self.chosen.get("LAST") or str(DEAD_LETTERS_SHOWN)
        if not _is_number(text):
            message = f"LAST={text} is not a number: how many dead letters are to be shown?"
            raise SettingsError(message)
        return int(text)

    @property
    def retry(self) -> bool:
        """Tell whether RETRY=1 has `make dead-letters` send them again."""
        return bool(self.chosen.get("RETRY"))

    @property
    def compose(self) -> str:
        """Return the command that runs Docker Compose."""
        return self.chosen.get("COMPOSE") or "docker compose"

    @property
    def file(self) -> Path | None:
        """Return the file that FILE names for a backup, if any."""
        return Path(self.chosen["FILE"]) if self.chosen.get("FILE") else None

    @property
    def heaps(self) -> dict[str, str]:
        """Return the heap of each JVM that starts, as Java writes it (256m), by the name of its setting."""
        names = (*HEAPS, REGISTRY_HEAP) if self.schema_registry else HEAPS
        return {name: self.chosen[name] for name in names if not (self.external and name == "QUESTDB_HEAP")}


class Chosen(dict[str, str]):
    """Every setting as text. One that is missing altogether is said in a sentence."""

    def __missing__(self, name: str) -> str:
        """Raise SettingsError: .env has a line for every setting that is needed."""
        message = f"{name} is not set: put its line back into .env (`git diff .env` shows it)"
        raise SettingsError(message)


def load(environment: Mapping[str, str] = os.environ, root: Path = ROOT) -> Settings:
    """Return the settings of the checkout `root`; SettingsError if they can't be read or make no sense."""
    chosen = env_file.read(root / ".env", environment, {})
    if (root / SECRETS).exists():
        chosen = env_file.read(root / SECRETS, environment, chosen)
    chosen |= environment  # a variable that is set to nothing counts, as with Compose
    state = (root / (chosen.get("STATE_DIR") or ".local")).resolve()
    chosen |= recall(state)
    if problems := _problems(Chosen(chosen)):
        raise SettingsError(*problems)
    return _settings(Chosen(chosen), root, state)


def _problems(chosen: Chosen) -> list[str]:
    """Return a sentence for each setting whose value has a wrong form."""
    forms: dict[str, tuple[Callable[[str], bool], str]] = {
        **{Ports.setting(port.name): (_is_port, f"a port (1 to {HIGHEST_PORT})") for port in fields(Ports)},
        **dict.fromkeys((*HEAPS, REGISTRY_HEAP), (_is_heap, "a size as Java writes it (256m, 1g)")),
        "BIND_ADDRESS": (_is_address, f"an IP address ({THIS_MACHINE} is this machine only)"),
        "FEED": (FEEDS.__contains__, f"{', '.join(FEEDS[:-1])} or {FEEDS[-1]}"),
        "SECURITY": (SECURITY.__contains__, " or ".join(SECURITY)),
        "MONITORING_INTERVAL": (_is_number, "a number of seconds"),
    }
    if chosen["QUESTDB_URL"]:
        forms |= {
            "QUESTDB_URL": (_is_url, "an address with its port, such as https://db.example.com:9000"),
            "QUESTDB_PG_HOST": (bool, "the host of the PostgreSQL interface of the QuestDB at QUESTDB_URL"),
            "QUESTDB_EXTERNAL_PG_PORT": (_is_port, f"a port (1 to {HIGHEST_PORT})"),
            "QUESTDB_PG_SSLMODE": (SSLMODES.__contains__, " or ".join(SSLMODES)),
        }
    wrong = [
        f"{name}={chosen[name]} is not {form}: change it in .env or the environment"
        for name, (fits, form) in forms.items()
        if not fits(chosen[name])
    ]
    try:
        optional.chosen(chosen["DATASETS"])
    except Problem as problem:
        wrong.append(str(problem))
    return wrong


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[1-9][0-9]{0,5}", text) is not None


def _is_port(text: str) -> bool:
    return _is_number(text) and int(text) <= HIGHEST_PORT


def _is_url(text: str) -> bool:
    return re.fullmatch(r"https?://([\w.-]+|\[[\da-fA-F:.]+\]):[1-9]\d{0,4}/?", text) is not None


def _is_heap(text: str) -> bool:
    return re.fullmatch(r"[1-9][0-9]{0,8}[kmgKMG]", text) is not None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _settings(chosen: Chosen, root: Path, state: Path) -> Settings:
    ports = Ports(**{port.name: int(chosen[Ports.setting(port.name)]) for port in fields(Ports)})
    host = loopback(chosen["BIND_ADDRESS"])
    simulated = chosen["FEED"] == "simulator"
    return Settings(
        chosen=chosen,
        root=root,
        state_dir=state,
        bind_address=chosen["BIND_ADDRESS"],
        ports=ports,
        datasets=optional.chosen(chosen["DATASETS"]),
        feed=chosen["FEED"],
        github_api_url=chosen["GITHUB_API_URL"]
        or (f"http://{host}:{ports.simulator}" if simulated else "https://api.github.com"),
        kafka_bootstrap_servers=chosen.get("KAFKA_BOOTSTRAP_SERVERS") or f"{host}:{ports.kafka}",
        kafka_public_host=_public_host(chosen["KAFKA_PUBLIC_HOST"], host),
        questdb_http_user=chosen["QUESTDB_HTTP_USER"],
        questdb_http_password=chosen["QUESTDB_HTTP_PASSWORD"],
        jupyter_token=chosen["JUPYTER_TOKEN"],
        monitoring_interval=int(chosen["MONITORING_INTERVAL"]),
        java=str(Path(chosen["JAVA_HOME"], "bin", "java")) if chosen.get("JAVA_HOME") else "java",
        grafana=_program("grafana", chosen.get("PATH")),
        jupyter=root / (chosen.get("NOTEBOOKS_VENV") or ".local/notebooks-venv") / "bin" / "jupyter-lab",
        telegraf=telegraf(root, chosen.get("PATH")),
    )


def _public_host(named: str, host: str) -> str:
    """Return the name by which programs outside the stack reach Kafka: the one they can use, if it is the default."""
    return host if named == "localhost" and host != THIS_MACHINE else named


def _program(name: str, path: str | None) -> Path | None:
    found = shutil.which(name, path=path)
    return Path(found) if found else None


def telegraf(root: Path = ROOT, path: str | None = None) -> Path | None:
    """Return the Telegraf to run: ours (`make telegraf`), else one on the PATH, else None."""
    ours = root / ".local" / "bin" / "telegraf"
    return ours if ours.exists() else _program("telegraf", path)


def loopback(bind: str) -> str:
    """Return the address by which programs on this machine reach what listens on `bind`, as a URL has it."""
    address = ipaddress.ip_address(bind)
    if address.version == 4:  # noqa: PLR2004 - of the Internet Protocol
        return THIS_MACHINE if address.is_unspecified else bind
    return "[::1]" if address.is_unspecified else f"[{bind}]"


def remember(settings: Settings) -> None:
    """Keep which feed the running stack uses, for the commands that come after `up`."""
    used = {"FEED": settings.feed, "GITHUB_API_URL": settings.github_api_url}
    (settings.run / "feed.json").write_text(json.dumps(used), encoding="utf-8")


def recall(state: Path) -> dict[str, str]:
    """Return what the stack in folder `state` remembers; nothing unless it runs or was killed."""
    try:
        remembered: dict[str, str] = json.loads((state / "run" / "feed.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return remembered


def forget(settings: Settings) -> None:
    """Remove what a stack that ended, or was killed, left: it would pass for news of the next one."""
    shutil.rmtree(settings.run, ignore_errors=True)
