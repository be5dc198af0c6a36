package io.github.rta.questdb;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.sink.SinkRecord;

/** The rows of the next request: their text, the record each came from, and the offsets they reach. */
final class Batch {
    /** A record that gives no row, and why. */
    record Refusal(SinkRecord record, String reason) {}

    final IlpBuffer lines = new IlpBuffer(64 << 10);
    private final List<SinkRecord> records = new ArrayList<>();
    private final List<Refusal> refusals = new ArrayList<>();
    private final Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    private final int maxRows;
    private final int maxBytes;
    private int[] ends = new int[1024];
    private SinkRecord last;

    Batch(int maxRows, int maxBytes) {
        this.maxRows = maxRows;
        this.maxBytes = maxBytes;
    }

    /** The row of this record has just been written to {@link #lines}. */
    void addRow(SinkRecord record) {
        if (records.size() == ends.length) {
            ends = Arrays.copyOf(ends, ends.length * 2);
        }
        ends[records.size()] = lines.length();
        records.add(record);
        advance(record);
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
        if (last != null
                && (last.originalKafkaPartition() != record.originalKafkaPartition()
                        || !last.originalTopic().equals(record.originalTopic()))) {
            settle();
        }
        last = record;
    }

    private void settle() {
        if (last != null) {
            TopicPartition partition = new TopicPartition(last.originalTopic(), last.originalKafkaPartition());
            offsets.put(partition, new OffsetAndMetadata(last.originalKafkaOffset() + 1));
        }
    }

    int rows() {
        return records.size();
    }

    SinkRecord record(int row) {
        return records.get(row);
    }

    List<Refusal> refusals() {
        return refusals;
    }

    /** The offset after the last record of each partition. */
    Map<TopicPartition, OffsetAndMetadata> offsets() {
        settle();
        return offsets;
    }

    /** Where the row's text starts; {@code start(rows())} is the end of all. */
    int start(int row) {
        return row == 0 ? 0 : ends[row - 1];
    }

    boolean isEmpty() {
        return last == null;
    }

    boolean isFull() {
        return records.size() + refusals.size() >= maxRows || lines.length() >= maxBytes;
    }

    void clear() {
        lines.clear();
        records.clear();
        refusals.clear();
        offsets.clear();
        last = null;
    }
}
