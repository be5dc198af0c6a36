package io.github.rta.questdb.delivery;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/** How far the records of each partition are rows in QuestDB or in the dead-letter topic. */
final class StoredOffsets {
    /** What a committed offset's metadata says while late rows wait: all others are stored up to here. */
    private static final String REACHED = "reached=";

    /** Every record before is stored. */
    private final Map<TopicPartition, Long> ends = new HashMap<>();
    /** Every record before is stored but the late rows that wait; see {@link LateRows}. */
    private final Map<TopicPartition, Long> reached = new HashMap<>();

    void forget(Collection<TopicPartition> partitions) {
        ends.keySet().removeAll(partitions);
        reached.keySet().removeAll(partitions);
    }

    /** These are the first records of some partitions. */
    void atMost(Map<TopicPartition, Long> firsts) {
        firsts.forEach((partition, first) -> ends.merge(partition, first, Math::min));
    }

    /** This is a record of a partition, the first one if none is known. */
    void atMost(TopicPartition partition, long offset) {
        ends.putIfAbsent(partition, offset);
    }

    void advance(Span records) {
        ends.putAll(records.ends());
        reached.putAll(records.reached());
    }

    void advance(TopicPartition partition, long end) {
        ends.put(partition, end);
    }

    long end(TopicPartition partition) {
        return ends.get(partition);
    }

    /** Every record that is not stored is read again. */
    void goBack() {
        reached.clear();
    }

    /** What Connect may commit, or null. The metadata tells who looks at the group that it goes on. */
    OffsetAndMetadata committable(TopicPartition partition) {
        Long end = ends.get(partition);
        if (end == null) {
            return null;
        }
        long far = reached.getOrDefault(partition, end);
        return new OffsetAndMetadata(end, far > end ? REACHED + far : "");
    }
}
