// Reads GitHub's public events and writes them to Kafka, as ../../CONTRACT.md says.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const grace = 8 * time.Second

func main() {
	os.Exit(run(os.Args[1:]))
}

// run runs one poller and returns its exit code (CONTRACT.md, section 10).
func run(arguments []string) int {
	if len(arguments) == 1 && (arguments[0] == "--help" || arguments[0] == "-h") {
		fmt.Println(usage(os.Getenv))
		return 0
	}
	s, err := read(os.Getenv, arguments)
	if err != nil {
		for _, line := range strings.Split(err.Error(), "\n") {
			logf("ERROR", "%s", line)
		}
		return 2
	}
	return poll(s)
}

func logf(level, format string, values ...any) {
	stamp := time.Now().UTC().Format(githubTime)
	fmt.Fprintf(os.Stderr, "%s %s %s\n", stamp, level, fmt.Sprintf(format, values...))
}

func poll(s settings) int {
	d, err := newDelivery(s)
	if err != nil {
		logf("ERROR", "%s", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	token := "without a token"
	if s.token != "" {
		token = "with a token"
	}
	logf("INFO", "polling %s %s into %s at %s", s.apiURL, token, s.topic, s.bootstrapServers)
	code := 0
	var refusal githubRefusal
	// A kafkaRefusal is left to finish, which meets it again and reports it.
	if err := newPoller(s, newFeed(s), d).run(ctx); errors.As(err, &refusal) {
		logf("ERROR", "GitHub refuses: %s", string(refusal))
		code = 3
	}
	return finish(d, code)
}

// finish waits for what Kafka has not acknowledged and returns the exit code.
func finish(d *delivery, code int) int {
	pending, err := d.flush(grace)
	if refusal := kafkaRefusal(""); errors.As(err, &refusal) {
		logf("ERROR", "Kafka refuses: %s", string(refusal))
		return 1
	}
	if pending > 0 {
		logf("ERROR", "%d messages were not acknowledged by Kafka", pending)
		return 1
	}
	return code
}
