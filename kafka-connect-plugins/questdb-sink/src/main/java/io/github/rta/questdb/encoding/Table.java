package io.github.rta.questdb.encoding;

import io.github.rta.questdb.config.SinkConfig;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** What the sink knows about one table: its columns, and which field of a record goes to which of them. */
final class Table {
    /** More distinct fields than a table sensibly has: someone uses data as field names. */
    private static final int MAX_FIELDS = 10_000;

    /** QuestDB's own limit. */
    private static final int MAX_NAME = 127;

    private static final String NOT_IN_COLUMNS = "?.,'\"\\/:)(+-*%~";
    private static final String NOT_IN_TABLES = "?,'\"\\/:)(+*%~";

    /** Where a scalar goes and how. One object a column, however many fields lead to it. */
    static final class Column {
        final String name;
        /** What precedes a value of it: {@code ,name=}. */
        final byte[] written;

        final boolean symbol;
        final boolean floating;
        final boolean timestamp;
        final long requiredBit;
        /** The number of the row that wrote it last. */
        long row;

        boolean isString() {
            return !symbol && !timestamp;
        }

        private Column(String name, String lowerCase, SinkConfig config) throws BadRow {
            this.name = name;
            this.written = new IlpBuffer(name.length() + 8)
                    .put(',')
                    .putBare(name)
                    .put('=')
                    .toArray();
            this.symbol = config.symbols.contains(lowerCase);
            this.floating = config.doubles.contains(lowerCase);
            this.timestamp = config.timestampStrings.contains(lowerCase);
            int required = config.required.indexOf(lowerCase);
            this.requiredBit = required < 0 ? 0 : 1L << required;
        }
    }

    /** A field of the records, by its path: nested objects flatten with an underscore. */
    final class Field {
        final String path;
        /** Position in timestamp.field.name, or -1. */
        final int timestampPart;

        /** The number of the row that it was last met in: JSON allows a name twice, a row does not. */
        long row;

        /** The last part of the path, as the records have it. */
        private final String name;

        private final byte[] ascii;
        private final Field parent;
        /** Which fields came after this one; two, because many records leave one out. */
        private Field following;

        private Field otherwise;

        private final Map<String, Field> children = new HashMap<>();
        private Column column;

        private Field(Field parent, String path, String name) {
            this.parent = parent;
            this.path = path;
            this.name = name;
            this.ascii = name.getBytes(StandardCharsets.UTF_8);
            this.timestampPart = config.timestampFields.indexOf(path);
            fields++;
        }

        /** The same as {@link #child(String)}, quicker where fields keep their order: the field before leads to it. */
        Field child(String name, Field previous) throws BadRow {
            if (isParentOf(previous.following) && previous.following.name.equals(name)) {
                return previous.following;
            }
            return isParentOf(previous.otherwise) && previous.otherwise.name.equals(name)
                    ? previous.otherwise
                    : previous.leadTo(child(name));
        }

        /** The same for a name in ASCII. */
        Field child(byte[] text, int from, int to, Field previous) throws BadRow {
            if (isParentOf(previous.following) && previous.following.isNamed(text, from, to)) {
                return previous.following;
            }
            return isParentOf(previous.otherwise) && previous.otherwise.isNamed(text, from, to)
                    ? previous.otherwise
                    : previous.leadTo(child(new String(text, from, to - from, StandardCharsets.US_ASCII)));
        }

        /** A field before may be an object, which also leads to its own first member. */
        private boolean isParentOf(Field field) {
            return field != null && field.parent == this;
        }

        private boolean isNamed(byte[] text, int from, int to) {
            return ascii.length == to - from && Arrays.equals(ascii, 0, ascii.length, text, from, to);
        }

        private Field leadTo(Field next) {
            otherwise = following;
            following = next;
            return next;
        }

        Field child(String name) throws BadRow {
            Field child = children.get(name);
            if (child == null) {
                // Checked here already, lest a deeply nested record makes paths of many megabytes.
                if (path.length() + name.length() >= MAX_NAME) {
                    throw new BadRow(
                            "a field has a name longer than %d characters: %s_%s".formatted(MAX_NAME, path, name));
                }
                String safe = name.replace('.', '_');
                child = new Field(this, path.isEmpty() ? safe : path + '_' + safe, name);
                children.put(name, child);
            }
            return child;
        }

        Column column() throws BadRow {
            if (column == null) {
                column = Table.this.column(path);
            }
            return column;
        }
    }

    final String name;
    final byte[] written;
    final Field key;
    final Field value;
    final Schema schema;
    private final SinkConfig config;
    private final Map<String, Column> columns = new HashMap<>();
    private int fields;

    Table(String name, Schema schema, SinkConfig config) throws BadRow {
        this.name = name;
        this.schema = schema;
        this.config = config;
        this.written = new IlpBuffer(name.length() + 8).putBare(name).toArray();
        this.key = new Field(null, config.keyPrefix, "");
        this.value = new Field(null, config.valuePrefix, "");
    }

    /** Whether the fields seen have become so many that forgetting them is due. */
    boolean outgrown() {
        return fields > MAX_FIELDS;
    }

    private Column column(String path) throws BadRow {
        String lowerCase = path.toLowerCase(Locale.ROOT);
        Column column = columns.get(lowerCase);
        if (column == null) {
            check(path, lowerCase);
            column = new Column(path, lowerCase, config);
            columns.put(lowerCase, column);
        }
        return column;
    }

    private void check(String path, String lowerCase) throws BadRow {
        if (!isName(path, NOT_IN_COLUMNS)) {
            throw new BadRow("field '%s' can't be the name of a column".formatted(path));
        }
        if (lowerCase.equals(schema.designated())) {
            throw new BadRow("field '%s' is the table's designated timestamp, but timestamp.field.name says otherwise"
                    .formatted(path));
        }
        if (config.strict && !schema.columns().contains(lowerCase)) {
            throw new BadRow.UnknownColumn(path, name);
        }
    }

    static void checkName(String name) throws BadRow {
        if (!isName(name, NOT_IN_TABLES) || name.startsWith(".") || name.endsWith(".")) {
            throw new BadRow("'%s' can't be the name of a table".formatted(name));
        }
    }

    private static boolean isName(String name, String forbidden) {
        return !name.isEmpty()
                && name.chars().noneMatch(c -> c < ' ' || c == 0x7F || c == 0xFEFF || forbidden.indexOf(c) >= 0);
    }
}
