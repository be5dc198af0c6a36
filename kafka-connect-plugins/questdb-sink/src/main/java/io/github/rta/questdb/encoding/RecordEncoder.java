package io.github.rta.questdb.encoding;

import io.github.rta.questdb.config.SinkConfig;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.sink.SinkRecord;

/** Turns records into lines: finds the table, reads key and value. */
public final class RecordEncoder {
    /** Asks the server for a table's columns. */
    public interface SchemaSource {
        Schema of(String table) throws NoTable, Unavailable, InterruptedException;
    }

    /** For how long a record waits at least when QuestDB can't write to its table. */
    public static final long ASK_AGAIN_MS = Tables.ASK_AGAIN_MS;

    private static final long LARGE = 500_000;

    private final SinkConfig config;
    private final RowEncoder row;
    private final FlatJson flat;
    private final JsonReader json;
    private final ObjectReader objects;
    private final TableViews views;
    /** Null if bytes are JSON without a schema. */
    private final Envelope envelope;

    private Schema schema;
    private long nanos;
    private SinkRecord current;
    private long since;

    public RecordEncoder(SinkConfig config, SchemaSource schemas) {
        this.config = config;
        this.views = new TableViews(config, schemas);
        this.row = new RowEncoder(config);
        this.envelope = config.envelope ? new Envelope() : null;
        this.flat = new FlatJson(row);
        ArrayFields arrays = new ArrayFields(config, row);
        this.json = new JsonReader(row, arrays);
        this.objects = new ObjectReader(config, row, arrays);
    }

    /**
     * Adds the record's row to the lines, which stay as they were if there is none.
     *
     * <p>No record is refused on an old view of its table. A field without a column, or any field of an exact record, is
     * looked up in a view that was asked for after the record came; and one that shows every change that QuestDB had
     * accepted then, although QuestDB applies changes a little later. A record that has to wait for such a view is given
     * again, and then the first time counts.
     *
     * @param now when the present {@code put()} began, a System.nanoTime()
     * @param exact whether QuestDB's refusal of the row will be final, so that its view of the table has to be this one
     * @return false if the record has no value, and so gives no row
     * @throws BadRow if it can never become a row
     * @throws NoTable if QuestDB can't write to its table at present
     * @throws Unavailable if the table's columns are needed and can't be had
     */
    public boolean encode(SinkRecord record, IlpBuffer lines, long now, boolean exact)
            throws BadRow, NoTable, Unavailable, InterruptedException {
        if (record.value() == null) {
            return false;
        }
        if (record != current) {
            current = record;
            since = now;
        }
        String name = tableName(record);
        Table table = exact ? views.certain(name, now, since) : views.recent(name, now);
        try {
            write(record, table, lines);
        } catch (BadRow.UnknownColumn e) {
            if (config.strict && table.isCertain(since)) {
                throw e;
            }
            writeAgain(record, views.certain(name, now, since), lines);
        }
        return true;
    }

    private void writeAgain(SinkRecord record, Table certain, IlpBuffer lines) throws BadRow {
        certain.extensible(!config.strict);
        try {
            write(record, certain, lines);
        } finally {
            certain.extensible(false);
        }
    }

    /** The id of the table of the latest row, see {@link Schema#id}. */
    public long tableId() {
        return schema.id();
    }

    /**
     * Whether the row of this record, the latest one, is a late one that may wait for others. In a table of fewer than
     * {@link #LARGE} rows it would gain little. Without DEDUP nothing may wait, since rows that overtake it are read and
     * sent again when the task ends meanwhile.
     */
    public boolean mayWait(SinkRecord record) {
        return config.lateWaitMs > 0
                && record.timestamp() != null
                && schema.deduplicates()
                && schema.rows() >= LARGE
                && record.timestamp() - TimeUnit.NANOSECONDS.toMillis(nanos) >= config.lateAfterMs;
    }

    /** Asks QuestDB about the record's table already now, because the record has to wait. */
    public void lookAhead(SinkRecord record, long now) throws Unavailable, InterruptedException {
        try {
            views.tables().of(tableName(record), now);
        } catch (BadRow | NoTable e) {
            // Found again when it is the record's turn.
        }
    }

    /** QuestDB refused to write to the record's table. */
    public void writeFailed(SinkRecord record, String reason) {
        try {
            views.tables().writeFailed(tableName(record), reason);
            views.forgetLatest();
        } catch (BadRow e) {
            throw new IllegalStateException(e); // It was a row.
        }
    }

    private void write(SinkRecord record, Table table, IlpBuffer lines) throws BadRow {
        begin(record, table);
        if (record.value() instanceof byte[] bytes) {
            bytes(record, bytes, table);
        } else {
            objects.read(record.valueSchema(), record.value(), table.value, "value");
        }
        nanos = row.end(record.timestamp(), lines);
        schema = table.schema();
    }

    private void bytes(SinkRecord record, byte[] bytes, Table table) throws BadRow {
        byte[] payload = envelope == null ? bytes : envelope.payload(bytes);
        if (payload == null) {
            SchemaAndValue value = envelope.convert(record.topic(), bytes);
            objects.read(value.schema(), value.value(), table.value, "value");
        } else {
            json(record, payload, table);
        }
    }

    private void json(SinkRecord record, byte[] bytes, Table table) throws BadRow {
        if (!flat.read(bytes, table.value)) {
            begin(record, table);
            json.read(bytes, table.value);
        }
    }

    private void begin(SinkRecord record, Table table) throws BadRow {
        row.begin(table);
        if (config.includeKey && record.key() != null) {
            objects.read(record.keySchema(), key(record), table.key, "key");
        }
    }

    /** The key; bytes are text. */
    private static Object key(SinkRecord record) throws BadRow {
        return record.key() instanceof byte[] bytes ? JsonReader.decode(bytes) : record.key();
    }

    private String tableName(SinkRecord record) throws BadRow {
        String template = config.table;
        if (!config.tableVaries) {
            return template;
        }
        if (template.equals("${topic}")) {
            return record.topic();
        }
        String name = template.replace("${topic}", record.topic())
                .replace("${partition}", String.valueOf(record.kafkaPartition()));
        if (name.contains("${key}")) {
            name = name.replace("${key}", String.valueOf(key(record)));
        }
        return name;
    }
}
