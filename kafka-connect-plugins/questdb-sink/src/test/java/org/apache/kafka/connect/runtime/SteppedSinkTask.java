package org.apache.kafka.connect.runtime;

import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.internals.Plugin;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.connect.runtime.errors.ErrorHandlingMetrics;
import org.apache.kafka.connect.runtime.errors.ErrorReporter;
import org.apache.kafka.connect.runtime.errors.RetryWithToleranceOperator;
import org.apache.kafka.connect.runtime.errors.ToleranceType;
import org.apache.kafka.connect.runtime.errors.WorkerErrantRecordReporter;
import org.apache.kafka.connect.runtime.standalone.StandaloneConfig;
import org.apache.kafka.connect.sink.SinkTask;
import org.apache.kafka.connect.storage.ClusterConfigState;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.HeaderConverter;
import org.apache.kafka.connect.storage.SimpleHeaderConverter;
import org.apache.kafka.connect.util.ConnectorTaskId;

/**
 * Connect's own task of a sink connector, whose loop the caller turns. In this package because Connect keeps that class
 * to itself.
 */
public final class SteppedSinkTask implements AutoCloseable {
    private final ConnectMetrics metrics;
    private final WorkerSinkTask task;

    /**
     * @param config of the task
     * @param reporter takes the records that the task sets aside
     */
    public SteppedSinkTask(
            Map<String, String> config,
            SinkTask sink,
            Consumer<byte[], byte[]> consumer,
            Converter converter,
            ErrorReporter<ConsumerRecord<byte[], byte[]>> reporter) {
        ConnectorTaskId id = new ConnectorTaskId(config.get("name"), 0);
        WorkerConfig worker = workerConfig();
        metrics = new ConnectMetrics("worker", worker, Time.SYSTEM, "cluster");
        ErrorHandlingMetrics errors = new ErrorHandlingMetrics(id, metrics);
        ToleranceType tolerance =
                ToleranceType.valueOf(config.get("errors.tolerance").toUpperCase(java.util.Locale.ROOT));
        RetryWithToleranceOperator<ConsumerRecord<byte[], byte[]>> operator =
                new RetryWithToleranceOperator<>(0, 0, tolerance, Time.SYSTEM, errors);
        operator.reporters(List.of(reporter));
        HeaderConverter headers = new SimpleHeaderConverter();
        Plugin<Converter> keys = metrics.wrap(converter, id, true);
        Plugin<Converter> values = metrics.wrap(converter, id, false);
        task = new WorkerSinkTask(
                id,
                sink,
                new Unheard(),
                TargetState.STARTED,
                worker,
                ClusterConfigState.EMPTY,
                metrics,
                keys,
                values,
                errors,
                metrics.wrap(headers, id),
                new TransformationChain<>(List.of(), operator),
                consumer,
                getClass().getClassLoader(),
                Time.SYSTEM,
                operator,
                new WorkerErrantRecordReporter(operator, converter, converter, headers),
                null,
                List::of,
                null,
                loader -> null);
        task.initialize(new TaskConfig(config));
        task.initializeAndStart();
    }

    private static WorkerConfig workerConfig() {
        return new StandaloneConfig(Map.of(
                "bootstrap.servers", "127.0.0.1:1",
                "key.converter", "org.apache.kafka.connect.converters.ByteArrayConverter",
                "value.converter", "org.apache.kafka.connect.converters.ByteArrayConverter",
                "offset.storage.file.filename", "unused",
                "offset.flush.interval.ms", "5000",
                "topic.tracking.enable", "false"));
    }

    /** One turn of Connect's loop: commits offsets when that is due, polls, and puts what came. */
    public void step() {
        task.iteration();
    }

    /** The value of one of the sink's metrics. */
    public Number metric(String name) {
        return metrics.metrics().metrics().entrySet().stream()
                .filter(entry -> entry.getKey().group().equals("plugins")
                        && entry.getKey().name().equals(name))
                .map(entry -> (Number) entry.getValue().metricValue())
                .findFirst()
                .orElseThrow();
    }

    /** Ends the task as a worker does that gives up its partitions in good order. */
    @Override
    public void close() {
        task.stop();
        task.execute(); // Stopped already, so it only closes the partitions.
        task.close();
        metrics.stop();
    }

    /** Who would publish the task's states. */
    private static final class Unheard implements TaskStatus.Listener {
        @Override
        public void onStartup(ConnectorTaskId id) {}

        @Override
        public void onPause(ConnectorTaskId id) {}

        @Override
        public void onResume(ConnectorTaskId id) {}

        @Override
        public void onFailure(ConnectorTaskId id, Throwable cause) {}

        @Override
        public void onShutdown(ConnectorTaskId id) {}

        @Override
        public void onDeletion(ConnectorTaskId id) {}

        @Override
        public void onRestart(ConnectorTaskId id) {}
    }
}
