package io.github.rta.questdb.encoding;

import io.github.rta.questdb.config.SinkConfig;
import java.util.concurrent.TimeUnit;

/**
 * How fresh what the sink knows of a table is. The view by which records are encoded may be some seconds old. The view
 * by which a record is refused may not: {@link #certain} gives one that is younger than the record.
 */
final class TableViews {
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(1);
    /** At most one part in so many of the time goes into looking again, however many the tables and slow the server. */
    private static final int SHARE = 20;
    /** For longer QuestDB is not just busy with a change. */
    private static final long CHANGE = TimeUnit.SECONDS.toNanos(10);

    private final Tables tables;
    private Table latest;
    private long changingSince;
    private boolean changing;

    TableViews(SinkConfig config, RecordEncoder.SchemaSource schemas) {
        this.tables = new Tables(config, schemas);
    }

    Tables tables() {
        return tables;
    }

    /** The table has to be looked at anew. */
    void forgetLatest() {
        latest = null;
    }

    /** The table as it was some seconds ago at most. {@code now} is a System.nanoTime(). */
    Table recent(String name, long now) throws BadRow, NoTable, Unavailable, InterruptedException {
        if (latest == null || !latest.name.equals(name) || latest.outgrown()) {
            latest = tables.of(name, now);
        }
        if (latest.renewal() - now <= 0) {
            renew(now);
        }
        return latest;
    }

    /** A server that doesn't answer is no reason to stop: the old view goes on to be good for encoding. */
    private void renew(long now) throws BadRow, NoTable, InterruptedException {
        long asked = System.nanoTime();
        if (asked - now > PATIENCE) {
            return; // The next put() does it.
        }
        Table table = latest;
        try {
            look(table.name);
        } catch (Unavailable e) {
            latest = table;
        }
        latest.postponeRenewal(SHARE * (System.nanoTime() - asked) * tables.size());
    }

    /** Whatever comes of it, the table is looked up again by its next record. */
    private void look(String name) throws BadRow, NoTable, Unavailable, InterruptedException {
        latest = null;
        latest = tables.know(name, tables.look(name));
    }

    /**
     * The table as it is now: asked for at {@code since} or later, and with every change that QuestDB had accepted then.
     *
     * @throws Unavailable while QuestDB has yet to apply a change of the columns
     */
    Table certain(String name, long now, long since) throws BadRow, NoTable, Unavailable, InterruptedException {
        if (!recent(name, now).isCertain(since)) {
            look(name);
        }
        if (latest.isCertain(since)) {
            changing = false;
            return latest;
        }
        if (!changing) {
            changing = true;
            changingSince = now;
        }
        String reason = "table %s: QuestDB has yet to apply a change of its columns".formatted(name);
        throw now - changingSince < CHANGE ? new Unavailable.Soon(reason) : new Unavailable(reason);
    }
}
