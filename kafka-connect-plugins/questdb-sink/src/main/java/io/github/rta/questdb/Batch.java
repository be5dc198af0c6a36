package io.github.rta.questdb;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.sink.SinkRecord;

/** The rows of the next request: their text, the message each came from, and the offsets they reach. */
final class Batch {
    /** A record that gives no row, and why. */
    record Refusal(SinkRecord record, String reason) {}

    final IlpBuffer lines = new IlpBuffer(64 << 10);
    private final Originals originals;
    private final List<Refusal> refusals = new ArrayList<>();
    private final Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    private final int maxRows;
    private final int maxBytes;
    private final Ends ends = new Ends();
    private TopicPartition partition;
    private long nextOffset;

    Batch(SinkConfig config) {
        this.originals = new Originals(config.transformed);
        this.maxRows = config.maxRows;
        this.maxBytes = config.maxBytes;
    }

    /** The row of this record has just been written to {@link #lines}. */
    void addRow(SinkRecord record) {
        advance(record);
        ends.add(lines.length());
        originals.add(record, partition);
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
            partition = new TopicPartition(record.originalTopic(), record.originalKafkaPartition());
        }
        nextOffset = record.originalKafkaOffset() + 1;
    }

    private void settle() {
        if (partition != null) {
            offsets.put(partition, new OffsetAndMetadata(nextOffset));
        }
    }

    int rows() {
        return originals.size();
    }

    SinkRecord record(int row) {
        return originals.get(row);
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
        return ends.start(row);
    }

    boolean isEmpty() {
        return partition == null;
    }

    boolean isFull() {
        return rows() + refusals.size() >= maxRows || lines.length() >= maxBytes;
    }

    void clear() {
        lines.clear();
        ends.clear();
        originals.clear();
        refusals.clear();
        offsets.clear();
        partition = null;
    }
}
