package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	pageSize       = 100
	requestTimeout = 15 * time.Second
)

var pageNumbers = []int{1, 2, 3}

// feed asks for the pages of one GitHub API (CONTRACT.md, section 3). A client on top of the transport would read the
// Location of a redirect, even to say that it does not follow.
type feed struct {
	settings  settings
	transport *http.Transport
}

// newFeed prepares requests; nothing is sent yet.
func newFeed(s settings) *feed {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: requestTimeout}).DialContext
	transport.TLSHandshakeTimeout = requestTimeout
	transport.ResponseHeaderTimeout = requestTimeout
	// A request that fails on a kept connection would be sent again without a word.
	transport.DisableKeepAlives = true
	return &feed{s, transport}
}

// get asks for one page; errors of the network come back as answers, and so does the end of this request by the context.
func (f *feed) get(ctx context.Context, page int, etag string) *answer {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	request, err := f.request(ctx, page, etag)
	if err != nil {
		return failed(err)
	}
	response, err := f.transport.RoundTrip(request)
	if err != nil {
		return failed(err)
	}
	defer response.Body.Close()
	body, err := whole(ctx, response.Body, cancel)
	if err != nil {
		return failed(err)
	}
	return newAnswer(response.StatusCode, response.Header, body)
}

func (f *feed) request(ctx context.Context, page int, etag string) (*http.Request, error) {
	url := fmt.Sprintf("%s/events?per_page=%d&page=%d", f.settings.apiURL, pageSize, page)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/vnd.github+json")
	request.Header.Set("User-Agent", "github-events-poller (go)")
	request.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	if f.settings.token != "" {
		request.Header.Set("Authorization", "Bearer "+f.settings.token)
	}
	if etag != "" {
		request.Header.Set("If-None-Match", etag)
	}
	return request, nil
}

// whole returns the body, as long as there are never more than 15 s without a byte.
func whole(ctx context.Context, body io.Reader, cancel context.CancelCauseFunc) ([]byte, error) {
	timer := time.AfterFunc(requestTimeout, func() { cancel(context.DeadlineExceeded) })
	defer timer.Stop()
	var found bytes.Buffer
	buffer := make([]byte, 16<<10)
	for {
		n, err := body.Read(buffer)
		found.Write(buffer[:n])
		timer.Reset(requestTimeout)
		if err == io.EOF {
			return found.Bytes(), nil
		}
		if err != nil {
			return nil, errors.Join(err, context.Cause(ctx))
		}
	}
}

func failed(err error) *answer {
	kind := networkError
	var slow net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &slow) && slow.Timeout() {
		kind = timeoutError
	}
	return &answer{kind: kind}
}
