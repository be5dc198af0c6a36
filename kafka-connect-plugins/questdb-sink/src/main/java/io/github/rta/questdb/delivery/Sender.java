package io.github.rta.questdb.delivery;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.sink.SinkRecord;

/** The thread that writes a task's rows: one request at a time, in order, until each row is stored or refused. */
public final class Sender implements Runnable {
    /** The batch's records will be read again, so nobody waits for what becomes of it. */
    private static final class Stale extends Exception {
        private static final long serialVersionUID = 1L;
    }

    /** A row that QuestDB can't store because of its table. */
    public record TableFault(SinkRecord record, String reason) {}

    private final Pipeline pipeline;
    private final Receipts receipts;
    private final BatchQueue queue;
    private final Assignment assignment;
    private final DeadLetters deadLetters;
    private final SinkStats stats;
    private final boolean oneTable;
    private final AtomicReference<TableFault> tableFault = new AtomicReference<>();
    private final Backoff backoff = new Backoff();
    private final List<Future<Void>> reports = new ArrayList<>();
    private volatile RuntimeException failure;

    /** @param oneTable whether all rows go to the same table, so that it is waited for */
    public Sender(
            QuestDbClient client,
            Receipts receipts,
            BatchQueue queue,
            Assignment assignment,
            DeadLetters deadLetters,
            SinkStats stats,
            boolean oneTable) {
        this.pipeline = new Pipeline(client, queue);
        this.receipts = receipts;
        this.queue = queue;
        this.assignment = assignment;
        this.deadLetters = deadLetters;
        this.stats = stats;
        this.oneTable = oneTable;
    }

    /** Why the thread ended, or null. */
    public RuntimeException failure() {
        return failure;
    }

    /** Which row's table was at fault when the last request was refused; null if none was, or it has been taken. */
    public TableFault takeTableFault() {
        return tableFault.getAndSet(null);
    }

    @Override
    public void run() {
        try {
            while (true) {
                Batch batch = pipeline.take();
                queue.done(batch, deliver(batch));
            }
        } catch (InterruptedException e) {
            failure = new ConnectException("the task is stopped", e);
        } catch (ExecutionException e) {
            failure = new ConnectException("the dead-letter topic can't be written", e.getCause());
        } catch (RuntimeException | Error e) { // Were this thread to end unnoticed, the task would wait for ever.
            failure = new ConnectException(e.getMessage(), e);
        } finally {
            pipeline.drop();
        }
    }

    /** Returns whether its rows are stored, and a receipt follows. */
    private boolean deliver(Batch batch) throws InterruptedException, ExecutionException {
        Span records = batch.span();
        try {
            if (!assignment.isCurrent(batch)) {
                throw new Stale();
            }
            if (batch.isCareful()) {
                store(batch, 0, batch.rows());
            } else if (batch.rows() > 0 && post(batch, 0, batch.rows()).kind() != Answer.Kind.STORED) {
                refuse(records); // Which record is at fault is not known.
                return false;
            }
            if (!batch.refusals().isEmpty()) {
                if (!receipts.canFollow(records)) {
                    refuse(records);
                    return false;
                }
                batch.refusals().forEach(each -> reject(each.record(), each.reason()));
            }
            awaitReports();
            receipts.add(records);
            return true;
        } catch (Stale e) {
            pipeline.drop();
            reports.clear();
            return false;
        }
    }

    private void refuse(Span records) throws InterruptedException {
        receipts.awaitAll(); // Else what is stored before it would be read again, too.
        assignment.refuse(records);
    }

    private void awaitReports() throws InterruptedException, ExecutionException, Stale {
        try {
            for (Future<Void> report : reports) {
                report.get();
            }
        } catch (CancellationException e) { // Connect does that when partitions are lost.
            throw new Stale();
        }
        reports.clear();
    }

    /**
     * Stores the rows from..to-1. QuestDB stores nothing of a request with a bad row but names the first one: the rows
     * before it go alone, and the next attempt is twice as long as they were. So k bad rows among n take at most about
     * 2k + log n requests when they are spread, and never more than O(k log n).
     */
    private void store(Batch batch, int from, int to) throws InterruptedException, Stale {
        int start = from;
        int size = to - from;
        while (start < to) {
            int end = (int) Math.min(to, (long) start + size);
            Answer answer = post(batch, start, end);
            if (answer.kind() == Answer.Kind.STORED) {
                start = end;
                size = Math.max(size, size << 1);
            } else {
                int bad = start + answer.line() - 1;
                if (answer.kind() == Answer.Kind.BAD_TABLE) {
                    tableFault.set(new TableFault(batch.record(bad), answer.reason()));
                    refuse(batch.span());
                    throw new Stale();
                }
                store(batch, start, bad);
                reject(batch.record(bad), answer.reason());
                size = Math.max(1, 2 * (bad - start));
                start = bad + 1;
            }
        }
    }

    private void reject(SinkRecord record, String reason) {
        stats.rejected();
        reports.add(deadLetters.report(record, reason));
    }

    /** Sends until QuestDB has stored the rows or named a bad one among them. */
    private Answer post(Batch batch, int from, int to) throws InterruptedException, Stale {
        Answer previous = null;
        while (assignment.isCurrent(batch)) {
            Answer answer = attempt(batch, from, to, previous != null);
            if (isFinal(answer, previous, to - from)) {
                backoff.reset();
                stats.available();
                return answer;
            }
            if (previous != null) { // A single failure is no outage: a server may close an idle connection any time.
                assignment.whileCurrent(batch, () -> stats.unavailable(answer.reason()));
            }
            previous = answer;
            assignment.await(batch, backoff.nextMs());
        }
        throw new Stale();
    }

    private Answer attempt(Batch batch, int from, int to, boolean retry) throws InterruptedException {
        long started = System.nanoTime();
        stats.request(retry);
        Answer answer = pipeline.write(batch, from, to);
        if (answer.kind() == Answer.Kind.STORED) {
            stats.stored(to - from, batch.start(to) - batch.start(from), started);
        }
        return answer;
    }

    private boolean isFinal(Answer answer, Answer previous, int rows) {
        return switch (answer.kind()) {
            case STORED -> true;
            case BAD_TABLE -> !oneTable && answer.line() <= rows;
            case BAD_ROW -> answer.line() <= rows;
            case SUSPECT_ROW -> answer.line() <= rows && answer.equals(previous);
            case UNAVAILABLE -> false;
        };
    }
}
