package io.github.rta.questdb.delivery;

import java.util.Arrays;

/** Where each of the pieces of a growing text ends. */
final class Ends {
    private int[] values = new int[1024];
    private int size;

    void add(int end) {
        if (size == values.length) {
            values = Arrays.copyOf(values, size * 2);
        }
        values[size++] = end;
    }

    int size() {
        return size;
    }

    /** Where the piece starts; {@code start(size())} is the end of all. */
    int start(int piece) {
        return piece == 0 ? 0 : values[piece - 1];
    }

    void clear() {
        size = 0;
    }
}
