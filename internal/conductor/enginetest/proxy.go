// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package enginetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Proxy stands between gantry and the engine: it records every call, and disturbs those that the
// test names. What it does not disturb passes unchanged, streams and cancellations too.
type Proxy struct {
	// Host is the proxy's address, for a provider's host.
	Host string

	t    testing.TB
	mu   sync.Mutex
	log  []*Call
	news chan struct{} // closed and replaced when the log changes
	over chan struct{} // closed with the test
	// rules apply in their order; the first that matches wins.
	rules []*rule
	// underWay has what breaks the calls that have not ended.
	underWay map[*Call]context.CancelFunc
}

// Call is one request to the engine.
type Call struct {
	Method string
	// Path has no version: "/containers/json".
	Path  string
	Query url.Values
	// Body is what a request with JSON asks for.
	Body  []byte
	Start time.Time
	// Status is that of the answer that the client got; 0 as long as, or if, it got none.
	Status int
	// Ended says that the exchange is over: answered in full, dropped, or left by the client.
	Ended bool
}

// String is the call as [Proxy.Tally] counts it.
func (c Call) String() string { return c.Method + " " + general(c.Path) }

// matches also takes a pattern that Tally shows, where an image's name has slashes of its own.
func (c Call) matches(method, pattern string) bool {
	return matches(method, pattern, c.Method, c.Path) || matches(method, pattern, c.Method, general(c.Path))
}

type rule struct {
	method, pattern string
	left            int // how many calls it still applies to; negative is all
	// before runs before the call is forwarded. It can answer by itself (true).
	before func(w http.ResponseWriter, r *http.Request) bool
	// drop keeps the answer from the client: the connection closes instead.
	drop bool
	// held keeps the answer back until it is opened.
	held *Gate
	// truncate sends half of the answer.
	truncate bool
	// cut breaks what is under way.
	cut bool
	// hit hears of the calls that the rule applies to.
	hit func(*Call)
}

// NewProxy starts a proxy on a Unix socket in front of the engine, for one test.
func NewProxy(tb testing.TB, engine *Engine) *Proxy {
	tb.Helper()
	folder, err := os.MkdirTemp("", Prefix)
	engine.must(err, "make a directory for the proxy's socket")
	tb.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			tb.Error(err)
		}
	})
	socket := filepath.Join(folder, "engine.sock")
	listener, err := (&net.ListenConfig{}).Listen(engine.context(), "unix", socket)
	engine.must(err, "listen on the proxy's socket")

	p := &Proxy{Host: "unix://" + socket, t: tb, news: make(chan struct{}), over: make(chan struct{}), underWay: make(map[*Call]context.CancelFunc)}
	tb.Cleanup(func() { close(p.over) })
	dial := engine.Docker.Dialer()
	transport := &http.Transport{
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		DisableCompression: true,
	}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "engine"})
			r.Out.Host = r.In.Host
		},
		Transport:     transport,
		FlushInterval: -1, // streams pass as they come
		ErrorLog:      log.New(io.Discard, "", 0),
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, _ error) {
			// No answer from the engine, or the client left: no answer for the client either.
			panic(http.ErrAbortHandler)
		},
	}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, breaks := context.WithCancel(r.Context())
			defer breaks()
			p.serve(w, r.WithContext(ctx), breaks, forward)
		}),
		ReadHeaderTimeout: Patience,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	tb.Cleanup(func() {
		if err := server.Close(); err != nil {
			tb.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			tb.Errorf("The proxy ended early: %v", err)
		}
		transport.CloseIdleConnections()
	})
	return p
}

// Calls returns the recorded calls, in the order of their arrival. An empty method or pattern is
// any; the pattern is one of [path.Match] for the path without its version.
func (p *Proxy) Calls(method, pattern string) []Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.find(method, pattern)
}

func (p *Proxy) find(method, pattern string) []Call {
	var found []Call
	for _, c := range p.log {
		if c.matches(method, pattern) {
			found = append(found, *c)
		}
	}
	return found
}

// Count is how many calls match.
func (p *Proxy) Count(method, pattern string) int { return len(p.Calls(method, pattern)) }

// Reset forgets the calls so far.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = nil
}

// Tally counts the calls, with "*" for every name and ID: {"POST /containers/*/start": 1, …}.
func (p *Proxy) Tally() map[string]int {
	tally := map[string]int{}
	for _, c := range p.Calls("", "") {
		tally[c.String()]++
	}
	return tally
}

// general replaces what names one object in a path by "*".
func general(path string) string {
	parts := strings.Split(path, "/") // "", "containers", ID, verb
	if len(parts) < 3 {
		return path
	}
	switch last := parts[len(parts)-1]; {
	case len(parts) == 3 && slices.Contains([]string{"json", "create", "load", "prune", "search"}, last):
		return path
	case parts[1] == "images":
		// The reference has slashes of its own.
		if slices.Contains([]string{"json", "history", "tag", "get", "push"}, last) {
			return "/images/*/" + last
		}
		return "/images/*"
	}
	parts[2] = "*"
	return strings.Join(parts, "/")
}

// Await waits until that many calls match, and gives them.
func (p *Proxy) Await(method, pattern string, calls int) []Call {
	p.t.Helper()
	return p.await(fmt.Sprintf("%d calls %s %s", calls, method, pattern), func() ([]Call, bool) {
		found := p.find(method, pattern)
		return found, len(found) >= calls
	})
}

// AwaitEnded waits until all of the calls that match so far have ended.
func (p *Proxy) AwaitEnded(method, pattern string) []Call {
	p.t.Helper()
	return p.await("the end of "+method+" "+pattern, func() ([]Call, bool) {
		found := p.find(method, pattern)
		return found, !slices.ContainsFunc(found, func(c Call) bool { return !c.Ended })
	})
}

// Reached is closed when that many calls have come, from now on or since [Proxy.Reset].
func (p *Proxy) Reached(calls int) <-chan struct{} {
	reached := make(chan struct{})
	go func() {
		for {
			p.mu.Lock()
			come, news := len(p.log), p.news
			p.mu.Unlock()
			if come >= calls {
				close(reached)
				return
			}
			select {
			case <-news:
			case <-p.over:
				return
			}
		}
	}()
	return reached
}

func (p *Proxy) await(what string, ready func() ([]Call, bool)) []Call {
	p.t.Helper()
	patience := time.After(Patience)
	for {
		p.mu.Lock()
		found, ok := ready()
		news := p.news
		p.mu.Unlock()
		if ok {
			return found
		}
		select {
		case <-news:
		case <-patience:
			p.t.Fatalf("Waited in vain for %s; the calls are %v.", what, p.Tally())
		}
	}
}

// Fail answers the next calls that match (all, if times is negative) with a status and a message
// as the engine would, without asking the engine.
func (p *Proxy) Fail(method, pattern string, times, status int, message string) {
	p.add(&rule{method: method, pattern: pattern, left: times, before: answering(status, message)})
}

// DropAnswer lets the engine carry out the next calls that match, and closes the connection
// instead of answering.
func (p *Proxy) DropAnswer(method, pattern string, times int) {
	p.add(&rule{method: method, pattern: pattern, left: times, drop: true})
}

// DropRequest closes the connection of the next calls that match without asking the engine.
func (p *Proxy) DropRequest(method, pattern string, times int) {
	p.add(&rule{method: method, pattern: pattern, left: times, before: func(http.ResponseWriter, *http.Request) bool {
		panic(http.ErrAbortHandler)
	}})
}

// Hold keeps calls that match waiting before the engine until the gate is opened.
func (p *Proxy) Hold(method, pattern string) *Gate {
	gate := newGate(p.t, method+" "+pattern)
	p.add(&rule{method: method, pattern: pattern, left: -1, before: func(_ http.ResponseWriter, r *http.Request) bool {
		if gate.pass(r.Context()) != nil {
			panic(http.ErrAbortHandler)
		}
		return false
	}})
	return gate
}

// HoldAnswer lets the engine carry out the calls that match, and keeps its answer until the gate is
// opened, or the client has left.
func (p *Proxy) HoldAnswer(method, pattern string) *Gate {
	gate := newGate(p.t, "the answer of "+method+" "+pattern)
	p.add(&rule{method: method, pattern: pattern, left: -1, held: gate})
	return gate
}

// Delay lets calls that match arrive later: a slow engine.
func (p *Proxy) Delay(method, pattern string, delay time.Duration) {
	p.add(&rule{method: method, pattern: pattern, left: -1, before: func(_ http.ResponseWriter, r *http.Request) bool {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
			return false
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}})
}

// Clear takes all disturbances back. Gates stay as they are.
func (p *Proxy) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = nil
}

func (p *Proxy) add(r *rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, r)
}

var version = regexp.MustCompile(`^/v\d+\.\d+`)

// serve answers a call. Breaks ends its context.
func (p *Proxy) serve(w http.ResponseWriter, r *http.Request, breaks context.CancelFunc, forward http.Handler) {
	call := &Call{
		Method: r.Method, Path: version.ReplaceAllString(r.URL.Path, ""), Query: r.URL.Query(), Start: time.Now(),
	}
	if r.Header.Get("Content-Type") == "application/json" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler) // The client left.
		}
		call.Body, r.Body = body, io.NopCloser(bytes.NewReader(body))
	}
	p.mu.Lock()
	p.log = append(p.log, call)
	p.underWay[call] = breaks
	var applies rule
	if i := slices.IndexFunc(p.rules, func(r *rule) bool {
		return r.left != 0 && call.matches(r.method, r.pattern)
	}); i >= 0 {
		p.rules[i].left--
		applies = *p.rules[i]
		if applies.hit != nil {
			applies.hit(&Call{Method: call.Method, Path: call.Path, Query: call.Query})
		}
		if applies.cut {
			for _, breaks := range p.underWay {
				breaks()
			}
		}
	}
	p.announce()
	p.mu.Unlock()

	answer := &statusWriter{ResponseWriter: w}
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		call.Status, call.Ended = answer.status, true
		delete(p.underWay, call)
		p.announce()
	}()
	if applies.before != nil && applies.before(answer, r) {
		return
	}
	if applies.truncate {
		truncated(answer, r, forward)
	}
	if applies.drop {
		// The client may leave; the engine shall carry it out all the same.
		forward.ServeHTTP(&nowhere{header: http.Header{}}, r.WithContext(context.WithoutCancel(r.Context())))
		panic(http.ErrAbortHandler)
	}
	if applies.held != nil {
		engines := httptest.NewRecorder()
		forward.ServeHTTP(engines, r.WithContext(context.WithoutCancel(r.Context())))
		if applies.held.pass(r.Context()) != nil {
			panic(http.ErrAbortHandler)
		}
		maps.Copy(answer.Header(), engines.Header())
		answer.WriteHeader(engines.Code)
		_, _ = answer.Write(engines.Body.Bytes())
		return
	}
	forward.ServeHTTP(answer, r)
}

// announce wakes those who wait for calls. The caller holds mu.
func (p *Proxy) announce() {
	close(p.news)
	p.news = make(chan struct{})
}
