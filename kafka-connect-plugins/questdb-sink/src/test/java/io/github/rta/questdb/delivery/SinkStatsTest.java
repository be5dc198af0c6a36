package io.github.rta.questdb.delivery;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.metrics.internals.PluginMetricsImpl;
import org.apache.kafka.common.utils.Utils;
import org.junit.jupiter.api.Test;

/** What a task tells over JMX and in the log. */
class SinkStatsTest {
    @Test
    void aTaskStartsThoughTheOneBeforeItStillHoldsTheNamesOfItsMetrics() {
        try (Metrics metrics = new Metrics()) {
            PluginMetricsImpl before = new PluginMetricsImpl(metrics, Map.of("task", "0"));
            new SinkStats("before", before);
            PluginMetricsImpl after = new PluginMetricsImpl(metrics, Map.of("task", "0"));
            SinkStats stats = new SinkStats("after", after);
            stats.request(false);
            MetricName requests = after.metricName("requests-total", "", new LinkedHashMap<>());
            assertEquals(0L, metrics.metric(requests).metricValue());
            Utils.closeQuietly(before, "the metrics of the task before");
            stats.request(false);
            assertEquals(2L, metrics.metric(requests).metricValue());
        }
    }
}
