package io.github.rta.questdb.delivery;

import io.github.rta.questdb.encoding.Unavailable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.connect.errors.ConnectException;

/**
 * The thread that acknowledges what QuestDB says it has stored: QuestDB says so of rows for a dropped table, too, so
 * whether the tables are still there has to be asked afterwards.
 *
 * <p>One question serves all requests of half a second, and none of them waits for it. Rows wait in memory only until they
 * are sent, so what waits here is no more than offsets. While QuestDB can't be asked no more than {@link #MOST} wait.
 */
public final class Receipts implements Runnable {
    private static final Duration INTERVAL = Duration.ofMillis(500);
    private static final int MOST = 1_000;

    private final Catalog catalog;
    private final Assignment assignment;
    private final BatchQueue queue;
    private final SinkStats stats;
    private final List<Span> waiting = new ArrayList<>();
    private final Backoff backoff = new Backoff();
    private final long interval; // in nanoseconds
    private long lastAsked;
    private int hurried; // How many wait for an answer now.
    private volatile RuntimeException failure;

    public Receipts(Catalog catalog, Assignment assignment, BatchQueue queue, SinkStats stats) {
        this(catalog, assignment, queue, stats, INTERVAL);
    }

    Receipts(Catalog catalog, Assignment assignment, BatchQueue queue, SinkStats stats, Duration interval) {
        this.catalog = catalog;
        this.assignment = assignment;
        this.queue = queue;
        this.stats = stats;
        this.interval = interval.toNanos();
        this.lastAsked = System.nanoTime() - this.interval;
    }

    /** Why the thread ended, or null. */
    public RuntimeException failure() {
        return failure;
    }

    /** QuestDB says that it has stored these rows; all of them came after those of earlier calls. */
    synchronized void add(Span stored) throws InterruptedException {
        while (waiting.size() >= MOST && failure == null) {
            wait();
        }
        waiting.add(stored);
        notifyAll();
    }

    /** Somebody waits for what is there, and what comes next, to be acknowledged, until {@link #calm()} is called. */
    public synchronized void hurry() {
        hurried++;
        notifyAll();
    }

    /** The end of one {@link #hurry()}. */
    public synchronized void calm() {
        hurried--;
    }

    /**
     * Whether the tables of these records are still there. Then a record among them that was refused because of its table
     * can be set aside. Waits for what came before.
     */
    boolean canFollow(Span records) throws InterruptedException {
        awaitAll();
        try {
            return catalog.missing(records.tables()).isEmpty();
        } catch (Unavailable e) {
            return false; // Nothing is set aside yet, so all can be read again.
        }
    }

    /** Waits until all is acknowledged that QuestDB has stored. */
    synchronized void awaitAll() throws InterruptedException {
        hurry();
        try {
            while (!waiting.isEmpty() && failure == null) {
                wait();
            }
        } finally {
            calm();
        }
    }

    @Override
    public void run() {
        try {
            while (true) {
                List<Span> stored = next();
                settle(stored, missing(tables(stored)));
            }
        } catch (InterruptedException e) {
            failure = new ConnectException("the task is stopped", e);
        } catch (RuntimeException | Error e) { // Were this thread to end unnoticed, no offset would be committed again.
            failure = new ConnectException(e.getMessage(), e);
        }
        synchronized (this) {
            notifyAll(); // Who waits, waits in vain.
        }
    }

    /** Asks until there is an answer: the rows are stored or not, whenever one asks. */
    private Set<Long> missing(Set<Long> tables) throws InterruptedException {
        for (int attempt = 1; ; attempt++) {
            try {
                Set<Long> missing = catalog.missing(tables);
                stats.asked();
                backoff.reset();
                return missing;
            } catch (Unavailable e) {
                if (attempt > 1) { // A single failure is no outage, as with rows.
                    stats.cannotAsk(e.getMessage());
                }
                TimeUnit.MILLISECONDS.sleep(backoff.nextMs());
            }
        }
    }

    private synchronized List<Span> next() throws InterruptedException {
        while (waiting.isEmpty()) {
            wait();
        }
        for (long left = left(); hurried == 0 && left > 0; left = left()) {
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
        lastAsked = System.nanoTime();
        return List.copyOf(waiting);
    }

    private long left() {
        return lastAsked + interval - System.nanoTime();
    }

    private static Set<Long> tables(List<Span> stored) {
        Set<Long> tables = new HashSet<>();
        stored.forEach(each -> tables.addAll(each.tables()));
        return tables;
    }

    private synchronized void settle(List<Span> stored, Set<Long> missing) {
        for (Span each : stored) {
            if (Collections.disjoint(each.tables(), missing)) {
                assignment.acknowledge(each);
            } else {
                assignment.refuse(each);
            }
        }
        waiting.subList(0, stored.size()).clear();
        queue.confirmed(stored.size());
        notifyAll();
    }
}
