package io.github.rta.questdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The packaged plugin in a real worker, from a real broker into a real QuestDB. */
class WorkerIT {
    private static ConnectCluster cluster;
    private static QuestDb db;

    @BeforeAll
    static void start() throws Exception {
        db = QuestDb.shared();
        cluster = new ConnectCluster(Path.of("target", "plugin").toAbsolutePath());
    }

    @AfterAll
    static void stop() {
        // Where the start failed, that is what the report should say.
        if (cluster != null) {
            cluster.close();
        }
    }

    private static void create(String name) throws Exception {
        create(name, 1);
    }

    private static void create(String name, int partitions) throws Exception {
        db.query("CREATE TABLE " + name
                + " (timestamp TIMESTAMP, id VARCHAR, n LONG) TIMESTAMP(timestamp) PARTITION BY DAY WAL"
                + " DEDUP UPSERT KEYS(timestamp, id)");
        createTopics(name, partitions);
    }

    private static void createTopics(String name, int partitions) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", cluster.bootstrap))) {
            Map<String, String> settings =
                    ConnectCluster.product(Path.of("kafka", "topics", "iot_data_dlq.properties"));
            settings.remove("partitions");
            NewTopic deadLetters = new NewTopic(name + "_dlq", 1, (short) 1).configs(settings);
            admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1), deadLetters))
                    .all()
                    .get();
        }
    }

    /** Takes one of the topic's two partitions from the connector for a moment. */
    private static void memberJoinsAndLeaves(String topic) throws Exception {
        Map<String, Object> settings = Map.of(
                "bootstrap.servers", cluster.bootstrap, "group.id", "connect-" + topic, "enable.auto.commit", "false");
        try (KafkaConsumer<String, String> member =
                new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            member.subscribe(List.of(topic));
            Conditions.await(
                    "a share of the partitions",
                    Duration.ofSeconds(30),
                    () -> {
                        member.poll(Duration.ofMillis(100));
                        return member.assignment().size() == 1;
                    },
                    cluster::log);
        }
    }

    @Test
    void aRebalanceDuringAnOutageStallsNothing() throws Exception {
        String topic = "rebalance";
        create(topic, 2);
        try (FaultProxy outage = new FaultProxy(db.port)) {
            outage.fault = FaultProxy.Fault.STATUS_503;
            Map<String, String> config = config(topic);
            config.put("client.conf.string", outage.conf());
            config.put("batch.max.rows", "1000");
            cluster.connector(topic, config);
            produce(topic, 0, 20_000);
            Conditions.await("an outage", Duration.ofSeconds(30), () -> number(topic, "outage") == 1, cluster::log);
            memberJoinsAndLeaves(topic);
            outage.fault = FaultProxy.Fault.NONE;
            db.awaitCount(topic, 20_000);
        }
        assertTrue(cluster.running(topic), cluster::log);
    }

    private static double number(String topic, String attribute) throws Exception {
        String task = "kafka.connect:type=plugins,connector=" + topic + ",task=0";
        return ((Number) cluster.attribute(task, attribute)).doubleValue();
    }

    private static Map<String, String> config(String topic) {
        return new HashMap<>(Map.of(
                "connector.class",
                QuestDbSinkConnector.class.getName(),
                "topics",
                topic,
                "client.conf.string",
                db.conf(),
                "include.key",
                "false",
                "timestamp.field.name",
                "ts",
                "errors.tolerance",
                "all",
                "errors.deadletterqueue.topic.name",
                topic + "_dlq",
                "errors.deadletterqueue.topic.replication.factor",
                "1",
                "errors.deadletterqueue.context.headers.enable",
                "true"));
    }

    private static void produce(String topic, int from, int to) {
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", cluster.bootstrap), new StringSerializer(), new StringSerializer())) {
            for (int i = from; i < to; i++) {
                producer.send(
                        new ProducerRecord<>(topic, "{\"id\":\"%d\",\"n\":%d,\"ts\":1700000000}".formatted(i, i)));
            }
        }
    }

    private static void produce(String topic, String value) {
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", cluster.bootstrap), new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>(topic, value));
        }
    }

    private static ConsumerRecord<String, String> deadLetter(String topic) throws Exception {
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", cluster.bootstrap, "auto.offset.reset", "earliest"),
                new StringDeserializer(),
                new StringDeserializer())) {
            consumer.assign(List.of(new TopicPartition(topic + "_dlq", 0)));
            List<ConsumerRecord<String, String>> found = new ArrayList<>();
            Conditions.await(
                    "a dead letter",
                    Duration.ofSeconds(20),
                    () -> {
                        consumer.poll(Duration.ofMillis(200)).forEach(found::add);
                        return !found.isEmpty();
                    },
                    cluster::log);
            return found.get(0);
        }
    }

    @Test
    void bothPathsStoreGoodRecordsAndSetBadOnesAside() throws Exception {
        for (String converter : List.of(
                "org.apache.kafka.connect.converters.ByteArrayConverter",
                "org.apache.kafka.connect.json.JsonConverter")) {
            String topic = "both" + converter.length();
            create(topic);
            Map<String, String> config = config(topic);
            config.put("value.converter", converter);
            config.put("value.converter.schemas.enable", "false");
            cluster.connector(topic, config);
            produce(topic, 0, 10);
            produce(topic, "{\"id\":10,\"ts\":1700000000}");
            produce(topic, 11, 20);
            db.awaitCount(topic, 19);
            ConsumerRecord<String, String> letter = deadLetter(topic);
            assertEquals("{\"id\":10,\"ts\":1700000000}", letter.value());
            String reason = new String(
                    letter.headers()
                            .lastHeader("__connect.errors.exception.message")
                            .value(),
                    StandardCharsets.UTF_8);
            assertEquals(
                    "topic %s, partition 0, offset 10: HTTP 400: table: %s, column: id; cast error from protocol type: INTEGER to column type: VARCHAR"
                            .formatted(topic, topic),
                    reason);
            assertTrue(cluster.running(topic), cluster::log);
            assertEquals(19.0, number(topic, "rows-total"));
        }
    }

    @Test
    void aBadRecordAsLargeAsTheBrokerAllowsReachesTheDeadLetters() throws Exception {
        create("large");
        cluster.connector("large", config("large"));
        String value = "{\"pad\":\"" + "x".repeat(1_048_400) + "\",\"ts\":1700000000}";
        produce("large", value);
        produce("large", 0, 10);
        db.awaitCount("large", 10);
        assertEquals(value, deadLetter("large").value());
        assertTrue(cluster.running("large"), cluster::log);
    }

    @Test
    void anAbortedTransactionIsNotStored() throws Exception {
        create("transactions");
        cluster.connector("transactions", config("transactions"));
        Map<String, Object> settings =
                Map.of("bootstrap.servers", cluster.bootstrap, "transactional.id", "transactions");
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            producer.initTransactions();
            for (String id : List.of("aborted", "committed")) {
                producer.beginTransaction();
                producer.send(new ProducerRecord<>("transactions", "{\"id\":\"%s\",\"ts\":1700000000}".formatted(id)));
                if (id.equals("aborted")) {
                    producer.abortTransaction();
                } else {
                    producer.commitTransaction();
                }
            }
        }
        db.awaitCount("transactions", 1);
        assertEquals(
                "[[\"committed\"]]", db.query("SELECT id FROM transactions").toString());
    }

    @Test
    void aPartitionThatIsAddedIsRead() throws Exception {
        create("growing");
        cluster.connector("growing", config("growing"));
        produce("growing", 0, 10);
        db.awaitCount("growing", 10);
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", cluster.bootstrap))) {
            admin.createPartitions(Map.of("growing", NewPartitions.increaseTo(2)))
                    .all()
                    .get();
        }
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", cluster.bootstrap), new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>("growing", 1, null, "{\"id\":\"new\",\"ts\":1700000000}"));
        }
        db.awaitCount("growing", 11);
    }

    /** All with questdb/server.env: QuestDB creates no column by itself. */
    @ParameterizedTest
    @MethodSource("io.github.rta.questdb.TableChange#all")
    void aTableChangesWhileRecordsFlow(TableChange change) throws Exception {
        String topic = change.name();
        db.query(change.create());
        createTopics(topic, 1);
        cluster.connector(topic, config(topic));
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", cluster.bootstrap), new StringSerializer(), new StringSerializer())) {
            AtomicBoolean enough = new AtomicBoolean();
            CompletableFuture<Integer> flow = CompletableFuture.supplyAsync(() -> {
                int n = 0;
                while (!enough.get()) { // One after the other, so that there are many requests.
                    send(producer, topic, change.recordBefore(n++));
                }
                return n;
            });
            db.awaitSome(topic);
            if (change.quiet()) {
                enough.set(true);
                db.awaitCount(topic, flow.get());
            }
            for (String statement : change.statements()) {
                db.query(statement.formatted(topic));
            }
            enough.set(true);
            flow.get();
            for (int i = 0; i < TableChange.RECORDS; i++) {
                send(producer, topic, change.recordAfter(i));
            }
        }
        String after = topic + " WHERE n >= " + TableChange.AFTER;
        db.awaitCount(after, TableChange.RECORDS);
        assertEquals(
                change.expected(),
                db.query("SELECT " + change.stored() + " FROM " + after)
                        .get(0)
                        .get(0)
                        .asText());
        List<String> letters = deadLetters(topic);
        assertTrue(
                change.beforeFits() ? letters.isEmpty() : letters.stream().noneMatch(TableChange::isAfter),
                letters::toString);
        assertTrue(cluster.running(topic), cluster::log);
        cluster.request("DELETE", "/connectors/" + topic, "");
    }

    private static void send(KafkaProducer<String, String> producer, String topic, String value) {
        try {
            producer.send(new ProducerRecord<>(topic, value)).get();
        } catch (InterruptedException | ExecutionException e) {
            throw new AssertionError(e);
        }
    }

    private static List<String> deadLetters(String topic) {
        TopicPartition partition = new TopicPartition(topic + "_dlq", 0);
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", cluster.bootstrap, "auto.offset.reset", "earliest"),
                new StringDeserializer(),
                new StringDeserializer())) {
            consumer.assign(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            List<String> values = new ArrayList<>();
            while (consumer.position(partition) < end) {
                consumer.poll(Duration.ofMillis(200)).forEach(letter -> values.add(letter.value()));
            }
            return values;
        }
    }

    @Test
    void validationNamesTheKey() throws Exception {
        String name = QuestDbSinkConnector.class.getSimpleName();
        JsonNode answer = cluster.request(
                "PUT",
                "/connector-plugins/" + name + "/config/validate",
                "{\"name\":\"x\",\"connector.class\":\"" + name
                        + "\",\"topics\":\"t\",\"simbols\":\"a\",\"client.conf.string\":\"http::addr=a;password=SECRET;\"}");
        assertEquals(3, answer.get("error_count").asInt(), answer::toString);
        assertTrue(answer.toString().contains("simbols is not a setting of this connector"), answer::toString);
        assertTrue(answer.toString().contains("timestamp.field.name is missing"), answer::toString);
        assertTrue(!answer.toString().contains("SECRET"), answer::toString);
    }

    @Test
    void aKilledWorkerLosesAndDoublesNothing() throws Exception {
        create("killed");
        cluster.connector("killed", config("killed"));
        produce("killed", 0, 100_000);
        Conditions.await("some rows", Duration.ofSeconds(30), () -> db.count("killed") > 0, cluster::log);
        cluster.killWorker();
        produce("killed", 100_000, 120_000);
        cluster.startWorker();
        db.awaitCount("killed", 120_000);
        assertEquals(
                119_999L * 120_000 / 2,
                db.query("SELECT sum(n) FROM killed").get(0).get(0).asLong());
        assertTrue(cluster.running("killed"), cluster::log);
    }
}
