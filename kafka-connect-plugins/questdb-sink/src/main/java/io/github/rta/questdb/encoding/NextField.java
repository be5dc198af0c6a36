package io.github.rta.questdb.encoding;

/**
 * Guesses which field comes after another one: the two that did so lately, because many records leave one out. A guess
 * is right for nearly every field of a topic, and saves to make a string and to look it up.
 */
final class NextField {
    private Field latest;
    private Field earlier;

    /** Returns the child of that name, or null if the guess is wrong. */
    Field find(Field parent, String name) {
        if (latest != null && latest.isChild(parent, name)) {
            return latest;
        }
        return earlier != null && earlier.isChild(parent, name) ? earlier : null;
    }

    /** The same for a name in ASCII. */
    Field find(Field parent, byte[] text, int from, int to) {
        if (latest != null && latest.isChild(parent, text, from, to)) {
            return latest;
        }
        return earlier != null && earlier.isChild(parent, text, from, to) ? earlier : null;
    }

    Field learn(Field next) {
        earlier = latest;
        latest = next;
        return next;
    }
}
