package io.github.rta.questdb.delivery;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * What to read once more because QuestDB refused a request, and so stored nothing of it: everything that was not
 * acknowledged. Until all of it has come again, batches are careful: they keep their records.
 */
public final class Replay {
    private final Map<TopicPartition, Long> from = new HashMap<>();
    private final Map<TopicPartition, Long> until = new HashMap<>();

    /** Starts with the batch that was refused. */
    Replay(Batch refused) {
        add(refused);
    }

    /** Adds a later batch, which may not be stored before that one. */
    void add(Batch later) {
        later.firsts().forEach(from::putIfAbsent);
        later.offsets().forEach((partition, end) -> until.merge(partition, end.offset(), Math::max));
    }

    /** Adds records that were in no batch yet. */
    public void add(Collection<SinkRecord> later) {
        for (SinkRecord record : later) {
            from.putIfAbsent(Batch.partition(record), record.originalKafkaOffset());
            until.merge(Batch.partition(record), record.originalKafkaOffset() + 1, Math::max);
        }
    }

    /** Where to go back to, for the partitions that are still ours. */
    public Map<TopicPartition, Long> from(Collection<TopicPartition> assigned) {
        from.keySet().retainAll(assigned);
        until.keySet().retainAll(assigned);
        return from;
    }

    /** Notes that a record has come again. */
    public void pass(SinkRecord record) {
        until.computeIfPresent(
                Batch.partition(record), (partition, end) -> record.originalKafkaOffset() + 1 >= end ? null : end);
    }

    public void forget(Collection<TopicPartition> revoked) {
        until.keySet().removeAll(revoked);
    }

    public boolean isOver() {
        return until.isEmpty();
    }
}
