package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// kafkaRefusal is why Kafka refused a message for good (CONTRACT.md, section 7).
type kafkaRefusal string

func (r kafkaRefusal) Error() string {
	return "refused by Kafka: " + string(r)
}

// delivery is an idempotent producer that never gives a message up by itself.
type delivery struct {
	topics  []string
	servers string
	client  *kgo.Client
	refused atomic.Pointer[string]
}

// newDelivery connects in the background.
func newDelivery(s settings) (*delivery, error) {
	client, err := kgo.NewClient(
		// Idempotent, acks=all, without limits of tries or time, partitions as the Java client: the defaults.
		kgo.SeedBrokers(strings.Split(s.bootstrapServers, ",")...),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.MaxBufferedRecords(4*fullQueue),
		kgo.RetryBackoffFn(func(int) time.Duration { return time.Second }),
		// A topic that stays unknown for some 10 s has been deleted.
		kgo.MetadataMinAge(time.Second),
		kgo.UnknownTopicRetries(10),
	)
	topics := []string{s.topic, s.topic + "_dlq", s.pollsTopic}
	return &delivery{topics: topics, servers: s.bootstrapServers, client: client}, err
}

// missing returns what must still come up before messages can be sent; empty when nothing must.
func (d *delivery) missing(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	found, err := kadm.NewClient(d.client).ListTopics(ctx)
	if err != nil {
		return fmt.Sprintf("Kafka at %s (KAFKA_BOOTSTRAP_SERVERS)", d.servers)
	}
	absent := slices.DeleteFunc(slices.Sorted(slices.Values(d.topics)), found.Has)
	if len(absent) == 0 {
		return ""
	}
	return fmt.Sprintf("topics %s at %s", strings.Join(absent, ", "), d.servers)
}

// send sends in the background; a reason becomes a header.
func (d *delivery) send(topic string, key, value []byte, reason string) {
	record := &kgo.Record{Topic: topic, Key: key, Value: value}
	if reason != "" {
		record.Headers = []kgo.RecordHeader{{Key: "reason", Value: []byte(reason)}}
	}
	d.client.Produce(context.Background(), record, d.delivered)
}

// flush waits for acknowledgements and returns how many are missing. The error is a kafkaRefusal.
func (d *delivery) flush(timeout time.Duration) (int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	_ = d.client.Flush(ctx) // what is left tells the same
	if refused := d.refused.Load(); refused != nil {
		return 0, kafkaRefusal(*refused)
	}
	return d.client.BufferedProduceRecords(), nil
}

func (d *delivery) delivered(record *kgo.Record, err error) {
	if err != nil {
		text := fmt.Sprintf("%s: %s", record.Topic, err)
		d.refused.Store(&text)
	}
}
