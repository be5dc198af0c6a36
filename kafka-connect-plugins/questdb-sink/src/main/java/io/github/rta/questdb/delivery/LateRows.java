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
 * Rows far older than the newest ones. They wait here for others of their kind, and then go together in one request:
 * QuestDB keeps rows in the order of time, and writes a partition anew to put a row into its middle, however many such
 * rows a request has.
 *
 * <p>Rows that came later overtake them. So offsets are committed up to the first row that waits and no further, and
 * what has overtaken it is read and sent again if the task ends meanwhile. Only a table with DEDUP bears that.
 */
public final class LateRows {
    /** They go early when they are so large a part of the largest request. */
    private static final int PART = 4;

    private final IlpBuffer lines = new IlpBuffer(1 << 10);
    private final Ends ends = new Ends();
    private final Set<Long> tables = new HashSet<>();
    private final Map<TopicPartition, Long> firsts = new HashMap<>();
    private final long wait;
    private final int maxRows;
    private final int maxBytes;
    private long since;

    public LateRows(SinkConfig config) {
        this.wait = TimeUnit.MILLISECONDS.toNanos(config.lateWaitMs);
        this.maxRows = config.maxRows / PART;
        this.maxBytes = config.maxBytes / PART;
    }

    /** Takes the row of this record, the text from {@code start} on, out of the lines. */
    void take(SinkRecord record, long tableId, IlpBuffer from, int start) {
        if (isEmpty()) {
            since = System.nanoTime();
        }
        lines.put(from.bytes(), start, from.length() - start);
        from.cut(start);
        ends.add(lines.length());
        tables.add(tableId);
        firsts.putIfAbsent(Batch.partition(record), record.originalKafkaOffset());
    }

    /** Whether they have waited for long enough at this System.nanoTime(), or are many. */
    boolean isDue(long now) {
        return !isEmpty() && (now - since >= wait || ends.size() > maxRows || lines.length() > maxBytes);
    }

    /** @param passed how far batches have passed over each partition */
    void moveTo(Batch batch, Map<TopicPartition, Long> passed) {
        batch.addRows(this, passed);
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
        lines.clear();
        ends.clear();
        tables.clear();
        firsts.clear();
    }
}
