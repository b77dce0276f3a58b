// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/volume"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// Some volumes go with a container, though its engine leaves them, and once it is gone nothing on the engine tells whose
// they were. So the record of the removal, or of the exchange, names them before the container goes. If the process
// dies in between, a refresh keeps the container in its state, and the next operation of the lane removes them.

// noteVolumes makes durable what goes with the container. It must not go before.
func (o *containerJob) noteVolumes() error {
	id := o.removal
	if id == "" && o.journaled {
		id = o.id
	}
	if id == "" || len(o.volumes) == 0 {
		return nil
	}
	err := o.in.Change(id, func(r *journal.Record) {
		r.Volumes = o.volumes
		if r.Exchange == nil {
			r.ContainerID = o.containerID
		}
	})
	if err != nil {
		return o.scope().StateFolder(KindRemove.verb(), fault.Remains, fmt.Errorf("noting which volumes go with it: %w", err))
	}
	return nil
}

// removeVolumes removes the volumes that went with a container, and that nothing uses any more.
func (o *containerJob) removeVolumes(ctx context.Context) error {
	for len(o.volumes) > 0 {
		name := o.volumes[0]
		err := o.change(ctx, func(ctx context.Context) error { return o.engine.API.VolumeRemove(ctx, name, false) })
		if err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) {
			return fmt.Errorf("removing the volume %s: %w", name, err)
		}
		o.volumes = o.volumes[1:]
	}
	return nil
}

// resumeVolumes removes what went with containers that earlier operations of the lane removed, and still is there.
func (o *containerJob) resumeVolumes(ctx context.Context, records []journal.Record) error {
	for _, r := range records {
		if r.ID == o.id || !o.engine.owes(r) || !continues(r, o.entry.scope, o.containerID) {
			continue
		}
		if c, err := o.lookFor(ctx, removedBy(r)); err != nil {
			return err
		} else if c != nil {
			continue
		}
		o.logger.Info("removing the volumes that an interrupted removal left", "removal", r.ID, "volumes", r.Volumes)
		if err := o.again(r).removeVolumes(ctx); err != nil {
			return err
		}
		o.write(r.ID, func(r *journal.Record) { r.Volumes = nil })
	}
	return nil
}

// removedBy returns the container that an operation removes.
func removedBy(r journal.Record) string {
	if r.Exchange != nil {
		return r.Exchange.Predecessor
	}
	return r.ContainerID
}

// owed returns the volumes that the operation of a record noted and did not remove, where nobody is at it any more. What
// nobody can have named so by hand is the only thing that a record has removed.
func (e *connection) owed(r journal.Record) []string {
	if r.InProgress() && e.journal.Alive(r) || slices.ContainsFunc(r.Volumes, func(name string) bool { return !container.NamedByEngine(name) }) {
		return nil
	}
	return r.Volumes
}

// owes reports whether the operation of a record left volumes behind.
func (e *connection) owes(r journal.Record) bool { return len(e.owed(r)) > 0 }

// halfRemoved returns the fault of a removal whose container is gone, while volumes that go with it are still there;
// nil is none. Records are those of the lane, containers those that the state may mean.
func (e *connection) halfRemoved(ctx context.Context, s fault.Scope, records []journal.Record, containers ...string) (*fault.Fault, error) {
	for _, r := range slices.Backward(records) {
		if !e.owes(r) || !slices.Contains(containers, removedBy(r)) {
			continue
		}
		for _, name := range r.Volumes {
			_, err := engine.Retrying(ctx, func() (volume.Volume, error) { return e.API.VolumeInspect(ctx, name) })
			if err == nil {
				s.Operation = r.ID
				return s.HalfRemoved(r.Volumes, cmp.Or(r.Ended, r.Accepted)), nil
			}
			if !errdefs.IsNotFound(err) {
				return nil, err
			}
		}
	}
	return nil, nil
}
