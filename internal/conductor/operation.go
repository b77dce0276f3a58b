// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/lane"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/pull"
)

const (
	// changeGrace is how long a request that changes something may still take after its
	// operation was cancelled.
	changeGrace = 5 * time.Second
	// changeLate is the same where the operation's time was up: an engine that is well has answered by then.
	changeLate = time.Second
)

// operation is one request on its way. Its life is the same on every subject: it is accepted with a durable intent,
// waits for its turn in its lanes, is attempted until there is an answer, and has a durable outcome before anybody
// hears of it. What is done meanwhile is the job's. It belongs to the goroutine that runs it.
type operation struct {
	entry
	engine *connection
	lanes  *lane.Set[laneKey]
	life   *life
	// caller is the process that gives the answer to Terraform, where that is not this one.
	caller string
	job    job
	kind   Kind
	// intent is the operation's record as it was accepted.
	intent journal.Record
	// mark is when the operation was accepted, in the order of pulls.
	mark pull.Mark
	// pass is the operation's place in its lanes, taken when it was accepted; held are their locks among processes.
	pass *lane.Pass[laneKey]
	held *journal.Hold
	// waited says that others were before it in its lanes.
	waited bool
	// admitted is closed when the operation first gets a slot of the pool, or ends without.
	admitted func()
	queue    chan struct{}
	step     fault.Step
	// handed are a cast's credentials.
	handed *handed
	// parked says that the container gave its name up before it could have the new one.
	parked bool
	// withheld says that the answer must not carry what a create made.
	withheld bool
}

// job is what an operation does to its subject. The operation calls its methods in this order, in one goroutine.
type job interface {
	// scope is what the operation's faults share.
	scope() fault.Scope
	// cancels reports whether the operation of a record makes no sense any more because of this one. It is asked of
	// removals.
	cancels() func(journal.Record) bool
	// prepare waits for what has to be there before. The operation holds nothing yet but its place in the lanes.
	prepare(ctx context.Context) error
	// refuses returns why the operation must not be carried out, by the records of one of its lanes; nil is that it may.
	refuses(records []journal.Record) error
	// attempt carries the job out from its beginning. It is repeated after an *asideError, and where a removal is
	// tried again.
	attempt(ctx context.Context) error
	// fail makes a *fault.Fault of what went wrong.
	fail(ctx context.Context, err error) error
	// undo makes a *fault.Fault of why the attempts ended, and brings back what they took away.
	undo(ctx context.Context, err error) error
	// settle notes which earlier failures a success has dealt with.
	settle()
	// complete has the record show what the operation left.
	complete(r *journal.Record)
	// created returns the ID of what a create made, and whether it may have made something that is not known.
	created() (id string, unsure bool)
	// carries reports whether the answer has what a create made, though that failed afterwards.
	carries() bool
	// current is the ID of the subject as it is now, for whoever watches; empty where it has none.
	current() string
}

// newOperation makes an operation that is not accepted yet. Its job embeds it.
func (c *Conductor) newOperation(e *connection, kind Kind, mask fault.Mask, args ...any) *operation {
	o := &operation{
		entry: c.entry(e), engine: e, lanes: &c.lanes, life: &c.life, caller: c.opts.Caller, kind: kind, mark: e.Pulls.Mark(), queue: make(chan struct{}), step: fault.StepQueued,
	}
	o.admitted = sync.OnceFunc(func() { close(o.queue) })
	o.logger = masking(c.opts.Logger, mask).With(append([]any{"engine", e.Name, "kind", string(kind)}, args...)...)
	return o
}

// accept takes the operation: it has its place in the order from now on, and a durable intent. The order of IDs is
// the order in the lanes, since the IDs have the tickets among processes. Of the record what names the subject
// is needed, and what belongs to the job.
func (o *operation) accept(j job, r journal.Record, cast bool, deadline time.Time) {
	r.Kind, r.Engine, r.Caller, r.Cast = string(o.kind), o.engine.Name, o.caller, cast
	r.Accepted, r.Deadline, r.Step = time.Now().UTC(), deadline.UTC(), o.step
	o.job, o.intent = j, r
	keys := make([]laneKey, 0, len(r.Lanes()))
	for _, name := range r.Lanes() {
		keys = append(keys, laneKey{o.engine.Key(), name})
	}
	o.begin(r, func(id string) {
		o.id, o.intent.ID, o.logger = id, id, o.logger.With("operation", id)
		o.pass = o.lanes.Queue(keys...)
	})
}

// instead is the operation around a job that this one does in the place of another one, which it names: where the job
// is shows in neither's record.
func (o *operation) instead(j job, id string) *operation {
	other := *o
	other.job, other.id, other.progress, other.intent.Cast = j, id, &progress{}, false
	return &other
}

// lane is the operation's own lane: the one of the name that its subject has, or is to have.
func (o *operation) lane() string { return o.intent.Lanes()[0] }

// run waits for the operation's turn and carries it out. The order of taking is lane, lane lock, pool slot: who
// waits for a lane holds no slot. The outcome is durable before the next one of the lane begins, and before anybody
// hears of it. The error is a *fault.Fault.
func (o *operation) run(ctx context.Context) error {
	defer o.admitted()
	ctx, leave := o.life.join(ctx)
	defer leave()
	ctx, done := o.watchCancel(ctx, o.kind != KindRemove)
	defer done()
	if o.kind == KindRemove {
		o.cancelLane(o.lane(), o.job.cancels())
	}
	err := o.job.prepare(ctx)
	o.waited = o.pass.Behind()
	if turn := o.pass.Wait(ctx); turn != nil {
		turn = o.job.fail(ctx, turn)
		o.queued()
		o.conclude(turn)
		return turn
	}
	defer func() {
		o.release(o.held)
		o.pass.Leave()
	}()
	if err == nil {
		err = o.hold(ctx)
	}
	o.queued()
	if err == nil {
		err = o.carryOut(ctx)
	}
	refused := err != nil && ctx.Err() == nil && refusesCreate(err)
	if err != nil {
		err = o.job.undo(ctx, err)
	}
	o.conclude(err)
	return o.answer(err, refused)
}

// queued counts the wait for those before it in its lanes.
func (o *operation) queued() { o.engine.metrics.queued(o.waited, time.Since(o.intent.Accepted)) }

// hold takes the operation's lanes among all processes, and finds out what became of the lanes' earlier operations:
// those of dead processes were interrupted, and the failure of others may refuse this one.
func (o *operation) hold(ctx context.Context) error {
	var err error
	o.held, err = o.entry.hold(ctx, o.job.scope(), o.intent)
	if o.held == nil {
		return err
	}
	o.waited = o.waited || o.held.Waited
	for _, name := range o.intent.Lanes() {
		records := o.laneRecords(name)
		for i, r := range records {
			if r.ID != o.id && r.InProgress() && !o.in.Alive(r) {
				o.interrupted(r)
				records[i].Outcome = journal.Interrupted
			}
		}
		if err := o.job.refuses(records); err != nil {
			return err
		}
	}
	return err
}

// carryOut attempts the job until it does not have to step aside for another operation.
func (o *operation) carryOut(ctx context.Context) error {
	for {
		attempt := func() error { return o.job.attempt(ctx) }
		var err error
		if o.kind == KindRemove && o.intent.Cast && o.journaled {
			err = o.persist(ctx, attempt)
		} else {
			err = attempt()
		}
		var aside *asideError
		if !errors.As(err, &aside) {
			return err
		}
		if err := o.stepAside(ctx, aside); err != nil {
			return err
		}
	}
}

// enter notes the step that begins.
func (o *operation) enter(step fault.Step) {
	changed := o.step != step
	if changed {
		o.logger.Debug("step", "from", string(o.step), "to", string(step))
	}
	o.step = step
	o.progress.setStep(step, o.job.current())
	if changed && o.intent.Cast {
		o.tell()
	}
}

// change sends a request that changes something: in a slot of the pool, and not cut off in the
// middle when the operation is cancelled.
func (o *operation) change(ctx context.Context, request func(context.Context) error) error {
	return o.engine.Pool.Do(ctx, func(ctx context.Context) error {
		o.admitted()
		ctx, cancel := engine.Outlive(ctx, changeGrace, changeLate)
		defer cancel()
		return request(ctx)
	})
}

// conclude makes the outcome durable. A success first settles the earlier failures that it has dealt with: whoever
// sees that it has ended finds them settled.
func (o *operation) conclude(err error) {
	o.engine.metrics.ended(err)
	if err != nil {
		o.logger.Info("failed", "after", time.Since(o.intent.Accepted), "step", string(o.step), "error", err)
	} else {
		o.logger.Info("done", "after", time.Since(o.intent.Accepted))
	}
	if !o.journaled {
		return
	}
	if err == nil {
		o.job.settle()
	}
	problem := o.entry.conclude(err, func(r *journal.Record) {
		r.Step = o.step
		o.job.complete(r)
	})
	if problem != nil {
		subject := fault.Object{Kind: cmp.Or(o.intent.Object, "container"), Name: o.intent.Container}
		o.notJournaled = fmt.Errorf("the outcome of the %s of %s can't be noted: %w", o.kind.verb(), subject, problem)
	}
}

// answer sees that what a create made counts as delivered before an answer begins that carries it. Where that
// can't be noted the answer must not carry it, and is an error. Refused says that the engine has made nothing for
// certain.
func (o *operation) answer(err error, refused bool) error {
	if o.kind != KindCreate {
		return err
	}
	id, unsure := o.job.created()
	switch {
	case err == nil || o.job.carries():
		if problem := o.deliver(o.lane()); problem != nil {
			o.withheld = true
			return undelivered(o.job.scope(), problem)
		}
	case o.journaled && refused && id == "" && !unsure:
		o.madeNothing()
	}
	return err
}
