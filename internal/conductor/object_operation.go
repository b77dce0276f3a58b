// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"fmt"
	"time"

	"github.com/distribution/reference"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/lane"
)

// objectOperation is a task that changes something: it has a record in the journal and a place in the
// lane of its object.
type objectOperation struct {
	*task
	entry
	record journal.Record
	life   *life
	pass   *lane.Pass[laneKey]
	// waited says that others were before it in the lane.
	waited bool
	// made is the ID of what the operation made, as soon as the engine has answered.
	made string
}

// accept makes an operation of the task: it has its place in the order of its object from now on, and
// a durable intent. Of the record the kind is needed, and what belongs to it. Nothing is refused for
// the failure of what was before it: each operation on an object brings all of it.
func (t *task) accept(ctx context.Context, c *Conductor, record journal.Record, cast bool) *objectOperation {
	record.Engine, record.Object, record.Container, record.Caller = t.Name, t.object.Kind, laneName(t.object), c.opts.Caller
	order := record.Lanes()[0]
	record.Cast, record.Accepted, record.Step = cast, time.Now().UTC(), fault.StepQueued
	if deadline, ok := ctx.Deadline(); ok {
		record.Deadline = deadline.UTC()
	}
	o := &objectOperation{task: t, record: record, life: &c.life, entry: c.entry(t.connection)}
	o.entry.logger = masking(c.opts.Logger, t.object.Mask).With("engine", t.Name, "object", order, "kind", record.Kind)
	o.intend(record, func(id string) {
		o.id, o.record.ID, t.object.Operation = id, id, id
		o.entry.logger = o.entry.logger.With("operation", id)
		o.pass = c.lanes.Queue(laneKey{t.Name, order})
		o.waited = o.pass.Behind()
	})
	return o
}

// taken is the fault of a name that another object has, which an operation made as its label tells, and whose
// description is a line.
func (o *objectOperation) taken(operation, whose string, err error) *fault.Fault {
	f := o.object.Taken(whose, err)
	if !o.kept || o.entry.scope == "" {
		return f
	}
	switch r, err := o.in.Find(operation); {
	case err != nil || r.Scope == "":
		return f
	case r.Scope == o.entry.scope:
		return f.OfOwnObject()
	default:
		return f.OfOtherWorkspace()
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

// run carries the operation out when it is its turn. The outcome is durable before the next one of the
// lane begins, and before anybody hears of it. The error is a *fault.Fault.
func (o *objectOperation) run(ctx context.Context, do func(context.Context) error) error {
	removes := Kind(o.record.Kind) == KindRemove
	ctx, leave := o.life.join(ctx)
	defer leave()
	ctx, done := o.attend(ctx, !removes)
	defer done()
	if removes {
		o.cancelLane(o.record.Lanes()[0], func(r journal.Record) bool { return !o.foreign(r.Scope) })
	}
	step := o.step
	o.step = fault.StepQueued
	err := o.pass.Wait(ctx)
	if err != nil {
		o.queued()
		return o.ended(ctx, err)
	}
	defer o.pass.Leave()
	hold, err := o.entry.hold(ctx, o.object.Scope(), o.record)
	defer func() { o.release(hold) }()
	if hold != nil {
		o.waited = o.waited || hold.Waited
		o.reckon()
	}
	o.queued()
	if err == nil {
		o.enter(step)
		err = do(ctx)
	}
	return o.ended(ctx, err)
}

// enter notes the step that begins.
func (o *objectOperation) enter(step fault.Step) {
	o.step = step
	o.progress.setStep(step, "")
	if o.record.Cast {
		o.tell()
	}
}

// queued counts the wait for those before it in its lane.
func (o *objectOperation) queued() { o.tally.queued(o.waited, time.Since(o.record.Accepted)) }

// reckon marks what dead processes left in the operation's lane as interrupted.
func (o *objectOperation) reckon() {
	for _, r := range o.earlier() {
		if r.InProgress() && !o.in.Alive(r) {
			o.interrupted(r)
		}
	}
}

// earlier are the operations of the lane before this one, as far as the journal knows them.
func (o *objectOperation) earlier() []journal.Record {
	if !o.kept {
		return nil
	}
	records, problems := o.in.Lane(o.record.Lanes()[0])
	for _, problem := range problems {
		o.entry.logger.Warn("a record of the journal is left out", "error", problem)
	}
	var before []journal.Record
	for _, r := range records {
		if journal.Ticket(r.ID) < journal.Ticket(o.id) {
			before = append(before, r)
		}
	}
	return before
}

// ended makes a fault of what went wrong, and the outcome durable; success settles what failed before.
func (o *objectOperation) ended(ctx context.Context, err error) error {
	refused := ctx.Err() == nil && !o.unsure && refusesCreate(err)
	err = o.explain(ctx, err)
	o.tally.ended(err)
	if err != nil {
		o.entry.logger.Info("failed", "after", time.Since(o.record.Accepted), "step", string(o.step), "error", err)
	} else {
		o.entry.logger.Info("done", "after", time.Since(o.record.Accepted))
	}
	if !o.kept {
		return err
	}
	lane := o.record.Lanes()[0]
	if err == nil { // Before the outcome, as for a container.
		o.settle(lane, o.made)
	}
	if problem := o.conclude(err, func(r *journal.Record) { r.Step, r.ContainerID = o.step, o.made }); problem != nil {
		o.unkept = fmt.Errorf("the outcome of the %s of %s can't be noted: %w", Kind(o.record.Kind).verb(), o.object, problem)
	}
	if err != nil && Kind(o.record.Kind) == KindCreate && o.made == "" && refused {
		o.madeNothing()
	}
	// Before an answer begins that carries what a create made, that counts as delivered.
	if Kind(o.record.Kind) == KindCreate && (err == nil || o.made != "") {
		if problem := o.deliver(lane); problem != nil {
			o.made = ""
			return undelivered(o.object.Scope(), problem)
		}
	}
	return err
}

// resumes reports whether an object that has the wanted name is what an unanswered create of this workspace
// left.
func (o *objectOperation) resumes(h holder) bool {
	return resumable(h, o.claims(o.record.Lanes()[0]), o.entry.scope, o.engineID)
}
