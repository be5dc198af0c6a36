package io.github.rta.questdb.delivery;

import java.util.concurrent.Future;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.ErrantRecordReporter;
import org.apache.kafka.connect.sink.SinkRecord;

/** Sets bad records aside with their reason; without a dead-letter topic the first one fails the task. */
public final class DeadLetters {
    private final ErrantRecordReporter reporter;

    /** @param reporter null if no dead-letter topic is configured */
    public DeadLetters(ErrantRecordReporter reporter) {
        this.reporter = reporter;
    }

    /** The future ends when the dead-letter topic has the record. */
    Future<Void> report(SinkRecord record, String reason) {
        String where = "topic %s, partition %d, offset %d: %s"
                .formatted(
                        record.originalTopic(), record.originalKafkaPartition(), record.originalKafkaOffset(), reason);
        if (reporter == null) {
            throw new ConnectException("bad record and no errors.deadletterqueue.topic.name: " + where);
        }
        try {
            return reporter.report(record, new DataException(where));
        } catch (ConnectException e) { // errors.tolerance=none
            throw new ConnectException("bad record and errors.tolerance is not all: " + where, e);
        }
    }
}
