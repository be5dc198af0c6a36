package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

const (
	polite     = 60.0
	longest    = 3600.0
	healthy    = 60.0
	kafkaRetry = 5 * time.Second
	fullQueue  = 50_000
)

// errRefused: GitHub's answer makes further requests useless.
var errRefused = errors.New("GitHub refuses")

// Poller asks the pages in turn until it is stopped (CONTRACT.md, sections 4, 5, 7 and 9).
type Poller struct {
	settings     Settings
	feed         *Feed
	delivery     *Delivery
	pages        []*Page
	seen         *Seen
	wish         float64
	strikes      int
	sent         int
	healthyUntil float64
	beaten       float64
	mute         bool
	warnAt       time.Time
}

// newPoller makes all pages due now.
func newPoller(settings Settings, feed *Feed, delivery *Delivery) *Poller {
	poller := &Poller{settings: settings, feed: feed, delivery: delivery, seen: newSeen(), wish: polite}
	for _, number := range pages {
		poller.pages = append(poller.pages, &Page{number: number, due: time.Now(), stretch: 1})
	}
	return poller
}

// run polls until MAX_POLLS or the end of the context; the error is errRefused or errDelivery.
// A page that has been fetched is sent whole: the context ends only waits and requests.
func (p *Poller) run(ctx context.Context) error {
	defer p.sayEnd()
	p.awaitTopics(ctx)
	for page := p.next(); page != nil && ctx.Err() == nil; page = p.next() {
		if err := p.poll(ctx, page); err != nil {
			return err
		}
	}
	for pending := int64(1); pending > 0 && ctx.Err() == nil; {
		var err error
		if pending, err = p.settle(time.Second); err != nil {
			return err
		}
	}
	return nil
}

func (p *Poller) sayEnd() {
	requests := 0
	for _, page := range p.pages {
		requests += page.polls
	}
	logf("INFO", "stopped after %d requests, %d messages sent", requests, p.sent)
}

func (p *Poller) awaitTopics(ctx context.Context) {
	for missing := p.delivery.missing(ctx); missing != "" && ctx.Err() == nil; missing = p.delivery.missing(ctx) {
		logf("WARNING", "waiting for %s", missing)
		sleep(ctx, kafkaRetry)
	}
}

// next returns the page that is due first; nil when all have had their MAX_POLLS.
func (p *Poller) next() *Page {
	var first *Page
	for _, page := range p.pages {
		done := p.settings.MaxPolls > 0 && page.polls >= p.settings.MaxPolls
		if !done && (first == nil || page.due.Before(first.due)) {
			first = page
		}
	}
	return first
}

func (p *Poller) poll(ctx context.Context, page *Page) error {
	if err := p.wait(ctx, page.due); err != nil || ctx.Err() != nil {
		return err
	}
	page.begin()
	answer := p.feed.get(ctx, page.number, page.condition())
	if ctx.Err() != nil && answer.trouble != "" {
		return nil
	}
	page.end()
	var counts Counts
	if answer.events != nil {
		counts = p.send(page, answer)
	}
	p.schedule(page, answer)
	p.report(page, answer, counts)
	if answer.fatal() {
		return fmt.Errorf("%w: %s", errRefused, answer.refusal(p.settings.TokenSetting))
	}
	// Kafka answers within milliseconds; while it is away, the other pages must not wait for it.
	patience := time.Second
	if !p.warnAt.IsZero() {
		patience = 0
	}
	_, err := p.settle(patience)
	return err
}

// wait waits for a time, and longer while too much is unacknowledged.
func (p *Poller) wait(ctx context.Context, due time.Time) error {
	pending, err := p.settle(0)
	for err == nil && ctx.Err() == nil && (pending >= fullQueue || pending > 0 && time.Now().Before(due)) {
		pending, err = p.settle(200 * time.Millisecond)
	}
	sleep(ctx, time.Until(due))
	return err
}

// send sends what is new on a page.
func (p *Poller) send(page *Page, answer *Answer) Counts {
	found, fresh := messages(answer.events), 0
	for _, m := range found {
		if !p.seen.add(m.identity) {
			continue
		}
		topic := p.settings.Topic
		if m.reason != "" {
			topic += "_dlq"
		}
		p.delivery.send(topic, m.key, m.value, m.reason)
		fresh++
	}
	p.sent += fresh
	page.unacknowledgedETag = answer.headers.Get("ETag")
	return page.compare(found, fresh, answer.yesterday())
}

// schedule sets when this page is due; after a limit, when all are.
func (p *Poller) schedule(page *Page, answer *Answer) {
	limited := answer.err == "limit" || answer.err == "secondary"
	if answer.err == "" {
		p.strikes = 0
		if wish, ok := answer.number("X-Poll-Interval"); ok && wish > 0 {
			p.wish = min(wish, longest)
		}
	}
	if limited {
		p.pause(answer)
	} else {
		page.schedule(answer, cmp.Or(p.settings.PollInterval, p.wish))
	}
	if limited || answer.err == "" {
		p.healthyUntil = unixNow() + time.Until(page.due).Seconds() + healthy
	}
}

// pause makes all pages wait: a limit is the token's, not a page's.
func (p *Poller) pause(answer *Answer) {
	end := time.Now().Add(seconds(answer.wait(p.strikes)))
	if answer.vague() {
		p.strikes++
	}
	for _, page := range p.pages {
		if page.due.Before(end) {
			page.due = end
		}
	}
}

// settle waits for acknowledgements and returns how many are missing. With none missing, all counts as done.
func (p *Poller) settle(timeout time.Duration) (int64, error) {
	pending, err := p.delivery.flush(timeout)
	if err != nil {
		return pending, err
	}
	if pending > 0 {
		p.complain(pending)
		return pending, nil
	}
	p.warnAt = time.Time{}
	for _, page := range p.pages {
		page.etag = page.unacknowledgedETag
	}
	p.beat()
	return 0, nil
}

func (p *Poller) complain(pending int64) {
	now := time.Now()
	if p.warnAt.IsZero() {
		p.warnAt = now.Add(time.Second)
	} else if now.After(p.warnAt) {
		p.warnAt = now.Add(time.Minute)
		logf("WARNING", "%d messages wait for Kafka at %s", pending, p.settings.BootstrapServers)
	}
}

// beat writes until when this poller counts as healthy, if that has changed.
func (p *Poller) beat() {
	path := p.settings.HeartbeatFile
	if path == "" || p.healthyUntil <= p.beaten {
		return
	}
	p.beaten = p.healthyUntil
	// Replaced as a whole: the health check never reads half a number.
	err := os.WriteFile(path+".new", fmt.Appendf(nil, "%.0f\n", p.healthyUntil), 0o644)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil && !p.mute {
		logf("WARNING", "HEARTBEAT_FILE %s: %s", path, err)
	}
	p.mute = err != nil
}

// report sends the statistics of one request and logs it.
func (p *Poller) report(page *Page, answer *Answer, counts Counts) {
	row := page.row(answer, counts)
	value, err := json.Marshal(row)
	if err != nil {
		panic(err) // numbers and words always have a JSON form
	}
	p.delivery.send(p.settings.PollsTopic, []byte(row.Poller), value, "")
	level := "INFO"
	if row.Error != "" {
		level = "WARNING"
	}
	logf(level, "%s", line(row))
}

// sleep waits, unless and until the context ends.
func sleep(ctx context.Context, duration time.Duration) {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
