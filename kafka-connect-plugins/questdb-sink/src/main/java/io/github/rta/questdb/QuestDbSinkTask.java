package io.github.rta.questdb;

import io.github.rta.questdb.config.SinkConfig;
import io.github.rta.questdb.delivery.Backoff;
import io.github.rta.questdb.delivery.Batch;
import io.github.rta.questdb.delivery.BatchQueue;
import io.github.rta.questdb.delivery.DeadLetters;
import io.github.rta.questdb.delivery.QuestDbClient;
import io.github.rta.questdb.delivery.Replay;
import io.github.rta.questdb.delivery.Sender;
import io.github.rta.questdb.delivery.SinkStats;
import io.github.rta.questdb.encoding.BadRow;
import io.github.rta.questdb.encoding.RecordEncoder;
import io.github.rta.questdb.encoding.Unavailable;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
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
 * acknowledged the rows.
 */
public final class QuestDbSinkTask extends SinkTask {
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(1);
    private static final long LOOK_AGAIN_MS = 1000;

    private final Deque<SinkRecord> backlog = new ArrayDeque<>();
    private final Backoff backoff = new Backoff();
    private RecordEncoder encoder;
    private BatchQueue queue;
    private SinkStats stats;
    private Sender sender;
    private Thread thread;
    private Replay replay;
    private boolean paused;

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
        queue = new BatchQueue(() -> new Batch(config), config.minIntervalMs);
        encoder = new RecordEncoder(config, table -> client.schema(table, !config.strict));
        sender = new Sender(client, queue, new DeadLetters(reporter(properties)), stats);
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
    public void put(Collection<SinkRecord> records) {
        if (sender.failure() != null) {
            throw sender.failure();
        }
        backlog.addAll(records);
        try {
            long wait = encodeBacklog();
            pause(!backlog.isEmpty());
            if (wait > 0 || !queue.isIdle()) {
                context.timeout(wait > 0 ? wait : LOOK_AGAIN_MS);
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    /** Returns after how many ms to go on with the rest, 0 if there is none. */
    private long encodeBacklog() throws InterruptedException {
        long start = System.nanoTime();
        goBackIfRefused();
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
                queue.close(batch);
            }
        }
        return 0;
    }

    private void fill(Batch batch, long start) throws Unavailable, InterruptedException {
        if (batch.isEmpty()) {
            batch.careful(isReplaying());
        }
        while (!backlog.isEmpty() && !batch.isFull()) {
            encode(backlog.peek(), batch, start);
            SinkRecord record = backlog.remove();
            if (isReplaying()) {
                replay.pass(record);
            }
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

    private boolean isReplaying() {
        return replay != null && !replay.isOver();
    }

    /** A request was refused: has Connect read again what was not acknowledged, which includes all that waits here. */
    private void goBackIfRefused() {
        Replay refused = queue.takeReplay();
        if (refused != null) {
            refused.add(backlog);
            backlog.clear();
            context.offset(refused.from(context.assignment()));
            replay = refused;
        }
    }

    /** Connect goes on polling a paused task, only without new records. */
    private void pause(boolean wanted) {
        TopicPartition[] partitions = context.assignment().toArray(new TopicPartition[0]);
        if (wanted) {
            context.pause(partitions);
        } else if (paused) {
            context.resume(partitions);
        }
        paused = wanted;
    }

    @Override
    public Map<TopicPartition, OffsetAndMetadata> preCommit(Map<TopicPartition, OffsetAndMetadata> current) {
        try {
            // A short wait saves the next owner of a partition from storing the last rows again.
            boolean idle = stats.isOutage() || sender.failure() != null
                    ? queue.isIdle()
                    : queue.awaitIdle(System.nanoTime() + PATIENCE);
            // During a replay Connect may not have gone back yet.
            if (idle && backlog.isEmpty() && !isReplaying() && sender.failure() == null) {
                return current; // Also what a transform dropped before it came here.
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
        Map<TopicPartition, OffsetAndMetadata> safe = new HashMap<>(sender.acknowledged());
        // A partition that left and came back may have been acknowledged further than it has been read this time.
        safe.entrySet()
                .removeIf(entry -> !current.containsKey(entry.getKey())
                        || entry.getValue().offset()
                                > current.get(entry.getKey()).offset());
        return safe;
    }

    @Override
    public void close(Collection<TopicPartition> partitions) {
        backlog.removeIf(record -> partitions.contains(Batch.partition(record)));
        sender.acknowledged().keySet().removeAll(partitions);
        if (replay != null) {
            replay.forget(partitions);
        }
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
