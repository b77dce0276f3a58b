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

// containerJob is what all jobs on a container have in common.
type containerJob struct {
	*operation
	// does is what the job does to this container. It is not always the operation's kind: an exchange creates one
	// container and removes another.
	does Kind
	// spec is the container as it shall be; where nothing is changed but its power state, or it is removed, its name alone.
	spec container.Spec
	wait container.Wait
	// containerID is the container that is known to be gantry's own: the one to change or
	// remove, or the one that this operation created.
	containerID string
	// after is the operation by which the caller knows the container; empty where it knows of none.
	after string
	// priorName is the name that the container had when it was asked for; empty where it keeps its name.
	priorName string
	// ahead are the casts that were under way before it in its lanes when it was accepted.
	ahead []string
	// seen is the container that had the name when an operation on the power state was asked for by name.
	seen string
	// digest is what a pull of this operation brought.
	digest string
	// unsure reports whether the answer to some create or removal that was sent was never known.
	unsure bool
	// reserved is until when the operation tries to have a name that is taken, but not by any container.
	reserved time.Time
	// volumes are those that go with the container that is removed, as an attempt, or the record, says.
	volumes []string
	// removal is the record of the removal that this one carries on with; empty is its own.
	removal string
	// changed says that something was changed on the engine.
	changed bool
	mask    fault.Mask
	// quiet says that what the container's programs wrote, and what its engine said of it, is not told: the mask
	// can't know all that is secret in it.
	quiet bool
	// out is what the operation left.
	out *Outcome
}

// containerJob returns the beginning of a job, which is not accepted yet.
func (c *Conductor) containerJob(e *connection, kind Kind, spec container.Spec, wait container.Wait) containerJob {
	if wait == "" || wait == container.WaitNone {
		wait = container.WaitReady
	}
	mask := spec.Mask()
	return containerJob{
		operation: c.newOperation(e, kind, mask, "container", spec.Name), does: kind, spec: spec, wait: wait, mask: mask, out: &Outcome{},
	}
}

// accept has the operation of a job accepted. Of the record what belongs to the job alone is needed.
func (o *containerJob) accept(j job, r journal.Record, cast bool, deadline time.Time) {
	r.Container, r.PriorName, r.ContainerID, r.After = o.spec.Name, o.priorName, o.containerID, o.after
	o.operation.accept(j, r, cast, deadline)
	o.ahead = o.castsAhead()
}

func (o *containerJob) scope() fault.Scope { return o.diagnosis().scope() }

func (o *containerJob) current() string { return o.containerID }

// perform carries the operation out, and returns what it left, also where it failed.
func (o *containerJob) perform(ctx context.Context) (Outcome, error) {
	if o.does == KindRemove {
		defer o.engine.removals.begin(o.spec.Name)()
	}
	err := o.run(ctx)
	out := *o.out
	out.OperationID, out.NotJournaled = o.id, o.notJournaled
	if o.withheld {
		out.Container = nil
	}
	if out.Container != nil {
		out.Container.ImageDigest = cmp.Or(o.digest, engine.PinnedDigest(o.spec.Image))
		if !o.does.power() {
			o.engine.claimed.add(out.Container.ID)
		}
	}
	return out, err
}

// prepare waits for the containers that the operation refers to.
func (o *containerJob) prepare(ctx context.Context) error { return o.awaitReferences(ctx) }

// repeat carries the job out from its beginning, and again after a lost answer: what is done may have been done
// already. It first ends what others left in the lane.
func (o *containerJob) repeat(ctx context.Context, once func(context.Context) (*container.Container, error)) (err error) {
	o.out.Container, err = engine.Retrying(ctx, func() (*container.Container, error) {
		if err := o.awaitStops(ctx); err != nil {
			return nil, err
		}
		if err := o.resume(ctx); err != nil {
			return nil, err
		}
		return once(ctx)
	})
	return err
}

func (o *containerJob) undo(ctx context.Context, err error) error {
	return o.undoBy(ctx, err, func(_ context.Context, failure error) error { return failure })
}

// undoBy makes a fault of why the attempts ended, has what they took away given back, and looks at what is left.
func (o *containerJob) undoBy(ctx context.Context, err error, giveBack func(context.Context, error) error) error {
	o.unpark(ctx)
	err = giveBack(ctx, o.job.fail(ctx, err))
	o.out.Container = o.left(ctx)
	return err
}

// fail makes a fault of what an attempt returned.
func (o *containerJob) fail(ctx context.Context, err error) error { return o.diagnosis().of(ctx, err) }

// diagnosis makes faults of the operation as it is now.
func (o *containerJob) diagnosis() diagnosis {
	return diagnosis{
		engine: o.engine, logger: o.logger, operation: o.id, kind: o.does, spec: o.spec, containerID: o.containerID,
		step: o.step, exists: o.leftover(), mask: o.mask, quiet: o.quiet,
	}
}

// leftover says what a failure at this moment leaves behind.
func (o *containerJob) leftover() fault.Exists {
	switch {
	case o.progress.leftStopping() != nil:
		return fault.StillStopping
	case o.does == KindCreate && o.containerID == "" && o.unsure:
		return fault.PerhapsCreated
	case o.does == KindCreate && o.containerID == "":
		return fault.NothingCreated
	case o.does == KindCreate && o.step == fault.StepWaiting:
		return fault.KeptForInspection
	case o.does == KindCreate:
		return fault.CreatedNotStarted
	case o.does == KindRemove && o.unsure:
		return fault.PerhapsDone
	case o.does == KindRemove:
		return fault.Remains
	case o.changed:
		return fault.PartlyChanged
	default:
		return fault.Unchanged
	}
}

// left looks at what a failed operation left of its own; nil if that is nothing or not known.
func (o *containerJob) left(ctx context.Context) *container.Container {
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
	c, err := o.engine.Inspect(ctx, o.spec.Name)
	if err != nil || !o.made(c) {
		return nil
	}
	return c
}

// made reports whether a container was made by this very operation.
func (o *containerJob) made(c *container.Container) bool {
	return c.Labels[container.LabelOperation] == o.id
}

// change sends a request that changes the container.
func (o *containerJob) change(ctx context.Context, request func(context.Context) error) error {
	return o.operation.change(ctx, func(ctx context.Context) error {
		o.changed = true
		return request(ctx)
	})
}

// warned keeps what the engine said beside doing what it was asked to.
func (o *containerJob) warned(warnings []string) {
	for _, warning := range warnings {
		warning = o.mask.Text(warning)
		o.logger.Warn("the engine warns", "warning", warning)
		o.out.Warnings = append(o.out.Warnings, warning)
	}
}

// lookFor reads a container; nil is that there is none.
func (o *containerJob) lookFor(ctx context.Context, ref string) (*container.Container, error) {
	c, err := o.engine.Inspect(ctx, ref)
	if err != nil {
		return nil, engine.IgnoreNotFound(err)
	}
	return c, nil
}
