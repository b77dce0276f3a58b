// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"time"

	"github.com/docker/docker/api/types/network"
)

// StartedAt is when the engine was started: it then makes its default network anew, unless it keeps containers
// running meanwhile. The zero time is that this can't be told.
func (e *Engine) StartedAt(ctx context.Context) time.Time {
	ctx, cancel := ContextForLook(ctx)
	defer cancel()
	found, err := e.API.NetworkInspect(ctx, network.NetworkBridge, network.InspectOptions{})
	if err != nil {
		e.Logger.Debug("when the engine was started can't be told", "error", err)
		return time.Time{}
	}
	return found.Created
}
