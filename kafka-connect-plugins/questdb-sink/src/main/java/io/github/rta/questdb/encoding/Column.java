package io.github.rta.questdb.encoding;

import io.github.rta.questdb.config.SinkConfig;

/** Where a scalar goes and how. One object a column, however many fields lead to it. */
final class Column {
    final String name;
    /** For {@link RowMarks}. */
    final int number;
    /** What precedes a value of it: {@code ,name=}. */
    final byte[] written;

    final boolean symbol;
    final boolean floating;
    final boolean timestamp;
    final long requiredBit;

    Column(String name, String lowerCase, int number, SinkConfig config) throws BadRow {
        this.name = name;
        this.number = number;
        this.written =
                new IlpBuffer(name.length() + 8).put(',').putBare(name).put('=').toArray();
        this.symbol = config.symbols.contains(lowerCase);
        this.floating = config.doubles.contains(lowerCase);
        this.timestamp = config.timestampStrings.contains(lowerCase);
        int required = config.required.indexOf(lowerCase);
        this.requiredBit = required < 0 ? 0 : 1L << required;
    }

    boolean isString() {
        return !symbol && !timestamp;
    }
}
