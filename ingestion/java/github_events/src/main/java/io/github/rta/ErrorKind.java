package io.github.rta;

import java.util.Locale;

/** What went wrong with a request (CONTRACT.md, section 5). */
enum ErrorKind {
    NETWORK,
    TIMEOUT,
    BODY,
    SERVER,
    REDIRECT,
    UNPROCESSABLE,
    SECONDARY,
    LIMIT,
    FORBIDDEN,
    UNAUTHORIZED,
    REFUSED;

    /** Returns the word in statistics and log. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Returns whether all pages must wait. */
    boolean isLimit() {
        return this == SECONDARY || this == LIMIT;
    }

    /** Returns whether asking again is of no use. */
    boolean isFatal() {
        return this == FORBIDDEN || this == UNAUTHORIZED || this == REFUSED;
    }
}
