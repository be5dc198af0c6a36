package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"time"
)

const (
	polite        = 60.0
	retry         = 5.0
	longestRetry  = 60.0
	healthy       = 60.0
	stale         = 10
	fullQueue     = 50_000
	muchOverlap   = 50
	littleOverlap = 10
	maxStretch    = 8.0
)

// errRefused: GitHub's answer makes further requests useless.
var errRefused = errors.New("GitHub refuses")

// Counts say what was on a page.
type Counts struct {
	fetched, fresh, overlap int
	saturated               bool
}

// Row is the statistics of one request (CONTRACT.md, section 8).
type Row struct {
	Timestamp  string  `json:"timestamp"`
	Poller     string  `json:"poller"`
	Poll       int     `json:"poll"`
	Page       int     `json:"page"`
	Status     int     `json:"status"`
	Error      string  `json:"error,omitempty"`
	Fetched    int     `json:"fetched"`
	Fresh      int     `json:"fresh"`
	Duplicate  int     `json:"duplicate"`
	Overlap    int     `json:"overlap"`
	Saturated  bool    `json:"saturated"`
	Remaining  *int    `json:"remaining,omitempty"`
	Interval   float64 `json:"interval"`
	DurationMS int64   `json:"duration_ms"`
}

// Page is what is known of one page. Times are seconds since the start.
type Page struct {
	number             int
	due                float64
	interval           float64
	polls              int
	failures           int
	unchanged          int
	stretch            float64
	etag               string
	unacknowledgedETag string
	last               map[string]struct{}
}

// condition returns the ETag to send; none after many 304 in a row, as GitHub has served stale pages for days.
func (p *Page) condition() string {
	if p.unchanged >= stale {
		return ""
	}
	return p.etag
}

// compare returns the counts of a good answer against the one before, and remembers it.
func (p *Page) compare(found []Message, fresh int, yesterday string) Counts {
	last := p.last
	p.last = map[string]struct{}{}
	overlap, recent, touches := 0, 0, false
	for _, m := range found {
		if _, repeated := p.last[m.identity]; repeated {
			continue
		}
		p.last[m.identity] = struct{}{}
		_, known := last[m.identity]
		if known {
			overlap++
		}
		// GitHub serves old events again: only the new ones tell whether the two answers touch.
		if m.createdAt >= yesterday {
			recent++
			touches = touches || known
		}
	}
	if last == nil {
		return Counts{fetched: len(found), fresh: fresh}
	}
	p.adapt(overlap)
	return Counts{len(found), fresh, overlap, len(found) >= pageSize && recent >= pageSize/2 && !touches}
}

// adapt leaves more of a scarce budget to the other pages when this one moves slowly.
func (p *Page) adapt(overlap int) {
	if overlap > muchOverlap {
		p.stretch = min(p.stretch*1.25, maxStretch)
	} else if overlap < littleOverlap {
		p.stretch = max(p.stretch/2, 1)
	}
}

// retryIn counts a failure and returns the seconds to wait, counted from the request that failed.
func (p *Page) retryIn(base float64) float64 {
	interval := base
	if p.interval > 0 {
		interval = p.interval
	}
	wait := min(interval, retry) * math.Pow(2, float64(p.failures))
	p.failures++
	return min(wait, max(interval, longestRetry))
}

// succeed sets the next slot, seconds after the request that succeeded.
func (p *Page) succeed(interval, started float64) {
	p.failures, p.interval, p.due = 0, interval, started+interval
}

// Poller asks the pages in turn until it is stopped.
type Poller struct {
	settings     Settings
	feed         *Feed
	delivery     *Delivery
	start        time.Time
	pages        []*Page
	seen         *Seen
	wish         float64
	strikes      int
	sent         int
	healthyUntil float64
	beaten       float64
	warnAt       float64
}

// newPoller makes all pages due now.
func newPoller(settings Settings, feed *Feed, delivery *Delivery) *Poller {
	poller := &Poller{settings: settings, feed: feed, delivery: delivery, start: time.Now(), seen: newSeen(), wish: polite}
	for _, number := range pages {
		poller.pages = append(poller.pages, &Page{number: number, stretch: 1})
	}
	return poller
}

// run polls until MAX_POLLS or the end of the context; the error is errRefused or errDelivery.
// A page that has been fetched is sent whole: the context ends only waits and requests.
func (p *Poller) run(ctx context.Context) error {
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
	requests := 0
	for _, page := range p.pages {
		requests += page.polls
	}
	logf("INFO", "stopped after %d requests, %d messages sent", requests, p.sent)
	return nil
}

func (p *Poller) awaitTopics(ctx context.Context) {
	for missing := p.delivery.missing(ctx); missing != "" && ctx.Err() == nil; missing = p.delivery.missing(ctx) {
		logf("WARNING", "waiting for %s", missing)
		sleep(ctx, retry)
	}
}

// next returns the page that is due first; nil when all have had their MAX_POLLS.
func (p *Poller) next() *Page {
	var first *Page
	for _, page := range p.pages {
		done := p.settings.MaxPolls > 0 && page.polls >= p.settings.MaxPolls
		if !done && (first == nil || page.due < first.due) {
			first = page
		}
	}
	return first
}

func (p *Poller) poll(ctx context.Context, page *Page) error {
	if err := p.wait(ctx, page.due); err != nil || ctx.Err() != nil {
		return err
	}
	sent, started := time.Now(), p.now()
	answer := p.feed.get(ctx, page.number, page.condition())
	duration := time.Since(sent)
	if ctx.Err() != nil && answer.trouble != "" {
		return nil
	}
	page.polls++
	var counts Counts
	if answer.events != nil {
		counts = p.send(page, answer)
	}
	p.schedule(page, answer, started)
	p.report(page, answer, counts, sent, page.due-started, duration)
	if answer.fatal() {
		return fmt.Errorf("%w: %s", errRefused, answer.refusal())
	}
	// Kafka answers within milliseconds; while it is away, the other pages must not wait for it.
	patience := time.Second
	if p.warnAt > 0 {
		patience = 0
	}
	_, err := p.settle(patience)
	return err
}

// wait waits for a time, and longer while too much is unacknowledged.
func (p *Poller) wait(ctx context.Context, due float64) error {
	pending, err := p.settle(0)
	for err == nil && ctx.Err() == nil && (pending >= fullQueue || pending > 0 && p.now() < due) {
		pending, err = p.settle(200 * time.Millisecond)
	}
	sleep(ctx, due-p.now())
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
func (p *Poller) schedule(page *Page, answer *Answer, started float64) {
	limited := answer.err == "limit" || answer.err == "secondary"
	switch {
	case limited:
		p.pause(answer)
	case answer.err == "unprocessable":
		page.due = started + hour
	case answer.err != "":
		page.due = started + page.retryIn(p.base())
	default:
		if wish, ok := answer.number("X-Poll-Interval"); ok && wish > 0 {
			p.wish = wish
		}
		page.succeed(max(p.base(), min(page.stretch*answer.budget(), answer.resetIn()+1)), started)
		page.unchanged++
		if answer.events != nil {
			page.unchanged = 0
		}
		p.strikes = 0
	}
	if limited || answer.err == "" {
		p.healthyUntil = unixNow() + page.due - p.now() + healthy
	}
}

func (p *Poller) base() float64 {
	if p.settings.PollInterval > 0 {
		return p.settings.PollInterval
	}
	return p.wish
}

// pause makes all pages wait: a limit is the token's, not a page's.
func (p *Poller) pause(answer *Answer) {
	end := p.now() + answer.wait(p.strikes)
	if answer.vague() {
		p.strikes++
	}
	for _, page := range p.pages {
		page.due = max(page.due, end)
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
	p.warnAt = 0
	for _, page := range p.pages {
		page.etag = page.unacknowledgedETag
	}
	return 0, p.beat()
}

func (p *Poller) complain(pending int64) {
	if p.warnAt == 0 {
		p.warnAt = p.now() + 1
	} else if p.now() >= p.warnAt {
		p.warnAt = p.now() + 60
		logf("WARNING", "%d messages wait for Kafka at %s", pending, p.settings.BootstrapServers)
	}
}

// beat writes until when this poller counts as healthy, if that has changed.
func (p *Poller) beat() error {
	path := p.settings.HeartbeatFile
	if path == "" || p.healthyUntil <= p.beaten {
		return nil
	}
	p.beaten = p.healthyUntil
	// Replaced as a whole: the health check never reads half a number.
	if err := os.WriteFile(path+".new", fmt.Appendf(nil, "%.0f\n", p.healthyUntil), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// report sends the statistics of one request and logs it.
func (p *Poller) report(page *Page, answer *Answer, counts Counts, sent time.Time, interval float64, duration time.Duration) {
	row := Row{
		Timestamp:  sent.UTC().Format("2006-01-02T15:04:05.000Z"),
		Poller:     "go",
		Poll:       page.polls,
		Page:       page.number,
		Status:     answer.status,
		Error:      answer.err,
		Fetched:    counts.fetched,
		Fresh:      counts.fresh,
		Duplicate:  counts.fetched - counts.fresh,
		Overlap:    counts.overlap,
		Saturated:  counts.saturated,
		Interval:   math.Round(interval*1000) / 1000,
		DurationMS: duration.Milliseconds(),
	}
	if remaining, ok := answer.number("X-RateLimit-Remaining"); ok {
		whole := int(remaining)
		row.Remaining = &whole
	}
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

// line returns the statistics of one request as a line of the log.
func line(row Row) string {
	text := fmt.Sprintf("page %d poll %d: %d", row.Page, row.Poll, row.Status)
	switch row.Error {
	case "":
		text += fmt.Sprintf(", %d fetched, %d fresh, %d duplicate, %d overlap", row.Fetched, row.Fresh, row.Duplicate, row.Overlap)
	case "redirect":
		text += " redirect (GITHUB_API_URL)"
	default:
		text += " " + row.Error
	}
	text += fmt.Sprintf(", next in %.1f s", row.Interval)
	if row.Remaining != nil {
		text += fmt.Sprintf(", %d requests left", *row.Remaining)
	}
	if row.Saturated {
		text += ", saturated"
	}
	return text
}

// now returns the seconds since the start, on the monotonic clock.
func (p *Poller) now() float64 {
	return time.Since(p.start).Seconds()
}

// sleep waits some seconds, unless and until the context ends.
func sleep(ctx context.Context, seconds float64) {
	timer := time.NewTimer(time.Duration(max(seconds, 0) * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
