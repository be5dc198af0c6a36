package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

const (
	healthyFor = time.Minute
	kafkaRetry = 5 * time.Second
	fullQueue  = 50_000
)

// githubRefusal is why GitHub's answer makes further requests useless.
type githubRefusal string

func (r githubRefusal) Error() string {
	return "refused by GitHub: " + string(r)
}

// poller asks the pages by their plan until it is stopped (CONTRACT.md, sections 4, 5, 7 and 9).
type poller struct {
	settings          settings
	feed              *feed
	delivery          *delivery
	pages             []*page
	pace              *pace
	seen              *seen
	consecutiveLimits int
	sent              int
	healthyUntil      time.Time
	lastHeartbeat     time.Time
	heartbeatFailed   bool
	warnAt            time.Time
}

// newPoller makes all pages due now.
func newPoller(s settings, f *feed, d *delivery) *poller {
	p := &poller{settings: s, feed: f, delivery: d, pace: newPace(s), seen: newSeen()}
	for _, number := range pageNumbers {
		p.pages = append(p.pages, &page{number: number, due: time.Now(), takesTurns: true})
	}
	return p
}

// run polls until MAX_POLLS or the end of the context; the error is a githubRefusal or a kafkaRefusal.
// A page that has been fetched is sent whole: the context ends only waits and requests.
func (p *poller) run(ctx context.Context) error {
	defer p.logEnd()
	p.awaitTopics(ctx)
	for page := p.nextPage(); page != nil && ctx.Err() == nil; page = p.nextPage() {
		if err := p.poll(ctx, page); err != nil {
			return err
		}
	}
	for pending := int64(1); pending > 0 && ctx.Err() == nil; {
		var err error
		if pending, err = p.awaitAcknowledgements(time.Second); err != nil {
			return err
		}
	}
	return nil
}

func (p *poller) logEnd() {
	requests := 0
	for _, page := range p.pages {
		requests += page.polls
	}
	logf("INFO", "stopped after %d requests, %d messages sent", requests, p.sent)
}

func (p *poller) awaitTopics(ctx context.Context) {
	asked := time.Now()
	for missing := p.delivery.missing(ctx); missing != "" && ctx.Err() == nil; missing = p.delivery.missing(ctx) {
		logf("WARNING", "waiting for %s", missing)
		sleep(ctx, kafkaRetry-time.Since(asked))
		asked = time.Now()
	}
}

// nextPage returns the page that is due first; nil when all have had their MAX_POLLS.
func (p *poller) nextPage() *page {
	var first *page
	for _, page := range p.pages {
		done := p.settings.maxPolls > 0 && page.polls >= p.settings.maxPolls
		if !done && (first == nil || page.due.Before(first.due)) {
			first = page
		}
	}
	return first
}

func (p *poller) poll(ctx context.Context, page *page) error {
	if err := p.wait(ctx, page.due); err != nil || ctx.Err() != nil {
		return err
	}
	page.startRequest()
	answer := p.feed.get(ctx, page.number, page.etagToSend())
	if ctx.Err() != nil && answer.status == 0 {
		return nil
	}
	page.endRequest()
	var c counts
	if answer.events != nil {
		c = p.send(page, answer)
	}
	p.schedule(page, answer, c)
	p.report(page, answer, c)
	if answer.kind.isFatal() {
		return githubRefusal(answer.errorMessage(p.settings.tokenSetting))
	}
	// Kafka answers within milliseconds; while it is away, the other pages must not wait for it.
	patience := time.Second
	if !p.warnAt.IsZero() {
		patience = 0
	}
	_, err := p.awaitAcknowledgements(patience)
	return err
}

// wait waits for a time, and longer while too much is unacknowledged.
func (p *poller) wait(ctx context.Context, due time.Time) error {
	pending, err := p.awaitAcknowledgements(0)
	for err == nil && ctx.Err() == nil && (pending >= fullQueue || pending > 0 && time.Now().Before(due)) {
		pending, err = p.awaitAcknowledgements(200 * time.Millisecond)
	}
	sleep(ctx, time.Until(due))
	return err
}

// send sends what is new on a page.
func (p *poller) send(page *page, a *answer) counts {
	found := messages(a.events)
	isFresh := make([]bool, len(found))
	for i, m := range found {
		if isFresh[i] = p.seen.add(m.identity); !isFresh[i] {
			continue
		}
		topic := p.settings.topic
		if m.reason != "" {
			topic += "_dlq"
		}
		p.delivery.send(topic, m.key, m.value, m.reason)
	}
	page.unacknowledgedETag = a.headers.Get("ETag")
	c := page.compare(found, isFresh, a.dayBefore())
	p.sent += c.fresh
	return c
}

// schedule sets when this page is due; after a limit, when all are.
func (p *poller) schedule(page *page, a *answer, c counts) {
	switch {
	case a.kind.isLimit():
		p.pause(a)
	case a.kind != noError:
		page.schedule(a, p.pace.baseInterval())
		return
	default:
		p.consecutiveLimits = 0
		p.pace.learn(page.number, a, c.known, c.comparable)
		page.schedule(a, p.pace.interval(page.number, a))
		p.pace.schedule(p.pages, page)
	}
	p.healthyUntil = time.Now().Add(time.Until(page.due) + healthyFor)
}

// pause makes all pages wait: a limit is the token's, not a page's.
func (p *poller) pause(a *answer) {
	end := time.Now().Add(a.wait(p.consecutiveLimits))
	if a.lacksWait() {
		p.consecutiveLimits++
	}
	for _, page := range p.pages {
		if page.due.Before(end) {
			page.due = end
		}
	}
}

// awaitAcknowledgements waits for acknowledgements and returns how many are missing. With none missing, all counts as done.
func (p *poller) awaitAcknowledgements(timeout time.Duration) (int64, error) {
	pending, err := p.delivery.flush(timeout)
	if err != nil {
		return pending, err
	}
	if pending > 0 {
		p.warnPending(pending)
		return pending, nil
	}
	p.warnAt = time.Time{}
	for _, page := range p.pages {
		page.etag = page.unacknowledgedETag
	}
	p.writeHeartbeat()
	return 0, nil
}

func (p *poller) warnPending(pending int64) {
	now := time.Now()
	if p.warnAt.IsZero() {
		p.warnAt = now.Add(time.Second)
	} else if now.After(p.warnAt) {
		p.warnAt = now.Add(time.Minute)
		logf("WARNING", "%d messages wait for Kafka at %s", pending, p.settings.bootstrapServers)
	}
}

// writeHeartbeat writes until when this poller counts as healthy, if that has changed.
func (p *poller) writeHeartbeat() {
	path := p.settings.heartbeatFile
	if path == "" || !p.healthyUntil.After(p.lastHeartbeat) {
		return
	}
	p.lastHeartbeat = p.healthyUntil
	// Replaced as a whole: the health check never reads half a number.
	err := os.WriteFile(path+".new", fmt.Appendln(nil, p.healthyUntil.Round(time.Second).Unix()), 0o644)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil && !p.heartbeatFailed {
		logf("WARNING", "HEARTBEAT_FILE %s: %s", path, err)
	}
	p.heartbeatFailed = err != nil
}

// report sends the statistics of one request and logs it.
func (p *poller) report(page *page, a *answer, c counts) {
	r := page.row(a, c, p.pace.baseInterval())
	value, err := json.Marshal(r)
	if err != nil {
		panic(err) // numbers and words always have a JSON form
	}
	p.delivery.send(p.settings.pollsTopic, []byte(r.Poller), value, "")
	level := "INFO"
	if r.Error != noError {
		level = "WARNING"
	}
	logf(level, "%s", r.logLine())
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
