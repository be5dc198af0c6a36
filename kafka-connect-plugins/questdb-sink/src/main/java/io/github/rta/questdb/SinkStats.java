package io.github.rta.questdb;

import java.lang.management.ManagementFactory;
import java.util.Arrays;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.kafka.connect.errors.ConnectException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Counts what a task does, and says once when QuestDB goes away and once when it is back. Safe for several threads. */
final class SinkStats implements SinkStatsMXBean, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SinkStats.class);
    private static final MBeanServer SERVER = ManagementFactory.getPlatformMBeanServer();

    private final ObjectName name;
    private final long[] times = new long[1000];
    private long requests;
    private long acknowledged;
    private long rows;
    private long bytes;
    private long retries;
    private long rejected;
    private long lastAcknowledged;
    private long outageSince;
    private boolean outage;

    SinkStats(String connector, String task) {
        try {
            name = new ObjectName(
                    "io.github.rta.questdb:type=sink,connector=%s,task=%s".formatted(ObjectName.quote(connector), task));
            close(); // A task that was given up may have left its own.
            SERVER.registerMBean(this, name);
        } catch (JMException e) {
            throw new ConnectException(e);
        }
    }

    synchronized void request(boolean retry) {
        requests++;
        retries += retry ? 1 : 0;
    }

    synchronized void stored(int rowCount, int byteCount, long startedNanos) {
        lastAcknowledged = System.nanoTime();
        times[(int) (acknowledged++ % times.length)] = lastAcknowledged - startedNanos;
        rows += rowCount;
        bytes += byteCount;
    }

    synchronized void rejected() {
        rejected++;
    }

    synchronized void unavailable(String reason) {
        if (!outage) {
            LOG.warn("{}: QuestDB can't store rows, retrying until it can: {}", name, reason);
            outage = true;
            outageSince = System.nanoTime();
        }
    }

    synchronized void available() {
        if (outage) {
            LOG.warn("{}: QuestDB is back after {} s", name, (System.nanoTime() - outageSince) / 1_000_000_000);
            outage = false;
        }
    }

    @Override
    public synchronized long getRows() {
        return rows;
    }

    @Override
    public synchronized long getBytes() {
        return bytes;
    }

    @Override
    public synchronized long getRequests() {
        return requests;
    }

    @Override
    public synchronized long getRetries() {
        return retries;
    }

    @Override
    public synchronized long getRejected() {
        return rejected;
    }

    @Override
    public synchronized long getLastAcknowledgementAgeMs() {
        return acknowledged == 0 ? -1 : (System.nanoTime() - lastAcknowledged) / 1_000_000;
    }

    @Override
    public synchronized double getRequestTimeP99Ms() {
        int count = (int) Math.min(acknowledged, times.length);
        long[] sorted = Arrays.copyOf(times, count);
        Arrays.sort(sorted);
        return count == 0 ? 0 : sorted[(count * 99 - 1) / 100] / 1e6;
    }

    @Override
    public synchronized boolean isOutage() {
        return outage;
    }

    @Override
    public void close() {
        try {
            if (SERVER.isRegistered(name)) {
                SERVER.unregisterMBean(name);
            }
        } catch (JMException e) {
            LOG.debug("{}", name, e);
        }
    }
}
