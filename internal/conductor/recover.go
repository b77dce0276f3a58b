// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	containertypes "github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// errCancelAsked ends an operation that somebody asked to cancel.
var errCancelAsked = errors.New("another operation, or somebody with \"operations cancel\", asked for that")

// abandoned reports whether a container is what an unanswered create of this workspace left.
func (o *createJob) abandoned(ctx context.Context, c *container.Container) bool {
	operation := c.Labels[container.LabelOperation]
	h := holder{id: c.ID, operation: operation, created: c.Created}
	claims := o.claims(o.spec.Name)
	if !resumable(h, claims, o.entry.scope, o.engineID) {
		return false
	}
	h.inherited = o.engine.Inherited(ctx, c.ImageID, operation)
	return resumable(h, claims, o.entry.scope, o.engineID)
}

// takeOver deals with what an interrupted create of the lane left: it is adopted if it is what this
// create is to make, else it is removed, and the create starts over.
func (o *createJob) takeOver(ctx context.Context, c *container.Container) error {
	if o.spec.Matches(c) && c.TakesFilesOf(o.spec) && o.leavesRest(ctx, c) {
		o.logger.Info("adopting what an interrupted create left", "container_id", c.ID, "interrupted", c.Labels[container.LabelOperation])
		o.containerID, o.adopted = c.ID, true
		return nil
	}
	o.logger.Info("removing what an interrupted create left", "container_id", c.ID, "interrupted", c.Labels[container.LabelOperation])
	return o.change(ctx, func(ctx context.Context) error {
		return engine.IgnoreNotFound(o.engine.API.ContainerRemove(ctx, c.ID, containertypes.RemoveOptions{Force: true, RemoveVolumes: true}))
	})
}

// leavesRest reports whether a container has nothing of its own where this create leaves a setting to the image:
// what was cut off may have been asked for with more. What can't be found out counts as more.
func (o *createJob) leavesRest(ctx context.Context, c *container.Container) bool {
	r, err := o.engine.API.ImageInspect(ctx, c.ImageID)
	if err != nil {
		o.logger.Debug("the image of a container can't be read", "image", c.ImageID, "error", err)
		return false
	}
	return o.spec.AddsNothing(c, container.ObserveImage(r))
}

// resume ends the exchanges of the lane that were left in the middle, and carries out its removals
// that failed or were interrupted, before the operation itself: its success settles them. The
// removal of the very container that it is about is its own matter: an update means that the
// container is to stay. What another workspace left is that one's: see continues.
func (o *containerJob) resume(ctx context.Context) error {
	if !o.journaled {
		return nil
	}
	records, _ := o.engine.journal.Lane(o.spec.Name)
	if err := o.followExchanges(ctx, records); err != nil {
		return err
	}
	if err := o.resumeVolumes(ctx, records); err != nil {
		return err
	}
	for _, r := range records {
		if Kind(r.Kind) != KindRemove || !r.Unsettled() || r.ContainerID == "" || r.ContainerID == o.containerID ||
			!continues(r, o.entry.scope, o.containerID) {
			continue
		}
		if concerns, err := o.concerns(ctx, r); err != nil {
			return err
		} else if !concerns {
			continue
		}
		o.logger.Info("resuming an unfinished removal", "removal", r.ID, "container_id", r.ContainerID)
		if err := o.again(r).remove(ctx); err != nil {
			return err
		}
		o.finished(r)
	}
	return nil
}

// concerns reports whether the container that an unfinished removal names is still what the removal was about,
// or is gone: a record alone removes nothing.
func (o *containerJob) concerns(ctx context.Context, r journal.Record) (bool, error) {
	c, err := o.lookFor(ctx, r.ContainerID)
	if err != nil || c == nil {
		return err == nil, err
	}
	if concerns, err := o.engine.stillConcerns(ctx, c, r, r.Container); err != nil || concerns && c.ID == r.ContainerID {
		return concerns, err
	}
	o.logger.Warn("an unfinished removal names a container that is another one: it is left alone", "removal", r.ID, "container_id", c.ID, "name", c.Name)
	return false, nil
}

// Status is what is known of a container in Terraform's state: from the engine, and from the
// journal.
type Status struct {
	// Container is nil if there is none.
	Container *container.Container
	// Kind is the kind of the operation that the state names.
	Kind Kind
	// InProgress says that it is still under way.
	InProgress bool
	// Fault is how it ended, if it failed and nobody has dealt with that.
	Fault *fault.Fault
	// Recovered says that the container is by now what the operation was to make of it: the fault is
	// worth a warning, and nothing has to be done again.
	Recovered bool
	// Settled says that it was cast and failed, and that somebody has dealt with that.
	Settled bool
	// Restart says that it was to restart the container, which can't be read back.
	Restart bool
	// Uploads says that it was to upload files, which can't be read back either.
	Uploads bool
	// Exchange says that it was to put a new container in the place of this one.
	Exchange bool
	// Stop is a stop that the engine goes on with, though the operation that asked for it has ended; nil is none.
	Stop *StopLeft
	// Known says that the journal knows the operation. It does not where another machine
	// carried it out, or long after.
	Known bool
	// Elsewhere is until when it may be under way on another machine, if nothing here tells of it.
	Elsewhere time.Time
	// Vanished says that nothing tells of it any more, on the engine either.
	Vanished bool
}

// Observe reads a container by its ID, or, where that is not known yet, by its name and the create
// that was to make it. It takes one request to the engine.
func (c *Conductor) Observe(ctx context.Context, name, containerID, operationID string) (Status, error) {
	e, err := c.connect(ctx, name)
	if err != nil {
		return Status{}, err
	}
	known := e.historyOf(operationID)
	standing := known.standing
	e.claim(operationID, c.opts.Scope)
	x := e.exchangesOf(name, containerID, operationID)
	refs := x.refs
	switch {
	case refs != nil:
	case containerID != "":
		refs = []string{containerID}
	default:
		refs = known.refs(name)
	}
	for _, ref := range refs {
		found, err := c.Inspect(ctx, ref)
		var f *fault.Fault
		switch {
		case err == nil && (ref != name || e.madeBy(ctx, known, found)):
			standing.Container = found
		case err == nil: // A stranger's.
		case errors.As(err, &f) && f.Kind == fault.NotFound:
			continue
		default:
			return Status{}, err
		}
		break
	}
	if standing.Container != nil {
		if standing.Container, err = e.awaitRemoval(ctx, standing.Container); err != nil {
			return Status{}, engine.Classify(c.scope(e.Name, name), fault.StepReading, "read", "", err)
		}
	}
	if standing.Container != nil {
		e.claimContainer(standing.Container.ID, c.opts.Scope)
	}
	if standing.Container != nil && !standing.InProgress {
		standing.Stop = e.stopLeft(x.records, standing.Container)
	}
	if standing.Container != nil && standing.Container.ID == containerID {
		e.stays(name, containerID)
	}
	if standing.Container == nil && !standing.InProgress && !x.underWay {
		scope := c.scope(e.Name, name)
		left, err := e.halfRemoved(ctx, scope, x.records, append(known.containers, containerID)...)
		if err != nil {
			return Status{}, engine.Classify(scope, fault.StepReading, "read", "", err)
		}
		if left != nil {
			standing.Kind, standing.Fault = KindRemove, left
		}
	}
	if standing.Fault != nil {
		if standing.Recovered = recovered(known.judged, standing.Container, time.Now()); standing.Recovered {
			standing.Fault = standing.Fault.Past()
		}
	}
	switch {
	case x.underWay:
		standing.InProgress, standing.Kind, standing.Fault = true, KindExchange, nil
	case x.broken != nil && standing.Container != nil:
		standing.Container.Name = name // The other one is only for the time of the exchange.
		if x.broken.ID != operationID {
			scope := c.scope(e.Name, name)
			scope.Operation = x.broken.ID
			standing.Recovered = false
			standing.Kind, standing.Fault = KindUpdate, scope.Interrupted(KindExchange.verb(), x.broken.Step, x.broken.Accepted)
		}
		standing.Exchange = true
	case x.powered && standing.Container != nil && standing.Fault == nil:
		// A container that is being restarted is not one that somebody stopped.
		standing.InProgress, standing.Kind = true, KindUpdate
	}
	return standing, nil
}

// claim notes that the state of a workspace names the operation, where the journal does not know that: a state
// can be moved, and what a crashed process cast may be in none.
func (e *connection) claim(operationID, scope string) {
	if e.journal == nil || operationID == "" {
		return
	}
	in := e.journal.Knower(operationID)
	r, err := in.Find(operationID)
	if err != nil || !in.Lost(r) && (scope == "" || r.Scope == "" || r.Scope == scope) {
		return
	}
	change := func(id string, change func(*journal.Record)) {
		if err := in.Change(id, change); err != nil {
			e.Logger.Warn("a record of the journal can't be written", "record", id, "error", err)
		}
	}
	change(operationID, func(r *journal.Record) { r.Claimed, r.Scope = true, cmp.Or(scope, r.Scope) })
	if scope == "" || r.Scope == "" || r.Scope == scope {
		return
	}
	// What the state did with the object before it was moved is its own as well.
	records, _ := in.Lane(r.Lanes()[0])
	for _, before := range records {
		if before.Scope == r.Scope && journal.Ticket(before.ID) < journal.Ticket(r.ID) {
			change(before.ID, func(before *journal.Record) { before.Scope = scope })
		}
	}
}

// history is what the journal knows of an operation, and of those before it that the callers knew.
type history struct {
	standing Status
	// judged is the record that the standing's fault is from.
	judged journal.Record
	// operations and containers are their IDs.
	operations, containers []string
}

// refs are where to look for the container of the operations: by the IDs that the journal has, whatever name it has by
// now, since an exchange that failed may have changed that, or not. Where it has none the name is left.
func (k history) refs(name string) []string {
	if len(k.containers) > 0 {
		return k.containers
	}
	return []string{name}
}

// madeBy reports whether one of the operations made the container, or had it. Where the journal knows no
// container of theirs the label tells, if the container does not have it from its image.
func (e *connection) madeBy(ctx context.Context, k history, c *container.Container) bool {
	if len(k.containers) > 0 {
		return slices.Contains(k.containers, c.ID)
	}
	operation := c.Labels[container.LabelOperation]
	return slices.Contains(k.operations, operation) && !e.Inherited(ctx, c.ImageID, operation)
}

// historyOf says what the journal knows of an operation. An update that stood behind a create that
// failed has the create's fault: that is what has to be repeated.
func (e *connection) historyOf(operationID string) history {
	if operationID == "" {
		return history{}
	}
	known := history{operations: []string{operationID}}
	if e.journal == nil {
		return known
	}
	in := e.journal.Knower(operationID)
	r, err := in.Find(operationID)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			e.Logger.Warn("a record of the journal can't be read", "operation", operationID, "error", err)
		}
		return known
	}
	if r.ContainerID != "" {
		known.containers = append(known.containers, r.ContainerID)
	}
	s := Status{Kind: Kind(r.Kind), Known: true, Restart: r.Restart, Uploads: r.Uploads, Exchange: Kind(r.Kind) == KindExchange}
	// Who waited for a call has heard of its failure: it is settled by that.
	s.InProgress = r.InProgress() && in.Alive(r)
	s.Fault = failureOf(r, !s.InProgress)
	s.Settled = r.Cast && r.Settled
	known.standing, known.judged = s, r
	// An operation names only earlier ones, so this ends.
	if Kind(r.Kind) != KindCreate && Kind(r.Kind) != KindRemove && r.After != "" && r.ContainerID == "" && journal.Ticket(r.After) < journal.Ticket(r.ID) {
		before := e.historyOf(r.After)
		known.operations = append(known.operations, before.operations...)
		known.containers = append(known.containers, before.containers...)
		if s.Fault != nil && before.standing.Kind == KindCreate && before.standing.Fault != nil {
			known.standing, known.judged = before.standing, before.judged
		}
	}
	return known
}

// Interruption is the fault of an operation whose process died in the middle.
func Interruption(r journal.Record) *fault.Fault {
	scope := fault.Scope{Engine: r.Engine, Object: r.Object, Container: r.Container, Operation: r.ID, Now: time.Now}
	return scope.Interrupted(Kind(r.Kind).verb(), r.Step, r.Accepted)
}
