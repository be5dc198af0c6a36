package io.github.rta.questdb.delivery;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTaskContext;

/**
 * What belongs to the partitions that a task has at present: how far each is stored, which of them are paused, and
 * whether Connect has to read them again.
 *
 * <p>Reading goes in rounds. A round ends when partitions are taken away, or when QuestDB refuses a request, of which
 * it then stores nothing. A batch carries the number of the round that its records were read in. A batch of an earlier
 * round is neither sent nor acknowledged: its records are read again, by this task or by the partitions' next owner.
 *
 * <p>Why no record is lost, and no committed offset goes back, whichever of the threads comes first:
 *
 * <ul>
 *   <li>{@code stored} alone decides what is committed and where reading starts again. It starts at the first record
 *       of a partition that the task was given, which is not before the committed offset.
 *   <li>{@link Receipts} moves it forward, in order, while the batch's round goes on: {@link #acknowledge}, {@link #refuse}
 *       and {@link #closed} exclude each other. An answer that comes after {@code closed} changes nothing.
 *   <li>While {@link LateRows} wait, a stored batch moves it up to the first of them, even if its own records come later.
 *   <li>After {@code refuse} the task may go on filling batches until its next {@code put()}. They still carry the old
 *       round, so the sender drops them. The task's round changes only with {@link #readAgain} and {@code closed},
 *       which also drop what waits.
 *   <li>Connect goes back at the start of the poll that follows {@code readAgain}, before any callback of a rebalance.
 *       Until the next {@code put()} its own offsets are too high, and {@link #committable} does not use them.
 * </ul>
 */
public final class Assignment {
    private final SinkTaskContext context;
    private final Set<TopicPartition> ours = new HashSet<>();
    private final PausedPartitions paused;
    private final StoredOffsets stored = new StoredOffsets();
    /** How far the records reach that were put into batches. */
    private final Map<TopicPartition, Long> batched = new HashMap<>();
    /** How far the request reached that was refused last, for the partitions that have not come so far again. */
    private final Map<TopicPartition, Long> refused = new HashMap<>();

    private int round;
    private int taskRound; // Of the records that the task holds, which may be behind.
    private boolean goingBack;

    public Assignment(SinkTaskContext context) {
        this.context = context;
        this.paused = new PausedPartitions(context);
    }

    /** Connect has just given the task these partitions. */
    public synchronized void opened(Collection<TopicPartition> partitions) {
        ours.addAll(partitions);
        paused.opened(partitions);
    }

    /**
     * These partitions are no longer the task's, revoked or lost.
     *
     * @param unsent whether the task or the sender holds records, of which those of other partitions must come again
     */
    synchronized void closed(Collection<TopicPartition> partitions, boolean unsent) {
        ours.removeAll(partitions);
        paused.closed(partitions);
        stored.forget(partitions);
        batched.keySet().removeAll(partitions);
        refused.keySet().removeAll(partitions);
        boolean again = !ours.isEmpty() && (unsent || mustReadAgain());
        round++;
        taskRound = again ? taskRound : round;
        notifyAll();
    }

    /** Pauses these partitions and no others. */
    void pause(Set<TopicPartition> wanted) {
        paused.set(wanted);
    }

    public Set<TopicPartition> partitions() {
        return ours;
    }

    /** Comes first in each {@code put()}: Connect has gone back by now, if it had to. */
    public synchronized void polled() {
        goingBack = false;
    }

    /** Whether what the task holds belongs to a round that has ended. */
    public synchronized boolean mustReadAgain() {
        return round != taskRound;
    }

    /** Has Connect read again what is not stored, which includes the records that the task still holds. */
    synchronized void readAgain(Iterable<SinkRecord> held) {
        Set<TopicPartition> behind = new HashSet<>();
        for (SinkRecord record : held) {
            behind.add(Batch.partition(record));
            stored.startsAt(Batch.partition(record), record.originalKafkaOffset());
        }
        batched.forEach((partition, end) -> {
            if (end > stored.end(partition)) {
                behind.add(partition);
            }
        });
        // No others: Connect takes where it goes back to for committed, and would not commit it again.
        behind.forEach(partition -> context.offset(partition, stored.end(partition)));
        goingBack = true;
        taskRound = round;
    }

    /** Connect is to call {@code put()} again after so many ms, also if it has read nothing. */
    void comeBackAfter(long ms) {
        context.timeout(ms);
    }

    /** The next record of this partition has to wait, so its bad row, if there is one, will not be met soon. */
    synchronized void waits(TopicPartition partition) {
        refused.remove(partition);
    }

    /** Prepares an empty batch. */
    synchronized void begin(Batch batch) {
        batch.begin(taskRound, !refused.isEmpty());
    }

    /** The task has added to the batch, and is about to hand it over. */
    synchronized void filled(Batch batch) {
        // The smaller: a topic that was deleted and made anew starts at 0 again.
        stored.atMost(batch.firsts());
        batched.putAll(batch.offsets());
        if (isCurrent(batch)) { // Else the request was refused meanwhile, and Connect has not gone back yet.
            batch.offsets()
                    .forEach((partition, end) ->
                            refused.computeIfPresent(partition, (same, until) -> end < until ? until : null));
        }
    }

    /** How far the records reach that were put into batches. */
    synchronized Map<TopicPartition, Long> batched() {
        return Map.copyOf(batched);
    }

    /** Whether the batch's round still goes on. */
    synchronized boolean isCurrent(Batch batch) {
        return batch.round() == round;
    }

    /** Does it unless the batch's round is over; no partition is taken away meanwhile. */
    synchronized void whileCurrent(Batch batch, Runnable action) {
        if (isCurrent(batch)) {
            action.run();
        }
    }

    /** Waits for so many ms, or until the batch's round is over. */
    synchronized void await(Batch batch, long ms) throws InterruptedException {
        long deadline = System.nanoTime() + ms * 1_000_000;
        for (long left = ms; left > 0 && isCurrent(batch); left = (deadline - System.nanoTime()) / 1_000_000) {
            wait(left);
        }
    }

    /** Every record is a row in QuestDB or in the dead-letter topic, as is every one of earlier calls; late ones may wait. */
    synchronized void acknowledge(Span records) {
        if (records.round() == round) {
            stored.advance(records);
        }
    }

    /** QuestDB stored nothing because of one row: all records are read once more, into careful batches. */
    synchronized void refuse(Span records) {
        if (records.round() == round) {
            stored.atMost(records.firsts());
            refused.putAll(records.reached());
            round++;
            notifyAll();
        }
    }

    /**
     * What Connect may commit.
     *
     * @param current how far Connect has read
     * @param unsent the partitions of which the task or the sender holds records, late rows that wait aside
     * @param late the partitions of which late rows wait
     */
    public synchronized Map<TopicPartition, OffsetAndMetadata> committable(
            Map<TopicPartition, OffsetAndMetadata> current, Set<TopicPartition> unsent, Set<TopicPartition> late) {
        Map<TopicPartition, OffsetAndMetadata> committable = new HashMap<>();
        current.forEach((partition, read) -> {
            // What was read and is not held is done. A transform may have dropped records that never came here.
            if (!mustReadAgain() && !goingBack && ours.contains(partition) && !unsent.contains(partition)) {
                stored.advance(partition, read.offset(), late.contains(partition));
            }
            committable.computeIfAbsent(partition, same -> stored.committable(same, late.contains(same)));
        });
        return committable;
    }
}
