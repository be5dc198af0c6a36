package io.github.rta.questdb.delivery;

import io.github.rta.questdb.encoding.Unavailable;
import java.net.http.HttpResponse;

/** Rows on their way to QuestDB, which stores none of them before their last byte has come. */
final class Upload {
    private final HeldBody body;
    private final Exchange exchange;
    private final long patience;
    private final Runnable onTrouble;
    private long deadline;

    /**
     * @param patience how long it may take from the last byte's leave to the answer, in ns
     * @param onTrouble is done if the server can't store the rows
     */
    Upload(HeldBody body, Exchange exchange, long patience, Runnable onTrouble) {
        this.body = body;
        this.exchange = exchange;
        this.patience = patience;
        this.onTrouble = onTrouble;
    }

    /** Lets the last byte go. */
    void release() {
        deadline = System.nanoTime() + patience;
        body.release();
    }

    boolean isAnswered() {
        return exchange.isOver();
    }

    void whenAnswered(Runnable action) {
        exchange.whenOver(action);
    }

    /** When to wait no longer, a System.nanoTime(). */
    long deadline() {
        return deadline;
    }

    /** What has become of the rows. A fault of the network is an answer too. */
    Answer await() throws InterruptedException {
        Answer answer;
        try {
            HttpResponse<String> response = exchange.await(deadline);
            answer = Answer.of(response.statusCode(), response.body());
        } catch (Unavailable e) {
            answer = Answer.unavailable(e.getMessage());
        }
        if (answer.kind() == Answer.Kind.UNAVAILABLE) {
            onTrouble.run();
        }
        return answer;
    }

    /**
     * Closes the connection, unless there is an answer: QuestDB then forgets what it has of the rows. They are not read
     * any more.
     */
    void cancel() {
        body.close();
        exchange.cancel();
    }
}
