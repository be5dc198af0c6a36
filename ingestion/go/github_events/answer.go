package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	maxWait        = time.Hour
	secondaryWait  = time.Minute
	longestMessage = 200
	githubTime     = "2006-01-02T15:04:05Z"
)

// errorKind is what went wrong with a request (CONTRACT.md, section 5); the value is the word in statistics and log.
type errorKind string

const (
	noError            errorKind = ""
	networkError       errorKind = "network"
	timeoutError       errorKind = "timeout"
	bodyError          errorKind = "body"
	serverError        errorKind = "server"
	redirectError      errorKind = "redirect"
	unprocessableError errorKind = "unprocessable"
	secondaryError     errorKind = "secondary"
	limitError         errorKind = "limit"
	forbiddenError     errorKind = "forbidden"
	unauthorizedError  errorKind = "unauthorized"
	refusedError       errorKind = "refused"
)

// isLimit returns whether all pages must wait.
func (k errorKind) isLimit() bool {
	return k == secondaryError || k == limitError
}

// isFatal returns whether asking again is of no use.
func (k errorKind) isFatal() bool {
	return k == forbiddenError || k == unauthorizedError || k == refusedError
}

var headerNumber = regexp.MustCompile(`^[0-9]{1,15}(\.[0-9]+)?$`)

// answer is one answer of GitHub; status 0 when no whole one came (CONTRACT.md, sections 3 to 5).
type answer struct {
	status  int
	headers http.Header
	body    []byte
	events  []json.RawMessage // nil when this is not a good page
	kind    errorKind
}

func newAnswer(status int, headers http.Header, body []byte) *answer {
	a := &answer{status: status, headers: headers, body: body}
	if status == http.StatusOK {
		a.events = elements(body)
	}
	a.kind = a.judge()
	return a
}

func (a *answer) judge() errorKind {
	switch {
	case a.status == http.StatusNotModified || a.events != nil:
		return noError
	case a.status == http.StatusForbidden || a.status == http.StatusTooManyRequests:
		return a.refusal()
	case a.status == http.StatusUnauthorized:
		return unauthorizedError
	case a.status == http.StatusUnprocessableEntity:
		return unprocessableError
	}
	switch a.status / 100 {
	case 2:
		return bodyError
	case 3:
		return redirectError
	case 5:
		return serverError
	}
	return refusedError
}

// errorMessage returns a refusal in GitHub's own words, and the setting to look at.
func (a *answer) errorMessage(tokenSetting string) string {
	var words struct{ Message string }
	_ = json.Unmarshal(a.body, &words) // no words if it is something else
	letters := []rune(words.Message)
	text := fmt.Sprintf("%d %s", a.status, string(letters[:min(len(letters), longestMessage)]))
	if a.kind == unauthorizedError {
		text += " (" + tokenSetting + ")"
	}
	return strings.TrimSpace(text)
}

// number returns the decimal number in a header, and whether it holds such a thing.
func (a *answer) number(header string) (float64, bool) {
	text := strings.TrimSpace(a.headers.Get(header))
	if !headerNumber.MatchString(text) {
		return 0, false
	}
	value, err := strconv.ParseFloat(text, 64)
	return value, err == nil
}

// timePerRequest returns the time between two requests with which the limit lasts until its reset, 0 without a limit.
// So many requests as reserve says are left unused.
func (a *answer) timePerRequest(reserve float64) time.Duration {
	remaining, ok := a.number("X-RateLimit-Remaining")
	if !ok {
		return 0
	}
	return time.Duration(float64(a.resetIn()) / max(remaining-reserve, 1))
}

// resetIn returns the time until the limit is new, by the server's own clock.
func (a *answer) resetIn() time.Duration {
	reset, _ := a.number("X-RateLimit-Reset")
	return seconds(reset - float64(a.date().Unix()))
}

// wait returns how long all pages must wait after a limit; consecutiveLimits: how many before it did not say how long.
func (a *answer) wait(consecutiveLimits int) time.Duration {
	if wait, ok := a.retryAfter(); ok {
		return wait
	}
	if a.lacksWait() {
		return min(secondaryWait<<min(consecutiveLimits, 10), maxWait)
	}
	return a.resetIn() + time.Second
}

// lacksWait returns whether this is a limit that doesn't say how long.
func (a *answer) lacksWait() bool {
	_, ok := a.retryAfter()
	return !ok && (a.kind == secondaryError || a.resetIn() == 0)
}

// dayBefore returns the time a day before the answer, as GitHub writes times.
func (a *answer) dayBefore() string {
	return a.date().Add(-24 * time.Hour).UTC().Format(githubTime)
}

// refusal tells what a 403 or 429 means.
func (a *answer) refusal() errorKind {
	if _, ok := a.retryAfter(); ok {
		return secondaryError
	}
	if remaining, ok := a.number("X-RateLimit-Remaining"); ok && remaining == 0 {
		return limitError
	}
	isLimit := a.status == http.StatusTooManyRequests || bytes.Contains(bytes.ToLower(a.body), []byte("rate limit"))
	for name := range a.headers {
		isLimit = isLimit || strings.HasPrefix(name, "X-Ratelimit-")
	}
	if isLimit {
		return secondaryError
	}
	return forbiddenError
}

// retryAfter returns what Retry-After says; false without it, or when it is not later than the answer.
func (a *answer) retryAfter() (time.Duration, bool) {
	if number, ok := a.number("Retry-After"); ok {
		return seconds(number), number > 0
	}
	date, err := http.ParseTime(a.headers.Get("Retry-After"))
	if err != nil {
		return 0, false
	}
	wait := min(date.Sub(a.date()), maxWait)
	return wait, wait > 0
}

func (a *answer) date() time.Time {
	if date, err := http.ParseTime(a.headers.Get("Date")); err == nil {
		return date
	}
	return time.Now()
}

// elements returns those of a good page; nil when this is not one.
func elements(body []byte) []json.RawMessage {
	var page []json.RawMessage
	if json.Unmarshal(wellFormed(body), &page) != nil {
		return nil
	}
	return page // an empty array is not nil, null is
}

// seconds returns a number of seconds within 0 and an hour as a duration.
func seconds(number float64) time.Duration {
	return time.Duration(min(max(number, 0), maxWait.Seconds()) * float64(time.Second))
}
