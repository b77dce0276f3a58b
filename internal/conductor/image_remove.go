// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// KeptImage is why an image stays that a state gives up. The zero value is that it did not.
type KeptImage struct {
	// By says who uses it.
	By string
	// Unknown says that it is not known whether gantry brought it.
	Unknown bool
}

// RemoveImage takes an image's names away, and with the last one the image, and waits for containers
// that are being removed. What is under way for the image in this workspace is cancelled first. An empty ID is
// that of the image that has the name then, if an operation of the journal brought it. A name that belongs to
// another image by now, or that another resource wants, is left alone. If a container uses the image nothing is
// touched, unless the image has another tag, and the container was not made from one of these names: then the image
// stays under that tag.
func (c *Conductor) RemoveImage(ctx context.Context, id, name string, names []string) (kept KeptImage, err error) {
	t, err := c.begin(ctx, "image", name, "remove", "delete", fault.StepRemoving)
	if err != nil {
		return KeptImage{}, err
	}
	t.exists = fault.StillThere
	o := &imageRemoval{objectJob: t.objectJob(KindRemove), imageID: id, names: names}
	o.accept(ctx, o, journal.Record{}, false)
	err = o.run(ctx)
	return o.stays, err
}

// imageRemoval is the job of taking an image's names away.
type imageRemoval struct {
	objectJob
	// imageID is the one to remove; empty is that of the image that has the name.
	imageID string
	names   []string
	// stays is why the image stays.
	stays KeptImage
}

// cancels has everything end that is under way for the image in this workspace.
func (o *imageRemoval) cancels() func(journal.Record) bool {
	return func(r journal.Record) bool { return !o.foreign(r.Scope) }
}

func (o *imageRemoval) attempt(ctx context.Context) (err error) {
	o.enter(fault.StepRemoving)
	o.stays, err = o.remove(ctx, o.imageID, o.names)
	return engine.IgnoreNotFound(err)
}

func (o *imageRemoval) remove(ctx context.Context, id string, names []string) (kept KeptImage, err error) {
	earlier := o.earlier()
	ids := []string{id}
	for _, r := range earlier {
		if r.Unsettled() && !o.foreign(r.Scope) { // What it would have taken away goes now.
			ids, names = append(ids, r.Replaced), append(names, r.Dropped...)
		}
	}
	if id == "" {
		img, err := engine.Retrying(ctx, func() (*Image, error) { return o.image(ctx, o.object.Name) })
		if err != nil {
			return KeptImage{}, err
		}
		brought := slices.ContainsFunc(earlier, func(r journal.Record) bool { return r.ContainerID == img.ID && !o.foreign(r.Scope) })
		if !brought { // A name proves nothing.
			return KeptImage{Unknown: len(earlier) == 0}, nil
		}
		id, ids = img.ID, append(ids, img.ID)
	}
	users, err := o.remaining(ctx, o.anybodys(ctx), func(ctx context.Context) ([]user, error) {
		img, err := engine.Retrying(ctx, func() (*Image, error) { return o.image(ctx, id) })
		if err != nil {
			return nil, engine.IgnoreNotFound(err) // Nobody can use what is gone.
		}
		return o.users(ctx, filters.NewArgs(filters.Arg("ancestor", id)), func(s container.Summary) bool {
			return s.ImageID == id && needsNames(img.RepoTags, names, s.Image)
		})
	})
	if err != nil {
		return KeptImage{}, err
	}
	if len(users) > 0 {
		return KeptImage{By: describeUsers(users)}, nil
	}
	wanted, err := o.untag(ctx, ids, names)
	if err != nil {
		return KeptImage{}, err
	}
	for _, prior := range ids {
		if prior != "" && prior != id {
			o.removeUnnamed(ctx, prior, names)
		}
	}
	if len(wanted) > 0 {
		return KeptImage{By: fmt.Sprintf("another resource that has the name %s, in this Terraform workspace or another", strings.Join(wanted, ", "))}, nil
	}
	return KeptImage{}, nil
}

// removeUnnamed removes an image that lost its last name to another one, unless somebody uses it, or knows it by
// a name that is none of these. It is no failure if the image stays.
func (o *objectJob) removeUnnamed(ctx context.Context, id string, names []string) {
	img, err := o.image(ctx, id)
	if err == nil && o.nameless(img, append(slices.Clip(names), o.object.Name)) {
		err = o.change(ctx, func(ctx context.Context) error {
			_, err := o.API.ImageRemove(ctx, id, image.RemoveOptions{PruneChildren: true})
			return err
		})
	}
	if engine.IgnoreNotFound(err) != nil {
		o.entry.logger.Info("an image that lost its name stays", "image_id", id, "reason", err)
	}
}

// untag takes names away from images of these IDs, and returns those that another resource wants: they stay.
func (o *objectJob) untag(ctx context.Context, ids, names []string) (wanted []string, err error) {
	for _, ref := range names {
		img, err := engine.Retrying(ctx, func() (*Image, error) { return o.image(ctx, ref) })
		switch {
		case err != nil || !slices.Contains(ids, img.ID):
		case o.wantedByOthers(ref):
			wanted = append(wanted, strconv.Quote(ref))
		default:
			err = o.change(ctx, func(ctx context.Context) error {
				_, err := o.API.ImageRemove(ctx, ref, image.RemoveOptions{PruneChildren: true})
				return err
			})
		}
		if engine.IgnoreNotFound(err) != nil {
			return nil, err
		}
	}
	return wanted, nil
}
