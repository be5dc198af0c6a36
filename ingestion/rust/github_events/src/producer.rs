//! Delivery to Kafka (CONTRACT.md, section 7).

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use crate::settings::Settings;

/// `poll` takes all of its time, whatever comes in.
const POLL_STEP: Duration = Duration::from_millis(5);

/// An idempotent producer that never gives a message up by itself.
pub struct Delivery {
    producer: BaseProducer<Refusal>,
    topics: [String; 3],
    servers: String,
}

/// The first message, or producer, that Kafka refused for good.
#[derive(Default)]
struct Refusal(OnceLock<String>);

impl ClientContext for Refusal {
    // librdkafka's own lines, once a second while Kafka is away; the poller says so itself.
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, _: KafkaError, _: &str) {}
}

impl ProducerContext for Refusal {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, message)) = result {
            self.note(message.topic(), error);
        }
    }
}

impl Refusal {
    fn note(&self, topic: &str, error: &KafkaError) {
        self.0.get_or_init(|| format!("{topic}: {error}"));
    }
}

/// Returns what every client needs to reach Kafka.
fn client(settings: &Settings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &settings.bootstrap_servers);
    config.set("security.protocol", &settings.security_protocol);
    for (name, value) in [
        ("sasl.mechanism", &settings.sasl_mechanism),
        ("sasl.username", &settings.sasl_username),
        ("sasl.password", &settings.sasl_password),
        ("ssl.ca.location", &settings.ca_location),
    ] {
        if let Some(value) = value {
            config.set(name, value);
        }
    }
    config
}

impl Delivery {
    /// Connects in the background.
    pub fn new(settings: &Settings) -> Self {
        let producer = client(settings)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", "0") // no limit
            .set("partitioner", "murmur2_random")
            .set("reconnect.backoff.max.ms", "1000")
            .create_with_context(Refusal::default())
            .expect("these settings are valid");
        let topics = [settings.topic.clone(), format!("{}_dlq", settings.topic), settings.polls_topic.clone()];
        Self { producer, topics, servers: settings.bootstrap_servers.clone() }
    }

    /// Returns what must still come up before messages can be sent, asking for this long at most.
    pub fn missing(&self, timeout: Duration) -> Option<String> {
        let Ok(metadata) = self.producer.client().fetch_metadata(None, timeout) else {
            return Some(format!("Kafka at {} (KAFKA_BOOTSTRAP_SERVERS)", self.servers));
        };
        let known = |topic: &&String| metadata.topics().iter().any(|found| found.name() == *topic);
        let absent: Vec<&str> = self.topics.iter().filter(|topic| !known(topic)).map(String::as_str).collect();
        (!absent.is_empty()).then(|| format!("topics {} at {}", absent.join(", "), self.servers))
    }

    /// Sends in the background.
    pub fn send(&self, topic: &str, key: Option<&str>, value: &str, reason: Option<&str>) {
        let mut record = BaseRecord::<str, str>::to(topic).payload(value);
        record.key = key;
        record.headers = reason.map(|reason| OwnedHeaders::new().insert(Header { key: "reason", value: Some(reason) }));
        if let Err((error, _)) = self.producer.send(record) {
            self.producer.context().note(topic, &error);
        }
    }

    /// Waits for acknowledgements, this long at most; returns how many are missing, or why Kafka refused a message.
    pub fn flush(&self, timeout: Duration) -> Result<usize, String> {
        let end = Instant::now() + timeout;
        loop {
            let before = self.producer.in_flight_count();
            let left = end.saturating_duration_since(Instant::now());
            self.producer.poll(left.min(POLL_STEP));
            let pending = self.producer.in_flight_count();
            if pending <= 0 || (left.is_zero() && pending == before) {
                return self.refusal().map_or(Ok(pending.try_into().unwrap_or_default()), Err);
            }
        }
    }

    fn refusal(&self) -> Option<String> {
        let fatal = self.producer.client().fatal_error().map(|(_, text)| text);
        self.producer.context().0.get().cloned().or(fatal)
    }
}
