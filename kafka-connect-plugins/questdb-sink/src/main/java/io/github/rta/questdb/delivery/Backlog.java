package io.github.rta.questdb.delivery;

import io.github.rta.questdb.encoding.NoTable;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * The records that the task was given and that are not in a batch yet.
 *
 * <p>The records of a partition stay in order. When one has to wait for its table, all that follow it in its partition
 * wait too, and those of other partitions pass.
 */
final class Backlog {
    /** Records of one partition, and what the first of them waits for. */
    private record Waiting(NoTable reason, Deque<SinkRecord> records) {}

    private final Deque<SinkRecord> ready = new ArrayDeque<>();
    private final Map<TopicPartition, Waiting> waiting = new LinkedHashMap<>();

    void add(Collection<SinkRecord> records) {
        if (waiting.isEmpty()) {
            ready.addAll(records);
        } else {
            records.forEach(record -> {
                Waiting before = waiting.get(Batch.partition(record));
                (before == null ? ready : before.records).add(record);
            });
        }
    }

    /** The next record that need not wait, or null. */
    SinkRecord peek() {
        return ready.peek();
    }

    SinkRecord remove() {
        return ready.remove();
    }

    /**
     * The next record, and with it its partition, has to wait until {@link #retry}.
     *
     * @return the records that wait behind it
     */
    List<SinkRecord> setAside(NoTable reason) {
        TopicPartition partition = Batch.partition(ready.peek());
        Deque<SinkRecord> theirs = new ArrayDeque<>();
        ready.removeIf(record -> Batch.partition(record).equals(partition) && theirs.add(record));
        waiting.put(partition, new Waiting(reason, theirs));
        return List.copyOf(theirs);
    }

    /** The tables that records wait for, and what QuestDB says of each. */
    Map<String, String> reasons() {
        Map<String, String> reasons = new TreeMap<>();
        waiting.values().forEach(each -> reasons.put(each.reason.table(), each.reason.getMessage()));
        return reasons;
    }

    /** Nothing waits for its table any more. */
    void retry() {
        List<SinkRecord> later = new ArrayList<>(ready);
        ready.clear();
        waiting.values().forEach(each -> ready.addAll(each.records));
        waiting.clear();
        ready.addAll(later);
    }

    /** The partitions whose records wait for their table. */
    Set<TopicPartition> waiting() {
        return waiting.keySet();
    }

    /** Whether no record is left but those that wait for their table. */
    boolean isDone() {
        return ready.isEmpty();
    }

    boolean isEmpty() {
        return ready.isEmpty() && waiting.isEmpty();
    }

    /** Everything, in the order of its partitions. */
    List<SinkRecord> records() {
        List<SinkRecord> all = new ArrayList<>();
        waiting.values().forEach(each -> all.addAll(each.records));
        all.addAll(ready);
        return all;
    }

    void clear() {
        ready.clear();
        waiting.clear();
    }

    void forget(Collection<TopicPartition> partitions) {
        Predicate<SinkRecord> theirs = record -> partitions.contains(Batch.partition(record));
        ready.removeIf(theirs);
        waiting.keySet().removeAll(partitions);
    }
}
