// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
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
	// tailLines is how much of a container's log a fault carries.
	tailLines = 20
)

// operation is one request on its way. It belongs to the goroutine that runs it.
type operation struct {
	Request
	entry
	engine *connection
	life   *life
	mask   fault.Mask
	// mark is when the operation was accepted, in the order of pulls.
	mark pull.Mark

	// pass is the operation's place in its lanes, taken when it was accepted.
	pass     *lane.Pass[laneKey]
	accepted time.Time
	// caller is the process that gives the answer to Terraform, where that is not this one.
	caller string
	// cast says that nobody waits; deadline is when the operation's time is up, if it has one.
	cast     bool
	deadline time.Time
	// admitted is closed when the operation first gets a slot of the pool, or ends without.
	admitted func()
	queue    chan struct{}

	step fault.Step
	// waited says that others were before it in its lanes.
	waited bool
	// ahead are the casts that were under way before it in its lanes when it was accepted.
	ahead []string
	// containerID is the container that is known to be gantry's own: the one to update or
	// remove, or the one that this operation created.
	containerID string
	// seen is the container that had the name when an operation on the power state was asked for by name.
	seen string
	// handed are a cast's credentials.
	handed *handed
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
	// volumes are those that a removal takes along with its container, as an attempt saw them.
	volumes []string
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
	// parked says that the container gave its name up before it could have the new one.
	parked bool
	// reserved is until when the operation tries to have a name that is taken, but not by any container.
	reserved time.Time
	// changed says that something was changed on the engine.
	changed bool
	// quiet says that what the container's programs wrote, and what its engine said of it, is not told: the mask
	// can't know all that is secret in it.
	quiet bool
}

// accept takes a request: it has its place in the order from now on, and a durable intent. The
// order of IDs is the order in the lanes, since the IDs have the tickets among processes.
func (c *Conductor) accept(e *connection, req Request, cast bool, deadline time.Time) *operation {
	req.Wait = cmp.Or(req.Wait, container.WaitReady)
	lanes := []laneKey{{e.Name, req.Spec.Name}}
	if req.PriorName != "" {
		lanes = append(lanes, laneKey{e.Name, req.PriorName})
	}
	o := &operation{
		Request: req, engine: e, life: &c.life, containerID: req.ContainerID, step: fault.StepQueued, mark: e.Pulls.Mark(), accepted: time.Now(),
		cast: cast, caller: c.opts.Caller, deadline: deadline, queue: make(chan struct{}),
		mask: req.Spec.Mask(), entry: c.entry(e),
		// Of a removal no settings are known, and of what an update puts into another one's place not what that was.
		quiet: req.Kind == KindRemove || req.Spec.AnySecret(req.Upload),
	}
	o.admitted = sync.OnceFunc(func() { close(o.queue) })
	o.logger = masking(c.opts.Logger, o.mask).With("engine", e.Name, "container", req.Spec.Name, "kind", string(req.Kind))
	o.intend(o.record(), func(id string) {
		o.id, o.logger = id, o.logger.With("operation", id)
		o.pass = c.lanes.Queue(lanes...)
	})
	o.ahead = o.castsAhead()
	return o
}

// scope is what the operation's faults share.
func (o *operation) scope() fault.Scope {
	return fault.Scope{Engine: o.engine.Name, Container: o.Spec.Name, Operation: o.id, Mask: o.mask, Now: time.Now}
}

// enter notes the step that begins.
func (o *operation) enter(step fault.Step) {
	if o.step != step {
		o.logger.Debug("step", "from", string(o.step), "to", string(step))
	}
	changed := o.step != step
	o.step = step
	// Until an exchange is over, its container is the old one.
	o.progress.setStep(step, cmp.Or(o.exchange.Predecessor, o.containerID))
	if changed && o.cast {
		o.tell()
	}
}

// run waits for the operation's turn and carries it out: first for the containers that it refers to,
// while it holds nothing. The order of taking is lane, lane lock, pool slot: who waits for a lane holds
// no slot. The outcome is durable before the next one of the
// lane begins, and before anybody hears of it.
func (o *operation) run(ctx context.Context) (*container.Container, error) {
	defer o.admitted()
	ctx, leave := o.life.join(ctx)
	defer leave()
	ctx, done := o.attend(ctx, o.Kind != KindRemove)
	defer done()
	if o.Kind == KindRemove {
		defer o.engine.removals.begin(o.Spec.Name)()
		o.cancelLane(o.Spec.Name, o.removes())
	}
	reference := o.awaitReferences(ctx)
	o.waited = o.pass.Behind()
	if err := o.pass.Wait(ctx); err != nil {
		err = o.fail(ctx, err)
		o.engine.tally.queued(o.waited, time.Since(o.accepted))
		o.conclude(err)
		return nil, err
	}
	var c *container.Container
	var hold *journal.Hold
	err := reference
	if err == nil {
		hold, err = o.hold(ctx)
	}
	o.engine.tally.queued(o.waited, time.Since(o.accepted))
	if err == nil {
		c, hold, err = o.carryOut(ctx, hold)
	}
	if err != nil {
		o.unpark(ctx)
		err = o.giveBack(ctx, o.fail(ctx, err))
		c = o.left(ctx)
		o.logger.Info("failed", "after", time.Since(o.accepted), "step", string(o.step), "error", err)
	} else {
		o.logger.Info("done", "after", time.Since(o.accepted))
	}
	if c != nil {
		c.ImageDigest = cmp.Or(o.digest, engine.PinnedDigest(o.Spec.Image))
	}
	o.conclude(err)
	switch {
	case err == nil || c != nil:
		c, err = o.answer(c, err)
	case o.Kind == KindCreate && o.kept && o.containerID == "" && !o.unsure && refusesCreate(err):
		o.madeNothing()
	}
	if c != nil && !o.Kind.power() {
		o.engine.claimed.add(c.ID)
	}
	o.release(hold)
	o.pass.Leave()
	return c, err
}

// answer sees that what a create made counts as delivered before an answer begins that carries it. The error
// is that the answer must not carry it.
func (o *operation) answer(c *container.Container, err error) (*container.Container, error) {
	if o.Kind != KindCreate {
		return c, err
	}
	if problem := o.deliver(o.Spec.Name); problem != nil {
		return nil, undelivered(o.scope(), problem)
	}
	return c, err
}

// attempt carries out the operation from its beginning. It can be repeated after a lost answer.
func (o *operation) attempt(ctx context.Context) (*container.Container, error) {
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

// fail makes a fault of what an attempt returned.
func (o *operation) fail(ctx context.Context, err error) error {
	var f *fault.Fault
	switch {
	case errors.As(err, &f):
	case ctx.Err() != nil:
		f = o.ended(ctx, "")
	default:
		f = o.explain(ctx, err)
	}
	return o.advise(f)
}

// ended makes a fault of the end of the operation's context. SoFar says how far a pull had come.
func (o *operation) ended(ctx context.Context, soFar string) *fault.Fault {
	return o.scope().Ended(engine.EndedKind(ctx), o.step, o.Kind.verb(), o.exists(), o.tail(ctx), soFar, context.Cause(ctx))
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

// change sends a request that changes something: in a slot of the pool, and not cut off in the
// middle when the operation is cancelled.
func (o *operation) change(ctx context.Context, request func(context.Context) error) error {
	return o.engine.Pool.Do(ctx, func(ctx context.Context) error {
		o.admitted()
		ctx, cancel := engine.Outlive(ctx, changeGrace, changeLate)
		defer cancel()
		o.changed = true
		return request(ctx)
	})
}

// tail reads the last log lines of the operation's container, masked. A log that can't be read is
// no failure of its own.
func (o *operation) tail(ctx context.Context) []string {
	if o.containerID == "" || o.quiet {
		return nil
	}
	ctx, cancel := engine.ContextForLook(ctx)
	defer cancel()
	r, err := o.engine.API.ContainerInspect(ctx, o.containerID)
	if err != nil {
		return nil
	}
	log, err := o.engine.API.ContainerLogs(ctx, o.containerID, containertypes.LogsOptions{
		ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(tailLines),
	})
	if err != nil {
		o.logger.Debug("the log can't be read", "error", err)
		return nil
	}
	defer func() { _ = log.Close() }()
	var text bytes.Buffer
	if r.Config.Tty {
		_, err = text.ReadFrom(log)
	} else {
		_, err = stdcopy.StdCopy(&text, &text, log)
	}
	if err != nil {
		o.logger.Debug("the log ended early", "error", err)
	}
	return o.mask.Lines(text.String())
}

// warned keeps what the engine said beside doing what it was asked to.
func (o *operation) warned(warnings []string) {
	for _, warning := range warnings {
		warning = o.mask.Text(warning)
		o.logger.Warn("the engine warns", "warning", warning)
		o.warnings = append(o.warnings, warning)
	}
}
