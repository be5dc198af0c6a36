package io.github.rta.questdb.encoding;

/** QuestDB has no such table, or can't write to it. Somebody may mend that. */
public final class NoTable extends Exception {
    private static final long serialVersionUID = 1L;

    private final String table;

    public NoTable(String table, String reason) {
        super(reason, null, false, false);
        this.table = table;
    }

    public String table() {
        return table;
    }
}
