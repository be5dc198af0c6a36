"""Kafka as the target of records: JSON, or Avro in Confluent's format with its schemas in the registry."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from producers.pace import LARGEST_BATCH, TargetError
from producers.record import Record

SCHEMAS = Path(__file__).parent / "schemas"
COMPATIBLE = "/apis/ccompat/v7"  # where the registry answers as Confluent's does
REMEDY = "Name the dataset in DATASETS (.env), then `make down` and `make up`, or `docker compose up --detach`"


class Kafka:
    """The topics of a dataset."""

    def __init__(self, servers: str, registry: str) -> None:
        """Connect in the background; `servers` is host:port, several with commas; `registry` is the URL of the schema registry."""
        self._failed: str | None = None
        self._registry = registry
        configuration = {"bootstrap.servers": servers, "enable.idempotence": True, "linger.ms": 20, "log_level": 0}
        self._producer = Producer({**configuration, "compression.type": "lz4"})
        self._encoders: dict[tuple[str, str], Callable[[dict[str, Any]], bytes]] = {}
        try:
            self._topics = self._producer.list_topics(timeout=10).topics
        except KafkaException as error:
            message = f"no answer from Kafka at {servers} (KAFKA_BOOTSTRAP_SERVERS)"
            raise TargetError(message) from error

    def send(self, batch: list[Record]) -> None:
        """Queue one batch, waiting while the queue is full."""
        for record in batch:
            encode = self._encoders.get((record.topic, record.schema)) or self._encoder(record.topic, record.schema)
            value = encode(record.value)
            while len(self._producer) >= LARGEST_BATCH * 10:
                self._producer.poll(0.1)
            self._producer.produce(record.topic, value, record.key, on_delivery=self._delivered)
        self._producer.poll(0)
        self._check()

    def finish(self) -> None:
        """Wait until the broker has acknowledged everything."""
        left = self._producer.flush(60)
        self._check()
        if left:
            message = f"{left} records were not acknowledged"
            raise TargetError(message)

    def _encoder(self, topic: str, schema: str) -> Callable[[dict[str, Any]], bytes]:
        if topic not in self._topics:
            message = f"there is no topic {topic}. {REMEDY}"
            raise TargetError(message)
        encode = self._avro(topic, schema) if schema else _json
        self._encoders[topic, schema] = encode
        return encode

    def _avro(self, topic: str, schema: str) -> Callable[[dict[str, Any]], bytes]:
        text = (SCHEMAS / f"{schema}.avsc").read_text(encoding="utf-8")
        client = SchemaRegistryClient({"url": self._registry + COMPATIBLE, "max.retries": 3})
        serializer, context = AvroSerializer(client, text), SerializationContext(topic, MessageField.VALUE)

        def encode(value: dict[str, Any]) -> bytes:
            try:
                return bytes(serializer(value, context))
            except (TypeError, ValueError):
                raise  # the record is not as its schema says
            except Exception as error:  # the errors are those of whichever HTTP library the client uses
                message = f"no answer from the schema registry at {self._registry} (SCHEMA_REGISTRY_URL). {REMEDY}"
                raise TargetError(message) from error

        return encode

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        self._failed = self._failed or (error.str() if error else None)

    def _check(self) -> None:
        if self._failed:
            raise TargetError(self._failed)


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
