package main

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

const (
	firstRetry   = 5 * time.Second
	longestRetry = time.Minute
	maxUnchanged = 10
)

// counts say what was on a page.
type counts struct {
	fetched, fresh, overlap int
	saturated               bool
	known                   float64 // share of the recent events that were sent before
	comparable              bool    // whether there was a page before
}

// row is the statistics of one request (CONTRACT.md, section 8).
type row struct {
	Timestamp       string    `json:"timestamp"`
	Poller          string    `json:"poller"`
	Poll            int       `json:"poll"`
	Page            int       `json:"page"`
	Status          int       `json:"status"`
	Error           errorKind `json:"error,omitempty"`
	Fetched         int       `json:"fetched"`
	Fresh           int       `json:"fresh"`
	Duplicate       int       `json:"duplicate"`
	Overlap         int       `json:"overlap"`
	Saturated       bool      `json:"saturated"`
	Remaining       *int      `json:"remaining,omitempty"`
	Interval        float64   `json:"interval"`
	PlannedInterval float64   `json:"planned_interval"`
	Late            float64   `json:"late"`
	DurationMS      int64     `json:"duration_ms"`
}

// page is what is known of one page (CONTRACT.md, sections 4 and 5).
type page struct {
	number             int
	due, started       time.Time
	late, duration     time.Duration
	interval           time.Duration
	polls              int
	failures           int
	unchanged          int
	takesTurns         bool
	etag               string
	unacknowledgedETag string
	last               map[string]struct{}
}

// startRequest notes that a request is sent now.
func (p *page) startRequest() {
	p.started = time.Now()
	p.late = 0
	if p.polls > 0 {
		p.late = max(p.started.Sub(p.due), 0)
	}
}

// endRequest notes that its answer has come.
func (p *page) endRequest() {
	p.polls++
	p.duration = time.Since(p.started)
}

// etagToSend returns the ETag for the next request; none after many 304 in a row, as GitHub has served stale pages for days.
func (p *page) etagToSend() string {
	if p.unchanged >= maxUnchanged {
		return ""
	}
	return p.etag
}

// compare returns the counts of a good answer against the one before, and remembers it. isFresh tells for each message
// whether it was sent just now.
func (p *page) compare(messages []message, isFresh []bool, dayBefore string) counts {
	last, c := p.last, counts{fetched: len(messages)}
	p.last = map[string]struct{}{}
	recent, freshRecent, touches := 0, 0, false
	for i, m := range messages {
		if isFresh[i] {
			c.fresh++
		}
		if _, repeated := p.last[m.identity]; repeated {
			continue
		}
		p.last[m.identity] = struct{}{}
		_, shownBefore := last[m.identity]
		if shownBefore {
			c.overlap++
		}
		// GitHub serves old events again: only the new ones tell whether the two answers touch.
		if m.createdAt >= dayBefore {
			recent++
			touches = touches || shownBefore
			if isFresh[i] {
				freshRecent++
			}
		}
	}
	if last != nil {
		c.comparable = true
		c.saturated = len(messages) >= pageSize && recent >= pageSize/2 && !touches
		c.known = float64(recent-freshRecent) / float64(max(recent, 1))
	}
	return c
}

// schedule sets the next slot after an answer that is no limit; interval: the time between two requests when all goes well.
func (p *page) schedule(a *answer, interval time.Duration) {
	planned := cmp.Or(p.interval, interval)
	wait := planned
	switch a.kind {
	case noError:
		planned, wait = interval, interval
		p.interval, p.failures = interval, 0
		p.unchanged++
		if a.events != nil {
			p.unchanged = 0
		}
	case unprocessableError:
		wait = time.Hour
	default:
		wait = p.retryIn(planned)
	}
	p.takesTurns = wait == planned
	p.due = p.started.Add(wait)
}

// retryIn counts a failure and returns the time to wait, counted from the request that failed.
func (p *page) retryIn(interval time.Duration) time.Duration {
	wait := min(interval, firstRetry) << min(p.failures, 10)
	p.failures++
	return min(wait, max(interval, longestRetry))
}

// row returns the statistics of the last request.
func (p *page) row(a *answer, c counts, baseInterval time.Duration) row {
	r := row{
		Timestamp:       p.started.UTC().Format("2006-01-02T15:04:05.000Z"),
		Poller:          "go",
		Poll:            p.polls,
		Page:            p.number,
		Status:          a.status,
		Error:           a.kind,
		Fetched:         c.fetched,
		Fresh:           c.fresh,
		Duplicate:       c.fetched - c.fresh,
		Overlap:         c.overlap,
		Saturated:       c.saturated,
		Interval:        rounded(p.due.Sub(p.started)),
		PlannedInterval: rounded(cmp.Or(p.interval, baseInterval)),
		Late:            rounded(p.late),
		DurationMS:      p.duration.Milliseconds(),
	}
	if remaining, ok := a.number("X-RateLimit-Remaining"); ok {
		whole := int(remaining)
		r.Remaining = &whole
	}
	return r
}

// logLine returns the statistics of one request as a line of the log.
func (r row) logLine() string {
	text := fmt.Sprintf("page %d poll %d: %d", r.Page, r.Poll, r.Status)
	switch r.Error {
	case noError:
		text += fmt.Sprintf(", %d fetched, %d fresh, %d duplicate, %d overlap", r.Fetched, r.Fresh, r.Duplicate, r.Overlap)
	case redirectError:
		text += " redirect (GITHUB_API_URL)"
	default:
		text += " " + string(r.Error)
	}
	text += fmt.Sprintf(", next in %.1f s", r.Interval)
	if r.Remaining != nil {
		text += fmt.Sprintf(", %d requests left", *r.Remaining)
	}
	if r.Saturated {
		text += ", saturated"
	}
	return text
}

// rounded returns the seconds of a duration, to the millisecond.
func rounded(duration time.Duration) float64 {
	return math.Round(duration.Seconds()*1000) / 1000
}
