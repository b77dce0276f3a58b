// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"slices"

	"github.com/distribution/reference"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// objectJob is what the jobs on networks, volumes and images have in common. Nothing is refused for the failure
// of what was before it: each operation on an object brings all of it.
type objectJob struct {
	*operation
	*task
	// made is the ID of what the operation made, as soon as the engine has answered.
	made string
	// unsure reports whether the answer to some create or removal that was sent was never known.
	unsure bool
}

// operation makes an operation of the task that is not accepted yet.
func (t *task) objectJob(kind Kind) objectJob {
	name := journal.Lane(t.object.Kind, laneName(t.object))
	return objectJob{operation: t.conductor.newOperation(t.connection, kind, t.object.Mask, "object", name), task: t}
}

// accept has the operation of a job accepted. Of the record only what belongs to the job is needed.
func (o *objectJob) accept(ctx context.Context, j job, r journal.Record, cast bool) {
	r.Object, r.Container = o.object.Kind, laneName(o.object)
	deadline, _ := ctx.Deadline()
	o.operation.accept(j, r, cast, deadline)
	o.object.Operation = o.id
}

func (o *objectJob) scope() fault.Scope { return o.object.Scope() }

// cancels has a removal cancel nothing.
func (o *objectJob) cancels() func(journal.Record) bool {
	return func(journal.Record) bool { return false }
}

func (o *objectJob) prepare(context.Context) error { return nil }

func (o *objectJob) refuses([]journal.Record) error { return nil }

func (o *objectJob) fail(ctx context.Context, err error) error {
	o.at = o.step
	return o.explain(ctx, err)
}

func (o *objectJob) undo(ctx context.Context, err error) error { return o.fail(ctx, err) }

func (o *objectJob) settle() { o.settleLane(o.lane(), o.made) }

func (o *objectJob) complete(r *journal.Record) { r.ContainerID = o.made }

func (o *objectJob) created() (id string, unsure bool) { return o.made, o.unsure }

func (o *objectJob) carries() bool { return o.made != "" }

func (o *objectJob) current() string { return "" }

// change sends a request that changes something, and repeats it if the answer is lost. What is sent must be
// idempotent.
func (o *objectJob) change(ctx context.Context, request func(context.Context) error) error {
	_, err := engine.Retrying(ctx, func() (struct{}, error) { return struct{}{}, o.operation.change(ctx, request) })
	return err
}

// sent notes what is not known after a create or a removal that was sent, and returns its error.
func (o *objectJob) sent(ctx context.Context, err error) error {
	if engine.Unknown(ctx, err) {
		o.unsure, o.exists = true, fault.PerhapsDone
	}
	return err
}

// taken is the fault of a name that another object has, which an operation made as its label tells, and whose
// description is a line.
func (o *objectJob) taken(operation, whose string, err error) *fault.Fault {
	f := o.object.Taken(whose, err)
	if !o.journaled || o.entry.scope == "" {
		return f
	}
	fits := func(r journal.Record) bool { return r.Object == o.object.Kind && r.Container == o.object.Name }
	switch madeIn(o.in, operation, fits) {
	case "":
		return f
	case o.entry.scope:
		return f.OfOwner(fault.OwnerWorkspace)
	default:
		return f.OfOwner(fault.OwnerOther)
	}
}

// laneName is the name by which the operations of an object are in one order: an image has many
// spellings.
func laneName(object fault.Object) string {
	named, err := reference.ParseNormalizedNamed(object.Name)
	if object.Kind != "image" || err != nil {
		return object.Name
	}
	return reference.FamiliarString(reference.TagNameOnly(named))
}

// earlier are the operations of the lane before this one, as far as the journal knows them.
func (o *objectJob) earlier() []journal.Record {
	if !o.journaled {
		return nil
	}
	return slices.DeleteFunc(o.laneRecords(o.lane()), func(r journal.Record) bool { return journal.Ticket(r.ID) >= journal.Ticket(o.id) })
}

// resumes reports whether an object that has the wanted name is what an unanswered create of this workspace
// left.
func (o *objectJob) resumes(h holder) bool {
	return resumable(h, o.claims(o.lane()), o.entry.scope, o.engineID)
}
