package io.github.rta.questdb.delivery;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/** How far the records of each partition are rows in QuestDB or in the dead-letter topic. */
final class StoredOffsets {
    /**
     * What the metadata of a committed offset says: every record before this one is stored but the late rows that wait.
     * It is always said, for Connect does not commit an offset without metadata again after it has gone back to it.
     * It ends with NUL, for librdkafka passes a text on without its length, and its clients read up to the next NUL.
     */
    private static final String REACHED = "reached=%d\0";

    /** Every record before is stored. */
    private final Map<TopicPartition, Long> ends = new HashMap<>();
    /** The same but for the late rows that wait; see {@link LateRows}. */
    private final Map<TopicPartition, Long> reached = new HashMap<>();

    void forget(Collection<TopicPartition> partitions) {
        ends.keySet().removeAll(partitions);
        reached.keySet().removeAll(partitions);
    }

    /** These are the first records of some partitions. */
    void atMost(Map<TopicPartition, Long> firsts) {
        firsts.forEach((partition, first) -> ends.merge(partition, first, Math::min));
    }

    /** If nothing is known of the partition, this is its first record. */
    void startsAt(TopicPartition partition, long offset) {
        ends.putIfAbsent(partition, offset);
    }

    void advance(Span records) {
        ends.putAll(records.ends());
        reached.putAll(records.reached());
    }

    /** Every record before is stored, or all but {@code late} rows. */
    void advance(TopicPartition partition, long end, boolean late) {
        (late ? reached : ends).put(partition, end);
    }

    long end(TopicPartition partition) {
        return ends.get(partition);
    }

    /** What Connect may commit, or null. {@code late}: whether late rows of the partition wait. */
    OffsetAndMetadata committable(TopicPartition partition, boolean late) {
        Long end = ends.get(partition);
        if (end == null) {
            return null;
        }
        long far = late ? Math.max(end, reached.getOrDefault(partition, end)) : end;
        return new OffsetAndMetadata(end, REACHED.formatted(far));
    }
}
