package io.github.rta.questdb.encoding;

import io.github.rta.questdb.config.SinkConfig;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The tables that rows went to lately, and those that QuestDB would not write to.
 *
 * <p>A record waits for a table that is missing, because somebody may create it. Where the record's key decides on the
 * table, one odd key must not stop the records behind it: when QuestDB has said twice, {@link #ASK_AGAIN_MS} apart,
 * that it can't write to the table, the record is a bad one.
 */
final class Tables {
    static final long ASK_AGAIN_MS = 5_000;
    /** A failed write is not tried as often: all that was not stored is read again for each attempt. */
    private static final long WRITE_AGAIN_MS = 30_000;

    private static final long FORGOTTEN = TimeUnit.MINUTES.toNanos(10);
    private static final int MAX_TABLES = 1_000;
    private static final int MAX_FAILED = 10_000;
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(1);

    /** When QuestDB first and last said why it can't write to a table, and when to ask again, as System.nanoTime(). */
    private record Failed(String reason, long first, long last, long again) {
        boolean isCertain() {
            return last - first >= TimeUnit.MILLISECONDS.toNanos(ASK_AGAIN_MS);
        }
    }

    private final SinkConfig config;
    /** Whether the record's key decides on the table. */
    private final boolean keyed;

    private final RecordEncoder.SchemaSource schemas;
    private final Map<String, Table> known = new Recent<>(MAX_TABLES);
    private final Map<String, Failed> failed = new Recent<>(MAX_FAILED);

    Tables(SinkConfig config, RecordEncoder.SchemaSource schemas) {
        this.config = config;
        this.keyed = config.table.contains("${key}");
        this.schemas = schemas;
    }

    /**
     * Returns the table, of which QuestDB is asked where it is not known.
     *
     * @param now when the present {@code put()} began: it asks no more when it has taken a second
     * @throws BadRow if there can't be such a table, or records don't wait for it
     * @throws NoTable if QuestDB can't write to it at present
     * @throws Unavailable if QuestDB can't be asked
     */
    Table of(String name, long now) throws BadRow, NoTable, Unavailable, InterruptedException {
        Table table = known.get(name);
        return table == null || table.outgrown() ? ask(name, now) : table;
    }

    private Table ask(String name, long now) throws BadRow, NoTable, Unavailable, InterruptedException {
        if (name.length() > Names.MAX_LENGTH) {
            throw new BadRow("the table's name is longer than %d characters: %s".formatted(Names.MAX_LENGTH, name));
        }
        Names.checkTable(name);
        Failed before = failed.get(name);
        if (before != null && now - before.again < 0) {
            throw refusal(name, before);
        }
        if (System.nanoTime() - now > PATIENCE) {
            throw new Unavailable.TimeIsUp();
        }
        return know(name, look(name));
    }

    /** Asks QuestDB about a table, whether it is known or not. */
    Schema look(String name) throws BadRow, NoTable, Unavailable, InterruptedException {
        try {
            return schemas.of(name);
        } catch (NoTable e) {
            throw refusal(name, fail(name, e.getMessage(), ASK_AGAIN_MS));
        }
    }

    /** Takes what QuestDB says of a table for it. */
    Table know(String name, Schema schema) throws BadRow, NoTable {
        Table before = known.get(name);
        if (before != null && schema.isSameTable(before.schema()) && !before.outgrown()) {
            before.renew(schema);
            return before;
        }
        Table table = new Table(name, schema, config);
        String missing = table.missingColumn();
        if (missing != null) {
            throw refusal(name, fail(name, missing, ASK_AGAIN_MS));
        }
        known.put(name, table);
        return table;
    }

    int size() {
        return known.size();
    }

    /** QuestDB refused to write to the table. */
    void writeFailed(String name, String reason) {
        Failed before = failed.get(name);
        boolean soon = keyed && (before == null || !before.isCertain());
        fail(name, reason, soon ? ASK_AGAIN_MS : WRITE_AGAIN_MS);
    }

    private Failed fail(String name, String reason, long waitMs) {
        long now = System.nanoTime();
        Failed before = failed.get(name);
        boolean goesOn = before != null && now - before.last < FORGOTTEN;
        Failed after =
                new Failed(reason, goesOn ? before.first : now, now, now + TimeUnit.MILLISECONDS.toNanos(waitMs));
        failed.put(name, after);
        known.remove(name);
        return after;
    }

    /** Returns the exception for a record that waits; throws that for one that does not. */
    private NoTable refusal(String name, Failed said) throws BadRow {
        if (keyed && said.isCertain()) {
            throw new BadRow(
                    "the key leads to table '%s', which QuestDB can't write to: %s".formatted(name, said.reason));
        }
        return new NoTable(name, said.reason);
    }

    /** Forgets what was not needed for longest. */
    private static final class Recent<V> extends LinkedHashMap<String, V> {
        private static final long serialVersionUID = 1L;
        private final int most;

        Recent(int most) {
            super(16, 0.75f, true);
            this.most = most;
        }

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, V> eldest) {
            return size() > most;
        }
    }
}
