package io.github.rta.questdb.delivery;

/**
 * Sends requests so that distance costs little: while QuestDB stores one, all of the next but its last byte is uploaded.
 * That byte goes when the one before is stored.
 *
 * <p>So the time that data takes to QuestDB, and QuestDB to read it, does not add up. Yet QuestDB stores one request at a
 * time, in order, and nothing behind a request that fails: what was uploaded is then dropped with its connection.
 */
final class Pipeline {
    private final QuestDbClient client;
    private final BatchQueue queue;
    private Batch next;
    /** The request of {@link #next}, and then of the batch that it has become; null if it is not uploaded. */
    private Upload uploaded;

    Pipeline(QuestDbClient client, BatchQueue queue) {
        this.client = client;
        this.queue = queue;
    }

    /** The batch that comes next. */
    Batch take() throws InterruptedException {
        Batch batch = next != null ? next : queue.take();
        next = null;
        return batch;
    }

    /** Sends rows from..to-1 of the batch that came last, and waits for what becomes of them. */
    Answer write(Batch batch, int from, int to) throws InterruptedException {
        Upload upload = uploaded != null ? uploaded : begin(batch, from, to, false);
        uploaded = null;
        upload.release();
        try {
            if (next == null && !batch.isCareful()) {
                goAhead(upload);
            }
            Answer answer = upload.await();
            if (answer.kind() != Answer.Kind.STORED) {
                drop();
            }
            return answer;
        } finally {
            upload.cancel();
        }
    }

    private void goAhead(Upload before) throws InterruptedException {
        before.whenAnswered(queue::wake);
        next = queue.takeLarge(before::isAnswered, before.deadline());
        if (next != null && next.rows() > 0 && !next.isCareful()) {
            uploaded = begin(next, 0, next.rows(), true);
        }
    }

    /** The batch that came last is over, or can't be sent. */
    void drop() {
        if (uploaded != null) {
            uploaded.cancel();
            uploaded = null;
        }
    }

    private Upload begin(Batch batch, int from, int to, boolean held) {
        int offset = batch.start(from);
        return client.write(batch.lines.bytes(), offset, batch.start(to) - offset, held);
    }
}
