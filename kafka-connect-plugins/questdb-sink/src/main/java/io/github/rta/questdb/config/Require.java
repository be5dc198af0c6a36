package io.github.rta.questdb.config;

/** Checks of what a user has set. */
final class Require {
    private Require() {}

    /** @throws IllegalArgumentException with the message, which reads on from the name of the setting */
    static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }
}
