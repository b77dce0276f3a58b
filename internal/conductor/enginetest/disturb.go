// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package enginetest

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
)

// Disturbance is one way in which a call to the engine goes wrong.
type Disturbance string

// The disturbances. All but [ResetAfter] and [Truncate] keep the call from the engine, [Gone] those after it, too.
const (
	// ResetBefore closes the connection before the engine hears of the call.
	ResetBefore Disturbance = "reset before"
	// ResetAfter lets the engine carry the call out, and closes the connection.
	ResetAfter Disturbance = "reset after"
	// ServerError answers 500, as an engine in trouble does.
	ServerError Disturbance = "500"
	// Conflict answers 409.
	Conflict Disturbance = "409"
	// Truncate lets the engine carry the call out, and sends half of its answer.
	Truncate Disturbance = "truncated"
	// Stall never answers; the client has to leave.
	Stall Disturbance = "stall"
	// Gone breaks all connections to the engine, those of the events too, and lets no call through any more.
	Gone Disturbance = "gone"
)

// Disturbances returns all of them.
func Disturbances() []Disturbance {
	return []Disturbance{ResetBefore, ResetAfter, ServerError, Conflict, Truncate, Stall, Gone}
}

// Nth is the disturbance of one call.
type Nth struct{ hit atomic.Pointer[Call] }

// Hit returns the call that was disturbed; nil as long as it has not come.
func (n *Nth) Hit() *Call { return n.hit.Load() }

// DisturbNth disturbs one call: the one after so many others from now on.
func (p *Proxy) DisturbNth(after int, how Disturbance) *Nth {
	nth := &Nth{}
	p.add(&rule{left: after}) // These pass as they are.
	r := &rule{left: 1, hit: func(c *Call) { nth.hit.Store(c) }}
	switch how {
	case ResetBefore:
		r.before = func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }
	case ResetAfter:
		r.drop = true
	case ServerError:
		r.before = answering(http.StatusInternalServerError, "something went wrong in the engine")
	case Conflict:
		r.before = answering(http.StatusConflict, "the engine is busy with this object")
	case Truncate:
		r.truncate = true
	case Stall:
		r.before = func(_ http.ResponseWriter, r *http.Request) bool {
			select {
			case <-r.Context().Done():
			case <-p.over:
			}
			panic(http.ErrAbortHandler)
		}
	case Gone:
		// The first call counts: hit hears of all of them.
		r.left, r.cut = -1, true
		r.hit = func(c *Call) { nth.hit.CompareAndSwap(nil, c) }
		r.before = func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }
	}
	p.add(r)
	return nth
}

// truncated lets the engine carry out a call, and sends half of its answer.
func truncated(w http.ResponseWriter, r *http.Request, forward http.Handler) {
	engines := httptest.NewRecorder()
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	if r.Method == http.MethodGet {
		ctx = r.Context() // A stream of events ends with its client.
	}
	forward.ServeHTTP(engines, r.WithContext(ctx))
	maps.Copy(w.Header(), engines.Header())
	body := engines.Body.Bytes()
	w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(engines.Code)
	_, _ = w.Write(body[:len(body)/2])
	panic(http.ErrAbortHandler)
}
