// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

const (
	// RetryTries is how often a request is sent: an answer that is lost once is often there the second time; an engine
	// that restarts takes some seconds.
	RetryTries = 6
	// LookTries is how often a look is tried where nobody waits: a refresh looks at everything, and on an engine whose
	// trouble stays each look costs but one pause.
	LookTries  = 2
	retryFirst = 200 * time.Millisecond
	retryMost  = 3 * time.Second
)

// LostAnswer reports whether the engine may or may not have done what it was asked for: no answer came, or the
// connection broke in the middle of it. The client has an error of its own only for the former.
func LostAnswer(err error) bool {
	broken := (*net.OpError)(nil)
	return client.IsErrConnectionFailed(err) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &broken)
}

// Unknown reports whether the engine may have done what it answered with this error: also if whoever asked left.
func Unknown(ctx context.Context, err error) bool {
	return err != nil && (LostAnswer(err) || ctx.Err() != nil)
}

// Retrying repeats what failed for a lost answer. What is repeated must be idempotent.
func Retrying[T any](ctx context.Context, attempt func() (T, error)) (T, error) {
	return repeating(ctx, RetryTries, LostAnswer, attempt)
}

// patientKey marks a context whose looks belong to a wait.
type patientKey struct{}

// Patiently returns a context for the looks of a wait: trouble of the engine that passes while somebody waits must
// not make a failure of what is waited for.
func Patiently(ctx context.Context) context.Context {
	return context.WithValue(ctx, patientKey{}, true)
}

// Looking repeats a look that failed for trouble of the engine's own, which may pass: once, and in a wait for some
// seconds. A change is not repeated for that: nobody knows how far it came.
func Looking[T any](ctx context.Context, look func() (T, error)) (T, error) {
	tries := uint(LookTries)
	if ctx.Value(patientKey{}) != nil {
		tries = RetryTries
	}
	return repeating(ctx, tries, func(err error) bool { return errdefs.IsInternal(err) || errdefs.IsUnavailable(err) }, look)
}

func repeating[T any](ctx context.Context, tries uint, again func(error) bool, attempt func() (T, error)) (T, error) {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = retryFirst, retryMost
	return backoff.Retry(ctx, func() (T, error) {
		result, err := attempt()
		if err != nil && (!again(err) || ctx.Err() != nil) {
			err = backoff.Permanent(err)
		}
		return result, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(0))
}

// Outlive returns a context that ends a while after ctx does: a request that changes something is
// not cut off in the middle, where nobody knows what it did, unless the engine is slow. Grace is that while
// where the operation was cancelled, late where its time was up: nobody has promised more.
func Outlive(ctx context.Context, grace, late time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		cause := context.Cause(ctx)
		if EndedKind(ctx) == fault.Timeout {
			grace = late
		}
		timer := time.AfterFunc(grace, func() { cancel(cause) })
		context.AfterFunc(longer, func() { timer.Stop() })
	})
	return longer, func() {
		stop()
		cancel(context.Canceled)
	}
}

// EndedKind tells an operation whose time was up from one that was cancelled.
func EndedKind(ctx context.Context) fault.Kind {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fault.Timeout
	}
	return fault.Cancelled
}
