package io.github.rta.questdb.delivery;

import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.sink.SinkTaskContext;

/**
 * The partitions that the task has paused, in step with Connect's own set of them.
 *
 * <p>Connect does not forget a paused partition that is taken away, and pauses it again when it comes back.
 */
final class PausedPartitions {
    private final SinkTaskContext context;
    private final Set<TopicPartition> paused = new HashSet<>();

    PausedPartitions(SinkTaskContext context) {
        this.context = context;
    }

    /** These were taken away; they can't be resumed now. */
    void closed(Collection<TopicPartition> partitions) {
        paused.removeAll(partitions);
    }

    /** These have come, and Connect has paused those that were paused when they went. */
    void opened(Collection<TopicPartition> partitions) {
        context.resume(partitions.toArray(new TopicPartition[0]));
    }

    /** Pauses these and no others. Connect goes on polling a paused task, only without new records. */
    void set(Set<TopicPartition> wanted) {
        if (!wanted.equals(paused)) {
            context.pause(difference(wanted, paused));
            context.resume(difference(paused, wanted));
            paused.clear();
            paused.addAll(wanted);
        }
    }

    private static TopicPartition[] difference(Set<TopicPartition> set, Set<TopicPartition> without) {
        return set.stream().filter(partition -> !without.contains(partition)).toArray(TopicPartition[]::new);
    }
}
