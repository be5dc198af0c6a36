package io.github.rta.questdb;

/** A record that can never become a row, with the reason a person can act on. */
class BadRow extends Exception {
    private static final long serialVersionUID = 1L;

    BadRow(String reason) {
        super(reason, null, false, false);
    }

    /** The table, as far as the sink knows it, lacks a column: worth a second look at the table. */
    static final class UnknownColumn extends BadRow {
        private static final long serialVersionUID = 1L;

        UnknownColumn(String column, String table) {
            super("table %s has no column '%s' (columns=strict)".formatted(table, column));
        }
    }
}
