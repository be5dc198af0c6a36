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
	settings, err := read(os.Getenv, arguments)
	if err != nil {
		for _, line := range strings.Split(err.Error(), "\n") {
			logf("ERROR", "%s", line)
		}
		return 2
	}
	return poll(settings)
}

func logf(level, format string, values ...any) {
	stamp := time.Now().UTC().Format(githubTime)
	fmt.Fprintf(os.Stderr, "%s %s %s\n", stamp, level, fmt.Sprintf(format, values...))
}

func poll(settings Settings) int {
	delivery, err := newDelivery(settings)
	if err != nil {
		logf("ERROR", "%s", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	token := "without a token"
	if settings.Token != "" {
		token = "with a token"
	}
	logf("INFO", "polling %s %s into %s at %s", settings.APIURL, token, settings.Topic, settings.BootstrapServers)
	code := 0
	// errDelivery is left to leave, which meets it again and reports it.
	if err := newPoller(settings, newFeed(settings), delivery).run(ctx); errors.Is(err, errRefused) {
		logf("ERROR", "%s", err)
		code = 3
	}
	return leave(delivery, code)
}

// leave waits for what Kafka has not acknowledged and returns the exit code.
func leave(delivery *Delivery, code int) int {
	pending, err := delivery.flush(grace)
	if err != nil {
		logf("ERROR", "%s", err)
		return 1
	}
	if pending > 0 {
		logf("ERROR", "%d messages were not acknowledged by Kafka", pending)
		return 1
	}
	return code
}
