package io.github.rta.questdb.encoding;

/** A record that can never become a row, with the reason a person can act on. */
public class BadRow extends Exception {
    private static final long serialVersionUID = 1L;

    private static final int MAX_LENGTH = 500;

    BadRow(String reason) {
        // It may quote the record, and has to fit into a header of the dead-letter topic.
        super(reason.length() > MAX_LENGTH ? reason.substring(0, MAX_LENGTH) + "…" : reason, null, false, false);
    }

    /** The table, as far as the sink knows it, lacks a column: worth a second look at the table. */
    static final class UnknownColumn extends BadRow {
        private static final long serialVersionUID = 1L;

        UnknownColumn(String column, String table) {
            super("table %s has no column '%s' (columns=strict)".formatted(table, column));
        }
    }
}
