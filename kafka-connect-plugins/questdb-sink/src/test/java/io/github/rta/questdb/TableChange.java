package io.github.rta.questdb;

import java.util.List;
import java.util.stream.Stream;

/**
 * A change of a table while records flow.
 *
 * @param name of table and topic
 * @param quiet whether the records stop before the change and go on after it; else they never stop
 * @param columns of the table beside timestamp, id and n
 * @param before a member of the records before the change
 * @param statements the change; {@code %1$s} is the table
 * @param after a member of the records after it, which fit the new table
 * @param beforeFits whether the records before fit the new table, too
 * @param stored an aggregate of the rows after it
 * @param expected its value
 */
record TableChange(
        String name,
        boolean quiet,
        String columns,
        String before,
        List<String> statements,
        String after,
        boolean beforeFits,
        String stored,
        String expected) {
    /** The records after the change have numbers from here on. */
    static final int AFTER = 1_000_000;

    static final int RECORDS = 100;

    private static final String CREATE = "CREATE TABLE %%1$s (timestamp TIMESTAMP, id VARCHAR, n LONG, %s)"
            + " TIMESTAMP(timestamp) PARTITION BY DAY WAL DEDUP UPSERT KEYS(timestamp, id)";

    /** Each under both circumstances. */
    static Stream<TableChange> all() {
        return changes().flatMap(change -> Stream.of(change, change.whileQuiet()));
    }

    private TableChange whileQuiet() {
        return new TableChange(name + "_quiet", true, columns, before, statements, after, beforeFits, stored, expected);
    }

    private static Stream<TableChange> changes() {
        return Stream.of(
                new TableChange(
                        "add_double",
                        false,
                        "v LONG",
                        "\"v\":1",
                        alter("ADD COLUMN w DOUBLE"),
                        "\"w\":0.5",
                        true,
                        "sum(w)",
                        "50.0"),
                new TableChange(
                        "add_timestamp",
                        false,
                        "v LONG",
                        "\"v\":1",
                        alter("ADD COLUMN w TIMESTAMP"),
                        "\"w\":1700000000123",
                        true,
                        "max(w)",
                        "2023-11-14T22:13:20.123000Z"),
                new TableChange(
                        "rename_column",
                        false,
                        "v LONG",
                        "\"v\":1",
                        alter("RENAME COLUMN v TO w"),
                        "\"w\":2",
                        false,
                        "sum(w)",
                        "200"),
                new TableChange(
                        "drop_column",
                        false,
                        "v LONG",
                        "\"v\":1",
                        alter("DROP COLUMN v"),
                        "\"n2\":null",
                        false,
                        "count()",
                        "100"),
                new TableChange(
                        "long_to_double",
                        false,
                        "v LONG",
                        "\"v\":1",
                        alter("ALTER COLUMN v TYPE DOUBLE"),
                        "\"v\":0.5",
                        true,
                        "sum(v)",
                        "50.0"),
                new TableChange(
                        "long_to_varchar",
                        false,
                        "v LONG",
                        "\"v\":1",
                        alter("ALTER COLUMN v TYPE VARCHAR"),
                        "\"v\":\"x\"",
                        false,
                        "max(v)",
                        "x"),
                new TableChange(
                        "varchar_to_timestamp",
                        false,
                        "v VARCHAR",
                        "\"v\":\"x\"",
                        alter("ALTER COLUMN v TYPE TIMESTAMP"),
                        "\"v\":\"2023-11-14T22:13:20Z\"",
                        false,
                        "max(v)",
                        "2023-11-14T22:13:20.000000Z"),
                new TableChange(
                        "drop_and_create",
                        false,
                        "v LONG",
                        "\"v\":1",
                        List.of("DROP TABLE %1$s", CREATE.formatted("w LONG")),
                        "\"w\":2",
                        false,
                        "sum(w)",
                        "200"),
                new TableChange(
                        "drop_and_create_alike",
                        false,
                        "v LONG",
                        "\"v\":1",
                        List.of("DROP TABLE %1$s", CREATE.formatted("v LONG")),
                        "\"v\":2",
                        true,
                        "sum(v)",
                        "200"),
                new TableChange(
                        "rename_and_create",
                        false,
                        "v LONG",
                        "\"v\":1",
                        List.of("RENAME TABLE %1$s TO %1$s_old", CREATE.formatted("v VARCHAR")),
                        "\"v\":\"x\"",
                        false,
                        "max(v)",
                        "x"));
    }

    private static List<String> alter(String change) {
        return List.of("ALTER TABLE %1$s " + change);
    }

    String create() {
        return CREATE.formatted(columns).formatted(name);
    }

    String recordBefore(int n) {
        return value(n, before);
    }

    String recordAfter(int i) {
        return value(AFTER + i, after);
    }

    private static String value(int n, String member) {
        return "{\"id\":\"%d\",\"n\":%d,%s,\"ts\":1700000000}".formatted(n, n, member);
    }

    static boolean isAfter(String value) {
        return Integer.parseInt(value.replaceFirst(".*\"n\":(\\d+).*", "$1")) >= AFTER;
    }

    @Override
    public String toString() {
        return name;
    }
}
