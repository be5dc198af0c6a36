package io.github.rta.questdb;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.function.Supplier;

/** Waiting for what must become true. */
public final class Conditions {
    /** What all deadlines are multiplied by: CI runs much at once. The tests in Python read the same variable. */
    private static final double PATIENCE = Double.parseDouble(System.getenv().getOrDefault("PATIENCE", "1"));

    private Conditions() {}

    /** Returns when the condition holds; fails with the detail when it doesn't within the time, see {@link #PATIENCE}. */
    public static void await(String what, Duration atMost, Callable<Boolean> condition, Supplier<String> detail)
            throws Exception {
        Duration patient = Duration.ofMillis((long) (atMost.toMillis() * PATIENCE));
        long deadline = System.nanoTime() + patient.toNanos();
        while (!condition.call()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not within " + patient + ": " + what + "\n" + detail.get());
            }
            Thread.sleep(20);
        }
    }
}
