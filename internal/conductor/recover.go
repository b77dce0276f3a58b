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

	"github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

const (
	// clockSkew is how far the clock of an engine may be behind this machine's.
	clockSkew = 5 * time.Minute
)

// errCancelAsked ends an operation that somebody asked to cancel.
var errCancelAsked = errors.New("another operation asked for it")

// abandoned says whether a container was made by a create of this lane that no state has: it was
// interrupted or failed without an answer, or its answer got lost with the process that was to give
// it. Then it is gantry's own. The last create that made or adopted it decides. An image made from
// such a container hands its label down; but then the container has another ID than the journal, and
// another age.
func (o *operation) abandoned(c *Container) bool {
	made := c.Labels[LabelOperation]
	if !o.kept || made == "" {
		return false
	}
	records, _ := o.engine.journal.Lane(o.Spec.Name)
	records = slices.DeleteFunc(records, func(r journal.Record) bool {
		itsOwn := r.ContainerID == c.ID || r.ID == made && r.ContainerID == ""
		return !itsOwn || Kind(r.Kind) != KindCreate && Kind(r.Kind) != KindExchange || r.ID == o.id
	})
	if len(records) == 0 {
		return false
	}
	r := records[len(records)-1]
	unanswered := !r.Cast && (r.Outcome == journal.Interrupted || r.Outcome == journal.Failed && r.ContainerID == "")
	return (unanswered || o.engine.journal.Lost(r)) && !c.Created.Before(records[0].Accepted.Add(-clockSkew))
}

// takeOver deals with what an interrupted create of the lane left: it is adopted if it is what this
// create is to make, else it is removed, and the create starts over.
func (o *operation) takeOver(ctx context.Context, c *Container) error {
	if o.Spec.meets(c) {
		o.logger.Info("adopting what an interrupted create left", "container_id", c.ID, "interrupted", c.Labels[LabelOperation])
		o.containerID, o.uncertain, o.adopted = c.ID, false, true
		return nil
	}
	o.logger.Info("removing what an interrupted create left", "container_id", c.ID, "interrupted", c.Labels[LabelOperation])
	return o.change(ctx, func(ctx context.Context) error {
		return ignoreNotFound(o.engine.api.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true, RemoveVolumes: true}))
	})
}

// resume ends the exchanges of the lane that were left in the middle, and carries out its removals
// that failed or were interrupted, before the operation itself: its success settles them. The
// removal of the very container that it is about is its own matter: an update means that the
// container is to stay.
func (o *operation) resume(ctx context.Context) error {
	if !o.kept {
		return nil
	}
	records, _ := o.engine.journal.Lane(o.Spec.Name)
	if err := o.followExchanges(ctx, records); err != nil {
		return err
	}
	for _, r := range records {
		if Kind(r.Kind) != KindRemove || !r.Unsettled() || r.ContainerID == "" || r.ContainerID == o.containerID {
			continue
		}
		o.logger.Info("resuming an unfinished removal", "removal", r.ID, "container_id", r.ContainerID)
		again := *o
		again.Request = Request{Kind: KindRemove, Spec: Spec{Name: o.Spec.Name}, ContainerID: r.ContainerID, RemoveVolumes: r.RemoveVolumes, Exchanged: true}
		// The record of the operation itself must never name this container.
		again.containerID, again.progress, again.kept = r.ContainerID, &progress{}, false
		if err := again.remove(ctx); err != nil {
			return err
		}
		o.write(r.ID, func(r *journal.Record) { r.Settled = true })
	}
	return nil
}

// Standing is what is known of a container in Terraform's state: from the engine, and from the
// journal.
type Standing struct {
	// Container is nil if there is none.
	Container *Container
	// Kind is the kind of the operation that the state names.
	Kind Kind
	// InProgress says that it is still under way.
	InProgress bool
	// Fault is how it ended, if it failed and nobody has dealt with that.
	Fault *fault.Fault
	// Recovered says that the container is by now what the operation was to make of it: the fault is
	// worth a warning, and nothing is to be done again.
	Recovered bool
	// Settled says that it was cast and failed, and that somebody has dealt with that.
	Settled bool
	// Restart says that it was to restart the container, which can't be read back.
	Restart bool
	// Uploads says that it was to upload files, which can't be read back either.
	Uploads bool
	// Exchange says that it was to put a new container in the place of this one.
	Exchange bool
	// Known says that the journal knows the operation. It does not where another machine
	// carried it out, or long after.
	Known bool
}

// Look reads a container by its ID, or, where that is not known yet, by its name and the create
// that was to make it. It takes one request to the engine.
func (c *Conductor) Look(ctx context.Context, name, containerID, operationID string) (Standing, error) {
	e, err := c.connect(ctx, name)
	if err != nil {
		return Standing{}, err
	}
	known := e.recall(operationID)
	standing := known.standing
	e.claim(operationID)
	x := e.exchangesOf(name, containerID, operationID)
	refs := x.refs
	if refs == nil {
		refs = []string{cmp.Or(containerID, name)}
	}
	for _, ref := range refs {
		found, err := c.Inspect(ctx, ref)
		var f *fault.Fault
		switch {
		case err == nil && (ref != name || known.made(found)):
			standing.Container = found
		case err == nil: // A stranger's.
		case errors.As(err, &f) && f.Kind == fault.NotFound:
			continue
		default:
			return Standing{}, err
		}
		break
	}
	if standing.Fault != nil {
		standing.Recovered = recovered(known.judged, standing.Container, time.Now())
	}
	switch {
	case x.underWay:
		standing.InProgress, standing.Kind, standing.Fault = true, KindExchange, nil
	case x.broken != nil && standing.Container != nil:
		standing.Container.Name = name // The other one is only for the time of the exchange.
		if x.broken.ID != operationID {
			scope := c.scope(e.name, name)
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

// claim notes that a state names the operation, where that was in doubt.
func (e *engine) claim(operationID string) {
	if e.journal == nil || operationID == "" {
		return
	}
	r, err := e.journal.Find(operationID)
	if err != nil || !e.journal.Lost(r) {
		return
	}
	if err := e.journal.Change(operationID, func(r *journal.Record) { r.Claimed = true }); err != nil {
		e.logger.Warn("a record of the journal can't be written", "record", operationID, "error", err)
	}
}

// recalled is what the journal knows of an operation, and of those before it that the callers knew.
type recalled struct {
	standing Standing
	// judged is the record that the standing's fault is from.
	judged journal.Record
	// operations and containers are their IDs.
	operations, containers []string
}

// made says whether one of the operations made the container, or had it.
func (k recalled) made(c *Container) bool {
	return slices.Contains(k.operations, c.Labels[LabelOperation]) || slices.Contains(k.containers, c.ID)
}

// recall says what the journal knows of an operation. An update that stood behind a create that
// failed has the create's fault: that is what has to be repeated.
func (e *engine) recall(operationID string) recalled {
	if operationID == "" {
		return recalled{}
	}
	known := recalled{operations: []string{operationID}}
	if e.journal == nil {
		return known
	}
	r, err := e.journal.Find(operationID)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			e.logger.Warn("a record of the journal can't be read", "operation", operationID, "error", err)
		}
		return known
	}
	if r.ContainerID != "" {
		known.containers = append(known.containers, r.ContainerID)
	}
	s := Standing{Kind: Kind(r.Kind), Known: true, Restart: r.Restart, Uploads: r.Uploads, Exchange: Kind(r.Kind) == KindExchange}
	// Who waited for a call has heard of its failure: it is settled by that.
	s.InProgress = r.InProgress() && e.journal.Alive(r)
	s.Fault = failureOf(r, !s.InProgress)
	s.Settled = r.Cast && r.Settled
	known.standing, known.judged = s, r
	// An operation names only earlier ones, so this ends.
	if Kind(r.Kind) != KindCreate && Kind(r.Kind) != KindRemove && r.After != "" && r.ContainerID == "" && journal.Ticket(r.After) < journal.Ticket(r.ID) {
		before := e.recall(r.After)
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
