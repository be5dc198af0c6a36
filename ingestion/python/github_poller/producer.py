"""Delivery to Kafka (CONTRACT.md, section 7)."""

import logging

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from github_poller.settings import Settings

_UNKNOWN_FOR_GOOD = 10_000  # milliseconds


class DeliveryError(Exception):
    """Kafka refused a message for good."""


def _login(settings: Settings) -> dict[str, str]:
    """Return what reaches a Kafka that asks for a login or encrypts."""
    named = {
        "security.protocol": settings.security_protocol,
        "sasl.mechanism": settings.sasl_mechanism,
        "sasl.username": settings.sasl_username,
        "sasl.password": settings.sasl_password,
        "ssl.ca.location": settings.ca_location,
    }
    return {name: value for name, value in named.items() if value}


class Delivery:
    """An idempotent producer that never gives a message up by itself."""

    def __init__(self, settings: Settings) -> None:
        """Connect in the background."""
        self._topics = {settings.topic, settings.topic + "_dlq", settings.polls_topic}
        self._servers = settings.bootstrap_servers
        self._refused: str | None = None
        self._producer = Producer(
            {
                "bootstrap.servers": settings.bootstrap_servers,
                **_login(settings),
                "enable.idempotence": True,
                "acks": "all",
                "message.timeout.ms": 0,  # no limit
                "topic.metadata.propagation.max.ms": _UNKNOWN_FOR_GOOD,
                "partitioner": "murmur2_random",
                "reconnect.backoff.max.ms": 1000,
                "on_delivery": self._delivered,
                "error_cb": self._failed,
                "logger": logging.getLogger("kafka"),
            }
        )

    def missing(self, timeout: float) -> str | None:
        """Return what must still come up before messages can be sent, asking for some seconds at most."""
        try:
            absent = self._topics - self._producer.list_topics(timeout=timeout).topics.keys()
        except KafkaException:
            return f"Kafka at {self._servers} (KAFKA_BOOTSTRAP_SERVERS)"
        return f"topics {', '.join(sorted(absent))} at {self._servers}" if absent else None

    def send(self, topic: str, key: str | None, value: str, reason: str | None = None) -> None:
        """Send in the background; flush reports what goes wrong."""
        try:
            self._producer.produce(topic, value, key, headers={"reason": reason} if reason else None)
        except KafkaException as error:  # known at once, for instance when the topic has been deleted
            self._refused = f"{topic}: {error.args[0].str()}"

    def flush(self, timeout: float) -> int:
        """Wait for acknowledgements, seconds at most; return how many are missing. Raises DeliveryError."""
        left = self._producer.flush(timeout)
        if self._refused:
            raise DeliveryError(self._refused)
        return left

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error:
            self._refused = f"{message.topic()}: {error.str()}"

    def _failed(self, error: KafkaError) -> None:
        if error.fatal():
            self._refused = error.str()
