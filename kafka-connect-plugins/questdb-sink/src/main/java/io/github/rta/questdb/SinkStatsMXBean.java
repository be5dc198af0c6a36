package io.github.rta.questdb;

/** What one task tells over JMX, as {@code io.github.rta.questdb:type=sink,connector="…",task=…}; counts since its start. */
public interface SinkStatsMXBean {
    /** Rows that QuestDB acknowledged. */
    long getRows();

    /** Bytes of the acknowledged requests. */
    long getBytes();

    /** Requests sent, failed ones too. */
    long getRequests();

    /** Requests sent again because an earlier one failed. */
    long getRetries();

    /** Records that became no row: in the dead-letter topic, if there is one. */
    long getRejected();

    /** Milliseconds since QuestDB last acknowledged rows; -1 before the first time. */
    long getLastAcknowledgementAgeMs();

    /** 99th percentile of the last 1,000 acknowledged requests, in milliseconds. */
    double getRequestTimeP99Ms();

    /** Whether the sink waits for QuestDB to become usable. */
    boolean isOutage();
}
