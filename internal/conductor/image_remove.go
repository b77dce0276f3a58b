// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"slices"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// RemoveImage takes an image's names away, and with the last one the image, and waits for containers
// that are being removed. What is under way for the image is cancelled first. An empty ID is that of the
// image that has the name then. A name that belongs to another image by now is left alone. If a
// container uses the image nothing is touched, and kept says who it is.
func (c *Conductor) RemoveImage(ctx context.Context, id, name string, names []string) (kept string, err error) {
	t, err := c.begin(ctx, "image", name, "remove", "delete", fault.StepRemoving)
	if err != nil {
		return "", err
	}
	t.exists = "the image is still there"
	o := t.accept(ctx, c, journal.Record{Kind: string(KindRemove)}, false)
	err = o.run(ctx, func(ctx context.Context) (err error) {
		kept, err = o.removeImage(ctx, id, names)
		return ignoreNotFound(err)
	})
	return kept, err
}

func (o *objectOperation) removeImage(ctx context.Context, id string, names []string) (kept string, err error) {
	ids := []string{id}
	for _, r := range o.earlier() {
		if r.Unsettled() { // What it would have taken away goes now.
			ids, names = append(ids, r.Replaced), append(names, r.Dropped...)
		}
	}
	if id == "" {
		img, err := retrying(ctx, func() (*Image, error) { return o.image(ctx, o.object.Name) })
		if err != nil {
			return "", err
		}
		id, ids = img.ID, append(ids, img.ID)
	}
	users, err := o.remaining(ctx, o.ownsAny(ctx), func(ctx context.Context) ([]user, error) {
		return o.users(ctx, filters.NewArgs(filters.Arg("ancestor", id)), func(s container.Summary) bool { return s.ImageID == id })
	})
	if err != nil {
		return "", err
	}
	if len(users) > 0 {
		return describeUsers(users), nil
	}
	err = o.untag(ctx, func(has string) bool { return slices.Contains(ids, has) }, names)
	if err != nil {
		return "", err
	}
	for _, prior := range ids {
		if prior != "" && prior != id {
			o.removeUnnamed(ctx, prior)
		}
	}
	return "", nil
}

// removeUnnamed removes an image that lost its last name to another one, unless somebody uses it. It
// is no failure if the image stays.
func (o *objectOperation) removeUnnamed(ctx context.Context, id string) {
	img, err := o.image(ctx, id)
	if err == nil && len(img.RepoTags) == 0 {
		err = o.change(ctx, func(ctx context.Context) error {
			_, err := o.api.ImageRemove(ctx, id, image.RemoveOptions{PruneChildren: true})
			return err
		})
	}
	if ignoreNotFound(err) != nil {
		o.entry.logger.Info("an image that lost its name stays", "image_id", id, "reason", err)
	}
}

// untag takes names away from the images that are its own.
func (o *objectOperation) untag(ctx context.Context, own func(id string) bool, names []string) error {
	for _, ref := range names {
		img, err := retrying(ctx, func() (*Image, error) { return o.image(ctx, ref) })
		if err == nil && own(img.ID) {
			err = o.change(ctx, func(ctx context.Context) error {
				_, err := o.api.ImageRemove(ctx, ref, image.RemoveOptions{PruneChildren: true})
				return err
			})
		}
		if ignoreNotFound(err) != nil {
			return err
		}
	}
	return nil
}
