// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containerd/errdefs"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

const (
	// nameSettles bounds the wait for a name that is taken by something that can't be seen
	// (yet), or that is being removed; nameRetry is the pause between two looks.
	nameSettles = time.Minute
	nameRetry   = 250 * time.Millisecond
)

// createJob is the job of making a container.
type createJob struct {
	containerJob
	// pinned is the digest to pull; empty is whatever the reference leads to.
	pinned string
	// adopted says that an interrupted create made the container.
	adopted bool
	// carried are the anonymous volumes of another container that the new one gets.
	carried []string
	// as is the name under which the container is created, where that is not its own yet.
	as string
}

func (o *createJob) attempt(ctx context.Context) error { return o.repeat(ctx, o.create) }

// create makes the container, starts it, and waits for it. With a local image and one network
// that is three requests: create, start, inspect.
func (o *createJob) create(ctx context.Context) (*container.Container, error) {
	again := o.containerID != ""
	prepare := o.createWithImage
	if again {
		prepare = o.make
	}
	if err := prepare(ctx); err != nil {
		return nil, err
	}
	if o.spec.DesiredState == container.DesiredStopped {
		return o.engine.Inspect(ctx, o.containerID)
	}
	return o.bringUp(ctx, again || o.adopted)
}

// createWithImage creates the container, and pulls its image if that is needed and wanted.
func (o *createJob) createWithImage(ctx context.Context) error {
	if o.spec.PullPolicy == container.PullAlways {
		if err := o.pull(ctx); err != nil {
			return err
		}
	}
	err := o.make(ctx)
	if !imageMissing(err) {
		return err
	}
	if o.spec.PullPolicy != container.PullMissing {
		return o.scope().ImageMissing(o.spec.Image, err)
	}
	if err := o.pull(ctx); err != nil {
		return err
	}
	return o.make(ctx)
}

// make sends the create request until the container is there or can't be made, connects the networks
// that didn't fit into the request, and uploads the files. It can be repeated.
func (o *createJob) make(ctx context.Context) error {
	o.enter(fault.StepCreating)
	if err := o.engine.Knows(o.scope(), o.spec.Needs(), o.leftover()); err != nil {
		return err
	}
	if err := o.checkInherited(ctx); err != nil {
		return err
	}
	request, err := container.Translate(o.spec, o.id, o.engine.API.ClientVersion())
	if err != nil {
		return o.scope().EngineSaid(fault.Invalid, o.step, "create", []string{"platform"}, fault.NothingCreated, err)
	}
	if o.containerID == "" {
		folders, err := o.neededFolders(ctx)
		if err != nil {
			return err
		}
		request.Host.Mounts = append(request.Host.Mounts, container.MountFolders(folders, o.id)...)
	}
	if len(o.carried) > 0 {
		request.Config.Labels[container.LabelCarried] = container.Carry(o.id, o.carried)
	}
	for giveUp := time.Now().Add(nameSettles); o.containerID == ""; {
		err := o.change(ctx, func(ctx context.Context) error {
			answer, err := o.engine.API.ContainerCreate(ctx, request.Config, request.Host, request.Networks, request.Platform, cmp.Or(o.as, o.spec.Name))
			if err == nil {
				o.containerID = answer.ID
				o.warned(answer.Warnings)
			}
			o.unsure = o.unsure || engine.Unknown(ctx, err)
			return err
		})
		if err == nil {
			break
		}
		if !nameTaken(err) {
			return err
		}
		if err := o.takenName(ctx, err, giveUp); err != nil {
			return err
		}
	}
	for _, key := range request.Connect {
		attachment := o.spec.Networks[key]
		err := o.change(ctx, func(ctx context.Context) error {
			return o.connect(ctx, attachment)
		})
		if err != nil {
			return fmt.Errorf("connecting network %s: %w", attachment.Network, err)
		}
	}
	return o.uploadAll(ctx)
}

// takenName decides about a name that the engine says is taken: what this operation made itself
// is taken over, a stranger is a conflict, and what is on its way in or out is waited for.
func (o *createJob) takenName(ctx context.Context, taken error, giveUp time.Time) error {
	name := cmp.Or(o.as, o.spec.Name)
	holder, err := o.engine.Inspect(ctx, name)
	switch {
	case err != nil && !errdefs.IsNotFound(err):
		return err
	case err == nil && o.made(holder):
		o.logger.Debug("an earlier request of this operation made the container")
		o.containerID = holder.ID
		return nil
	case err == nil && holder.State.Status != "removing" && o.abandoned(ctx, holder):
		return o.takeOver(ctx, holder)
	case err == nil && holder.State.Status != "removing":
		if aside := o.giveWay(ctx, name); aside != nil {
			return aside
		}
		return o.nameConflict(ctx, holder, fault.NothingCreated, taken)
	case time.Now().After(giveUp):
		return o.scope().NameReserved(name, taken)
	}
	return pause(ctx, nameRetry)
}

// describe says in one line whose a container is.
func (e *connection) describe(ctx context.Context, c *container.Container) string {
	text := fmt.Sprintf("container %s (image %q, created %s, %s)", c.ID[:12], c.Image, c.Created.UTC().Format(time.RFC3339), c.State.Status)
	if project := c.Labels["com.docker.compose.project"]; project != "" {
		text += fmt.Sprintf(" of the Compose project %q", project)
	}
	if operation := c.Labels[container.LabelOperation]; operation != "" && !e.Inherited(ctx, c.ImageID, operation) {
		text += fmt.Sprintf(", made by gantry's operation %s (perhaps for another Terraform state)", operation)
	}
	return text + " has it"
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// imageMissing reports whether a create failed because the image is not on the engine, or only for
// another platform. (The latter is a 404 with a text of its own.)
func imageMissing(err error) bool {
	if f := (*fault.Fault)(nil); err == nil || errors.As(err, &f) {
		return false
	}
	return errdefs.IsNotFound(err) && engine.ContainsAny(err.Error(), "No such image", "no such image", "does not match the specified platform", "image with reference")
}

func nameTaken(err error) bool {
	return errdefs.IsConflict(err) && engine.ContainsAny(err.Error(), "is already in use by container")
}
