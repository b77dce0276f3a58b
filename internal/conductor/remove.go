// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/containerd/errdefs"
	containertypes "github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// removalJob is the job of removing a container.
type removalJob struct {
	containerJob
	// expected is until when another machine may still make the container.
	expected time.Time
	// removesVolumes reports whether the anonymous volumes go, too, and exchanged that some may be from the container whose
	// place this one took.
	removesVolumes, exchanged bool
}

func (o *removalJob) attempt(ctx context.Context) error {
	return o.repeat(ctx, func(ctx context.Context) (*container.Container, error) { return nil, o.remove(ctx) })
}

// remove stops the container gracefully and removes it: two requests. What is gone already is
// done. Only the container whose ID is known is touched, whatever has its name now.
func (o *removalJob) remove(ctx context.Context) error {
	if err := o.expect(ctx); err != nil || o.containerID == "" {
		return err
	}
	if err := o.findVolumes(ctx); err != nil {
		return err
	}
	if err := o.stopAndRemove(ctx); err != nil {
		return err
	}
	o.engine.unclaim(o.containerID)
	return o.removeVolumes(ctx)
}

func (o *removalJob) stopAndRemove(ctx context.Context) error {
	for {
		if err := o.stop(ctx, nil); err != nil {
			return engine.IgnoreNotFound(err)
		}
		o.enter(fault.StepRemoving)
		if err := o.noteVolumes(); err != nil {
			return err
		}
		err := o.change(ctx, func(ctx context.Context) error {
			err := o.engine.API.ContainerRemove(ctx, o.containerID, containertypes.RemoveOptions{RemoveVolumes: o.removesVolumes})
			o.unsure = o.unsure || engine.Unknown(ctx, err)
			return err
		})
		switch {
		case err == nil:
			return nil
		case errdefs.IsConflict(err) && engine.ContainsAny(err.Error(), "removal of container"):
			return o.gone(ctx)
		case errdefs.IsConflict(err) && engine.ContainsAny(err.Error(), "You cannot remove a running container", "container is running", "cannot remove a paused container"):
			// Somebody started it between the two requests.
			o.logger.Debug("the container was started again while it was being removed")
		default:
			return engine.IgnoreNotFound(err)
		}
	}
}

// findVolumes finds the volumes that go with the container, though its engine does not take them along: the anonymous
// ones that it has from the container whose place it took, which to the engine are its own no more than a volume with a
// name, and those of its files, where the other anonymous ones stay. If the container is gone already, they are those
// that an attempt before saw, or that the record of the removal has.
func (o *removalJob) findVolumes(ctx context.Context) error {
	if o.removesVolumes && !o.exchanged {
		return nil
	}
	c, err := o.lookFor(ctx, o.containerID)
	switch {
	case err != nil || c == nil:
		return err
	case o.removesVolumes:
		o.volumes, err = o.carriedVolumes(ctx, c)
	default:
		o.volumes = slices.Sorted(maps.Values(c.FileFolders))
	}
	return err
}

// carriedVolumes returns the anonymous volumes that the container has from the one whose place it took. What somebody
// named like one, or an anonymous volume of another container that was mounted by its name, is none.
func (o *removalJob) carriedVolumes(ctx context.Context, c *container.Container) (volumes []string, err error) {
	carried := container.CarriedBy(c.Labels)
	if len(carried) == 0 {
		return nil, nil
	}
	if inherits, err := o.engine.Inherits(ctx, c.ImageID, c.Labels[container.LabelOperation]); err != nil || inherits {
		return nil, err
	}
	for _, volume := range container.AnonymousVolumes(c) {
		if slices.Contains(carried, volume) {
			volumes = append(volumes, volume)
		}
	}
	slices.Sort(volumes)
	return slices.Compact(volumes), nil
}

// expect finds the container. Where another machine may still be making it, it waits for it to appear,
// for a fair time: whoever waits can't be kept as long as a create may take.
func (o *removalJob) expect(ctx context.Context) error {
	for {
		err := o.identify(ctx)
		if err != nil || o.containerID != "" {
			return err
		}
		if !o.elsewhere() {
			o.out.Elsewhere = o.appears(time.Now())
			return nil
		}
		if err := pause(ctx, appearLook); err != nil {
			return err
		}
	}
}

// elsewhere reports whether the operation that is to make the container may be under way on another
// machine: this one's journal does not know it.
func (o *removalJob) elsewhere() bool {
	if o.after == "" || o.expected.IsZero() || o.engine.historyOf(o.after).standing.Known {
		return false
	}
	return !o.engine.elsewhere(o.after, o.expected).IsZero()
}

// appears is until when another machine may make the container, whether or not that is waited for.
func (o *removalJob) appears(now time.Time) time.Time {
	if o.after == "" || !now.Before(o.expected) || o.engine.historyOf(o.after).standing.Known || o.engine.forgot(o.after) {
		return time.Time{}
	}
	return o.expected
}

// identify finds the container of an operation whose outcome the caller did not hear of: the one that the journal knows
// by its ID, whatever name it has by now, else the one that has the name. There may be none; a container that another
// create made is a stranger's.
func (o *containerJob) identify(ctx context.Context) error {
	if o.containerID != "" || o.after == "" {
		return nil
	}
	known := o.engine.historyOf(o.after)
	for _, ref := range known.refs(o.spec.Name) {
		c, err := o.lookFor(ctx, ref)
		if err != nil {
			return err
		}
		if c != nil && o.engine.madeBy(ctx, known, c) {
			o.containerID = c.ID
			return nil
		}
	}
	return nil
}

// gone waits until a removal that somebody else began has ended.
func (o *removalJob) gone(ctx context.Context) error {
	events, err := o.engine.Watcher.Watch(ctx, o.containerID)
	if err != nil {
		return err
	}
	defer events.Close()
	for {
		if _, err := o.engine.Inspect(ctx, o.containerID); err != nil {
			return engine.IgnoreNotFound(err)
		}
		select {
		case <-events.Wake():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
