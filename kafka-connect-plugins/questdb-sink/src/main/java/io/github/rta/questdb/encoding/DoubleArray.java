package io.github.rta.questdb.encoding;

import java.util.Arrays;

/**
 * One value for a column of type DOUBLE[], DOUBLE[][] and so on, built number by number as a reader meets them. It is
 * used again for the next value, so that no array costs memory of its own.
 *
 * <p>QuestDB's arrays are rectangular. What is not is noted here, and left to the reader to report or to leave out.
 */
final class DoubleArray {
    /** As many as QuestDB has. */
    private static final int MAX_DIMENSIONS = 32;

    private static final int UNKNOWN = -1;

    private final int[] shape = new int[MAX_DIMENSIONS];
    /** How many members the list has that is open at each level. */
    private final int[] members = new int[MAX_DIMENSIONS];

    private double[] values = new double[64];
    private int size;
    private int level;
    private int dimensions;
    /** The level that holds the numbers, 0 while none was met. */
    private int numbers;

    private boolean texts;
    private String fault;

    /** @param texts whether numbers may come as text */
    void clear(boolean texts) {
        this.texts = texts;
        Arrays.fill(shape, UNKNOWN);
        size = 0;
        level = 0;
        dimensions = 0;
        numbers = 0;
        fault = null;
    }

    /** A list begins: the array itself, or one within another. */
    void open() {
        if (level >= MAX_DIMENSIONS) {
            fail("it has more than 32 dimensions");
        } else {
            if (level > 0) {
                members[level - 1]++;
            }
            if (numbers > 0 && level >= numbers) {
                fail("it mixes numbers and lists");
            }
            members[level] = 0;
            dimensions = Math.max(dimensions, level + 1);
        }
        level++;
    }

    void add(double value) {
        if (numbers == 0) {
            numbers = level;
        }
        if (numbers != level || level != dimensions) {
            fail("it mixes numbers and lists");
        }
        if (Double.isInfinite(value)) {
            fail("one number is infinite or beyond the range of a double");
        }
        if (fault != null) {
            return;
        }
        members[level - 1]++;
        if (size == values.length) {
            values = Arrays.copyOf(values, 2 * size);
        }
        values[size++] = value;
    }

    /** A number as text, as exchanges send prices. */
    void add(String text) {
        if (!texts) {
            fail("it holds text");
            return;
        }
        try {
            add(Double.parseDouble(text));
        } catch (NumberFormatException e) {
            fail("'%s' is no number".formatted(text));
        }
    }

    boolean isOpen() {
        return level > 0;
    }

    void close() {
        level--;
        if (fault != null) {
            return;
        }
        if (shape[level] == UNKNOWN) {
            shape[level] = members[level];
        } else if (shape[level] != members[level]) {
            fail("its lists differ in length");
        }
    }

    /** Notes why this is no array of QuestDB's; only the first reason counts. */
    void fail(String reason) {
        fault = fault == null ? reason : fault;
    }

    /** Why this is no array of QuestDB's, or null. */
    String fault() {
        return fault;
    }

    boolean isEmpty() {
        return size == 0;
    }

    int dimensions() {
        return dimensions;
    }

    /** Makes of an empty list the empty array of a column with so many dimensions. */
    void empty(int wanted) {
        Arrays.fill(shape, 0);
        dimensions = wanted;
    }

    /** Writes it as a field of ILP: a second equals sign, the marks of an array and of doubles, the shape, the numbers. */
    void write(IlpBuffer target) {
        target.put('=').put((char) 14).put((char) 10).put((char) dimensions);
        for (int i = 0; i < dimensions; i++) {
            target.putInt(shape[i]);
        }
        target.putDoubles(values, size);
    }
}
