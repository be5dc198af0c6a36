package io.github.rta.questdb;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetCommitCallback;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;

/** Kafka's own double of a consumer, with topics to read from and with a group that takes partitions and gives them. */
final class TopicConsumer extends MockConsumer<byte[], byte[]> {
    private static final int MAX_POLL_RECORDS = 500;

    /** How often Connect has gone back. */
    int rewinds;

    private final Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> logs = new HashMap<>();
    private final Queue<Runnable> changes = new ArrayDeque<>();
    private final Map<TopicPartition, OffsetAndMetadata> commits = new HashMap<>();
    private boolean losing;
    private boolean looking;

    TopicConsumer(Collection<TopicPartition> partitions) {
        super("earliest");
        partitions.forEach(partition -> {
            logs.put(partition, new ArrayList<>());
            updateBeginningOffsets(Map.of(partition, 0L));
        });
        reassign(partitions);
    }

    void append(TopicPartition to, byte[] key, byte[] value) {
        List<ConsumerRecord<byte[], byte[]>> log = logs.get(to);
        log.add(new ConsumerRecord<>(
                to.topic(),
                to.partition(),
                log.size(),
                System.currentTimeMillis(),
                TimestampType.CREATE_TIME,
                ConsumerRecord.NULL_SIZE,
                ConsumerRecord.NULL_SIZE,
                key,
                value,
                new RecordHeaders(),
                Optional.empty()));
    }

    long end(TopicPartition partition) {
        return logs.get(partition).size();
    }

    /** How far the partition is committed. */
    long committed(TopicPartition partition) {
        return commits.containsKey(partition) ? commits.get(partition).offset() : 0;
    }

    /** What the task has said of how far it is. */
    String metadata(TopicPartition partition) {
        return commits.get(partition).metadata().trim();
    }

    /** With one of the next polls, one change a poll, the consumer gets these partitions instead of those it has. */
    void reassign(Collection<TopicPartition> partitions) {
        changes.add(() -> rebalance(partitions));
    }

    /** The same without a chance to commit: the group has thrown the consumer out. */
    void loseAll() {
        changes.add(() -> {
            losing = true;
            rebalance(Set.of());
            losing = false;
        });
    }

    boolean hasChanges() {
        return !changes.isEmpty();
    }

    @Override
    public synchronized void subscribe(Collection<String> topics, ConsumerRebalanceListener listener) {
        super.subscribe(topics, new ConsumerRebalanceListener() {
            @Override
            public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
                if (losing) {
                    listener.onPartitionsLost(partitions);
                } else {
                    listener.onPartitionsRevoked(partitions);
                }
            }

            @Override
            public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
                listener.onPartitionsAssigned(partitions);
            }
        });
    }

    @Override
    public synchronized ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
        if (hasChanges()) {
            changes.remove().run();
        }
        Set<TopicPartition> readable = new HashSet<>(assignment());
        readable.removeAll(paused());
        int room = MAX_POLL_RECORDS;
        for (TopicPartition partition : readable) {
            int from = (int) position(partition);
            int to = (int) Math.min(end(partition), from + room);
            logs.get(partition).subList(from, to).forEach(this::addRecord);
            room -= to - from;
        }
        if (room == MAX_POLL_RECORDS) {
            LockSupport.parkNanos(
                    Math.min(timeout.toNanos(), Duration.ofMillis(5).toNanos()));
        }
        return super.poll(Duration.ZERO);
    }

    @Override
    public synchronized void seek(TopicPartition partition, long offset) {
        rewinds += looking ? 0 : 1;
        super.seek(partition, offset);
    }

    /** Goes to the committed offset of a partition that has just been assigned. */
    @Override
    public synchronized long position(TopicPartition partition) {
        looking = true;
        try {
            return super.position(partition);
        } finally {
            looking = false;
        }
    }

    @Override
    public synchronized void commitAsync(
            Map<TopicPartition, OffsetAndMetadata> offsets, OffsetCommitCallback callback) {
        offsets.forEach((partition, offset) -> {
            OffsetAndMetadata before = commits.put(partition, offset);
            if (before != null && before.offset() > offset.offset()) {
                throw new AssertionError(partition + " committed at " + offset + " after " + before);
            }
        });
        super.commitAsync(offsets, callback);
    }
}
