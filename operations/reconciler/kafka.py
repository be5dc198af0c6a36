"""How a client reaches Kafka: environment variables, as librdkafka calls what they set."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from confluent_kafka.admin import AdminClient

SETTINGS = {
    "KAFKA_BOOTSTRAP_SERVERS": "bootstrap.servers",
    "KAFKA_SECURITY_PROTOCOL": "security.protocol",
    "KAFKA_SASL_MECHANISM": "sasl.mechanism",
    "KAFKA_SASL_USERNAME": "sasl.username",
    "KAFKA_SASL_PASSWORD": "sasl.password",
    "KAFKA_SSL_CA_LOCATION": "ssl.ca.location",
}

# Of the users that the reconciler keeps where SECURITY=on. The broker's own and the reconciler's are the broker's settings.
PASSWORDS = {name: f"KAFKA_{name.upper()}_PASSWORD" for name in ("connect", "poller", "monitoring", "tools")}

Client = dict[str, "str | int | float | bool"]


def client(variables: Mapping[str, str]) -> Client:
    """Return the configuration of a client of confluent_kafka; a variable that is not set, or empty, changes nothing."""
    return {key: variables[name] for name, key in SETTINGS.items() if variables.get(name)}


def as_monitoring(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a client that only looks."""
    login = {"KAFKA_SASL_USERNAME": "monitoring", "KAFKA_SASL_PASSWORD": variables[PASSWORDS["monitoring"]]}
    return {**variables, **(login if variables["KAFKA_SASL_USERNAME"] else {})}


def admin_client(variables: Mapping[str, str]) -> AdminClient:
    """Return a client of the broker that `variables` name; it connects when it is used, and may be used by several threads."""
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415 - health checks import this module every few seconds

    # A broker that has just started is found at once.
    known = {"log_level": 0, "socket.timeout.ms": 10_000, "reconnect.backoff.max.ms": 1000}
    return AdminClient({**client(variables), **known})
