package io.github.rta.questdb.encoding;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** A field of a table's records, by its path: nested objects flatten with an underscore. */
final class Field {
    final String path;
    /** Position in timestamp.field.name, or -1. */
    final int timestampPart;

    /** Of an array that is a list of levels, or null. */
    final Levels levels;

    private final Table table;
    private final Field parent;
    /** The last part of the path, as the records have it. */
    private final String name;

    private final byte[] ascii;
    private final Map<String, Field> children = new HashMap<>();
    private final NextField next = new NextField();
    private Column column;
    /** The number of the row that has it, or of an earlier one. */
    private long row;

    /** Of a record's key or value as a whole. */
    Field(Table table, String path) {
        this(table, null, path, "");
    }

    private Field(Table table, Field parent, String path, String name) {
        this.table = table;
        this.parent = parent;
        this.path = path;
        this.name = name;
        this.ascii = name.getBytes(StandardCharsets.UTF_8);
        this.timestampPart = table.timestampPart(path);
        this.levels = parent == null ? null : table.levels(path);
        table.countField();
    }

    /** The same as {@link #child(String)}, quicker where fields keep their order: the field before leads to it. */
    Field child(String name, Field previous) throws BadRow {
        Field guess = previous.next.find(this, name);
        return guess != null ? guess : previous.next.learn(child(name));
    }

    /** The same for a name in ASCII. */
    Field child(byte[] text, int from, int to, Field previous) throws BadRow {
        Field guess = previous.next.find(this, text, from, to);
        return guess != null
                ? guess
                : previous.next.learn(child(new String(text, from, to - from, StandardCharsets.US_ASCII)));
    }

    /** A field before may be an object, which also leads to its own first member: so the parent counts too. */
    boolean isChild(Field parent, String name) {
        return this.parent == parent && this.name.equals(name);
    }

    boolean isChild(Field parent, byte[] text, int from, int to) {
        return this.parent == parent
                && ascii.length == to - from
                && Arrays.equals(ascii, 0, ascii.length, text, from, to);
    }

    Field child(String name) throws BadRow {
        Field child = children.get(name);
        if (child == null) {
            // Checked here already: a deeply nested record could otherwise build a path of many megabytes.
            if (path.length() + name.length() >= Names.MAX_LENGTH) {
                throw new BadRow(
                        "a field has a name longer than %d characters: %s_%s".formatted(Names.MAX_LENGTH, path, name));
            }
            String safe = name.replace('.', '_');
            child = new Field(table, this, path.isEmpty() ? safe : path + '_' + safe, name);
            children.put(name, child);
        }
        return child;
    }

    /** Notes that the row with this number has it, by exactly this path. Returns false if that was noted before. */
    boolean meet(long number) {
        boolean isNew = row != number;
        row = number;
        return isNew;
    }

    /** Where its values go. */
    Column column() throws BadRow {
        if (column == null) {
            column = table.column(path);
        }
        return column;
    }
}
