"""The topics that benchmarks of the sink drain: the same events as JSON, as JSON in four partitions, and as Avro."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from load import COLUMNS, Writer
from producers.target import COMPATIBLE

from operations.reconciler import connectors, optional

if TYPE_CHECKING:
    from collections.abc import Callable

    from load import Config, Event
    from rig import Rig

JSON = "bench_events"
SPREAD = "bench_events_spread"
AVRO = "bench_events_avro"
PARTITIONS = {JSON: 1, SPREAD: 4, AVRO: 1}
NEEDS_REGISTRY = "trades"  # a dataset that does: with it the stack starts the registry
SCHEMA = {
    "type": "record",
    "name": "Event",
    "fields": [{"name": name, "type": ["null", "string"], "default": None} for name in COLUMNS],
}


def made(rig: Rig, topic: str) -> Writer:
    """Make one of the topics; return what writes to it."""
    rig.create_topic(topic, PARTITIONS[topic])
    return Writer(rig.settings.kafka, topic, encode=_avro(rig) if topic == AVRO else None)


def _avro(rig: Rig) -> Callable[[Event], bytes]:
    registry = SchemaRegistryClient({"url": rig.settings.schema_registry_url + COMPATIBLE})
    serializer, context = AvroSerializer(registry, json.dumps(SCHEMA)), SerializationContext(AVRO, MessageField.VALUE)
    return lambda event: bytes(serializer(event, context))


def avro_converter() -> Config:
    """Return the keys of a connector that reads Avro, as the datasets' own have them."""
    config: Config = connectors.read(optional.CONNECTORS / NEEDS_REGISTRY)[NEEDS_REGISTRY]
    return {key: value for key, value in config.items() if key.startswith("value.converter")}
