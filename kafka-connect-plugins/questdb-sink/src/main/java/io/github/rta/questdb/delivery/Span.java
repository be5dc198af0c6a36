package io.github.rta.questdb.delivery;

import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.TopicPartition;

/**
 * The records of a request.
 *
 * @param round the round of reading that they come from; see {@link Assignment}
 * @param firsts the offset of the first record of each partition
 * @param ends how far each partition is stored with them, which is not so far as they reach while late rows wait
 * @param reached the offset after the last record of each partition
 * @param tables the ids of the tables of all rows; see {@link Catalog}
 */
record Span(
        int round,
        Map<TopicPartition, Long> firsts,
        Map<TopicPartition, Long> ends,
        Map<TopicPartition, Long> reached,
        Set<Long> tables) {}
