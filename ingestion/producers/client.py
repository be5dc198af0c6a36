"""How clients reach Kafka, from the variables of the poller (ingestion/CONTRACT.md, section 2), and QuestDB."""

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


def questdb(url: str, environ: Mapping[str, str]) -> str:
    """Return the configuration of QuestDB's own client for the REST interface at `url`, with the login of the variables."""
    names = ("QUESTDB_HTTP_USER", "QUESTDB_HTTP_PASSWORD", "QUESTDB_HTTP_TOKEN", "QUESTDB_CA")
    # A semicolon inside a value is written twice.
    user, password, token, roots = (environ.get(name, "").replace(";", ";;") for name in names)
    scheme, _, address = url.rpartition("://")
    login = f"token={token};" if token else f"username={user};password={password};" if user else ""
    return f"{scheme or 'http'}::addr={address.rstrip('/')};{login}" + (f"tls_roots={roots};" if roots else "")
