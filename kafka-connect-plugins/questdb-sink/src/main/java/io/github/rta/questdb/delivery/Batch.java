package io.github.rta.questdb.delivery;

import io.github.rta.questdb.config.SinkConfig;
import io.github.rta.questdb.encoding.IlpBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * The rows of the next request: their text, and the offsets they reach.
 *
 * <p>Where the records came from is forgotten, for a hundred thousand of Connect's records, each of nine objects, would
 * by the time they are acknowledged have cost more in garbage collection than all else the sink does. A careful batch
 * keeps them, so that the few that QuestDB refuses can be set aside; see {@link Assignment#refuse}.
 */
public final class Batch {
    /** A record that gives no row, and why. */
    record Refusal(SinkRecord record, String reason) {}

    private static final int MAX_CAREFUL_ROWS = 5_000;

    final IlpBuffer lines = new IlpBuffer(64 << 10);
    private final List<SinkRecord> records = new ArrayList<>();
    private final List<Refusal> refusals = new ArrayList<>();
    private final Set<Long> tables = new HashSet<>();
    private final Map<TopicPartition, Long> firsts = new HashMap<>();
    private final Map<TopicPartition, Long> offsets = new HashMap<>();
    private Map<TopicPartition, Long> late = Map.of(); // Where the first late row of a partition waits.
    private final int maxRows;
    private final int maxBytes;
    private final Ends ends = new Ends();
    private boolean careful;
    private int round;
    private TopicPartition partition;
    private long nextOffset;
    private long table;

    public Batch(SinkConfig config) {
        this.maxRows = config.maxRows - LateRows.maxRows(config);
        this.maxBytes = config.maxBytes - LateRows.maxBytes(config);
    }

    /**
     * Prepares for the first record.
     *
     * @param ofRound the round of reading that all records come from; see {@link Assignment}
     * @param keepRecords whether to be careful
     */
    void begin(int ofRound, boolean keepRecords) {
        round = ofRound;
        careful = keepRecords;
    }

    int round() {
        return round;
    }

    boolean isCareful() {
        return careful;
    }

    /** The row of this record, for the table with this id, has just been written to {@link #lines}. */
    void addRow(SinkRecord record, long tableId) {
        advance(record);
        if (tables.isEmpty() || tableId != table) {
            table = tableId;
            tables.add(tableId);
        }
        ends.add(lines.length());
        if (careful) {
            records.add(record);
        }
    }

    void addRefusal(SinkRecord record, String reason) {
        refusals.add(new Refusal(record, reason));
        advance(record);
    }

    /** The record holds nothing to store. */
    void skip(SinkRecord record) {
        advance(record);
    }

    private void advance(SinkRecord record) {
        if (partition == null
                || partition.partition() != record.originalKafkaPartition()
                || !partition.topic().equals(record.originalTopic())) {
            settle();
            partition = partition(record);
            firsts.putIfAbsent(partition, record.originalKafkaOffset());
        }
        nextOffset = record.originalKafkaOffset() + 1;
    }

    /** The partition that a record was read from, whatever a transform has made of it. */
    static TopicPartition partition(SinkRecord record) {
        return new TopicPartition(record.originalTopic(), record.originalKafkaPartition());
    }

    private void settle() {
        if (partition != null) {
            offsets.put(partition, nextOffset);
        }
    }

    int rows() {
        return ends.size();
    }

    /** The record of a row, in a careful batch. */
    SinkRecord record(int row) {
        return records.get(row);
    }

    List<Refusal> refusals() {
        return refusals;
    }

    /** What is to be remembered of the batch when its rows are sent. */
    Span span() {
        Map<TopicPartition, Long> reached = Map.copyOf(offsets());
        Map<TopicPartition, Long> ends = new HashMap<>(reached);
        late.forEach((each, first) -> ends.computeIfPresent(each, (same, end) -> Math.min(end, first)));
        return new Span(round, Map.copyOf(firsts), ends, reached, Set.copyOf(tables));
    }

    /** Late rows wait from these offsets on, so no partition is stored further when this batch is. */
    void endsBefore(Map<TopicPartition, Long> waiting) {
        late = Map.copyOf(waiting);
    }

    /**
     * Adds rows of records that earlier batches have passed over.
     *
     * @param passed how far they have passed over each partition
     */
    void addRows(LateRows rows, Map<TopicPartition, Long> passed) {
        settle();
        rows.firsts().forEach((each, first) -> {
            firsts.merge(each, first, Math::min);
            offsets.merge(each, passed.get(each), Math::max);
        });
        rows.copyTo(lines, ends);
        tables.addAll(rows.tables());
        table = rows.tables().iterator().next(); // That of the batch before may not be among them.
    }

    /** The offset of the first record of each partition. */
    Map<TopicPartition, Long> firsts() {
        return firsts;
    }

    /** The offset after the last record of each partition. */
    Map<TopicPartition, Long> offsets() {
        settle();
        return offsets;
    }

    /** Where the row's text starts; {@code start(rows())} is the end of all. */
    int start(int row) {
        return ends.start(row);
    }

    boolean isEmpty() {
        return partition == null && offsets.isEmpty();
    }

    boolean isFull() {
        return reaches(careful ? Math.min(maxRows, MAX_CAREFUL_ROWS) : maxRows, maxBytes);
    }

    /** Whether it is half full, so that it pays to send it as it is. */
    boolean isLarge() {
        return isFull() || reaches(maxRows / 2, maxBytes / 2);
    }

    private boolean reaches(int records, int bytes) {
        int rows = rows();
        int average = rows == 0 ? 0 : lines.length() / rows; // Room for one more row, or the buffer would double.
        return rows + refusals.size() >= records || lines.length() + average >= bytes;
    }

    void clear() {
        lines.clear();
        ends.clear();
        records.clear();
        refusals.clear();
        tables.clear();
        firsts.clear();
        offsets.clear();
        late = Map.of();
        partition = null;
    }
}
