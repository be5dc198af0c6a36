package io.github.rta.questdb.delivery;

import io.github.rta.questdb.encoding.BadRow;
import io.github.rta.questdb.encoding.NoTable;
import io.github.rta.questdb.encoding.RecordEncoder;
import io.github.rta.questdb.encoding.Unavailable;
import java.util.Collection;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.sink.SinkRecord;

/** Encodes the records that Connect gives to the task, and puts them into batches for the sender's thread. */
public final class BatchFiller {
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(1);
    private static final long LOOK_AGAIN_MS = 1000;
    private static final long SOON_MS = 50;

    private final RecordEncoder encoder;
    private final Assignment assignment;
    private final BatchQueue queue;
    private final SinkStats stats;
    private final Backlog backlog = new Backlog();
    private final LateRows late;
    private final Backoff backoff = new Backoff();
    private boolean unreachable;
    private long retryTablesAt;

    public BatchFiller(RecordEncoder encoder, Assignment assignment, BatchQueue queue, LateRows late, SinkStats stats) {
        this.encoder = encoder;
        this.assignment = assignment;
        this.queue = queue;
        this.late = late;
        this.stats = stats;
    }

    /** Takes the records over, and encodes what there is room for; pauses the partitions of which records are left. */
    public void put(Collection<SinkRecord> records) throws InterruptedException {
        backlog.add(records);
        long start = System.nanoTime();
        if (!backlog.waiting().isEmpty() && start - retryTablesAt >= 0) {
            backlog.retry();
        }
        long waitMs = encode(start);
        assignment.pause(unsent());
        if (backlog.isDone()) {
            stats.waiting(backlog.reasons());
        }
        if (waitMs > 0 || !backlog.isEmpty() || !late.isEmpty() || !queue.isIdle()) {
            assignment.comeBackAfter(waitMs > 0 ? waitMs : LOOK_AGAIN_MS);
        }
    }

    /** The partitions of which late rows wait. */
    public Set<TopicPartition> late() {
        return late.firsts().keySet();
    }

    /** The partitions of which records are held here that no batch has come to. */
    public Set<TopicPartition> unsent() {
        return backlog.isDone() ? backlog.waiting() : assignment.partitions();
    }

    /** Whether nothing is held but records that wait for their table. */
    public boolean isDone() {
        return backlog.isDone();
    }

    /**
     * Has Connect read again what it has just read, what is held here, and what the queue and the sender have.
     *
     * @param fault the table that is why, or null
     */
    public void goBack(Collection<SinkRecord> records, Sender.TableFault fault) {
        backlog.add(records);
        queue.dropWaiting();
        assignment.readAgain(backlog.records());
        backlog.clear();
        late.clear();
        assignment.pause(Set.of());
        if (fault != null) {
            encoder.writeFailed(fault.record(), fault.reason());
        }
    }

    /** These partitions are no longer the task's. */
    public void forget(Collection<TopicPartition> partitions) {
        backlog.forget(partitions);
        assignment.closed(partitions, !queue.isIdle() || !backlog.isEmpty() || !late.isEmpty());
        queue.dropWaiting();
        late.clear();
    }

    /** Returns after how many ms to go on with the rest, 0 if there is none. */
    private long encode(long start) throws InterruptedException {
        while (!backlog.isDone() || late.isDue(start)) {
            Batch batch = queue.open(start + PATIENCE);
            if (batch == null) {
                return 1; // The next put() waits for room.
            }
            try {
                fill(batch, start);
            } catch (Unavailable.TimeIsUp e) {
                return 1;
            } catch (Unavailable.Soon e) {
                return SOON_MS;
            } catch (Unavailable e) {
                unreachable = true;
                stats.unavailable(e.getMessage());
                return backoff.nextMs();
            } finally {
                batch.endsBefore(late.firsts());
                assignment.filled(batch);
                queue.close(batch);
            }
        }
        return 0;
    }

    private void fill(Batch batch, long start) throws Unavailable, InterruptedException {
        if (batch.isEmpty()) {
            assignment.begin(batch);
        }
        if (late.isDue(start)) {
            late.moveTo(batch, assignment.batched());
        }
        boolean encodes = !backlog.isDone();
        while (!backlog.isDone() && !batch.isFull() && !late.isDue(start)) {
            try {
                encode(backlog.peek(), batch, start);
                backlog.remove();
            } catch (NoTable e) {
                setAside(e, start);
            }
        }
        if (unreachable && encodes) { // No request may follow that would say so: all records may be bad ones.
            unreachable = false;
            stats.available();
            backoff.reset();
        }
    }

    private void encode(SinkRecord record, Batch batch, long start) throws NoTable, Unavailable, InterruptedException {
        try {
            int before = batch.lines.length();
            if (!encoder.encode(record, batch.lines, start, batch.isCareful())) {
                batch.skip(record);
            } else if (!batch.isCareful() && encoder.mayWait(record)) {
                late.take(record, encoder.tableId(), batch.lines, before);
                batch.skip(record);
            } else {
                batch.addRow(record, encoder.tableId());
                late.overtaken();
            }
        } catch (BadRow e) {
            batch.addRefusal(record, e.getMessage());
        }
    }

    private void setAside(NoTable reason, long start) throws Unavailable, InterruptedException {
        if (backlog.waiting().isEmpty()) {
            retryTablesAt = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(RecordEncoder.ASK_AGAIN_MS);
        }
        assignment.waits(Batch.partition(backlog.peek()));
        for (SinkRecord behind : backlog.setAside(reason)) {
            encoder.lookAhead(behind, start);
        }
    }
}
