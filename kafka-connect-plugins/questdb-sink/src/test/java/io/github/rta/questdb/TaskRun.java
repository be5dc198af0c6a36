package io.github.rta.questdb;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.metrics.Gauge;
import org.apache.kafka.common.metrics.MetricValueProvider;
import org.apache.kafka.common.metrics.PluginMetrics;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.sink.ErrantRecordReporter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTaskContext;

/** Runs one task as a worker does: put() over and over, pauses obeyed, bad records collected. */
final class TaskRun implements SinkTaskContext, PluginMetrics, AutoCloseable {
    /** A record the task set aside, and its reason. */
    record DeadLetter(SinkRecord record, String reason) {}

    final List<DeadLetter> deadLetters = java.util.Collections.synchronizedList(new ArrayList<>());
    final QuestDbSinkTask task = new QuestDbSinkTask();
    final Set<TopicPartition> paused = new HashSet<>();
    long slowestPut;
    int wentBack;
    private final Map<String, String> config;
    private final Map<String, MetricValueProvider<?>> metrics = new HashMap<>();
    private final Map<TopicPartition, OffsetAndMetadata> current = new HashMap<>();
    private final TopicPartition partition;
    private final List<SinkRecord> read = new ArrayList<>();
    private final List<SinkRecord> waiting = new ArrayList<>();
    private long next;

    TaskRun(String conf, String table, Map<String, String> more) {
        partition = new TopicPartition(table, 0);
        config = new HashMap<>(Map.of(
                "name",
                "test",
                "task.id",
                "0",
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
        task.initialize(this);
        task.start(config);
        task.open(List.of(partition));
    }

    SinkRecord record(Object value) {
        return new SinkRecord(
                partition.topic(), 0, null, null, null, value, next++, 1_700_000_000_000L, TimestampType.CREATE_TIME);
    }

    List<SinkRecord> records(Collection<String> json) {
        return json.stream()
                .map(text -> record(text.getBytes(StandardCharsets.UTF_8)))
                .toList();
    }

    /** Puts the records, after those the task wants to have again; while it is paused, later. */
    void put(Collection<SinkRecord> records) {
        read.addAll(records);
        waiting.addAll(records);
        List<SinkRecord> polled = paused.isEmpty() ? List.copyOf(waiting) : List.of();
        waiting.subList(0, polled.size()).clear();
        for (SinkRecord record : polled) {
            current.put(partition, new OffsetAndMetadata(record.kafkaOffset() + 1));
        }
        long start = System.nanoTime();
        task.put(polled);
        slowestPut = Math.max(slowestPut, System.nanoTime() - start);
    }

    void putJson(String... json) {
        put(records(List.of(json)));
    }

    /** Puts all, no more than a poll's worth at a time and only while the task isn't paused; then waits until all is safe. */
    void deliver(Collection<String> json) throws Exception {
        List<SinkRecord> all = records(json);
        int at = 0;
        while (at < all.size()) {
            int end = paused.isEmpty() ? Math.min(all.size(), at + 1000) : at;
            put(all.subList(at, end));
            at = end;
        }
        awaitSafe();
    }

    void awaitSafe() throws Exception {
        await("every offset acknowledged", () -> committable() == next);
    }

    void await(String what, Callable<Boolean> condition) throws Exception {
        Conditions.await(
                what,
                Duration.ofSeconds(40),
                () -> {
                    put(List.of());
                    return condition.call();
                },
                () -> "committable " + committable() + " of " + next + ", dead letters " + deadLetters);
    }

    /** The offset Connect would commit now. */
    long committable() {
        OffsetAndMetadata offset = task.preCommit(new HashMap<>(current)).get(partition);
        return offset == null ? 0 : offset.offset();
    }

    List<String> reasons() {
        return deadLetters.stream().map(DeadLetter::reason).toList();
    }

    long metric(String name) {
        Gauge<?> gauge = (Gauge<?>) metrics.get(name);
        return ((Number) gauge.value(null, 0)).longValue();
    }

    @Override
    public void close() {
        task.close(List.of(partition));
        task.stop();
    }

    @Override
    public Map<String, String> configs() {
        return config;
    }

    @Override
    public void offset(Map<TopicPartition, Long> offsets) {
        wentBack++;
        long back = offsets.get(partition);
        current.put(partition, new OffsetAndMetadata(back));
        waiting.clear();
        read.stream().filter(record -> record.kafkaOffset() >= back).forEach(waiting::add);
    }

    @Override
    public void offset(TopicPartition tp, long offset) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void timeout(long timeoutMs) {
        // The tests call put() more often than any timeout asks for.
    }

    @Override
    public Set<TopicPartition> assignment() {
        return Set.of(partition);
    }

    @Override
    public void pause(TopicPartition... partitions) {
        paused.addAll(List.of(partitions));
    }

    @Override
    public void resume(TopicPartition... partitions) {
        List.of(partitions).forEach(paused::remove);
    }

    @Override
    public void requestCommit() {
        throw new UnsupportedOperationException();
    }

    @Override
    public ErrantRecordReporter errantRecordReporter() {
        return (record, error) -> {
            deadLetters.add(new DeadLetter(record, error.getMessage()));
            return CompletableFuture.completedFuture(null);
        };
    }

    @Override
    public PluginMetrics pluginMetrics() {
        return this;
    }

    @Override
    public MetricName metricName(String name, String description, LinkedHashMap<String, String> tags) {
        return new MetricName(name, "plugins", description, tags);
    }

    @Override
    public void addMetric(MetricName metricName, MetricValueProvider<?> provider) {
        metrics.put(metricName.name(), provider);
    }

    @Override
    public void removeMetric(MetricName metricName) {
        metrics.remove(metricName.name());
    }

    @Override
    public Sensor addSensor(String name) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void removeSensor(String name) {
        throw new UnsupportedOperationException();
    }
}
