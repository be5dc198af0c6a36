package io.github.rta.questdb.encoding;

import io.github.rta.questdb.config.SinkConfig;

/** Decides what becomes of a field that is an array, and holds the array of numbers that a reader makes of it. */
final class ArrayFields {
    enum Use {
        /** The reader gives its numbers. */
        NUMBERS,
        /** The reader gives its JSON text. */
        TEXT,
        /** The reader skips it. */
        NONE
    }

    private final SinkConfig config;
    private final RowEncoder row;
    private final DoubleArray array = new DoubleArray();

    ArrayFields(SinkConfig config, RowEncoder row) {
        this.config = config;
        this.row = row;
    }

    Use use(Field field) throws BadRow {
        if (field.timestampPart >= 0) {
            throw new BadRow("timestamp field '%s' is an array".formatted(field.path));
        }
        if (takesNumbers(field)) {
            return Use.NUMBERS;
        }
        if (config.jsonArrays || config.skipArrays) {
            return config.jsonArrays ? Use.TEXT : Use.NONE;
        }
        throw new BadRow("field '%s' is an array, its column is none (arrays=error)".formatted(field.path));
    }

    private boolean takesNumbers(Field field) throws BadRow {
        try {
            Column column = field.column();
            boolean creates = column.isNew && column.type == ColumnType.PLAIN && !config.jsonArrays;
            return column.type == ColumnType.ARRAY || creates;
        } catch (BadRow.UnknownColumn e) {
            if (config.skipArrays && config.strict) {
                return false;
            }
            throw e;
        }
    }

    /** For the numbers of the field. */
    DoubleArray begin(Field field) throws BadRow {
        array.clear(!field.column().isNew);
        return array;
    }

    /** Writes what the reader has given, if it is an array of numbers. */
    void end(Field field) throws BadRow {
        Column column = field.column();
        if (array.fault() != null) {
            if (column.isNew && config.skipArrays) {
                return;
            }
            throw new BadRow("field '%s' is no array that QuestDB can store: %s".formatted(field.path, array.fault()));
        }
        if (!column.isNew && column.type != ColumnType.ARRAY) {
            throw new BadRow("field '%s' is an array, its column is none".formatted(field.path));
        }
        if (array.isEmpty() && column.isNew) {
            return; // Of which dimensions the column will be is not known yet.
        }
        if (array.isEmpty()) {
            array.empty(column.dimensions);
        }
        if (!column.isNew && array.dimensions() != column.dimensions) {
            throw new BadRow("field '%s' is an array of %d dimensions, its column has %d"
                    .formatted(field.path, array.dimensions(), column.dimensions));
        }
        row.array(column, array);
    }
}
