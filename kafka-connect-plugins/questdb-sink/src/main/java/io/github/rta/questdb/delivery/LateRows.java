package io.github.rta.questdb.delivery;

import io.github.rta.questdb.config.SinkConfig;
import io.github.rta.questdb.encoding.IlpBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * Rows far older than their Kafka records. They wait here for others of their kind, and then go together in one request:
 * QuestDB keeps rows in the order of time, and to put one into the middle of a partition writes the rest of it anew,
 * however many such rows a request has.
 *
 * <p>Rows that came later overtake them. So offsets are committed up to the first row that waits and no further, and
 * what has overtaken it is read and sent again if the task ends meanwhile. Only to a table with DEDUP
 * may a row be sent twice.
 */
public final class LateRows {
    /** They take so large a part of the largest request, at most. */
    private static final int PART = 4;
    /** Not more than so many of the largest requests overtake them, since all that would be read again. */
    private static final int REQUESTS = 5;

    private final IlpBuffer lines = new IlpBuffer(1 << 10);
    private final Ends ends = new Ends();
    private final Set<Long> tables = new HashSet<>();
    private final Map<TopicPartition, Long> firsts = new HashMap<>();
    private final long wait;
    private final int maxRows;
    private final int maxBytes;
    private final long maxOvertaking;
    private boolean waiting; // Goes on when they are dropped: they are read again, and would else never be stored.
    private long since;
    private long overtaking;

    public LateRows(SinkConfig config) {
        this.wait = TimeUnit.MILLISECONDS.toNanos(config.lateWaitMs);
        this.maxRows = maxRows(config);
        this.maxBytes = maxBytes(config);
        this.maxOvertaking = (long) REQUESTS * config.maxRows;
    }

    /** The room that a request keeps for them. */
    static int maxRows(SinkConfig config) {
        return config.lateWaitMs > 0 ? config.maxRows / PART : 0;
    }

    static int maxBytes(SinkConfig config) {
        return config.lateWaitMs > 0 ? config.maxBytes / PART : 0;
    }

    /** Takes the row of this record, the text from {@code start} on, out of the lines. */
    void take(SinkRecord record, long tableId, IlpBuffer from, int start) {
        if (!waiting) {
            waiting = true;
            since = System.nanoTime();
        }
        lines.put(from.bytes(), start, from.length() - start);
        from.cut(start);
        ends.add(lines.length());
        tables.add(tableId);
        firsts.merge(Batch.partition(record), record.originalKafkaOffset(), Math::min);
    }

    /** A row that came later goes first. */
    void overtaken() {
        overtaking += isEmpty() ? 0 : 1;
    }

    /** Whether they have waited for long enough at this System.nanoTime(), are many, or were overtaken by many. */
    boolean isDue(long now) {
        return !isEmpty()
                && (now - since >= wait
                        || ends.size() >= maxRows
                        || lines.length() >= maxBytes
                        || overtaking >= maxOvertaking);
    }

    /** @param passed how far batches have passed over each partition */
    void moveTo(Batch batch, Map<TopicPartition, Long> passed) {
        batch.addRows(this, passed);
        waiting = false;
        clear();
    }

    /** Appends all rows, and where each of them ends. */
    void copyTo(IlpBuffer target, Ends targetEnds) {
        int before = target.length();
        target.put(lines.bytes(), 0, lines.length());
        for (int row = 1; row <= ends.size(); row++) {
            targetEnds.add(before + ends.start(row));
        }
    }

    /** The ids of the tables of all rows. */
    Set<Long> tables() {
        return tables;
    }

    /** The offset of the first one of each partition. */
    Map<TopicPartition, Long> firsts() {
        return firsts;
    }

    boolean isEmpty() {
        return ends.size() == 0;
    }

    void clear() {
        overtaking = 0;
        lines.clear();
        ends.clear();
        tables.clear();
        firsts.clear();
    }
}
