"""The environment of the local processes: every setting, and what their configuration files read besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations.local import env_file
from operations.local.settings import THIS_MACHINE

if TYPE_CHECKING:
    from pathlib import Path

    from operations.local.settings import Settings


# The parts that log in to Kafka by variables of the same names.
LOGINS = ("poller", "reconciler", "tools")


def of_parts(settings: Settings) -> dict[str, str]:
    """Return the environment of the stack's own parts, which reach Kafka whatever name it has outside."""
    inside = settings.chosen.get("KAFKA_BOOTSTRAP_SERVERS") or settings.kafka_inside
    logins = {own(part, name): value for part in LOGINS for name, value in settings.security(part).items()}
    # Nobody inside the stack needs the certificate of its outer port.
    return render(settings) | {"KAFKA_BOOTSTRAP_SERVERS": inside, "KAFKA_SSL_CA_LOCATION": ""} | logins


def own(part: str, name: str) -> str:
    """Return under which name the supervisor has a variable that each of its programs has with another value."""
    return f"{part.upper()}__{name}"


def render(settings: Settings) -> dict[str, str]:
    """Return the environment of a program on this machine, that of this process included."""
    return {
        **settings.chosen,
        "ROOT": str(settings.root),
        "STATE_DIR": str(settings.state_dir),
        "FEED": settings.feed,
        "PYTHONUNBUFFERED": "1",
        # Without a UTF-8 locale a JVM reads other characters than ASCII in paths and passwords as question marks.
        "LC_ALL": "C.UTF-8",
        **_broker(settings),
        **_connect(settings),
        **_schema_registry(settings),
        **_questdb(settings),
        **_feed(settings),
        **_reconciler(settings),
        **_grafana(settings),
        **_jupyter(settings),
        **_telegraf(settings),
    }


def _broker(settings: Settings) -> dict[str, str]:
    """Return what kafka/server.properties and the broker's clients read."""
    return {
        "BROKER_BIND": settings.bind_address,
        "BROKER_INSIDE_BIND": THIS_MACHINE,  # its passwords are not encrypted
        "BROKER_HOST": THIS_MACHINE,
        "BROKER_PUBLIC_HOST": settings.kafka_public_host,
        "BROKER_PORT": str(settings.ports.kafka),
        "BROKER_INTERNAL_PORT": str(settings.ports.kafka_internal),
        "BROKER_CONTROLLER_PORT": str(settings.ports.kafka_controller),
        "BROKER_DATA": str(settings.data / "kafka"),
        **settings.kafka_outside,
        **settings.security("broker"),
    }


def _connect(settings: Settings) -> dict[str, str]:
    """Return what kafka-connect-plugins/worker.properties and the worker's clients read."""
    return {
        "CONNECT_URL": settings.connect_url,
        "CONNECT_BOOTSTRAP_SERVERS": settings.kafka_inside,
        "CONNECT_BIND": THIS_MACHINE,
        "CONNECT_HOST": THIS_MACHINE,
        **settings.security("connect"),
    }


def _schema_registry(settings: Settings) -> dict[str, str]:
    """Return the registry's own settings, and where connectors and producers find it."""
    return env_file.read(settings.root / "schema-registry" / "server.env", {}, {}) | {
        "QUARKUS_HTTP_HOST": THIS_MACHINE,
        "QUARKUS_HTTP_PORT": str(settings.ports.schema_registry),
        "REGISTRY_DATASOURCE_URL": f"jdbc:h2:file:{settings.data / 'schema-registry' / 'registry'};WRITE_DELAY=0",
        "SCHEMA_REGISTRY_URL": settings.schema_registry_url,
    }


def _questdb(settings: Settings) -> dict[str, str]:
    """Return QuestDB's own settings (QDB_…) and how the other parts reach it."""
    bind, ports, chosen = settings.bind_address, settings.ports, settings.chosen
    return env_file.read(settings.root / "questdb" / "server.env", {}, {}) | {
        "QDB_HTTP_NET_BIND_TO": f"{bind}:{ports.questdb_http}",
        "QDB_HTTP_MIN_NET_BIND_TO": f"{bind}:{ports.questdb_health}",
        "QDB_PG_NET_BIND_TO": f"{bind}:{ports.questdb_pg}",
        "QDB_LINE_TCP_NET_BIND_TO": f"{THIS_MACHINE}:{ports.questdb_ilp}",  # has no login
        **settings.security("questdb"),
        "QDB_PG_USER": chosen["QUESTDB_USER"],
        "QDB_PG_PASSWORD": chosen["QUESTDB_PASSWORD"],
        "QDB_PG_READONLY_USER": chosen["QUESTDB_READONLY_USER"],
        "QDB_PG_READONLY_PASSWORD": chosen["QUESTDB_READONLY_PASSWORD"],
        "QDB_HTTP_USER": settings.questdb_http_user,
        "QDB_HTTP_PASSWORD": settings.questdb_http_password,
        "QUESTDB_HTTP_URL": settings.questdb_http_url,
        "QUESTDB_HTTP_TOKEN": settings.questdb.token,
        "QUESTDB_ADDRESS": settings.questdb_address,  # in connectors' files of earlier versions
        "QUESTDB_CA": settings.questdb_ca,
        "QUESTDB_PG_HOST": settings.questdb_pg_host,
        "QUESTDB_PG_PORT": str(settings.questdb_pg_port),
        "QUESTDB_PG_SSLMODE": settings.questdb_pg_sslmode,
    }


def _feed(settings: Settings) -> dict[str, str]:
    """Return what the poller and the simulator read."""
    token = settings.chosen["GITHUB_TOKEN_FILE"]
    return {
        "GITHUB_API_URL": settings.github_api_url,
        # Not every part runs in the checkout's folder.
        "GITHUB_TOKEN_FILE": token and str(settings.root / token),
        "HEARTBEAT_FILE": str(settings.heartbeat_file),
    }


def _reconciler(settings: Settings) -> dict[str, str]:
    return {"RECONCILER_STATUS_FILE": str(settings.reconciler_status_file)}


def _grafana(settings: Settings) -> dict[str, str]:
    """Return Grafana's own settings (GF_…) and what its provisioning, or the dashboards' server in its place, reads."""
    folder = settings.root / "dashboard" / "grafana"
    return env_file.read(folder / "server.env", {}, {}) | {
        "GF_SECURITY_ADMIN_USER": settings.chosen["GRAFANA_USER"],
        # Grafana fills in ${NAME} in its settings. It does so once, so that a password may look like that.
        "GF_SECURITY_ADMIN_PASSWORD": "$__env{GRAFANA_PASSWORD}",
        "GF_SERVER_HTTP_ADDR": settings.bind_address,
        "GF_SERVER_HTTP_PORT": str(settings.ports.grafana),
        "GF_PATHS_DATA": str(settings.data / "grafana"),
        "GF_PATHS_LOGS": str(settings.logs),
        "GF_PATHS_PROVISIONING": str(folder / "provisioning"),
        "GF_LOG_MODE": "console",
        "DASHBOARDS": str(folder / "dashboards"),
        "OPTIONAL_DASHBOARDS": str(settings.run / "dashboards"),
    }


def _jupyter(settings: Settings) -> dict[str, str]:
    """Return what notebooks/jupyter_server_config.py and Jupyter itself read."""
    return {
        "JUPYTER_BIND": settings.bind_address,
        # The settings of this user's other notebook servers stay out of it.
        "JUPYTER_CONFIG_DIR": str(settings.data / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(settings.run / "jupyter"),
        "IPYTHONDIR": str(settings.data / "ipython"),
    }


def _telegraf(settings: Settings) -> dict[str, str]:
    """Return what monitoring/telegraf/telegraf.conf reads."""
    ports, disk = settings.ports, str(mount_point(settings.state_dir))
    return {
        "BROKER_JOLOKIA_URL": f"http://{THIS_MACHINE}:{ports.broker_jolokia}/jolokia",
        "CONNECT_JOLOKIA_URL": f"http://{THIS_MACHINE}:{ports.connect_jolokia}/jolokia",
        "QUESTDB_HEALTH_URL": _metrics(settings),
        "RECONCILER_URL": settings.reconciler_url,
        "TELEGRAF_ADDRESS": settings.telegraf_address,
        "BROKER_DISK": disk,
        "QUESTDB_DISK": disk,
    }


def _metrics(settings: Settings) -> str:
    if settings.external:
        return settings.chosen["QUESTDB_HEALTH_URL"]
    return f"http://{settings.host}:{settings.ports.questdb_health}"


def mount_point(path: Path) -> Path:
    """Return where the file system that holds `path` is mounted."""
    return next(folder for folder in (path, *path.parents) if folder.is_mount())
