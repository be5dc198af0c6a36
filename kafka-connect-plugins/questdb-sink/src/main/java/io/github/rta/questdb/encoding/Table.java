package io.github.rta.questdb.encoding;

import io.github.rta.questdb.config.ArrayMapping;
import io.github.rta.questdb.config.SinkConfig;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** One table: the fields that its records have, and which column each goes to. */
final class Table {
    /** More distinct fields than a table sensibly has: someone uses data as field names. */
    private static final int MAX_FIELDS = 10_000;

    private static final long RENEWAL = TimeUnit.SECONDS.toNanos(5);

    final String name;
    final byte[] written;
    final Field key;
    final Field value;
    private final SinkConfig config;
    private final Map<String, Column> columns = new HashMap<>();
    private Schema schema;
    private long renewal;
    private boolean extensible;
    private int fields;

    Table(String name, Schema schema, SinkConfig config) throws BadRow {
        this.name = name;
        this.config = config;
        renew(schema);
        this.written = new IlpBuffer(name.length() + 8).putBare(name).toArray();
        this.key = new Field(this, config.keyPrefix);
        this.value = new Field(this, config.valuePrefix);
    }

    /** Whether the fields seen have become so many that forgetting them is due. */
    boolean outgrown() {
        return fields > MAX_FIELDS;
    }

    Schema schema() {
        return schema;
    }

    /** Takes a later look at the same table for it. */
    final void renew(Schema same) {
        schema = same;
        renewal = same.fetched() + RENEWAL;
    }

    /** When to look at the server's table again, a System.nanoTime(). */
    long renewal() {
        return renewal;
    }

    void postponeRenewal(long nanos) {
        renewal += nanos;
    }

    /** Whether this is the table as it was at that System.nanoTime() or later. */
    boolean isCertain(long since) {
        return schema.settled() && schema.fetched() - since >= 0;
    }

    /** Whether a field without a column is sent all the same: QuestDB creates it. */
    void extensible(boolean wanted) {
        extensible = wanted;
    }

    /**
     * Why no record could ever become a row, or null: a required column is not there. Somebody has misspelt it rather
     * than wanted all records refused.
     */
    String missingColumn() {
        return config.required.stream()
                .filter(column -> config.strict && !schema.columns().containsKey(column))
                .findFirst()
                .map("it has no column '%s', which required.fields names: add it, or take it out there"::formatted)
                .orElse(null);
    }

    /** Its records have one more distinct field. */
    void countField() {
        fields++;
    }

    int timestampPart(String path) {
        return config.timestampFields.indexOf(path);
    }

    /** What collects the levels of a field that array.mappings names, null for other fields. */
    Levels levels(String path) {
        ArrayMapping mapping = config.arrayMappings.get(path);
        return mapping == null ? null : new Levels(mapping, this);
    }

    Column column(String path) throws BadRow {
        String lowerCase = path.toLowerCase(Locale.ROOT);
        Column column = columns.get(lowerCase);
        if (column == null) {
            check(path, lowerCase);
            column = new Column(path, lowerCase, schema.columns().get(lowerCase), config);
            columns.put(lowerCase, column);
        }
        return column;
    }

    private void check(String path, String lowerCase) throws BadRow {
        Names.checkColumn(path);
        if (lowerCase.equals(schema.designated())) {
            throw new BadRow("field '%s' is the table's designated timestamp, but timestamp.field.name says otherwise"
                    .formatted(path));
        }
        if (!extensible && !schema.columns().containsKey(lowerCase)) {
            throw new BadRow.UnknownColumn(path, name);
        }
    }
}
