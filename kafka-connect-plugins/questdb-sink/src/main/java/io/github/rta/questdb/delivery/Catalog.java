package io.github.rta.questdb.delivery;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.rta.questdb.encoding.NoTable;
import io.github.rta.questdb.encoding.Schema;
import io.github.rta.questdb.encoding.Unavailable;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Asks QuestDB how tables are defined.
 *
 * <p>QuestDB keeps a view of each table for each connection, and renews it only with a request that it stores (seen in
 * 9.3.4): so a column that was added is unknown to an old connection, and a table that was dropped and created again
 * swallows a request. Where a definition has changed, the client therefore gets a new connection. What QuestDB refuses
 * on it, it refuses by the definition that the row was encoded for, or a later one.
 */
public final class Catalog {
    private final QuestDbClient client;
    private final boolean mayBeMissing;
    /** What identifies each table's definition when it was last looked at; the columns themselves would be many. */
    private final Map<String, Integer> definitions = new HashMap<>();

    /** @param mayBeMissing whether a table that doesn't exist is fine: QuestDB will create it with the first row */
    public Catalog(QuestDbClient client, boolean mayBeMissing) {
        this.client = client;
        this.mayBeMissing = mayBeMissing;
    }

    /**
     * The table as it is now.
     *
     * @throws NoTable if QuestDB has no such table, or can't read it
     * @throws Unavailable if QuestDB can't be asked
     */
    public Schema schema(String table) throws NoTable, Unavailable, InterruptedException {
        Schema schema = look(table);
        Integer definition = schema.definition();
        Integer before = definitions.put(table, definition);
        if (before != null && !before.equals(definition)) {
            client.reconnect();
        }
        return schema;
    }

    private Schema look(String table) throws NoTable, Unavailable, InterruptedException {
        long now = System.nanoTime();
        // In this order: the columns are then at least as new as the state.
        State state = state(table);
        QuestDbClient.Rows rows = client.query("SHOW COLUMNS FROM \"" + table + '"');
        if (rows.error().contains("table does not exist") && mayBeMissing) {
            return Schema.unknown(now);
        }
        if (!rows.error().isEmpty()) {
            throw new NoTable(table, rows.error());
        }
        Map<String, String> columns = new HashMap<>();
        String designated = null;
        int name = rows.column("column");
        int type = rows.column("type");
        int isDesignated = rows.column("designated");
        for (JsonNode row : rows.dataset()) {
            String column = row.path(name).asText().toLowerCase(Locale.ROOT);
            columns.put(column, row.path(type).asText());
            designated = row.path(isDesignated).asBoolean() ? column : designated;
        }
        return new Schema(state.id, columns, designated, state.deduplicates, state.rows, state.settled, now);
    }

    /**
     * Which of these tables, by the ids of their {@link Schema}, have been dropped. As an id is never used again, rows of
     * the others that were acknowledged before are stored.
     *
     * @throws Unavailable if QuestDB can't be asked
     */
    Set<Long> missing(Set<Long> ids) throws Unavailable, InterruptedException {
        Set<Long> missing = new HashSet<>(ids);
        missing.remove(Schema.UNKNOWN);
        if (!missing.isEmpty()) {
            String known = missing.stream().map(Object::toString).collect(Collectors.joining(","));
            QuestDbClient.Rows rows = client.query("SELECT id FROM tables() WHERE id IN (" + known + ")");
            rows.dataset().forEach(row -> missing.remove(row.path(0).asLong()));
        }
        return missing;
    }

    /** What SHOW COLUMNS does not say of a table; {@code settled}: whether it shows all changes of the columns. */
    private record State(long id, boolean deduplicates, long rows, boolean settled) {}

    /** QuestDB accepts a change of columns at once, and applies it after all rows that came before. */
    private State state(String table) throws Unavailable, InterruptedException {
        QuestDbClient.Rows rows =
                client.query("SELECT id, writerTxn, sequencerTxn, suspended, dedup, table_row_count FROM tables() t"
                        + " LEFT JOIN wal_tables() w ON t.table_name = w.name WHERE lower(t.table_name) = '"
                        + table.toLowerCase(Locale.ROOT) + "'");
        JsonNode row = rows.dataset().path(0);
        long applied = row.path(1).asLong();
        // A suspended table changes when somebody mends it: its records can't wait for that.
        boolean all = applied >= row.path(2).asLong() || row.path(3).asBoolean();
        return new State(
                row.path(0).asLong(Schema.UNKNOWN),
                row.path(4).asBoolean(),
                row.path(5).asLong(),
                all || !isChanging(table, applied));
    }

    private boolean isChanging(String table, long applied) throws Unavailable, InterruptedException {
        QuestDbClient.Rows rows = client.query("SELECT min(structureVersion), max(structureVersion) FROM"
                + " wal_transactions('" + table + "') WHERE sequencerTxn >= " + applied);
        JsonNode row = rows.dataset().path(0);
        long now = applied == 0 ? 0 : row.path(0).asLong();
        return row.path(1).asLong() > now;
    }
}
