package io.github.rta.questdb;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.converters.ByteArrayConverter;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.runtime.SteppedSinkTask;
import org.apache.kafka.connect.runtime.errors.ProcessingContext;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;
import org.apache.kafka.connect.sink.SinkTaskContext;
import org.apache.kafka.connect.storage.Converter;

/** One task, run by Connect's own code; only its consumer is a double. */
final class TaskRun implements AutoCloseable {
    /** A record the task set aside, and its reason. */
    record DeadLetter(ConsumerRecord<byte[], byte[]> record, String reason) {}

    final List<DeadLetter> deadLetters = Collections.synchronizedList(new ArrayList<>());
    final TopicConsumer consumer;
    long slowestPut;
    private final List<TopicPartition> partitions;
    private final SteppedSinkTask worker;
    private SinkTaskContext context;

    /** A task with one partition, of a topic with the table's name. */
    TaskRun(String conf, String table, Map<String, String> more) {
        this(conf, List.of(new TopicPartition(table, 0)), more);
    }

    TaskRun(String conf, List<TopicPartition> partitions, Map<String, String> more) {
        this.partitions = partitions;
        consumer = new TopicConsumer(partitions);
        Map<String, String> config = new HashMap<>(Map.of(
                "name",
                "test",
                "task.id",
                "0",
                "task.class",
                QuestDbSinkTask.class.getName(),
                "topics",
                partitions.stream().map(TopicPartition::topic).collect(Collectors.joining(",")),
                "client.conf.string",
                conf,
                "include.key",
                "false",
                "timestamp.field.name",
                "ts",
                "errors.tolerance",
                "all",
                "errors.deadletterqueue.topic.name",
                "dlq"));
        config.putAll(more);
        worker = new SteppedSinkTask(config, new Timed(), consumer, converter(config), this::setAside);
    }

    private static Converter converter(Map<String, String> config) {
        boolean json = config.getOrDefault("value.converter", "").equals(JsonConverter.class.getName());
        Converter converter = json ? new JsonConverter() : new ByteArrayConverter();
        converter.configure(Map.of("schemas.enable", "false"), false);
        return converter;
    }

    private CompletableFuture<org.apache.kafka.clients.producer.RecordMetadata> setAside(
            ProcessingContext<ConsumerRecord<byte[], byte[]>> failed) {
        deadLetters.add(new DeadLetter(failed.original(), failed.error().getMessage()));
        return CompletableFuture.completedFuture(null);
    }

    /** One turn of Connect's loop. */
    void step() {
        try {
            worker.step();
        } catch (ConnectException e) { // Connect wraps what the task threw.
            throw e.getCause() instanceof ConnectException cause ? cause : e;
        }
    }

    /** Adds to the first partition, and has the task read it, if it isn't paused. */
    void put(Collection<String> json) {
        put(partitions.get(0), json);
    }

    void put(TopicPartition to, Collection<String> json) {
        json.forEach(text -> append(to, null, text.getBytes(StandardCharsets.UTF_8)));
        do {
            step();
        } while (isReading(to));
    }

    private boolean isReading(TopicPartition partition) {
        return consumer.hasChanges()
                || consumer.assignment().contains(partition)
                        && !consumer.paused().contains(partition)
                        && consumer.position(partition) < consumer.end(partition);
    }

    void append(TopicPartition to, String key, byte[] value) {
        consumer.append(to, key == null ? null : key.getBytes(StandardCharsets.UTF_8), value);
    }

    void putJson(String... json) {
        put(List.of(json));
    }

    /** Puts all, and waits until all is safe. */
    void deliver(Collection<String> json) throws Exception {
        put(json);
        awaitSafe();
    }

    void awaitSafe() throws Exception {
        await("every offset committed", () -> {
            context.requestCommit();
            return partitions.stream().allMatch(each -> consumer.committed(each) == consumer.end(each));
        });
    }

    void await(String what, Callable<Boolean> condition) throws Exception {
        Conditions.await(
                what,
                Duration.ofSeconds(40),
                () -> {
                    step();
                    return condition.call();
                },
                () -> committable() + " of "
                        + partitions.stream().map(consumer::end).toList() + " committed, paused " + paused()
                        + ", dead letters " + reasons());
    }

    /** The offset of the first partition that Connect commits now. */
    long committable() {
        context.requestCommit();
        step();
        return consumer.committed(partitions.get(0));
    }

    Set<TopicPartition> paused() {
        return consumer.paused();
    }

    List<String> reasons() {
        return deadLetters.stream().map(DeadLetter::reason).toList();
    }

    long metric(String name) {
        return worker.metric(name).longValue();
    }

    @Override
    public void close() {
        worker.close();
    }

    /** Passes everything on to the sink's task, and takes the time of {@code put()}. */
    private final class Timed extends SinkTask {
        private final QuestDbSinkTask task = new QuestDbSinkTask();

        @Override
        public void initialize(SinkTaskContext given) {
            TaskRun.this.context = given;
            task.initialize(given);
        }

        @Override
        public String version() {
            return task.version();
        }

        @Override
        public void start(Map<String, String> config) {
            task.start(config);
        }

        @Override
        public void open(Collection<TopicPartition> opened) {
            task.open(opened);
        }

        @Override
        public void put(Collection<SinkRecord> records) {
            long start = System.nanoTime();
            task.put(records);
            slowestPut = Math.max(slowestPut, System.nanoTime() - start);
        }

        @Override
        public Map<TopicPartition, OffsetAndMetadata> preCommit(Map<TopicPartition, OffsetAndMetadata> current) {
            return task.preCommit(current);
        }

        @Override
        public void close(Collection<TopicPartition> closed) {
            task.close(closed);
        }

        @Override
        public void stop() {
            task.stop();
        }
    }
}
