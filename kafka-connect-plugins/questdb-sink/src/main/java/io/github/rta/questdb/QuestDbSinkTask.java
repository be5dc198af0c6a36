package io.github.rta.questdb;

import io.github.rta.questdb.config.SinkConfig;
import io.github.rta.questdb.delivery.Assignment;
import io.github.rta.questdb.delivery.Backlog;
import io.github.rta.questdb.delivery.Backoff;
import io.github.rta.questdb.delivery.Batch;
import io.github.rta.questdb.delivery.BatchQueue;
import io.github.rta.questdb.delivery.DeadLetters;
import io.github.rta.questdb.delivery.QuestDbClient;
import io.github.rta.questdb.delivery.Sender;
import io.github.rta.questdb.delivery.SinkStats;
import io.github.rta.questdb.encoding.BadRow;
import io.github.rta.questdb.encoding.RecordEncoder;
import io.github.rta.questdb.encoding.Unavailable;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
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
    private static final long LOOK_AGAIN_MS = 1000;

    private final Backlog backlog = new Backlog();
    private final Backoff backoff = new Backoff();
    private RecordEncoder encoder;
    private Assignment assignment;
    private BatchQueue queue;
    private SinkStats stats;
    private Sender sender;
    private Thread thread;

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
        assignment = new Assignment(context);
        queue = new BatchQueue(() -> new Batch(config), config.minIntervalMs);
        encoder = new RecordEncoder(config, table -> client.schema(table, !config.strict));
        sender = new Sender(client, queue, assignment, new DeadLetters(reporter(properties)), stats);
        thread = new Thread(sender, "questdb-sender-" + name);
        thread.setDaemon(true);
        thread.start();
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
        if (sender.failure() != null) {
            throw sender.failure();
        }
        assignment.polled();
        backlog.add(records);
        try {
            if (assignment.mustReadAgain()) {
                goBack();
            }
            long wait = encodeBacklog();
            assignment.pause(backlog.isEmpty() ? Set.of() : assignment.partitions());
            if (wait > 0 || !queue.isIdle()) {
                context.timeout(wait > 0 ? wait : LOOK_AGAIN_MS);
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private void goBack() {
        queue.dropWaiting();
        assignment.readAgain(backlog.records());
        backlog.clear();
    }

    /** Returns after how many ms to go on with the rest, 0 if there is none. */
    private long encodeBacklog() throws InterruptedException {
        long start = System.nanoTime();
        while (!backlog.isEmpty()) {
            Batch batch = queue.open(start + PATIENCE);
            if (batch == null) {
                return 1; // The next put() waits for room.
            }
            try {
                fill(batch, start);
            } catch (Unavailable e) {
                stats.unavailable(e.getMessage());
                return backoff.nextMs();
            } finally {
                assignment.filled(batch);
                queue.close(batch);
            }
        }
        return 0;
    }

    private void fill(Batch batch, long start) throws Unavailable, InterruptedException {
        if (batch.isEmpty()) {
            assignment.begin(batch);
        }
        while (!backlog.isDone() && !batch.isFull()) {
            encode(backlog.peek(), batch, start);
            backlog.remove();
        }
        backoff.reset();
    }

    private void encode(SinkRecord record, Batch batch, long start) throws Unavailable, InterruptedException {
        try {
            if (encoder.encode(record, batch.lines, start)) {
                batch.addRow(record);
            } else {
                batch.skip(record);
            }
        } catch (BadRow e) {
            batch.addRefusal(record, e.getMessage());
        }
    }

    @Override
    public Map<TopicPartition, OffsetAndMetadata> preCommit(Map<TopicPartition, OffsetAndMetadata> current) {
        try {
            // A short wait saves the next owner of a partition from storing the last rows again.
            boolean sent = stats.isOutage() || sender.failure() != null || !backlog.isEmpty()
                    ? queue.isIdle()
                    : queue.awaitIdle(System.nanoTime() + PATIENCE);
            boolean done = sent && backlog.isEmpty() && sender.failure() == null;
            return assignment.committable(current, done ? Set.of() : assignment.partitions());
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    @Override
    public void close(Collection<TopicPartition> partitions) {
        backlog.forget(partitions);
        assignment.closed(partitions, !queue.isIdle() || !backlog.isEmpty());
        queue.dropWaiting();
    }

    @Override
    public void stop() {
        if (thread != null) {
            thread.interrupt();
        }
    }

    private static ConnectException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new ConnectException("interrupted", e);
    }
}
