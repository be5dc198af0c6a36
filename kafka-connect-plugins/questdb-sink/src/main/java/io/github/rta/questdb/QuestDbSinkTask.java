package io.github.rta.questdb;

import io.github.rta.questdb.config.SinkConfig;
import io.github.rta.questdb.delivery.Assignment;
import io.github.rta.questdb.delivery.Batch;
import io.github.rta.questdb.delivery.BatchFiller;
import io.github.rta.questdb.delivery.BatchQueue;
import io.github.rta.questdb.delivery.Catalog;
import io.github.rta.questdb.delivery.DeadLetters;
import io.github.rta.questdb.delivery.LateRows;
import io.github.rta.questdb.delivery.QuestDbClient;
import io.github.rta.questdb.delivery.Receipts;
import io.github.rta.questdb.delivery.SchemaLookup;
import io.github.rta.questdb.delivery.Sender;
import io.github.rta.questdb.delivery.SinkStats;
import io.github.rta.questdb.encoding.RecordEncoder;
import io.github.rta.questdb.encoding.Schema;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.sink.ErrantRecordReporter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;

/**
 * Takes records from Connect, encodes them and leaves them to the {@link Sender}.
 *
 * <p>{@code put()} never blocks for long: when QuestDB is away or slow the task pauses its partitions and returns, so
 * that it stays a member of its group however long that lasts. Offsets are given to Connect only when QuestDB has
 * acknowledged the rows; {@link Assignment} knows which.
 */
public final class QuestDbSinkTask extends SinkTask {
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(1);

    private Assignment assignment;
    private BatchQueue queue;
    private BatchFiller filler;
    private SinkStats stats;
    private Sender sender;
    private Receipts receipts;
    private List<Thread> threads = List.of();
    private SchemaLookup lookup;
    private long failAfterMs;

    @Override
    public String version() {
        return QuestDbSinkConnector.VERSION;
    }

    @Override
    public void start(Map<String, String> properties) {
        SinkConfig config = new SinkConfig(properties);
        QuestDbClient client = new QuestDbClient(config.client());
        String name = properties.get("name") + '-' + properties.get("task.id");
        stats = new SinkStats(name, context.pluginMetrics());
        failAfterMs = config.failAfterMs;
        assignment = new Assignment(context);
        queue = new BatchQueue(() -> new Batch(config), config.minIntervalMs);
        Catalog catalog = new Catalog(client, !config.strict);
        lookup = new SchemaLookup("questdb-tables-" + name, catalog::schema);
        RecordEncoder.SchemaSource schemas = config.tableLookup ? lookup : table -> Schema.unknown();
        filler = new BatchFiller(new RecordEncoder(config, schemas), assignment, queue, new LateRows(config), stats);
        receipts = new Receipts(catalog, assignment, queue, stats);
        DeadLetters deadLetters = new DeadLetters(reporter(properties));
        sender = new Sender(client, receipts, queue, assignment, deadLetters, stats, !config.tableVaries);
        threads =
                List.of(new Thread(sender, "questdb-sender-" + name), new Thread(receipts, "questdb-receipts-" + name));
        threads.forEach(thread -> {
            thread.setDaemon(true);
            thread.start();
        });
    }

    /** Connect offers a reporter even where there is no topic for it to report to. */
    private ErrantRecordReporter reporter(Map<String, String> properties) {
        String topic = properties.getOrDefault("errors.deadletterqueue.topic.name", "");
        return topic.isBlank() ? null : context.errantRecordReporter();
    }

    @Override
    public void open(Collection<TopicPartition> partitions) {
        assignment.opened(partitions);
    }

    @Override
    public void put(Collection<SinkRecord> records) {
        RuntimeException failure = failure();
        if (failure != null) {
            throw failure;
        }
        stats.checkPatience(failAfterMs);
        assignment.polled();
        try {
            if (assignment.mustReadAgain()) {
                filler.goBack(records, sender.takeTableFault());
            } else {
                filler.put(records);
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    @Override
    public Map<TopicPartition, OffsetAndMetadata> preCommit(Map<TopicPartition, OffsetAndMetadata> current) {
        try {
            // A short wait saves the next owner of a partition from storing the last rows again.
            boolean done = stats.isOutage() || failure() != null || !filler.isDone() ? queue.isIdle() : awaitIdle();
            boolean known = done && failure() == null;
            return assignment.committable(current, known ? filler.unsent() : assignment.partitions(), filler.late());
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private boolean awaitIdle() throws InterruptedException {
        receipts.hurry();
        try {
            return queue.awaitIdle(System.nanoTime() + PATIENCE);
        } finally {
            receipts.calm();
        }
    }

    private RuntimeException failure() {
        return sender.failure() != null ? sender.failure() : receipts.failure();
    }

    @Override
    public void close(Collection<TopicPartition> partitions) {
        filler.forget(partitions);
        if (assignment.partitions().isEmpty()) {
            stats.nothingToStore();
        }
    }

    @Override
    public void stop() {
        threads.forEach(Thread::interrupt);
        if (lookup != null) {
            lookup.close();
        }
    }

    private static ConnectException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new ConnectException("interrupted", e);
    }
}
