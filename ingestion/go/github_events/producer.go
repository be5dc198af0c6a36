package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
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
	login, err := security(s)
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(login,
		// Idempotent, acks=all, without limits of tries or time, partitions as the Java client: the defaults.
		kgo.SeedBrokers(strings.Split(s.bootstrapServers, ",")...),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.MaxBufferedRecords(4*fullQueue),
		kgo.RetryBackoffFn(func(int) time.Duration { return time.Second }),
		// A topic that stays unknown for some 10 s has been deleted.
		kgo.MetadataMinAge(time.Second),
		kgo.UnknownTopicRetries(10),
	)...)
	topics := []string{s.topic, s.topic + "_dlq", s.pollsTopic}
	return &delivery{topics: topics, servers: s.bootstrapServers, client: client}, err
}

// security returns what reaches a Kafka that encrypts or asks for a login.
func security(s settings) ([]kgo.Opt, error) {
	var options []kgo.Opt
	if strings.HasSuffix(s.securityProtocol, "SSL") {
		authorities, err := authorities(s.caLocation)
		if err != nil {
			return nil, err
		}
		options = append(options, kgo.DialTLSConfig(&tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}))
	}
	if strings.HasPrefix(s.securityProtocol, "SASL_") {
		options = append(options, kgo.SASL(mechanism(s)))
	}
	return options, nil
}

// authorities returns the certificates of a file; nil, which are those of the system, if none is named.
func authorities(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("KAFKA_SSL_CA_LOCATION: %s holds no certificate", path)
	}
	return pool, nil
}

func mechanism(s settings) sasl.Mechanism {
	login := scram.Auth{User: s.saslUsername, Pass: s.saslPassword}
	switch s.saslMechanism {
	case "SCRAM-SHA-256":
		return login.AsSha256Mechanism()
	case "SCRAM-SHA-512":
		return login.AsSha512Mechanism()
	default:
		return plain.Auth{User: s.saslUsername, Pass: s.saslPassword}.AsMechanism()
	}
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
