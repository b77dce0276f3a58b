// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package enginetest

import (
	"context"
	"sync"
	"testing"
	"time"
)

// Gate holds requests until the test opens it. It opens by itself when the test ends, so that
// nothing that waits behind it outlives the test.
type Gate struct {
	t       testing.TB
	what    string
	reached chan struct{}
	open    chan struct{}
	reach   sync.Once
	release sync.Once
}

func newGate(tb testing.TB, what string) *Gate {
	tb.Helper()
	g := &Gate{t: tb, what: what, reached: make(chan struct{}), open: make(chan struct{})}
	tb.Cleanup(g.Open)
	return g
}

// pass waits for the gate on behalf of a request. It gives up with the request.
func (g *Gate) pass(ctx context.Context) error {
	g.reach.Do(func() { close(g.reached) })
	select {
	case <-g.open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Reached is closed when the first request stands before the gate.
func (g *Gate) Reached() <-chan struct{} { return g.reached }

// Await waits until a request stands before the gate.
func (g *Gate) Await() {
	g.t.Helper()
	select {
	case <-g.reached:
	case <-time.After(Patience):
		g.t.Fatalf("No request reached the gate at %s.", g.what)
	}
}

// Open lets through what waits and what comes.
func (g *Gate) Open() { g.release.Do(func() { close(g.open) }) }
