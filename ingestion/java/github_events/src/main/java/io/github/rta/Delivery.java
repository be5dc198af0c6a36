package io.github.rta;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.SaslConfigs;
import org.apache.kafka.common.config.SslConfigs;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.security.plain.PlainLoginModule;
import org.apache.kafka.common.security.scram.ScramLoginModule;
import org.apache.kafka.common.serialization.StringSerializer;

/** Delivery to Kafka by an idempotent producer that never gives a message up by itself (CONTRACT.md, section 7). */
final class Delivery {
    /** How long a topic may be unknown to a Kafka that answers before it counts as deleted. */
    private static final Duration UNKNOWN_FOR_GOOD = Duration.ofSeconds(10);

    /** Kafka refused a message for good. */
    static final class RefusedException extends Exception {
        private static final long serialVersionUID = 1;

        RefusedException(String reason) {
            super(reason);
        }
    }

    private final Set<String> topics;
    private final String servers;
    private final Map<String, Object> client;
    private Admin admin;
    private Producer<String, String> producer;
    private int pending;
    private String refused;

    Delivery(Settings settings) {
        topics = new TreeSet<>(List.of(settings.topic(), settings.topic() + "_dlq", settings.pollsTopic()));
        servers = settings.bootstrapServers();
        client = client(settings.login());
    }

    /** Returns what must still come up before messages can be sent, asking so long at most; null: nothing. */
    String missing(Duration timeout) throws InterruptedException {
        try {
            ListTopicsOptions options = new ListTopicsOptions().timeoutMs((int) timeout.toMillis());
            Set<String> absent = new TreeSet<>(topics);
            absent.removeAll(admin().listTopics(options).names().get());
            if (!absent.isEmpty()) {
                return "topics %s at %s".formatted(String.join(", ", absent), servers);
            }
            connect();
            return null;
        } catch (InterruptException interrupt) {
            throw new InterruptedException();
        } catch (ExecutionException | KafkaException away) {
            return "Kafka at %s (KAFKA_BOOTSTRAP_SERVERS)".formatted(servers);
        }
    }

    /** Sends in the background. */
    void send(String topic, String key, String value, String reason) {
        ProducerRecord<String, String> message = new ProducerRecord<>(topic, key, value);
        if (reason != null) {
            message.headers().add("reason", reason.getBytes(StandardCharsets.UTF_8));
        }
        synchronized (this) {
            pending++;
        }
        try {
            producer.send(message, (done, error) -> delivered(topic, error));
        } catch (KafkaException error) {
            delivered(topic, error);
        }
    }

    /** Waits for acknowledgements, so long at most; returns how many are missing. */
    int flush(Duration timeout) throws RefusedException, InterruptedException {
        int left = awaitAcknowledgements(timeout);
        if (left > 0) {
            // The client itself would offer a message to a deleted topic without end.
            for (String topic : topics) {
                requireTopic(topic);
            }
        }
        synchronized (this) {
            if (refused != null) {
                throw new RefusedException(refused);
            }
            return pending;
        }
    }

    /** The client that looks for the topics, kept while they are missing. */
    private Admin admin() {
        if (admin == null) {
            admin = Admin.create(client);
        }
        return admin;
    }

    private void connect() {
        if (producer == null) {
            producer = new KafkaProducer<>(options(), new StringSerializer(), new StringSerializer());
        }
        topics.forEach(producer::partitionsFor);
        admin.close();
    }

    /** What a producer needs to wait for Kafka without limit, and without making `send` wait: topics once known stay known. */
    private Map<String, Object> options() {
        Map<String, Object> options = new HashMap<>(client);
        options.putAll(Map.of(
                ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
                true,
                ProducerConfig.ACKS_CONFIG,
                "all",
                ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
                Integer.MAX_VALUE,
                ProducerConfig.MAX_BLOCK_MS_CONFIG,
                UNKNOWN_FOR_GOOD.toMillis(),
                ProducerConfig.BUFFER_MEMORY_CONFIG,
                256 << 20,
                ProducerConfig.METADATA_MAX_IDLE_CONFIG,
                Duration.ofDays(3650).toMillis(),
                CommonClientConfigs.METADATA_RECOVERY_STRATEGY_CONFIG,
                "none",
                ProducerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG,
                1000));
        return options;
    }

    /** What every client needs to reach Kafka. */
    private Map<String, Object> client(Settings.Login login) {
        Map<String, Object> found = new HashMap<>();
        found.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, servers);
        found.put(CommonClientConfigs.SECURITY_PROTOCOL_CONFIG, login.protocol());
        if (login.caLocation() != null) {
            found.put(SslConfigs.SSL_TRUSTSTORE_TYPE_CONFIG, "PEM");
            found.put(SslConfigs.SSL_TRUSTSTORE_LOCATION_CONFIG, login.caLocation());
        }
        if (login.protocol().startsWith("SASL_")) {
            found.put(SaslConfigs.SASL_MECHANISM, login.mechanism());
            found.put(SaslConfigs.SASL_JAAS_CONFIG, jaas(login));
        }
        return found;
    }

    /** The login in Java's own notation, whose quotes and backslashes are escaped. */
    private static String jaas(Settings.Login login) {
        boolean plain = login.mechanism().equals("PLAIN");
        String module = plain ? PlainLoginModule.class.getName() : ScramLoginModule.class.getName();
        return "%s required username=%s password=%s;"
                .formatted(module, quoted(login.username()), quoted(login.password()));
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    private synchronized void delivered(String topic, Exception error) {
        pending--;
        if (error != null && refused == null) {
            refused = topic + ": " + error.getMessage();
        }
        notifyAll();
    }

    private synchronized int awaitAcknowledgements(Duration timeout) throws InterruptedException {
        long end = System.nanoTime() + timeout.toNanos();
        for (long left = end - System.nanoTime(); pending > 0 && refused == null && left > 0; ) {
            wait(left / 1_000_000, (int) (left % 1_000_000));
            left = end - System.nanoTime();
        }
        return pending;
    }

    private void requireTopic(String topic) throws RefusedException, InterruptedException {
        try {
            producer.partitionsFor(topic);
        } catch (TimeoutException gone) {
            throw new RefusedException(topic + ": the topic is gone");
        } catch (InterruptException interrupt) {
            throw new InterruptedException();
        }
    }
}
