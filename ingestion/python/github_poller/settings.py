"""The settings of a poller, read from environment variables (CONTRACT.md, section 2)."""

import re
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

_WHITE_SPACE = " \t\r\n"
_DAY = 86400.0


class Plan(Enum):
    """What sets the time between two requests (CONTRACT.md, section 4)."""

    IN_TURN = ""
    POLITE = "polite"
    FIXED = "seconds"


class Settings(NamedTuple):
    """What one run does. `poll_interval`: seconds, of the plan FIXED alone; None elsewhere: not set, or not limited."""

    feed: str
    api_url: str
    token: str | None
    token_setting: str
    plan: Plan
    poll_interval: float | None
    max_polls: int | None
    bootstrap_servers: str
    security_protocol: str
    sasl_mechanism: str | None
    sasl_username: str | None
    sasl_password: str | None
    ca_location: str | None
    topic: str
    polls_topic: str
    heartbeat_file: str | None


class SettingsError(Exception):
    """One line for each bad setting, naming its variable."""


class Variable(NamedTuple):
    """One environment variable: the setting, its default as text, what makes a value of it, and its line in the help."""

    field: str
    name: str
    default: str
    parse: Callable[[str], object]
    help: str


def read(environ: Mapping[str, str], arguments: list[str]) -> Settings:
    """Return the settings of this environment; raise SettingsError naming every bad one. Arguments are errors."""
    values: dict[str, Any] = dict.fromkeys(Settings._fields)
    values["token_setting"] = "GITHUB_TOKEN_FILE" if _value(environ, "GITHUB_TOKEN_FILE") else "GITHUB_TOKEN"
    errors = ["no arguments are taken: settings are environment variables, see --help"] if arguments else []
    for variable in _variables(environ):
        text = _value(environ, variable.name) or variable.default
        try:
            if text:
                values[variable.field] = variable.parse(text)
        except ValueError as error:
            errors.append(f"{_shown(variable.name, text)}: {error}")
    if _value(environ, "GITHUB_TOKEN") and _value(environ, "GITHUB_TOKEN_FILE"):
        errors.append("GITHUB_TOKEN and GITHUB_TOKEN_FILE are both set; keep one")
    errors += _incomplete_login(environ)
    if errors:
        raise SettingsError("\n".join(errors))
    values["plan"], values["poll_interval"] = values["plan"] or (Plan.IN_TURN, None)
    return Settings(**values)


def _incomplete_login(environ: Mapping[str, str]) -> list[str]:
    """Return a line if a login to Kafka is asked for and is not whole."""
    names = ("KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD")
    wanted = _value(environ, "KAFKA_SECURITY_PROTOCOL").startswith("SASL_")
    if not wanted or all(_value(environ, name) for name in names):
        return []
    return [f"KAFKA_SECURITY_PROTOCOL with SASL_ needs {', '.join(names)}"]


def usage(environ: Mapping[str, str]) -> str:
    """Return the text of --help."""
    lines = [f"  {v.name:25}{v.help} (default: {v.default or 'none'})" for v in _variables(environ)]
    return "Reads GitHub's public events and writes them to Kafka.\nEnvironment variables:\n" + "\n".join(lines)


def _value(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip(_WHITE_SPACE)


def _shown(name: str, text: str) -> str:
    """Return NAME='value' on one line; the name alone where the value may be a secret."""
    places = {"GITHUB_TOKEN_FILE": "/" not in text, "GITHUB_API_URL": "@" in text}
    secret = name in {"GITHUB_TOKEN", "KAFKA_SASL_PASSWORD"} or places.get(name, False)
    return name if secret else f"{name}='{re.sub(r'[^ -~]', '?', text)}'"


def _variables(environ: Mapping[str, str]) -> list[Variable]:
    simulator = f"http://127.0.0.1:{environ.get('SIMULATOR_PORT') or '8090'}"
    api_url = simulator if _value(environ, "FEED") == "simulator" else "https://api.github.com"
    rows: list[tuple[str, str, str, Callable[[str], object], str]] = [
        ("feed", "FEED", "github", _feed, "github, or simulator"),
        ("api_url", "GITHUB_API_URL", api_url, _url, "where GET /events is answered"),
        ("token", "GITHUB_TOKEN", "", _token, "5,000 requests an hour instead of 60"),
        ("token", "GITHUB_TOKEN_FILE", "", _content, "a file that holds the token, instead of GITHUB_TOKEN"),
        (
            "plan",
            "POLL_INTERVAL",
            "",
            _plan,
            "seconds between two requests of a page; polite: as GitHub asks; none: the pages in turn",
        ),
        ("max_polls", "MAX_POLLS", "", _count, "end after so many requests of each page"),
        ("bootstrap_servers", "KAFKA_BOOTSTRAP_SERVERS", "localhost:9092", _servers, "host:port, several with commas"),
        (
            "security_protocol",
            "KAFKA_SECURITY_PROTOCOL",
            "PLAINTEXT",
            _protocol,
            "PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL",
        ),
        ("sasl_mechanism", "KAFKA_SASL_MECHANISM", "", _mechanism, "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"),
        ("sasl_username", "KAFKA_SASL_USERNAME", "", str, "who logs in to Kafka"),
        ("sasl_password", "KAFKA_SASL_PASSWORD", "", str, "the password of that user"),
        (
            "ca_location",
            "KAFKA_SSL_CA_LOCATION",
            "",
            _readable,
            "a file with the certificates that Kafka's must come from",
        ),
        ("topic", "KAFKA_TOPIC", "github_events", _topic, "events; what can't be one goes to the same name plus _dlq"),
        ("polls_topic", "KAFKA_POLLS_TOPIC", "github_polls", _topic, "one row of statistics a request"),
        ("heartbeat_file", "HEARTBEAT_FILE", "", str, "holds the Unix second until which the poller counts as healthy"),
    ]
    return [Variable(*row) for row in rows]


def _feed(text: str) -> str:
    return _matching(r"github|simulator", text, "must be github or simulator")


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or "@" in text or parts.port == 0:
        message = "must be an address like https://api.github.com"
        raise ValueError(message)
    return text.rstrip("/")


def _content(path: str) -> str:
    return _token(_bytes(path).decode("latin-1").strip(_WHITE_SPACE))


def _readable(path: str) -> str:
    _bytes(path)
    return path


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError):
        message = "can't be read"
        raise ValueError(message) from None


def _token(text: str) -> str:
    return _matching(r"[!-~]+", text, "must hold a token and nothing else: visible ASCII, no spaces")


def _plan(text: str) -> tuple[Plan, float | None]:
    message = "must be polite, or a number of seconds above 0, at most 86400"
    if text == Plan.POLITE.value:
        return Plan.POLITE, None
    seconds = float(_matching(r"(?=.*[1-9])\d+(\.\d+)?", text, message))
    if seconds > _DAY:
        raise ValueError(message)
    return Plan.FIXED, seconds


def _count(text: str) -> int:
    return int(_matching(r"(?=.*[1-9])\d{1,9}", text, "must be a whole number above 0, of at most nine digits"))


def _servers(text: str) -> str:
    return _matching(r"[^\s,:]+:\d+(,[^\s,:]+:\d+)*", text, "must be host:port, several with commas")


def _protocol(text: str) -> str:
    return _matching(r"(SASL_)?(PLAINTEXT|SSL)", text, "must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL")


def _mechanism(text: str) -> str:
    return _matching(r"PLAIN|SCRAM-SHA-(256|512)", text, "must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")


def _topic(text: str) -> str:
    return _matching(r"[A-Za-z0-9._-]{1,245}", text, "must be 1 to 245 letters, digits, dots, dashes or underscores")


def _matching(pattern: str, text: str, error: str) -> str:
    if not re.fullmatch(pattern, text, re.ASCII):
        raise ValueError(error)
    return text
