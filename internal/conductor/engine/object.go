// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"time"
)

// GoneRetry is the pause between two looks at a container that is being removed, besides the events:
// a removal that fails has none.
const GoneRetry = time.Second

// AwaitChange waits until something happened to a container, or for a while.
func (e *Engine) AwaitChange(ctx context.Context, id string) error {
	events, err := e.Watcher.Watch(ctx, id)
	if err != nil {
		return err
	}
	defer events.Close()
	timer := time.NewTimer(GoneRetry)
	defer timer.Stop()
	select {
	case <-events.Wake():
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}
