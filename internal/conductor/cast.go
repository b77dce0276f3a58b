// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// Accepted is a cast that was accepted.
type Accepted struct {
	// OperationID is engine/name/unique.
	OperationID string
	// Completed says that there is no background conductor, and the operation has been carried
	// out already; Container is what it left then.
	Completed bool
	Container *container.Container
	// Why says why there is none.
	Why string
}

// Cast accepts an operation and leaves it to itself: it returns when the intent is durable, and
// the background conductor carries it out, for at most the time of limit, whether or not this
// process lives on. The error, if any, is a *fault.Fault.
func (c *Conductor) Cast(ctx context.Context, req Request, limit time.Duration) (Accepted, error) {
	id, why, err := c.offer(ctx, req, limit)
	if why == nil {
		return Accepted{OperationID: id}, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out, failure := c.Call(ctx, req)
	return Accepted{OperationID: out.OperationID, Completed: true, Container: out.Container, Why: why.Error()}, failure
}

// AcceptedImage is a cast of an image that was accepted.
type AcceptedImage struct {
	ImageOutcome
	// Completed says that there is no background conductor, and the operation has been carried
	// out already. Why says why there is none.
	Completed bool
	Why       string
}

// CastImage is Cast for an image.
func (c *Conductor) CastImage(ctx context.Context, req ImageRequest, limit time.Duration) (AcceptedImage, error) {
	if req.Spec.Archive != "" { // The other process works in another folder.
		archive, err := filepath.Abs(req.Spec.Archive)
		if err != nil {
			return AcceptedImage{}, fmt.Errorf("finding the archive: %w", err)
		}
		req.Spec.Archive = archive
	}
	id, why, err := c.offer(ctx, req, limit)
	if why == nil {
		return AcceptedImage{ImageOutcome: ImageOutcome{OperationID: id}}, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out, failure := c.BringImage(ctx, req)
	return AcceptedImage{ImageOutcome: out, Completed: true, Why: why.Error()}, failure
}

// offer hands a cast to the background conductor, and returns the ID of the operation that it accepted.
// Why is set where there is none: then nothing was accepted, and the operation has to complete before the
// cast returns. On an error, a *fault.Fault, nothing is carried out; see background_protocol.go.
func (c *Conductor) offer(ctx context.Context, req castable, limit time.Duration) (id string, why, err error) {
	background, why := c.backgroundConductor(ctx)
	var got answer
	var number int
	scope, kind := req.scope(), req.kind()
	if why == nil {
		var message typed
		if message, err = typedOf(req); err == nil {
			number, got, err = background.cast(ctx, ask{Request: &message, Handed: c.handOver(req), Limit: limit})
		}
	}
	if why == nil && err == nil && got.Unkept {
		why = errUnkept
	}
	if why == nil && err == nil {
		defer background.forget(number)
	}
	left := fault.Unchanged
	if kind == KindCreate {
		left = fault.NothingCreated
	}
	failed := func(err error) (string, error, error) {
		if ctx.Err() != nil {
			return "", nil, scope.Ended(engine.EndedKind(ctx), fault.StepQueued, kind.verb(), left, nil, "", context.Cause(ctx))
		}
		return "", nil, scope.Background(kind.verb(), left, err)
	}
	switch {
	case why != nil:
		c.opts.Logger.Warn("the cast completes before it returns", "reason", why)
		return "", why, nil
	case err != nil:
		return failed(err)
	case got.Fault != nil:
		return "", nil, got.Fault
	case ctx.Err() != nil:
		background.withdraw(number)
		return failed(ctx.Err())
	}
	if err := c.deliver(got.OperationID, kind); err != nil {
		background.withdraw(number)
		return failed(err)
	}
	// From here on the answer has the operation's ID, unless the cast can't have begun.
	if err := background.begin(ctx, number); err != nil && kind == KindRemove {
		return failed(err)
	}
	if c.opts.Inline {
		background.admitted(ctx, number)
	}
	return got.OperationID, nil, nil
}

// deliver notes that what a create is to make belongs to the state that gets the operation's ID.
func (c *Conductor) deliver(operationID string, kind Kind) error {
	if kind != KindCreate {
		return nil
	}
	c.mu.Lock()
	e := c.engine
	c.mu.Unlock()
	if c.opts.Orphaned != nil && c.opts.Orphaned() {
		return errOrphaned
	}
	return e.journal.Deliver(operationID)
}

// errUnkept is why a cast is none: nobody would find it again.
var errUnkept = errors.New("the state folder can't be written")

// backgroundConductor starts the background conductor with the first cast. The error says why
// there is none; it stands for all casts, unless the one that learned it was cancelled.
func (c *Conductor) backgroundConductor(ctx context.Context) (*backgroundClient, error) {
	if len(c.opts.Background) == 0 {
		return nil, errors.New("background is \"off\"")
	}
	// A cast that nobody can find again is none: without a journal there is no background.
	e, err := c.connect(ctx, "")
	if err != nil {
		return nil, err
	}
	if e.journal == nil {
		return nil, e.unkept
	}
	select {
	case c.starting <- struct{}{}:
		defer func() { <-c.starting }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if c.background != nil || c.noBackground != nil {
		return c.background, c.noBackground
	}
	background, err := startBackground(ctx, c.opts, e.Where, c.journal)
	switch {
	case err == nil:
		c.background = background
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	default:
		c.noBackground = fmt.Errorf("the background conductor can't be started: %w", err)
	}
	return c.background, c.noBackground
}

// acceptedCast is an operation that nobody waits for.
type acceptedCast struct {
	id string
	// admitted is closed when it gets its first slot of the pool; nil where it needs none for what
	// takes long.
	admitted <-chan struct{}
	// run carries it out. The journal has the outcome then; there is nobody else to tell.
	run func(context.Context)
	// withdraw ends it in its stead: nothing was done.
	withdraw func()
}

// acceptCast accepts an operation that nobody waits for. Its intent has to be kept: there is no
// other trace of it. The error is a *fault.Fault, or errUnkept.
func (c *Conductor) acceptCast(ctx context.Context, a ask) (acceptedCast, error) {
	if a.Request == nil {
		return acceptedCast{}, c.scope("", "").UnknownKind("")
	}
	req, err := a.Request.request()
	if err != nil || req == nil {
		return acceptedCast{}, c.scope("", "").UnknownKind(strings.TrimSpace(a.Request.Object + " " + string(a.Request.Kind)))
	}
	return req.acceptCast(ctx, c, a.Handed)
}

// asCast is the operation as one that nobody waits for, with the credentials that its caller handed over. The error is
// a *fault.Fault, or errUnkept.
func (o *operation) asCast(handed *handed, perform func(context.Context)) (acceptedCast, error) {
	switch {
	case o.refused != nil:
		o.pass.Leave()
		return acceptedCast{}, o.job.scope().StateFolder(o.kind.verb(), fault.Unchanged, o.refused)
	case !o.kept:
		o.pass.Leave()
		return acceptedCast{}, errUnkept
	}
	o.handed = handed
	cast := acceptedCast{id: o.id, run: perform, withdraw: func() { o.withdraw(o.pass) }}
	if o.intent.Object == "" { // What takes long of an image takes no slot.
		cast.admitted = o.queue
	}
	return cast, nil
}
