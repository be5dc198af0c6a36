package io.github.rta.questdb.encoding;

import io.github.rta.questdb.config.SinkConfig;
import io.github.rta.questdb.encoding.Timestamps.Unit;
import java.math.BigDecimal;

/**
 * Writes one row at a time as a line of ILP, each value as the type of its column wants it. Both readers of records
 * (JSON bytes, Connect's objects) call it, so both give the same rows. Nothing of a refused row reaches the batch.
 */
final class RowEncoder {
    private final Timestamps timestamps;
    private final RowTimestamp rowTimestamp;
    private final RowLine line;
    private final boolean serverTimestamp;
    private long row;
    private char[] scratch = new char[1024];

    RowEncoder(SinkConfig config) {
        this.timestamps = config.columnTimestamps();
        this.rowTimestamp = new RowTimestamp(config);
        this.line = new RowLine(config);
        this.serverTimestamp = config.serverTimestamp;
    }

    void begin(Table table) {
        row++;
        rowTimestamp.clear();
        line.begin(table, row);
    }

    /** Appends the finished row, and returns its time. {@code kafkaTimestamp} in ms, null if the record has none. */
    long end(Long kafkaTimestamp, IlpBuffer target) throws BadRow {
        line.check();
        return serverTimestamp ? line.endWithoutTime(target) : line.end(rowTimestamp.get(kafkaTimestamp), target);
    }

    /** Notes that the record has this field, by exactly this path; a null counts too. */
    void meet(Field field) throws BadRow {
        if (!field.meet(row)) {
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
        Column column = field.column();
        if (column.quoted) {
            line.field(column).putQuoted(value, offset, length);
        } else if (column.tag) {
            line.symbol(column).putBare(value, offset, length);
        } else if (column.type.unit != null) {
            time(column, timestamps.ofText(value, offset, length, column.type.unit));
        } else {
            TextForm.write(column, value, offset, length, line.field(column));
        }
    }

    /** Text that needs no escaping in quotes: printable ASCII without quote and backslash. */
    void plain(Field field, byte[] value, int offset, int length) throws BadRow {
        if (field.timestampPart < 0) {
            Column column = field.column();
            if (column.quoted) {
                line.field(column).putPlain(value, offset, length);
                return;
            }
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
            rowTimestamp.integer(field.timestampPart, value);
            return;
        }
        Column column = field.column();
        switch (column.type) {
            case PLAIN, FLOAT, IPV4, GEOHASH, ARRAY -> plainInteger(column, value, Long.MIN_VALUE);
            case INT -> plainInteger(column, value, Integer.MIN_VALUE);
            case SYMBOL, DECIMAL -> text(field, Long.toString(value));
            case LONG256 -> text(field, TextForm.hex(Long.toString(value)));
            default -> time(column, timestamps.ofNumber(value, column.type.unit));
        }
    }

    private void plainInteger(Column column, long value, long none) throws BadRow {
        if (value == none || value == Long.MIN_VALUE) {
            throw new BadRow("field '%s' is %s, which QuestDB keeps for null"
                    .formatted(column.name, value == Long.MIN_VALUE ? "-2^63" : "-2^31"));
        }
        IlpBuffer fields = line.field(column).putLong(value);
        if (!column.floating) {
            fields.put('i');
        }
    }

    /** Whether a number with a fraction has to come by {@link #decimal}, because a double would lose digits. */
    boolean keepsDigits(Field field) throws BadRow {
        if (field.timestampPart >= 0) {
            return true;
        }
        ColumnType type = field.column().type;
        return type == ColumnType.DECIMAL || type == ColumnType.LONG256 || type.unit != null;
    }

    /** A number of any size with all its digits, for a field that {@link #keepsDigits}. */
    void decimal(Field field, String digits) throws BadRow {
        if (field.timestampPart >= 0) {
            rowTimestamp.decimal(new BigDecimal(digits));
            return;
        }
        Column column = field.column();
        if (column.type == ColumnType.DECIMAL) {
            text(field, digits);
        } else if (column.type == ColumnType.LONG256) {
            text(field, TextForm.hex(digits));
        } else {
            time(column, timestamps.ofDecimal(new BigDecimal(digits), column.type.unit));
        }
    }

    /** A number with a fraction, for any other field. NaN is QuestDB's null, so it is left out like one. */
    void floating(Field field, double value) throws BadRow {
        if (Double.isInfinite(value)) {
            throw new BadRow("field '%s' is infinite or beyond the range of a double".formatted(field.path));
        }
        if (Double.isNaN(value)) {
            return;
        }
        Column column = field.column();
        if (column.type == ColumnType.FLOAT && Double.isInfinite((float) value)) {
            throw new BadRow("field '%s' is beyond the range of FLOAT".formatted(column.name));
        }
        if (column.type == ColumnType.SYMBOL) {
            text(field, Double.toString(value));
        } else {
            line.field(column).putAscii(Double.toString(value));
        }
    }

    void bool(Field field, boolean value) throws BadRow {
        if (field.timestampPart >= 0) {
            throw new BadRow("timestamp field '%s' is a boolean".formatted(field.path));
        }
        if (field.column().type == ColumnType.SYMBOL) {
            text(field, Boolean.toString(value));
        } else {
            line.field(field.column()).put(value ? 't' : 'f');
        }
    }

    /** A point in time by its type, since 1970. */
    void instant(Field field, long value, Unit unit) throws BadRow {
        if (field.timestampPart >= 0) {
            rowTimestamp.instant(value, unit);
            return;
        }
        Column column = field.column();
        if (column.type == ColumnType.SYMBOL) {
            text(field, unit.instant(value).toString());
        } else if (column.type.unit == null) {
            line.field(column).putLong(timestamps.of(value, unit, Unit.NANOS)).put(ColumnType.TIMESTAMP_NS.suffix);
        } else {
            time(column, timestamps.of(value, unit, column.type.unit));
        }
    }

    void array(Column column, DoubleArray array) throws BadRow {
        array.write(line.field(column));
    }

    private void time(Column column, long value) throws BadRow {
        line.field(column).putLong(value).put(column.type.suffix);
    }
}
