"""How a client reaches Kafka, from the variables of the poller (ingestion/CONTRACT.md, section 2)."""

from collections.abc import Mapping

DEFAULT = "localhost:9092"
SETTINGS = {
    "KAFKA_SECURITY_PROTOCOL": "security.protocol",
    "KAFKA_SASL_MECHANISM": "sasl.mechanism",
    "KAFKA_SASL_USERNAME": "sasl.username",
    "KAFKA_SASL_PASSWORD": "sasl.password",
    "KAFKA_SSL_CA_LOCATION": "ssl.ca.location",
}

Client = dict[str, str]


def configuration(environ: Mapping[str, str]) -> Client:
    """Return the configuration of a client of confluent_kafka; a variable that is not set, or empty, changes nothing."""
    servers = {"bootstrap.servers": environ.get("KAFKA_BOOTSTRAP_SERVERS") or DEFAULT}
    return servers | {key: environ[name] for name, key in SETTINGS.items() if environ.get(name)}
