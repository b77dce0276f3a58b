// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"cmp"
	"context"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// operation is an operation on a container.
type operation struct {
	*runner
	Request
	mask fault.Mask
	// ahead are the casts that were under way before it in its lanes when it was accepted.
	ahead []string
	// containerID is the container that is known to be gantry's own: the one to update or
	// remove, or the one that this operation created.
	containerID string
	// result is the container as the operation left it; nil if there is none of its own, or it can't be read.
	result *container.Container
	// seen is the container that had the name when an operation on the power state was asked for by name.
	seen string
	// digest is what a pull of this operation brought.
	digest string
	// unsure reports whether the answer to some create or removal that was sent was never known.
	unsure bool
	// notYet is until when another machine may make the container that is to be removed, though it is not there.
	notYet time.Time
	// warnings are the engine's, masked.
	warnings []string
	// adopted says that an interrupted create made the container.
	adopted bool
	// volumes are those that a removal takes along with its container, as an attempt, or the record says, saw them.
	volumes []string
	// removal is the record of the removal that this one carries on with; empty is its own.
	removal string
	// carried are the anonymous volumes of another container that the new one gets.
	carried []string
	// as is the name under which the container is created, where that is not its own yet.
	as string
	// exchange is how far an exchange is.
	exchange journal.Exchange
	// leftover is the record of the exchange, where another operation left it in the middle.
	leftover *journal.Record
	// away is what the container lacks until the operation has brought it anew.
	away takenAway
	// reserved is until when the operation tries to have a name that is taken, but not by any container.
	reserved time.Time
	// changed says that something was changed on the engine.
	changed bool
	// quiet says that what the container's programs wrote, and what its engine said of it, is not told: the mask
	// can't know all that is secret in it.
	quiet bool
}

// accept makes an operation of a request, and has it accepted.
func (c *Conductor) accept(e *connection, req Request, cast bool, deadline time.Time) *operation {
	req.Wait = cmp.Or(req.Wait, container.WaitReady)
	mask := req.Spec.Mask()
	o := &operation{
		runner: c.newRunner(e, req.Kind, mask, "container", req.Spec.Name), Request: req, mask: mask, containerID: req.ContainerID,
		// Of a removal no settings are known, and of what an update puts into another one's place not what that was.
		quiet: req.Kind == KindRemove || req.Spec.AnySecret(req.Upload),
	}
	o.runner.accept(o, journal.Record{
		Container: req.Spec.Name, PriorName: req.PriorName, ContainerID: req.ContainerID, After: req.OperationID, Restart: req.Restart,
		Uploads: o.uploads(), Goal: o.goal(), RemoveVolumes: req.RemoveVolumes, Exchange: o.exchangeRecord(),
	}, cast, deadline)
	o.ahead = o.castsAhead()
	return o
}

// scope is what the operation's faults share.
func (o *operation) scope() fault.Scope { return o.diagnosis().scope() }

// current is the container of the name: until an exchange is over that is the old one.
func (o *operation) current() string { return cmp.Or(o.exchange.Predecessor, o.containerID) }

// perform carries the operation out, and returns the container that it left.
func (o *operation) perform(ctx context.Context) (*container.Container, error) {
	if o.Kind == KindRemove {
		defer o.engine.removals.begin(o.Spec.Name)()
	}
	err := o.run(ctx)
	c := o.result
	if c == nil || o.withheld {
		return nil, err
	}
	c.ImageDigest = cmp.Or(o.digest, engine.PinnedDigest(o.Spec.Image))
	if !o.Kind.power() {
		o.engine.claimed.add(c.ID)
	}
	return c, err
}

// prepare waits for the containers that the operation refers to.
func (o *operation) prepare(ctx context.Context) error { return o.awaitReferences(ctx) }

// attempt carries out the operation from its beginning, again after a lost answer.
func (o *operation) attempt(ctx context.Context) (err error) {
	o.result, err = engine.Retrying(ctx, func() (*container.Container, error) { return o.once(ctx) })
	return err
}

// once carries out the operation from its beginning, which may be in the middle of what an attempt before did.
func (o *operation) once(ctx context.Context) (*container.Container, error) {
	if err := o.awaitStops(ctx); err != nil {
		return nil, err
	}
	if err := o.resume(ctx); err != nil {
		return nil, err
	}
	switch o.Kind {
	case KindCreate:
		return o.create(ctx)
	case KindUpdate:
		return o.update(ctx)
	case KindExchange:
		return o.exchangeIt(ctx)
	case KindRemove:
		return nil, o.remove(ctx)
	}
	if !o.Kind.power() {
		return nil, o.scope().UnknownKind(string(o.Kind))
	}
	return o.power(ctx)
}

// undo makes a fault of why the attempts ended, gives back what they took away, and looks at what is left.
func (o *operation) undo(ctx context.Context, err error) error {
	o.unpark(ctx)
	err = o.giveBack(ctx, o.fail(ctx, err))
	o.result = o.left(ctx)
	return err
}

// fail makes a fault of what an attempt returned.
func (o *operation) fail(ctx context.Context, err error) error {
	return advise(o.diagnosis().of(ctx, err), o.Kind, o.Spec.DesiredState)
}

// diagnosis makes faults of the operation as it is now.
func (o *operation) diagnosis() diagnosis {
	return diagnosis{
		engine: o.engine, logger: o.logger, operation: o.id, kind: o.Kind, spec: o.Spec, containerID: o.containerID,
		step: o.step, exists: o.exists(), mask: o.mask, quiet: o.quiet,
	}
}

// exists says what a failure at this moment leaves behind.
func (o *operation) exists() fault.Exists {
	switch {
	case o.progress.leftStopping() != nil:
		return fault.StillStopping
	case o.Kind == KindCreate && o.containerID == "" && o.unsure:
		return fault.PerhapsCreated
	case o.Kind == KindCreate && o.containerID == "":
		return fault.NothingCreated
	case o.Kind == KindCreate && o.step == fault.StepWaiting:
		return fault.KeptForInspection
	case o.Kind == KindCreate:
		return fault.CreatedNotStarted
	case o.Kind == KindRemove && o.unsure:
		return fault.PerhapsDone
	case o.Kind == KindRemove:
		return fault.Remains
	case o.changed:
		return fault.PartlyChanged
	default:
		return fault.Unchanged
	}
}

// left looks at what a failed operation left of its own; nil if that is nothing or not known.
func (o *operation) left(ctx context.Context) *container.Container {
	if o.containerID == "" && !o.unsure {
		return nil
	}
	ctx, cancel := engine.ContextForLook(ctx)
	defer cancel()
	if o.containerID != "" {
		c, err := o.engine.Inspect(ctx, o.containerID)
		if err != nil {
			o.logger.Debug("what the failure left can't be read", "error", err)
			return nil
		}
		return c
	}
	c, err := o.engine.Inspect(ctx, o.Spec.Name)
	if err != nil || !o.made(c) {
		return nil
	}
	return c
}

// made reports whether a container was made by this very operation.
func (o *operation) made(c *container.Container) bool {
	return c.Labels[container.LabelOperation] == o.id
}

// change sends a request that changes the container.
func (o *operation) change(ctx context.Context, request func(context.Context) error) error {
	return o.runner.change(ctx, func(ctx context.Context) error {
		o.changed = true
		return request(ctx)
	})
}

// warned keeps what the engine said beside doing what it was asked to.
func (o *operation) warned(warnings []string) {
	for _, warning := range warnings {
		warning = o.mask.Text(warning)
		o.logger.Warn("the engine warns", "warning", warning)
		o.warnings = append(o.warnings, warning)
	}
}
