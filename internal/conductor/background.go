// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/background"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// RunBackground is the main function of a background conductor of this release.
// Text is for Options.
func RunBackground(release string, text func(*fault.Fault) *fault.Fault) error {
	return background.Run(release, handlerOf(dialTo, text))
}

// handlerOf returns what makes the handler of a provider's casts: a fleet with the options of the greeting.
func handlerOf(dial dialler, text func(*fault.Fault) *fault.Fault) background.Open {
	return func(greeting background.Hello, logger hclog.Logger) background.Handler {
		return &castHandler{fleet: newFleet(Options{StateDir: greeting.StateDir, Caller: greeting.Caller, Scope: greeting.Scope, Text: text, Logger: logger}, dial), taken: make(map[*connection]bool)}
	}
}

// castHandler carries out the casts of one provider. Its engines come with the casts.
type castHandler struct {
	fleet *Fleet
	// taken are the engines of which it has taken up what dead background conductors left; taking does so.
	mu     sync.Mutex
	taken  map[*connection]bool
	taking sync.WaitGroup
}

// castMessage is a cast on its way to a background conductor.
type castMessage struct {
	// Engine is the name of the engine, and Options how the caller reached it.
	Engine  string `json:",omitempty"`
	Options EngineOptions
	Request typed
	// Handed is what the caller has for the registry of the image.
	Handed *handed `json:",omitempty"`
}

// Accept accepts a cast. Its intent has to be kept: there is no other trace of it.
func (h *castHandler) Accept(ctx context.Context, body json.RawMessage) (background.Cast, error) {
	var message castMessage
	if err := background.Strict(json.NewDecoder(bytes.NewReader(body)), &message); err != nil {
		return background.Cast{}, fault.Scope{Now: time.Now}.UnknownKind("")
	}
	c := h.fleet.open(message.Engine, message.Options)
	req, err := message.Request.request()
	if err != nil || req == nil {
		return background.Cast{}, c.scope("", "").UnknownKind(message.Request.String())
	}
	cast, err := req.acceptCast(ctx, c, message.Handed)
	if err == nil {
		h.takeUp(context.WithoutCancel(ctx), c)
	}
	return cast, err
}

// takeUp takes up, once, the removals that dead background conductors of an engine left.
func (h *castHandler) takeUp(ctx context.Context, c *Conductor) {
	e := c.current()
	h.mu.Lock()
	defer h.mu.Unlock()
	if e == nil || e.journal == nil || h.taken[e] {
		return
	}
	h.taken[e] = true
	h.taking.Go(func() { c.takeUp(ctx, e) })
}

// Watch writes the counters now and then.
func (h *castHandler) Watch(ctx context.Context) { h.fleet.keepCounting(ctx) }

// Close waits for what was taken up, and closes the engines.
func (h *castHandler) Close() error {
	h.taking.Wait()
	return h.fleet.Close()
}
