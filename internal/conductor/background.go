// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/hashicorp/go-hclog"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/background"
)

// RunBackground is the main function of a background conductor of this release.
func RunBackground(release string) error { return background.Run(release, handlerOf(New)) }

// handlerOf returns what makes the handler of a provider's casts: a conductor with the options of the greeting.
func handlerOf(open func(Options) *Conductor) background.Open {
	return func(greeting background.Hello, logger hclog.Logger) background.Handler {
		return &castHandler{open(Options{
			Endpoint: &greeting.Endpoint, From: greeting.From, MaxParallel: greeting.MaxParallel, MaxParallelPulls: greeting.MaxParallelPulls,
			Credentials: greeting.Credentials, StateDir: greeting.StateDir, Caller: greeting.Caller, Scope: greeting.Scope, Logger: logger,
		})}
	}
}

// castHandler carries out the casts of one provider.
type castHandler struct{ *Conductor }

// castMessage is a cast on its way to a background conductor.
type castMessage struct {
	Request typed
	// Handed is what the caller has for the registry of the image.
	Handed *handed `json:",omitempty"`
}

// Accept accepts a cast. Its intent has to be kept: there is no other trace of it.
func (h *castHandler) Accept(ctx context.Context, body json.RawMessage) (background.Cast, error) {
	var message castMessage
	if err := background.Strict(json.NewDecoder(bytes.NewReader(body)), &message); err != nil {
		return background.Cast{}, h.scope("", "").UnknownKind("")
	}
	req, err := message.Request.request()
	if err != nil || req == nil {
		return background.Cast{}, h.scope("", "").UnknownKind(message.Request.String())
	}
	return req.acceptCast(ctx, h.Conductor, message.Handed)
}

// TakeUp takes up the removals that dead background conductors of the engine left.
func (h *castHandler) TakeUp(ctx context.Context) {
	if e, err := h.connect(ctx, ""); err == nil && e.journal != nil {
		h.takeUp(ctx, e)
	}
}

// Watch writes the counters now and then.
func (h *castHandler) Watch(ctx context.Context) { h.keepCounting(ctx) }
