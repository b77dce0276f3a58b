// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/containerd/errdefs"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// An object that has the name that a create wants belongs to somebody: to a Terraform state, this one or
// another, or to a person. gantry takes it for its own only if it can show that a create of this very
// workspace made it, and that no answer to that create began that a state could have kept. For that each
// create writes an open mark with its intent, and removes it before its answer. That an answer has reached
// a state can't be shown, only that there was none. Any doubt is a conflict.

// holder is an object on the engine that has the name that a create wants.
type holder struct {
	// id is the engine's for it; empty where the engine knows it by its name alone, as a volume.
	id string
	// operation is gantry's label: the create that made it, unless the label came another way.
	operation string
	created   time.Time
	// inherited reports whether the label may be that of the image.
	inherited bool
	// drifts reports whether the engine's creation time moves on, as that of a volume does before 23.0.
	drifts bool
}

// claim is a create, as the journal knows it, that may have made the object.
type claim struct {
	record journal.Record
	mark   journal.Mark
	// open reports whether its mark is there and can be read.
	open bool
	// gone reports whether the process that carried it out, and the one that was to answer, have ended.
	gone bool
}

// unanswered reports whether no answer to the create can have begun that carries state, and none will.
func (c claim) unanswered() bool {
	failed := !c.record.InProgress() && c.record.Outcome != journal.Done
	return c.open && (c.gone || failed && !c.record.Cast)
}

// made reports whether the create made the object, as far as ID, label and time tell.
func (c claim) made(h holder) bool {
	r := c.record
	if Kind(r.Kind) != KindCreate || r.ID != h.operation || h.operation == "" || h.inherited {
		return false
	}
	if r.ContainerID != "" && h.id != "" && r.ContainerID != h.id {
		return false
	}
	if h.created.Before(r.Accepted.Add(-engine.ClockSkew)) {
		return false
	}
	for _, end := range []time.Time{r.Ended, r.Deadline} {
		if !h.drifts && end.After(r.Accepted) && h.created.After(end.Add(engine.ClockSkew)) {
			return false
		}
	}
	return true
}

// delivered reports whether the create took the object over, and its answer began. An older release adopts
// without a mark, and leaves that of whoever made it.
func (c claim) delivered(h holder) bool {
	return !c.open && c.record.Outcome == journal.Done && h.id != "" && c.record.ContainerID == h.id
}

// resumable reports whether the object is what an unanswered create of this workspace left, on this engine.
// It is pure.
func resumable(h holder, claims []claim, scope, engineID string) bool {
	for i, c := range claims {
		if c.made(h) {
			return !slices.ContainsFunc(claims[i+1:], func(later claim) bool { return later.delivered(h) }) &&
				scope != "" && c.mark.Scope == scope && c.mark.EngineID == engineID && c.unanswered()
		}
	}
	return false
}

// claims returns the creates of the lane before this operation.
func (n *entry) claims(lane string) []claim {
	if !n.journaled {
		return nil
	}
	var claims []claim
	for _, r := range n.laneRecords(lane) {
		if Kind(r.Kind) != KindCreate || journal.Ticket(r.ID) >= journal.Ticket(n.id) {
			continue
		}
		mark, open, err := n.in.Mark(r.ID)
		if err != nil {
			n.logger.Warn("an open mark can't be read: what its create made is not taken for gantry's own", "operation", r.ID, "error", err)
			open = false
		}
		claims = append(claims, claim{record: r, mark: mark, open: open, gone: n.in.Gone(r)})
	}
	return claims
}

// deliver notes that what the operation made, or adopted, belongs to the state that the answer is for. What
// unanswered creates of this workspace were to make under the same name is no longer in doubt then either.
func (n *entry) deliver(lane string) error {
	switch {
	case !n.journaled:
		return nil
	case n.orphaned != nil && n.orphaned():
		return errOrphaned // What was made stays as unanswered as it is.
	}
	ids := []string{n.id}
	for _, c := range n.claims(lane) {
		if c.unanswered() && n.scope != "" && c.mark.Scope == n.scope {
			ids = append(ids, c.record.ID)
		}
	}
	return n.in.Deliver(ids...)
}

// continues reports whether an operation in this scope, about the container with this ID, may go on with what a record
// of its lane left unfinished. A removal that was cast has left its state: whoever meets its container carries it out.
// All else is about a container that a state still has. It goes on in the same workspace, or in whichever has the
// container by now. It is pure.
func continues(r journal.Record, scope, containerID string) bool {
	switch {
	case Kind(r.Kind) == KindRemove && r.Cast, scope != "" && r.Scope == scope:
		return true
	case containerID == "":
		return false
	case r.Exchange != nil && (r.Exchange.Predecessor == containerID || r.Exchange.Successor == containerID):
		return true
	default:
		return r.ContainerID == containerID
	}
}

// refusesCreate reports whether an engine that answers a create with this error has made nothing for certain. An
// error of its own tells nothing. It is pure.
func refusesCreate(err error) bool {
	if f := (*fault.Fault)(nil); errors.As(err, &f) && f.Kind == fault.NameConflict {
		return true
	}
	return errdefs.IsConflict(err) || errdefs.IsNotFound(err) || errdefs.IsInvalidArgument(err) || errdefs.IsPermissionDenied(err)
}

// madeNothing notes that a create failed before it made anything: there is nothing to resume, and nobody needs to
// look for its mark, and its record among the open ones, ever again.
func (n *entry) madeNothing() {
	if err := n.in.Deliver(n.id); err != nil {
		n.logger.Warn("the open mark of a create that made nothing stays", "error", err)
	}
}

// openMark is the mark of an operation that makes an object; nil for any other.
func (n *entry) openMark(r journal.Record) *journal.Mark {
	if Kind(r.Kind) != KindCreate || r.Object == "image" { // The engine keeps no label of an image that was pulled.
		return nil
	}
	return &journal.Mark{Scope: n.scope, EngineID: n.engineID, Accepted: r.Accepted}
}

// undelivered is the fault of a create that did its work, and whose answer must not carry state.
func undelivered(s fault.Scope, err error) *fault.Fault {
	return s.StateFolder("create", fault.MadeAndUnclaimed, fmt.Errorf("removing its open mark: %w", err))
}

// stillConcerns reports whether a container that a record names by its ID is still what the record is about: it
// has one of the names that the record has for it, or the label that a create of the lane gave it. A record
// alone proves nothing: nobody removes, renames, stops or starts a container because of it.
func (e *connection) stillConcerns(ctx context.Context, c *container.Container, r journal.Record, names ...string) (bool, error) {
	if slices.Contains(names, c.Name) {
		return true, nil
	}
	operation := c.Labels[container.LabelOperation]
	_, lane, _, err := journal.SplitID(operation)
	if err != nil || !slices.Contains(r.Lanes(), lane) {
		return false, nil //nolint:nilerr // A label that is none names nothing.
	}
	inherits, err := e.Inherits(ctx, c.ImageID, operation)
	return !inherits, err
}
