// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/background"
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
	if req.Spec.Archive != "" { // The other process works in another directory.
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
	out, failure := c.EnsureImage(ctx, req)
	return AcceptedImage{ImageOutcome: out, Completed: true, Why: why.Error()}, failure
}

// offer hands a cast to the background conductor, and returns the ID of the operation that it accepted.
// Why is set where there is none: then nothing was accepted, and the operation has to complete before the
// cast returns. On an error, a *fault.Fault, nothing is carried out; see background_protocol.go.
func (c *Conductor) offer(ctx context.Context, req castable, limit time.Duration) (id string, why, err error) {
	client, e, why := c.backgroundConductor(ctx)
	var got background.Answer
	var number int
	scope, kind := req.scope(), req.kind()
	if why == nil {
		var message typed
		handed := c.opts.Engine
		handed.Connection, handed.Address, handed.From = engine.Connection{}, &e.Where, e.Where.From
		if message, err = typedOf(req); err == nil {
			number, got, err = client.Cast(ctx, castMessage{Engine: c.name, Options: handed, Request: message, Handed: c.handOver(req)}, limit)
		}
	}
	if why == nil && err == nil && got.NotJournaled {
		why = background.ErrNotJournaled
	}
	if why == nil && err == nil {
		defer client.Forget(number)
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
		client.Withdraw(number)
		return failed(ctx.Err())
	}
	if err := c.deliver(got.OperationID, kind); err != nil {
		client.Withdraw(number)
		return failed(err)
	}
	// From here on the answer has the operation's ID, unless the cast can't have begun.
	if err := client.Begin(ctx, number); err != nil && kind == KindRemove {
		return failed(err)
	}
	if c.opts.Inline {
		client.Admitted(ctx, number)
	}
	return got.OperationID, nil, nil
}

// deliver notes that what a create is to make belongs to the state that gets the operation's ID.
func (c *Conductor) deliver(operationID string, kind Kind) error {
	if kind != KindCreate {
		return nil
	}
	if c.opts.Orphaned != nil && c.opts.Orphaned() {
		return errOrphaned
	}
	return c.current().journal.Deliver(operationID)
}

// backgroundConductor starts the background conductor with the first cast. The error says why
// there is none; it stands for all casts, unless the one that learned it was cancelled.
func (c *Conductor) backgroundConductor(ctx context.Context) (*background.Client, *connection, error) {
	if len(c.opts.Background) == 0 {
		return nil, nil, errors.New("background is \"off\"")
	}
	// A cast that nobody can find again is none: without a journal there is no background.
	e, err := c.connect(ctx, "")
	if err != nil {
		return nil, nil, err
	}
	if e.journal == nil {
		return nil, nil, e.notJournaled
	}
	client, err := c.startedBackground(ctx)
	return client, e, err
}

// startedBackground returns the background conductor of the fleet.
func (s *shared) startedBackground(ctx context.Context) (*background.Client, error) {
	select {
	case s.starting <- struct{}{}:
		defer func() { <-s.starting }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if s.background != nil || s.noBackground != nil {
		return s.background, s.noBackground
	}
	client, err := s.startBackground(ctx)
	switch {
	case err == nil:
		s.background = client
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	default:
		s.noBackground = fmt.Errorf("the background conductor can't be started: %w", err)
	}
	return s.background, s.noBackground
}

// startBackground starts the background conductor, and hands it over what its casts share.
func (s *shared) startBackground(ctx context.Context) (*background.Client, error) {
	// If this process crashes, its casts may be in no state.
	caller, err := s.journal.Register()
	if err != nil {
		return nil, err
	}
	return background.Start(ctx, s.opts.Background, background.Hello{
		Edition:  background.Edition{Protocol: background.Version, Release: s.opts.Release},
		StateDir: s.journal.Dir(), Caller: caller, Scope: s.opts.Scope, Inline: s.opts.Inline, LogLevel: s.opts.Logger.GetLevel(),
	})
}

// asCast is the operation as one that nobody waits for, with the credentials that its caller handed over. The error is
// a *fault.Fault, or background.ErrUnkept.
func (o *operation) asCast(handed *handed, perform func(context.Context)) (background.Cast, error) {
	switch {
	case o.refused != nil:
		o.pass.Leave()
		return background.Cast{}, o.job.scope().StateFolder(o.kind.verb(), fault.Unchanged, o.refused)
	case !o.journaled:
		o.pass.Leave()
		return background.Cast{}, background.ErrNotJournaled
	}
	o.handed = handed
	cast := background.Cast{ID: o.id, Run: perform, Withdraw: func() { o.withdraw(o.pass) }}
	if o.intent.Object == "" { // What takes long of an image takes no slot.
		cast.Admitted = o.queue
	}
	return cast, nil
}
