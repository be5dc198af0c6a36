package io.github.rta.questdb;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeMap;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * The messages behind the rows of a batch, for the few that turn out to be bad. They live until QuestDB has
 * acknowledged the rows; a hundred thousand of Connect's records, each of nine objects, would by then have cost more in
 * garbage collection than all else the sink does. So plain messages are kept as what they are: bytes.
 */
final class Originals {
    private static final int HEAD = Long.BYTES + Long.BYTES + Integer.BYTES; // offset, timestamp, length of the key

    private final boolean transformed;
    /** By row; null, or nothing, for a plain message. */
    private final List<SinkRecord> others = new ArrayList<>();

    private ByteBuffer messages = ByteBuffer.allocate(64 << 10);
    private final Ends ends = new Ends();
    private final TreeMap<Integer, TopicPartition> partitions = new TreeMap<>(); // by their first row in turn
    private TopicPartition current;

    /** @param transformed whether a record's key or value may be another than its message's */
    Originals(boolean transformed) {
        this.transformed = transformed;
    }

    int size() {
        return ends.size();
    }

    void clear() {
        others.clear();
        messages.clear();
        ends.clear();
        partitions.clear();
        current = null;
    }

    void add(SinkRecord record, TopicPartition partition) {
        if (isPlain(record)) {
            write(record, (byte[]) record.key(), (byte[]) record.value());
        } else {
            others.addAll(Collections.nCopies(ends.size() - others.size(), null));
            others.add(light(record));
        }
        if (partition != current) {
            current = partition;
            partitions.put(ends.size(), partition);
        }
        ends.add(messages.position());
    }

    private boolean isPlain(SinkRecord record) {
        return !transformed
                && record.value() instanceof byte[]
                && (record.key() == null || record.key() instanceof byte[])
                && record.timestamp() != null
                && record.headers().isEmpty();
    }

    private void write(SinkRecord record, byte[] key, byte[] value) {
        int keyLength = key == null ? 0 : key.length;
        int length = HEAD + keyLength + value.length;
        if (messages.remaining() < length) {
            int capacity = Math.max(messages.capacity() * 2, messages.position() + length);
            messages = ByteBuffer.allocate(capacity).put(messages.flip());
        }
        messages.putLong(record.kafkaOffset()).putLong(record.timestamp()).putInt(key == null ? -1 : keyLength);
        if (key != null) {
            messages.put(key);
        }
        messages.put(value);
    }

    /** Without what a converter made of the message: Connect keeps that too, and it is what it reports. */
    private static SinkRecord light(SinkRecord record) {
        return record.value() instanceof byte[]
                ? record
                : record.newRecord(
                        record.topic(), record.kafkaPartition(), null, null, null, null, record.timestamp(), null);
    }

    /** The record of a row, good for a report. */
    SinkRecord get(int row) {
        SinkRecord other = row < others.size() ? others.get(row) : null;
        return other != null
                ? other
                : read(
                        ends.start(row),
                        ends.start(row + 1),
                        partitions.floorEntry(row).getValue());
    }

    private SinkRecord read(int start, int end, TopicPartition partition) {
        ByteBuffer message = messages.duplicate().position(start).limit(end);
        long offset = message.getLong();
        long timestamp = message.getLong();
        int keyLength = message.getInt();
        byte[] key = keyLength < 0 ? null : new byte[keyLength];
        if (key != null) {
            message.get(key);
        }
        byte[] value = new byte[message.remaining()];
        message.get(value);
        Schema bytes = Schema.OPTIONAL_BYTES_SCHEMA;
        Schema keySchema = key == null ? null : bytes;
        return new SinkRecord(
                partition.topic(),
                partition.partition(),
                keySchema,
                key,
                bytes,
                value,
                offset,
                timestamp,
                TimestampType.NO_TIMESTAMP_TYPE);
    }
}
