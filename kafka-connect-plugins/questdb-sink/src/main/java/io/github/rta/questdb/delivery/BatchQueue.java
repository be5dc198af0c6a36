package io.github.rta.questdb.delivery;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Hands batches from the task's thread to the sender's. While a request is under way the task adds to the one batch
 * that waits, so batches are small when little arrives and large under load. A full one holds the task back.
 *
 * <p>There are never more than three: one that waits or is being filled, and two in the sender's hands.
 */
public final class BatchQueue {
    /** For each so many rows of a request, the wait for the next one grows by the shortest interval. */
    private static final int ROWS_OF_AN_INTERVAL = 2_000;

    /** The wait grows up to this; one that is set longer stays as it is. */
    private static final long LONGEST_GROWN = TimeUnit.MILLISECONDS.toNanos(240);

    private final Supplier<Batch> factory;
    private final long minInterval;
    private final Deque<Batch> spares = new ArrayDeque<>();
    private Batch waiting;
    private int sending;
    private int unconfirmed;
    private boolean wantsAny;
    private boolean wantsLarge;
    private boolean hurried;
    private long lastTaken;
    private long interval;

    public BatchQueue(Supplier<Batch> factory, long minIntervalMs) {
        this.factory = factory;
        this.minInterval = TimeUnit.MILLISECONDS.toNanos(minIntervalMs);
        this.interval = minInterval;
        this.lastTaken = System.nanoTime() - minInterval;
    }

    /** Takes back the batch to add to, or null if it stays full until the deadline (a System.nanoTime()). */
    synchronized Batch open(long deadline) throws InterruptedException {
        while (waiting != null && waiting.isFull()) {
            if (!pause(deadline)) {
                return null;
            }
        }
        Batch batch = waiting != null ? waiting : spares.isEmpty() ? factory.get() : spares.pop();
        waiting = null;
        return batch;
    }

    synchronized void close(Batch batch) {
        if (batch.isEmpty()) {
            spares.push(batch);
        } else {
            waiting = batch;
        }
        // While the sender waits for the interval to end, waking it for every few rows would cost more than storing
        // them.
        if (wantsAny || batch.isFull() || wantsLarge && batch.isLarge()) {
            notifyAll();
        }
    }

    /** The next batch to send: at once after a pause, when full or hurried, else not before the interval is over. */
    synchronized Batch take() throws InterruptedException {
        while (waiting == null || !waiting.isFull() && !hurried && System.nanoTime() - lastTaken < interval) {
            wantsAny = waiting == null;
            pause(wantsAny ? Long.MAX_VALUE : lastTaken + interval);
        }
        wantsAny = false;
        return taken();
    }

    /**
     * A large batch, to be uploaded behind a request that is under way. A small one had better grow meanwhile.
     *
     * @param answered whether that request has its answer; when it comes {@link #wake} has to be called
     * @return null if there is none before the answer, or before the deadline (a System.nanoTime())
     */
    synchronized Batch takeLarge(BooleanSupplier answered, long deadline) throws InterruptedException {
        wantsLarge = true;
        boolean goesOn = true;
        while (goesOn && !answered.getAsBoolean() && (waiting == null || !waiting.isLarge())) {
            goesOn = pause(deadline);
        }
        wantsLarge = false;
        return !answered.getAsBoolean() && waiting != null && waiting.isLarge() ? taken() : null;
    }

    synchronized void wake() {
        notifyAll();
    }

    private Batch taken() {
        Batch batch = waiting;
        waiting = null;
        sending++;
        lastTaken = System.nanoTime();
        interval = intervalAfter(batch.rows(), minInterval);
        notifyAll();
        return batch;
    }

    /** Under load requests wait for more rows: below thousands of rows, it is the commit that costs QuestDB CPU. */
    static long intervalAfter(int rows, long minInterval) {
        long grown = minInterval + minInterval * rows / ROWS_OF_AN_INTERVAL;
        return Math.max(minInterval, Math.min(grown, LONGEST_GROWN));
    }

    /** The batch's rows need not be kept any more. {@link #confirmed} follows if QuestDB has stored them. */
    synchronized void done(Batch batch, boolean stored) {
        batch.clear();
        spares.push(batch);
        sending--;
        unconfirmed += stored ? 1 : 0;
        notifyAll();
    }

    /** So many batches that QuestDB has stored are acknowledged, or will be read again. */
    synchronized void confirmed(int batches) {
        unconfirmed -= batches;
        notifyAll();
    }

    /** Drops the batch that waits, if there is one: it will not be sent. */
    synchronized void dropWaiting() {
        if (waiting != null) {
            waiting.clear();
            spares.push(waiting);
            waiting = null;
            notifyAll();
        }
    }

    public synchronized boolean isIdle() {
        return waiting == null && sending == 0 && unconfirmed == 0;
    }

    /** Returns whether all is over before the deadline, for which what waits is sent at once; does not wait under load. */
    public synchronized boolean awaitIdle(long deadline) throws InterruptedException {
        hurried = true;
        notifyAll();
        boolean inTime = true;
        while (inTime && !isIdle() && sending < 2 && (waiting == null || !waiting.isLarge())) {
            inTime = pause(deadline);
        }
        hurried = false;
        return isIdle();
    }

    private boolean pause(long deadline) throws InterruptedException {
        long left = deadline == Long.MAX_VALUE ? TimeUnit.HOURS.toNanos(1) : deadline - System.nanoTime();
        if (left > 0) {
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
        return left > 0;
    }
}
