// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"time"

	"github.com/containerd/errdefs"
)

// lookGrace bounds the look at what a failed operation left behind.
const lookGrace = 5 * time.Second

// ContextForLook returns a context for a look at what a failed operation left: it may be over.
func ContextForLook(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), lookGrace)
}

// IgnoreNotFound is the error, or nil where it is that something is not there.
func IgnoreNotFound(err error) error {
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}
