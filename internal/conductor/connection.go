// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"sync"

	"github.com/hashicorp/go-hclog"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// connection is an engine that the conductor is connected to, with what the conductor knows about its own work on it.
type connection struct {
	*engine.Engine
	// journal is nil where no state directory can be written; unkept says why.
	journal      *journal.Engine
	notJournaled error
	metrics      *engineMetrics
	removals     removals
	claimed      claimed
	// settling is what settles late removals, and stopSettling ends it.
	settling     sync.WaitGroup
	stopSettling context.CancelFunc
}

// open makes a connection to the engine that answers at an address.
func open(ctx context.Context, api engine.API, where engine.Address, opts EngineOptions, logger hclog.Logger) (*connection, error) {
	d, limits, err := engine.New(ctx, api, where, engine.Limits{Parallel: opts.MaxParallel, Pulls: opts.MaxParallelPulls}, opts.Credentials, logger)
	if err != nil {
		return nil, err
	}
	return &connection{Engine: d, metrics: newEngineMetrics(limits.Parallel, limits.Pulls)}, nil
}

func (e *connection) close(logger hclog.Logger) error {
	e.endSettling()
	return e.Engine.Close(func() {
		e.keepCounters()
		counters := e.counters()
		logger.Info("disconnected", "engine", e.Name, "requests", counters.Slots.Asked, "saturated", counters.Slots.Waited,
			"pulls", counters.PullSlots.Asked, "pulls_coalesced", counters.PullsCoalesced)
	})
}
