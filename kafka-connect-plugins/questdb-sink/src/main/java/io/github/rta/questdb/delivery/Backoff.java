package io.github.rta.questdb.delivery;

import java.util.concurrent.ThreadLocalRandom;

/** How long to wait before the next attempt: from 0.1 s to 5 s, doubling, with jitter to keep tasks out of step. */
final class Backoff {
    private static final long FIRST_MS = 100;
    private static final long LAST_MS = 5_000;
    private long next = FIRST_MS;

    long nextMs() {
        long wait = next;
        next = Math.min(LAST_MS, next * 2);
        return ThreadLocalRandom.current().nextLong(wait / 2, wait + 1);
    }

    void reset() {
        next = FIRST_MS;
    }
}
