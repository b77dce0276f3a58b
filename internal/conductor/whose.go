// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"slices"
	"sync"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// Terraform removes a network without a word about the containers in it, and gantry disconnects them, since some of
// them are to be in the network that takes its place. It does that only to containers that the state of this workspace
// was seen to name: in a refresh, which the plan's process noted in the journal, or by an operation of this very
// process. A label names who made a container, not whose it is: that of another workspace has one, too. Nor does a
// record tell: a power action can be about anybody's container, and what this workspace made can be in another state.

// claimed are the containers, by their IDs, that this process saw the state name. The zero value has none.
type claimed struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (c *claimed) add(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids = container.Put(c.ids, id, true)
}

func (c *claimed) has(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ids[id]
}

// claimContainer notes that the state of a workspace names the container: for this process, and, where there is a
// journal, for those that come.
func (e *connection) claimContainer(id, scope string) {
	e.claimed.add(id)
	if e.journal == nil || scope == "" {
		return
	}
	if err := e.journal.Claim(id, scope); err != nil {
		e.Logger.Warn("it can't be kept that a container is this workspace's", "container_id", id, "error", err)
	}
}

// unclaim drops what claimContainer noted: the container is gone.
func (e *connection) unclaim(id string) {
	if e.journal == nil {
		return
	}
	if err := e.journal.Unclaim(id); err != nil {
		e.Logger.Debug("what was noted of a container that is gone stays", "container_id", id, "error", err)
	}
}

// owns reports whether the state of a workspace was seen to name the container, and that of no other one since. Any
// doubt is that it does not.
func (e *connection) owns(id, scope string) bool {
	switch {
	case e.claimed.has(id):
		return true
	case e.journal == nil || scope == "":
		return false
	}
	by, err := e.journal.ClaimedBy(id)
	if err != nil {
		e.Logger.Warn("it can't be read whose a container is: it is left alone", "container_id", id, "error", err)
	}
	return err == nil && by == scope
}

// seemsOwn reports whether gantry seems to have made the container, or to have worked on it, for this workspace; an
// empty scope is any. That decides what is waited for and what a message says; nothing is done to a container because of
// it, unless the user named it. A name and a label that an image can hand down don't count: the journal knows the
// container by its ID. Where it does not know it, as on another machine, the label has to be the container's own.
func (e *connection) seemsOwn(ctx context.Context, u user, scope string) bool {
	ours := func(r journal.Record) bool { return scope == "" || r.Scope == "" || r.Scope == scope }
	if e.journal != nil {
		records, _ := e.journal.Lane(u.name)
		if slices.ContainsFunc(records, func(r journal.Record) bool { return r.ContainerID == u.id && ours(r) }) {
			return true
		}
	}
	operation := u.labels[container.LabelOperation]
	engine, name, _, err := journal.SplitID(operation)
	if err != nil || engine != e.Name {
		return false
	}
	if e.journal != nil {
		switch r, err := e.journal.Find(operation); {
		case err == nil && r.ContainerID != "":
			return r.ContainerID == u.id && ours(r)
		case err == nil && !ours(r):
			return false
		}
	}
	return name == u.name && !e.Inherited(ctx, u.imageID, operation)
}

// workspaceOf returns the scope of the workspace that has a container, as far as the journal tells: the one whose state
// was seen last to name it, else the one whose operation made it; empty is not known. As with seemsOwn only words
// depend on it.
func (e *connection) workspaceOf(ctx context.Context, c *container.Container) string {
	if e.journal == nil {
		return ""
	}
	if by, err := e.journal.ClaimedBy(c.ID); err == nil && by != "" {
		return by
	}
	operation := c.Labels[container.LabelOperation]
	return madeIn(e.journal, operation, func(r journal.Record) bool {
		return r.ContainerID == c.ID || r.ContainerID == "" && !e.Inherited(ctx, c.ImageID, operation)
	})
}

// madeIn returns the scope of the workspace whose operation made an object, as its label tells; empty is not known. Fits
// reports whether the record can be about that object.
func madeIn(in *journal.Engine, operation string, fits func(journal.Record) bool) string {
	r, err := in.Find(operation)
	if err != nil || !fits(r) {
		return ""
	}
	return r.Scope
}

// anybodys is seemsOwn for any workspace.
func (e *connection) anybodys(ctx context.Context) func(user) bool {
	return func(u user) bool { return e.seemsOwn(ctx, u, "") }
}
