package io.github.rta.questdb.encoding;

import io.github.rta.questdb.encoding.Timestamps.Unit;

/** The types of columns that want a value written in a way of their own. */
enum ColumnType {
    /** What fits is up to QuestDB, which casts or refuses. */
    PLAIN(null, ' '),
    /** Takes the text of any scalar. */
    SYMBOL(null, ' '),
    /** Has a null of its own, -2^31. */
    INT(null, ' '),
    /** Keeps fewer numbers than a double. */
    FLOAT(null, ' '),
    /** Takes hexadecimal numbers, which ILP doesn't put into quotes. */
    LONG256(null, ' '),
    IPV4(null, ' '),
    GEOHASH(null, ' '),
    /** DOUBLE[] of any number of dimensions. */
    ARRAY(null, ' '),
    /** Takes numbers as text: in ILP they would be doubles, and lose digits. */
    DECIMAL(null, ' '),
    /** QuestDB divides microseconds to milliseconds by itself. */
    DATE(Unit.MICROS, 't'),
    TIMESTAMP(Unit.MICROS, 't'),
    TIMESTAMP_NS(Unit.NANOS, 'n');

    /** Of a point in time; null if this is no type for one. */
    final Unit unit;
    /** What ILP puts behind a point in time. */
    final char suffix;

    ColumnType(Unit unit, char suffix) {
        this.unit = unit;
        this.suffix = suffix;
    }

    /** @param name as SHOW COLUMNS gives it, for instance {@code DECIMAL(18,4)} */
    static ColumnType of(String name) {
        return switch (name.replaceFirst("\\(.*", "").replaceFirst("(\\[])+$", "[]")) {
            case "DOUBLE[]" -> ARRAY;
            case "FLOAT" -> FLOAT;
            case "GEOHASH" -> GEOHASH;
            case "INT" -> INT;
            case "IPv4" -> IPV4;
            case "LONG256" -> LONG256;
            case "SYMBOL" -> SYMBOL;
            case "DECIMAL" -> DECIMAL;
            case "DATE" -> DATE;
            case "TIMESTAMP" -> TIMESTAMP;
            case "TIMESTAMP_NS" -> TIMESTAMP_NS;
            default -> PLAIN;
        };
    }
}
