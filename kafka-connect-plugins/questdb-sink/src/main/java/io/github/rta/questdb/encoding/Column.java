package io.github.rta.questdb.encoding;

import io.github.rta.questdb.config.SinkConfig;
import java.util.EnumSet;
import java.util.Set;

/** Where a scalar goes and how. One object a column, however many fields lead to it. */
final class Column {
    /** What they don't take, QuestDB refuses. */
    private static final Set<ColumnType> TAKE_ANY_TEXT =
            EnumSet.of(ColumnType.PLAIN, ColumnType.SYMBOL, ColumnType.INT, ColumnType.FLOAT, ColumnType.ARRAY);

    private static final int BITS_PER_DIGIT = 5;

    final String name;
    /** What precedes a value of it: {@code ,name=}. */
    final byte[] written;

    final ColumnType type;
    /** Whether it is written among the symbols of a line: so QuestDB creates it as SYMBOL. */
    final boolean tag;
    /** Whether its integers are written like numbers with a fraction: so QuestDB creates it as DOUBLE. */
    final boolean floating;
    /** Whether it is yet to be created. */
    final boolean isNew;
    /** Of an array. */
    final int dimensions;
    /** How many characters its geohashes have at least. */
    final int digits;
    /** Whether any text is written as it is, in quotes. */
    final boolean quoted;

    final long requiredBit;
    /** The number of the row that has a value for it, or of an earlier one. */
    private long row;

    /**
     * @param lowerCase the name in lower case
     * @param known the type by SHOW COLUMNS, null for a column that is yet to be created
     */
    Column(String name, String lowerCase, String known, SinkConfig config) throws BadRow {
        this.name = name;
        this.written =
                new IlpBuffer(name.length() + 8).put(',').putBare(name).put('=').toArray();
        this.type = type(lowerCase, known, config);
        this.isNew = known == null;
        this.dimensions = type == ColumnType.ARRAY ? (known.length() - known.indexOf('[')) / 2 : 0;
        this.digits = type == ColumnType.GEOHASH ? digits(known) : 0;
        this.tag = type == ColumnType.SYMBOL && isNew;
        this.floating = config.doubles.contains(lowerCase);
        this.quoted = !tag && TAKE_ANY_TEXT.contains(type);
        int required = config.required.indexOf(lowerCase);
        this.requiredBit = required < 0 ? 0 : 1L << required;
    }

    /** Notes that the row with this number has a value for it. Returns false if that was noted before. */
    boolean claim(long number) {
        boolean isNew = row != number;
        row = number;
        return isNew;
    }

    /** @param type for instance {@code GEOHASH(4c)}, of characters, or {@code GEOHASH(7b)}, of bits */
    private static int digits(String type) {
        int size = Integer.parseInt(type.replaceAll("\\D", ""));
        return type.endsWith("b)") ? (size + BITS_PER_DIGIT - 1) / BITS_PER_DIGIT : size;
    }

    /** The settings count where the table doesn't say. */
    private static ColumnType type(String lowerCase, String known, SinkConfig config) {
        ColumnType type = known == null ? ColumnType.PLAIN : ColumnType.of(known);
        if (type == ColumnType.PLAIN && config.symbols.contains(lowerCase)) {
            return ColumnType.SYMBOL;
        }
        return type == ColumnType.PLAIN && config.timestampStrings.contains(lowerCase) ? ColumnType.TIMESTAMP_NS : type;
    }
}
