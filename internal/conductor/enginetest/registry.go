// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package enginetest

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Registry is a real registry on this machine's loopback, which the engine trusts without TLS. It
// counts what the engine asks for, and can be slow or broken on purpose.
type Registry struct {
	// Host is the registry's part of a reference: "127.0.0.1:34567".
	Host string

	t      testing.TB
	engine *Engine
	// store is the registry itself. Pushes of the tests go there through backdoor, past
	// everything that disturbs and counts.
	store    http.Handler
	backdoor string

	mu                 sync.Mutex
	username, password string
	requests           []RegistryRequest
	disturbances       []*disturbance
}

// RegistryRequest is one request of the engine to the registry.
type RegistryRequest struct {
	Method string
	// Path has no "/v2/": "repository/manifests/1".
	Path string
	// Authorization says whether the request carried credentials.
	Authorization bool
}

// disturbance changes the answer to requests that match it.
type disturbance struct {
	match func(RegistryRequest) bool
	// left is how many requests it applies to; negative is all.
	left   int
	answer func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc)
}

// NewRegistry starts a registry for one test.
func NewRegistry(tb testing.TB, engine *Engine) *Registry {
	tb.Helper()
	r := &Registry{t: tb, engine: engine, store: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}
	front := httptest.NewServer(http.HandlerFunc(r.serve))
	tb.Cleanup(front.Close)
	back := httptest.NewServer(r.store)
	tb.Cleanup(back.Close)
	r.Host, r.backdoor = strings.TrimPrefix(front.URL, "http://"), strings.TrimPrefix(back.URL, "http://")
	return r
}

// RequireAuth makes the registry ask for these credentials (HTTP basic authentication).
func (r *Registry) RequireAuth(username, password string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.username, r.password = username, password
}

// Pushed is an image in a registry.
type Pushed struct {
	// Reference is what to pull: "127.0.0.1:34567/gantry-test-…/app:1".
	Reference string
	// Repository is its path without registry and tag.
	Repository string
	// Digest is the manifest's ("sha256:…").
	Digest string
	// Blob is the digest of the image's last layer; it is the random one if there is one.
	Blob string
}

// Push makes an image and puts it into the registry.
func (r *Registry) Push(suffix string, opts ImageOptions) Pushed {
	r.t.Helper()
	return r.put(r.engine.Name(suffix), "1", r.engine.build(opts))
}

// PushAgain moves the tag of a pushed image to another image.
func (r *Registry) PushAgain(pushed Pushed, opts ImageOptions) Pushed {
	r.t.Helper()
	return r.put(pushed.Repository, "1", r.engine.build(opts))
}

func (r *Registry) put(repository, tag string, img v1.Image) Pushed {
	r.t.Helper()
	must := r.engine.must
	target, err := name.NewTag(path.Join(r.backdoor, repository) + ":" + tag)
	must(err, "read the reference")
	must(remote.Write(target, img, remote.WithContext(r.engine.context())), "push the image")
	digest, err := img.Digest()
	must(err, "read the digest")
	layers, err := img.Layers()
	must(err, "read the layers")
	blob, err := layers[len(layers)-1].Digest()
	must(err, "read the layer's digest")
	return Pushed{
		Reference:  path.Join(r.Host, repository) + ":" + tag,
		Repository: repository,
		Digest:     digest.String(),
		Blob:       blob.String(),
	}
}

// Requests are what the engine asked for so far. An empty method or a path pattern "" is any;
// the pattern is one of [path.Match].
func (r *Registry) Requests(method, pattern string) []RegistryRequest {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []RegistryRequest
	for _, q := range r.requests {
		if matches(method, pattern, q.Method, q.Path) {
			found = append(found, q)
		}
	}
	return found
}

// Manifests is how often a manifest of the image was fetched (by GET; the engine asks for a tag
// by HEAD first).
func (r *Registry) Manifests(pushed Pushed) int {
	return len(r.Requests(http.MethodGet, pushed.Repository+"/manifests/*"))
}

// Blobs is how often the image's last layer was fetched.
func (r *Registry) Blobs(pushed Pushed) int {
	return len(r.Requests(http.MethodGet, pushed.Repository+"/blobs/"+pushed.Blob))
}

// HoldBlob stops the download of the image's last layer in its middle until the gate is opened.
func (r *Registry) HoldBlob(pushed Pushed) *Gate {
	gate := newGate(r.t, "the layer of "+pushed.Reference)
	r.disturb(-1, r.blob(pushed), func(w http.ResponseWriter, q *http.Request, serve http.HandlerFunc) {
		serve(&gatedWriter{ResponseWriter: w, request: q, gate: gate}, q)
	})
	return gate
}

// HoldManifest keeps requests for the image's manifest waiting until the gate is opened.
func (r *Registry) HoldManifest(pushed Pushed) *Gate {
	gate := newGate(r.t, "the manifest of "+pushed.Reference)
	r.disturb(-1, r.manifest(pushed), func(w http.ResponseWriter, q *http.Request, serve http.HandlerFunc) {
		if gate.pass(q.Context()) == nil {
			serve(w, q)
		}
	})
	return gate
}

// BreakBlob gives other bytes than the digest promises for the image's last layer.
func (r *Registry) BreakBlob(pushed Pushed) {
	r.disturb(-1, r.blob(pushed), func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		fmt.Fprint(w, "these are not the bytes that were pushed")
	})
}

// FailManifest answers the next requests for the image's manifest with a status such as 503.
func (r *Registry) FailManifest(pushed Pushed, times, status int) {
	r.disturb(times, r.manifest(pushed), func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		http.Error(w, http.StatusText(status), status)
	})
}

// Clear takes all disturbances back. Gates stay as they are.
func (r *Registry) Clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.disturbances = nil
}

// LimitRate answers the next requests for the image's manifest as a registry does whose limit is
// reached. RetryAfter are seconds; empty says nothing of the kind.
func (r *Registry) LimitRate(pushed Pushed, times int, retryAfter string) {
	r.disturb(times, r.manifest(pushed), func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		w.Header().Set("Content-Type", "application/json")
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit"}]}`)
	})
}

func (r *Registry) blob(pushed Pushed) func(RegistryRequest) bool {
	return func(q RegistryRequest) bool {
		return q.Method == http.MethodGet && q.Path == pushed.Repository+"/blobs/"+pushed.Blob
	}
}

func (r *Registry) manifest(pushed Pushed) func(RegistryRequest) bool {
	return func(q RegistryRequest) bool {
		return strings.HasPrefix(q.Path, pushed.Repository+"/manifests/")
	}
}

func (r *Registry) disturb(times int, match func(RegistryRequest) bool, answer func(http.ResponseWriter, *http.Request, http.HandlerFunc)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.disturbances = append(r.disturbances, &disturbance{match: match, left: times, answer: answer})
}

func (r *Registry) serve(w http.ResponseWriter, q *http.Request) {
	username, password, authorized := q.BasicAuth()
	request := RegistryRequest{
		Method: q.Method, Path: strings.TrimPrefix(q.URL.Path, "/v2/"), Authorization: authorized,
	}
	r.mu.Lock()
	r.requests = append(r.requests, request)
	refused := r.username != "" && (username != r.username || password != r.password)
	var disturb *disturbance
	if !refused {
		i := slices.IndexFunc(r.disturbances, func(d *disturbance) bool { return d.left != 0 && d.match(request) })
		if i >= 0 {
			disturb = r.disturbances[i]
			disturb.left--
		}
	}
	r.mu.Unlock()

	switch {
	case refused:
		w.Header().Set("WWW-Authenticate", `Basic realm="gantry"`)
		w.WriteHeader(http.StatusUnauthorized)
	case disturb != nil:
		disturb.answer(w, q, r.store.ServeHTTP)
	default:
		r.store.ServeHTTP(w, q)
	}
}

// gatedWriter sends the first part of a body, then waits at the gate.
type gatedWriter struct {
	http.ResponseWriter
	request *http.Request
	gate    *Gate
	passed  bool
}

func (w *gatedWriter) Write(p []byte) (int, error) {
	if w.passed || len(p) < 2 {
		return w.ResponseWriter.Write(p)
	}
	first, err := w.ResponseWriter.Write(p[:len(p)/2])
	if err != nil {
		return first, err
	}
	if err := http.NewResponseController(w.ResponseWriter).Flush(); err != nil {
		return first, err
	}
	if err := w.gate.pass(w.request.Context()); err != nil {
		return first, err
	}
	w.passed = true
	rest, err := w.ResponseWriter.Write(p[first:])
	return first + rest, err
}

// matches compares a request with a method ("" is any) and a path pattern ("" is any).
func matches(method, pattern, gotMethod, gotPath string) bool {
	if method != "" && method != gotMethod {
		return false
	}
	if pattern == "" {
		return true
	}
	ok, err := path.Match(pattern, gotPath)
	if err != nil {
		panic(fmt.Sprintf("bad pattern %q: %v", pattern, err))
	}
	return ok
}
