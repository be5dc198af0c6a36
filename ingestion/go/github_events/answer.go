package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	hour          = 3600.0
	day           = 24 * hour
	secondaryWait = 60.0
	githubTime    = "2006-01-02T15:04:05Z"
)

var number = regexp.MustCompile(`^[0-9]{1,15}(\.[0-9]+)?$`)

// Answer is one answer; status 0 and an error when no whole one came. Times in seconds (CONTRACT.md, sections 3 to 5).
type Answer struct {
	status  int
	headers http.Header
	body    []byte
	trouble string
	events  []json.RawMessage // nil when this is not a good page
	err     string            // the word for what went wrong; empty after 304 and a good page
}

func newAnswer(status int, headers http.Header, body []byte) *Answer {
	a := &Answer{status: status, headers: headers, body: body}
	if status == http.StatusOK {
		a.events = elements(body)
	}
	a.err = a.kind()
	return a
}

func (a *Answer) kind() string {
	switch {
	case a.status == http.StatusNotModified || a.events != nil:
		return ""
	case a.status/100 == 2:
		return "body"
	case a.status == http.StatusForbidden || a.status == http.StatusTooManyRequests:
		return a.limit()
	case a.status == http.StatusUnauthorized:
		return "unauthorized"
	case a.status == http.StatusUnprocessableEntity:
		return "unprocessable"
	case a.status >= 500:
		return "server"
	case a.status >= 300 && a.status < 400:
		return "redirect"
	}
	return "refused"
}

// fatal returns whether asking again is of no use.
func (a *Answer) fatal() bool {
	return a.err == "forbidden" || a.err == "unauthorized" || a.err == "refused"
}

// refusal returns a refusal in GitHub's own words, and the setting to look at.
func (a *Answer) refusal(tokenSetting string) string {
	var words struct{ Message string }
	_ = json.Unmarshal(a.body, &words) // no words if it is something else
	text := fmt.Sprintf("%d %s", a.status, string([]rune(words.Message)[:min(len([]rune(words.Message)), 200)]))
	if a.err == "unauthorized" {
		text += " (" + tokenSetting + ")"
	}
	return strings.TrimSpace(text)
}

// number returns the decimal number in a header, and whether it holds such a thing.
func (a *Answer) number(header string) (float64, bool) {
	text := strings.TrimSpace(a.headers.Get(header))
	value, err := strconv.ParseFloat(text, 64)
	return value, err == nil && number.MatchString(text)
}

// budget returns the seconds between two requests with which the rest of the hour's requests lasts.
func (a *Answer) budget() float64 {
	remaining, ok := a.number("X-RateLimit-Remaining")
	if !ok {
		return 0
	}
	return a.resetIn() / max(remaining, 1)
}

// resetIn returns the seconds until the limit is new, by the server's own clock.
func (a *Answer) resetIn() float64 {
	reset, _ := a.number("X-RateLimit-Reset")
	return within(reset - a.date())
}

// wait returns the seconds all pages must wait after a limit; strikes: vague ones in a row before this.
func (a *Answer) wait(strikes int) float64 {
	if seconds, ok := a.retryAfter(); ok {
		return within(seconds)
	}
	if a.vague() {
		return within(secondaryWait * math.Pow(2, float64(strikes)))
	}
	return a.resetIn() + 1
}

// vague returns whether this is a limit that doesn't say how long.
func (a *Answer) vague() bool {
	_, ok := a.retryAfter()
	return !ok && (a.err == "secondary" || a.resetIn() == 0)
}

// yesterday returns the time a day before the answer, as GitHub writes times.
func (a *Answer) yesterday() string {
	return time.Unix(int64(a.date()-day), 0).UTC().Format(githubTime)
}

func (a *Answer) limit() string {
	if _, ok := a.retryAfter(); ok {
		return "secondary"
	}
	if remaining, ok := a.number("X-RateLimit-Remaining"); ok && remaining == 0 {
		return "limit"
	}
	limited := bytes.Contains(bytes.ToLower(a.body), []byte("rate limit"))
	for name := range a.headers {
		limited = limited || strings.HasPrefix(name, "X-Ratelimit-")
	}
	if limited || a.status == http.StatusTooManyRequests {
		return "secondary"
	}
	return "forbidden"
}

// retryAfter returns the seconds to wait as GitHub says; false when it doesn't, or says nothing that can be meant.
func (a *Answer) retryAfter() (float64, bool) {
	if seconds, ok := a.number("Retry-After"); ok {
		return seconds, seconds > 0
	}
	date, err := http.ParseTime(a.headers.Get("Retry-After"))
	seconds := float64(date.Unix()) - a.date()
	return seconds, err == nil && seconds > 0
}

func (a *Answer) date() float64 {
	if date, err := http.ParseTime(a.headers.Get("Date")); err == nil {
		return float64(date.Unix())
	}
	return unixNow()
}

// elements returns those of a good page; nil when this is not one.
func elements(body []byte) []json.RawMessage {
	var found []json.RawMessage
	if json.Unmarshal(wellFormed(body), &found) != nil {
		return nil
	}
	return found // an empty array is not nil, null is
}

func within(seconds float64) float64 {
	return min(max(seconds, 0), hour)
}

func unixNow() float64 {
	return float64(time.Now().UnixMicro()) / 1e6
}
