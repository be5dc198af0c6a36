"""Kafka as the target of records: JSON, or Avro in Confluent's format with its schemas in the registry."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from producers.client import Client
from producers.delivery import Delivery
from producers.pace import TargetError
from producers.record import Record

SCHEMAS = Path(__file__).parent / "schemas"
COMPATIBLE = "/apis/ccompat/v7"  # where the registry answers as Confluent's does
REMEDY = "Name the dataset in DATASETS (.env), then `make down` and `make up`, or `docker compose up --detach`"


class Kafka:
    """The topics of a dataset."""

    def __init__(self, client: Client, registry: str) -> None:
        """Connect in the background, as `client` says; `registry` is the URL of the schema registry."""
        self._delivery = Delivery(client, compression="lz4")
        self._registry = registry
        self._encoders: dict[tuple[str, str], Callable[[dict[str, Any]], bytes]] = {}

    def send(self, batch: list[Record]) -> None:
        """Queue one batch, waiting while the queue is full."""
        for record in batch:
            encode = self._encoders.get((record.topic, record.schema)) or self._encoder(record.topic, record.schema)
            self._delivery.queue(record.topic, encode(record.value), record.key)
        self._delivery.look()

    def finish(self) -> None:
        """Wait until the broker has acknowledged everything."""
        self._delivery.finish("records")

    def _encoder(self, topic: str, schema: str) -> Callable[[dict[str, Any]], bytes]:
        if topic not in self._delivery.topics:
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


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
