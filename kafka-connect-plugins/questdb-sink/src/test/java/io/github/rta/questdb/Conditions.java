package io.github.rta.questdb;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.function.Supplier;

/** Waiting for what must become true. */
public final class Conditions {
    private Conditions() {}

    /** Returns when the condition holds; fails with the detail when it doesn't within the time. */
    public static void await(String what, Duration atMost, Callable<Boolean> condition, Supplier<String> detail)
            throws Exception {
        long deadline = System.nanoTime() + atMost.toNanos();
        while (!condition.call()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not within " + atMost + ": " + what + "\n" + detail.get());
            }
            Thread.sleep(20);
        }
    }
}
