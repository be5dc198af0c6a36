package io.github.rta.questdb.encoding;

import java.util.Arrays;

/** Which fields and columns the present row has: a set of small numbers that is emptied at no cost. */
final class RowMarks {
    /** For each number the row that had it last. */
    private long[] rows = new long[64];

    private long row;

    void clear() {
        row++;
    }

    /** Returns false if the row has it already. */
    boolean add(int number) {
        if (number >= rows.length) {
            rows = Arrays.copyOf(rows, Math.max(number + 1, rows.length * 2));
        }
        boolean isNew = rows[number] != row;
        rows[number] = row;
        return isNew;
    }
}
