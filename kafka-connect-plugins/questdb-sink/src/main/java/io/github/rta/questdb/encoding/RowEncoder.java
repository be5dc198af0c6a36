package io.github.rta.questdb.encoding;

import io.github.rta.questdb.config.SinkConfig;

/**
 * Writes one row at a time as a line of ILP. Both readers of records (JSON bytes, Connect's objects) call it, so both
 * give the same rows. Nothing of a refused row reaches the batch.
 */
final class RowEncoder {
    private final SinkConfig config;
    private final Timestamps timestamps;
    private final RowTimestamp rowTimestamp;
    private final RowMarks met = new RowMarks();
    private final RowMarks claimed = new RowMarks();
    private final IlpBuffer symbols = new IlpBuffer(1024);
    private final IlpBuffer fields = new IlpBuffer(4096);
    private char[] scratch = new char[1024];
    private Table table;
    private long missing;

    RowEncoder(SinkConfig config) {
        this.config = config;
        this.timestamps = config.timestamps();
        this.rowTimestamp = new RowTimestamp(config);
    }

    void begin(Table table) {
        this.table = table;
        met.clear();
        claimed.clear();
        rowTimestamp.clear();
        symbols.clear();
        fields.clear();
        missing = lowestBits(config.required.size());
    }

    /** As many ones, from the lowest bit on. */
    private static long lowestBits(int count) {
        return count == 0 ? 0 : -1L >>> (64 - count);
    }

    /** Appends the finished row. {@code kafkaTimestamp} in ms, null if the record has none. */
    void end(Long kafkaTimestamp, IlpBuffer target) throws BadRow {
        if (missing != 0) {
            throw new BadRow("required field '%s' is missing"
                    .formatted(config.required.get(Long.numberOfTrailingZeros(missing))));
        }
        if (symbols.length() + fields.length() == 0) {
            throw new BadRow("no field but the timestamp");
        }
        long nanos = rowTimestamp.get(kafkaTimestamp);
        target.put(table.written).put(symbols);
        separateFields();
        target.put(fields).put(' ').putLong(nanos).put('\n');
    }

    /** Each field starts with a comma; in ILP the first one follows a space. */
    private void separateFields() {
        if (fields.length() > 0) {
            fields.bytes()[0] = ' ';
        }
    }

    /** Notes that the record has this field, by exactly this path; a null counts too. */
    void meet(Field field) throws BadRow {
        if (!met.add(field.number)) {
            throw new BadRow("field '%s' is there twice".formatted(field.path));
        }
    }

    void text(Field field, String value) throws BadRow {
        int length = value.length();
        value.getChars(0, length, scratch(length), 0);
        text(field, scratch, 0, length);
    }

    void text(Field field, char[] value, int offset, int length) throws BadRow {
        if (field.timestampPart >= 0) {
            rowTimestamp.text(field.timestampPart, value, offset, length);
            return;
        }
        Column column = claim(field);
        if (column.timestamp) {
            field(column).putLong(timestamps.ofText(value, offset, length)).put('n');
        } else if (column.symbol) {
            symbols.put(column.written).putBare(value, offset, length);
        } else {
            field(column).putQuoted(value, offset, length);
        }
    }

    /** Text that needs no escaping in quotes: printable ASCII without quote and backslash. */
    void plain(Field field, byte[] value, int offset, int length) throws BadRow {
        if (field.timestampPart < 0 && field.column().isString()) {
            field(claim(field)).putPlain(value, offset, length);
            return;
        }
        char[] wide = scratch(length);
        for (int i = 0; i < length; i++) {
            wide[i] = (char) value[offset + i];
        }
        text(field, wide, 0, length);
    }

    private char[] scratch(int length) {
        if (scratch.length < length) {
            scratch = new char[length];
        }
        return scratch;
    }

    void integer(Field field, long value) throws BadRow {
        if (field.timestampPart >= 0) {
            rowTimestamp.number(value);
            return;
        }
        Column column = claim(field);
        if (value == Long.MIN_VALUE) {
            throw new BadRow("field '%s' is -2^63, which QuestDB keeps for null".formatted(field.path));
        }
        if (column.timestamp) {
            field(column).putLong(timestamps.ofNumber(value)).put('n');
        } else if (column.symbol) {
            symbols.put(column.written).putLong(value);
        } else if (column.floating) {
            field(column).putLong(value);
        } else {
            field(column).putLong(value).put('i');
        }
    }

    /** NaN is QuestDB's null, so it is left out like one. */
    void floating(Field field, double value) throws BadRow {
        if (field.timestampPart >= 0) {
            throw new BadRow("timestamp field '%s' has a fraction".formatted(field.path));
        }
        if (Double.isInfinite(value)) {
            throw new BadRow("field '%s' is infinite or beyond the range of a double".formatted(field.path));
        }
        if (!Double.isNaN(value)) {
            field(claim(field)).putAscii(Double.toString(value));
        }
    }

    void bool(Field field, boolean value) throws BadRow {
        if (field.timestampPart >= 0) {
            throw new BadRow("timestamp field '%s' is a boolean".formatted(field.path));
        }
        field(claim(field)).put(value ? 't' : 'f');
    }

    /** A point in time by its type, in ms since 1970. */
    void instant(Field field, long millis) throws BadRow {
        if (field.timestampPart >= 0) {
            rowTimestamp.millis(millis);
        } else {
            field(claim(field)).putLong(timestamps.ofMillis(millis)).put('n');
        }
    }

    private Column claim(Field field) throws BadRow {
        Column column = field.column();
        if (!claimed.add(column.number)) {
            throw new BadRow("two fields go to column '%s'".formatted(column.name));
        }
        missing &= ~column.requiredBit;
        return column;
    }

    private IlpBuffer field(Column column) {
        return fields.put(column.written);
    }
}
