package io.github.rta.questdb.delivery;

import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Hands batches from the task's thread to the sender's. While a request is under way the task adds to the one batch
 * that waits, so batches are small when little arrives and large under load. A full one holds the task back.
 */
public final class BatchQueue {
    private final Supplier<Batch> factory;
    private final long minInterval;
    private Batch waiting;
    private Batch spare;
    private boolean sending;
    private boolean starving;
    private long lastTaken;

    public BatchQueue(Supplier<Batch> factory, long minIntervalMs) {
        this.factory = factory;
        this.minInterval = TimeUnit.MILLISECONDS.toNanos(minIntervalMs);
        this.lastTaken = System.nanoTime() - minInterval;
    }

    /** Takes back the batch to add to, or null if it stays full until the deadline (a System.nanoTime()). */
    synchronized Batch open(long deadline) throws InterruptedException {
        while (waiting != null && waiting.isFull()) {
            if (!pause(deadline)) {
                return null;
            }
        }
        Batch batch = waiting != null ? waiting : spare != null ? spare : factory.get();
        spare = batch == spare ? null : spare;
        waiting = null;
        return batch;
    }

    synchronized void close(Batch batch) {
        if (batch.isEmpty()) {
            spare = batch;
        } else {
            waiting = batch;
        }
        // While the sender waits for the interval to end, waking it for every few rows would cost more than storing
        // them.
        if (starving || batch.isFull()) {
            notifyAll();
        }
    }

    /** The next batch to send: at once after a pause or when full, else not before the interval is over. */
    synchronized Batch take() throws InterruptedException {
        while (waiting == null || !waiting.isFull() && System.nanoTime() - lastTaken < minInterval) {
            starving = waiting == null;
            pause(starving ? Long.MAX_VALUE : lastTaken + minInterval);
        }
        starving = false;
        Batch batch = waiting;
        waiting = null;
        sending = true;
        lastTaken = System.nanoTime();
        notifyAll();
        return batch;
    }

    synchronized void done(Batch batch) {
        batch.clear();
        spare = batch;
        sending = false;
        notifyAll();
    }

    /** Drops the batch that waits, if there is one: it will not be sent. */
    synchronized void dropWaiting() {
        if (waiting != null) {
            waiting.clear();
            spare = waiting;
            waiting = null;
        }
    }

    public synchronized boolean isIdle() {
        return waiting == null && !sending;
    }

    /** Returns whether all has been sent before the deadline; does not wait while a full batch waits. */
    public synchronized boolean awaitIdle(long deadline) throws InterruptedException {
        while (!isIdle() && (waiting == null || !waiting.isFull())) {
            if (!pause(deadline)) {
                return false;
            }
        }
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
