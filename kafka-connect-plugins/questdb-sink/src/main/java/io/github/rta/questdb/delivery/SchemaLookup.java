package io.github.rta.questdb.delivery;

import io.github.rta.questdb.encoding.NoTable;
import io.github.rta.questdb.encoding.RecordEncoder;
import io.github.rta.questdb.encoding.Schema;
import io.github.rta.questdb.encoding.Unavailable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.connect.errors.ConnectException;

/**
 * Asks QuestDB about tables on a thread of its own. A server that stands still answers only by the request's timeout,
 * ten seconds; a task that waited for it could not take part in a rebalance meanwhile.
 */
public final class SchemaLookup implements RecordEncoder.SchemaSource, AutoCloseable {
    /** Asks, for as long as it takes. */
    public interface Question {
        Schema ask(String table) throws NoTable, Unavailable, InterruptedException;
    }

    private static final long PATIENCE_MS = 1000;

    private final Question question;
    private final ExecutorService thread;
    private String table;
    private Future<Schema> answer;

    public SchemaLookup(String name, Question question) {
        this.question = question;
        this.thread = Executors.newSingleThreadExecutor(work -> {
            Thread made = new Thread(work, name);
            made.setDaemon(true);
            return made;
        });
    }

    /** Waits for a second, and again when it is called again for the same table. */
    @Override
    public Schema of(String name) throws NoTable, Unavailable, InterruptedException {
        if (answer == null || !name.equals(table)) {
            table = name;
            answer = thread.submit(() -> question.ask(name));
        }
        try {
            Schema schema = answer.get(PATIENCE_MS, TimeUnit.MILLISECONDS);
            answer = null;
            return schema;
        } catch (TimeoutException e) {
            throw new Unavailable.TimeIsUp();
        } catch (ExecutionException e) {
            answer = null;
            throw failure(e.getCause());
        }
    }

    private static ConnectException failure(Throwable cause) throws NoTable, Unavailable {
        if (cause instanceof NoTable missing) {
            throw missing;
        }
        if (cause instanceof Unavailable unavailable) {
            throw unavailable;
        }
        return new ConnectException(cause.getMessage(), cause);
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
