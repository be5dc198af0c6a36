package main

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

const (
	retry         = 5.0
	longestRetry  = 60.0
	stale         = 10
	muchOverlap   = 50
	littleOverlap = 10
	maxStretch    = 8.0
)

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

// Page is what is known of one page. Intervals in seconds (CONTRACT.md, sections 4 and 5).
type Page struct {
	number             int
	due, started       time.Time
	duration           time.Duration
	interval           float64
	polls              int
	failures           int
	unchanged          int
	stretch            float64
	etag               string
	unacknowledgedETag string
	last               map[string]struct{}
}

// begin notes that a request is sent now.
func (p *Page) begin() {
	p.started = time.Now()
}

// end notes that its answer has come.
func (p *Page) end() {
	p.polls++
	p.duration = time.Since(p.started)
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

// schedule sets the next slot after an answer that is no limit; base: the seconds between two requests as asked for.
func (p *Page) schedule(answer *Answer, base float64) {
	wait := hour
	switch answer.err {
	case "":
		p.interval, p.failures = max(base, p.budget(answer)), 0
		p.unchanged++
		if answer.events != nil {
			p.unchanged = 0
		}
		wait = p.interval
	case "unprocessable":
	default:
		wait = p.retryIn(base)
	}
	p.due = p.started.Add(seconds(wait))
}

// retryIn counts a failure and returns the seconds to wait, counted from the request that failed.
func (p *Page) retryIn(base float64) float64 {
	interval := cmp.Or(p.interval, base)
	wait := min(interval, retry) * math.Pow(2, float64(p.failures))
	p.failures++
	return min(wait, max(interval, longestRetry))
}

// budget returns the seconds between two requests of this page with which the hour's requests last for all pages.
func (p *Page) budget(answer *Answer) float64 {
	return min(p.stretch*float64(len(pages))*answer.budget(), answer.resetIn()+1)
}

// row returns the statistics of the last request.
func (p *Page) row(answer *Answer, counts Counts) Row {
	row := Row{
		Timestamp:  p.started.UTC().Format("2006-01-02T15:04:05.000Z"),
		Poller:     "go",
		Poll:       p.polls,
		Page:       p.number,
		Status:     answer.status,
		Error:      answer.err,
		Fetched:    counts.fetched,
		Fresh:      counts.fresh,
		Duplicate:  counts.fetched - counts.fresh,
		Overlap:    counts.overlap,
		Saturated:  counts.saturated,
		Interval:   math.Round(p.due.Sub(p.started).Seconds()*1000) / 1000,
		DurationMS: p.duration.Milliseconds(),
	}
	if remaining, ok := answer.number("X-RateLimit-Remaining"); ok {
		whole := int(remaining)
		row.Remaining = &whole
	}
	return row
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

func seconds(number float64) time.Duration {
	return time.Duration(number * float64(time.Second))
}
