"""Messages on their way to Kafka: queued, sent in the background, each acknowledged once."""

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from producers.client import Client
from producers.pace import LARGEST_BATCH, TargetError


class Delivery:
    """An idempotent producer. It says what failed when it is looked at."""

    def __init__(self, client: Client, compression: str = "none") -> None:
        """Connect in the background, as `client` says. Raises TargetError if nobody answers, or lets it in."""
        self._failed: str | None = None
        configuration = {**client, "enable.idempotence": True, "linger.ms": 20, "log_level": 0}
        self._producer = Producer({**configuration, "compression.type": compression})
        try:
            self.topics = self._producer.list_topics(timeout=10).topics
        except KafkaException as error:
            message = f"no answer from Kafka at {client['bootstrap.servers']} (KAFKA_BOOTSTRAP_SERVERS)"
            raise TargetError(message) from error

    def queue(self, topic: str, value: str | bytes, key: str) -> None:
        """Queue one message, waiting while the queue is full."""
        while len(self._producer) >= LARGEST_BATCH * 10:
            self._producer.poll(0.1)
        self._producer.produce(topic, value, key, on_delivery=self._delivered)

    def look(self) -> None:
        """Take what was answered by now. Raises TargetError if a message was refused."""
        self._producer.poll(0)
        self._check()

    def finish(self, unit: str) -> None:
        """Wait until the broker has acknowledged everything. Raises TargetError if it has not."""
        left = self._producer.flush(60)
        self._check()
        if left:
            message = f"{left} {unit} were not acknowledged"
            raise TargetError(message)

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        self._failed = self._failed or (error.str() if error else None)

    def _check(self) -> None:
        if self._failed:
            raise TargetError(self._failed)
