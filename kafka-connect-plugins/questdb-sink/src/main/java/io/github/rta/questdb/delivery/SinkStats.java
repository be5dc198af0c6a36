package io.github.rta.questdb.delivery;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.metrics.Gauge;
import org.apache.kafka.common.metrics.PluginMetrics;
import org.apache.kafka.connect.errors.ConnectException;

/**
 * Counts what a task does, and says in the log what keeps rows from being stored: at once, again every ten minutes
 * and when the reason changes, and when it is over. Safe for several threads.
 *
 * <p>Over JMX: {@code kafka.connect:type=plugins,connector="…",task=…}.
 */
public final class SinkStats {
    private final PluginMetrics metrics;
    private final Map<MetricName, Gauge<Number>> unpublished = new HashMap<>();
    private final long[] times = new long[1000];
    private long requests;
    private long acknowledged;
    private long rows;
    private long bytes;
    private long retries;
    private long rejected;
    private long lastAcknowledged;
    private final Outages outages;

    public SinkStats(String name, PluginMetrics metrics) {
        this.metrics = metrics;
        this.outages = new Outages(name);
        gauge("rows-total", "Rows that QuestDB acknowledged", () -> rows);
        gauge("bytes-total", "Bytes of acknowledged requests", () -> bytes);
        gauge("requests-total", "Requests sent, failed ones too", () -> requests);
        gauge("retries-total", "Requests sent again after a failure", () -> retries);
        gauge("rejected-total", "Records that became no row", () -> rejected);
        gauge("acknowledgement-age-ms", "Time since rows were last acknowledged, -1 before", this::age);
        gauge("request-time-p99-ms", "Of the last 1,000 acknowledged requests", this::p99);
        gauge("outage", "1 while rows wait because QuestDB can't store them, else 0", () -> outages.isAny() ? 1 : 0);
        gauge("outage-age-ms", "Since when rows wait for QuestDB, 0 when none do", outages::ageMs);
        publish();
    }

    private void gauge(String metric, String description, Supplier<Number> value) {
        unpublished.put(metrics.metricName(metric, description, new LinkedHashMap<>()), (config, now) -> {
            synchronized (this) {
                return value.get();
            }
        });
    }

    /**
     * A task that the worker gave up on, after a machine stood still for a while, holds its names until it notices: those of
     * the next one wait for that.
     */
    private void publish() {
        unpublished.entrySet().removeIf(entry -> isPublished(entry.getKey(), entry.getValue()));
    }

    private boolean isPublished(MetricName metric, Gauge<Number> gauge) {
        try {
            metrics.addMetric(metric, gauge);
            return true;
        } catch (IllegalArgumentException taken) {
            return false;
        }
    }

    synchronized void request(boolean retry) {
        publish();
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

    /** Whether QuestDB as a whole can't store rows. */
    public synchronized boolean isOutage() {
        return outages.has(Outages.SERVER);
    }

    /** @throws ConnectException if rows have waited for QuestDB for longer than this, 0 for ever */
    public synchronized void checkPatience(long ms) {
        if (ms > 0 && outages.ageMs() > ms) {
            throw new ConnectException("no row could be stored for %d s, which is longer than fail.after.ms: %s"
                    .formatted(outages.ageMs() / 1000, outages.reasons()));
        }
    }

    synchronized void unavailable(String reason) {
        outages.goOn(Outages.SERVER, reason);
    }

    synchronized void available() {
        outages.end(Outages.SERVER);
    }

    /** Whether tables are still there can't be asked, so that stored rows are not acknowledged. */
    synchronized void cannotAsk(String reason) {
        outages.goOn(Outages.QUERIES, reason);
    }

    synchronized void asked() {
        outages.end(Outages.QUERIES);
    }

    /** The tables whose records wait, and why each does. */
    synchronized void waiting(Map<String, String> tables) {
        outages.only(tables);
    }

    /** The task has no partition, and so nothing to wait for. */
    public synchronized void nothingToStore() {
        outages.forget();
    }

    private long age() {
        return acknowledged == 0 ? -1 : (System.nanoTime() - lastAcknowledged) / 1_000_000;
    }

    private double p99() {
        int count = (int) Math.min(acknowledged, times.length);
        long[] sorted = Arrays.copyOf(times, count);
        Arrays.sort(sorted);
        return count == 0 ? 0 : sorted[(count * 99 - 1) / 100] / 1e6;
    }
}
