package io.github.rta.questdb.encoding;

import io.github.rta.questdb.config.SinkConfig;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** One table: the fields that its records have, and which column each goes to. */
final class Table {
    /** More distinct fields than a table sensibly has: someone uses data as field names. */
    private static final int MAX_FIELDS = 10_000;

    final String name;
    final byte[] written;
    final Schema schema;
    final Field key;
    final Field value;
    private final SinkConfig config;
    private final Map<String, Column> columns = new HashMap<>();
    private int fields;

    Table(String name, Schema schema, SinkConfig config) throws BadRow {
        this.name = name;
        this.schema = schema;
        this.config = config;
        this.written = new IlpBuffer(name.length() + 8).putBare(name).toArray();
        this.key = new Field(this, config.keyPrefix);
        this.value = new Field(this, config.valuePrefix);
    }

    /** Whether the fields seen have become so many that forgetting them is due. */
    boolean outgrown() {
        return fields > MAX_FIELDS;
    }

    int nextNumber() {
        return fields++;
    }

    int timestampPart(String path) {
        return config.timestampFields.indexOf(path);
    }

    Column column(String path) throws BadRow {
        String lowerCase = path.toLowerCase(Locale.ROOT);
        Column column = columns.get(lowerCase);
        if (column == null) {
            check(path, lowerCase);
            column = new Column(path, lowerCase, columns.size(), config);
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
        if (config.strict && !schema.columns().contains(lowerCase)) {
            throw new BadRow.UnknownColumn(path, name);
        }
    }
}
