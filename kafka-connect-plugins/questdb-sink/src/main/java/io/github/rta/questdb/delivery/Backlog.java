package io.github.rta.questdb.delivery;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * The records that the task was given and that are not in a batch yet.
 *
 * <p>The records of a partition stay in order. When one has to wait for its table, all that follow it in its partition
 * wait too, and those of other partitions pass.
 */
public final class Backlog {
    private final Deque<SinkRecord> ready = new ArrayDeque<>();
    private final Map<TopicPartition, Deque<SinkRecord>> waiting = new LinkedHashMap<>();

    public void add(Collection<SinkRecord> records) {
        ready.addAll(records);
    }

    /** The next record that need not wait, or null. */
    public SinkRecord peek() {
        while (!waiting.isEmpty() && !ready.isEmpty() && waiting.containsKey(Batch.partition(ready.peek()))) {
            waiting.get(Batch.partition(ready.peek())).add(ready.remove());
        }
        return ready.peek();
    }

    public SinkRecord remove() {
        return ready.remove();
    }

    /** The next record, and with it its partition, has to wait until {@link #retry}. */
    public void setAside() {
        waiting.put(Batch.partition(ready.peek()), new ArrayDeque<>(List.of(ready.remove())));
    }

    /** Nothing waits for its table any more. */
    public void retry() {
        List<SinkRecord> later = new ArrayList<>(ready);
        ready.clear();
        waiting.values().forEach(ready::addAll);
        waiting.clear();
        ready.addAll(later);
    }

    /** The partitions whose records wait for their table. */
    public Set<TopicPartition> waiting() {
        return waiting.keySet();
    }

    /** Whether no record is left but those that wait for their table. */
    public boolean isDone() {
        return peek() == null;
    }

    public boolean isEmpty() {
        return ready.isEmpty() && waiting.isEmpty();
    }

    /** Everything, in the order of its partitions. */
    public List<SinkRecord> records() {
        List<SinkRecord> all = new ArrayList<>();
        waiting.values().forEach(all::addAll);
        all.addAll(ready);
        return all;
    }

    public void clear() {
        ready.clear();
        waiting.clear();
    }

    public void forget(Collection<TopicPartition> partitions) {
        Predicate<SinkRecord> theirs = record -> partitions.contains(Batch.partition(record));
        ready.removeIf(theirs);
        waiting.keySet().removeAll(partitions);
    }
}
