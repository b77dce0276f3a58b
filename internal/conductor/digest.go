// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"fmt"
	"slices"

	"github.com/distribution/reference"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
)

// AvailableDigest asks the registry, through the engine, what an image's tag leads to now. Asked
// says that the question was put for this caller: others who want to know the same wait for it, and
// get the same answer or the same error.
func (c *Conductor) AvailableDigest(ctx context.Context, image string) (digest string, asked bool, err error) {
	if pinned := engine.PinnedDigest(image); pinned != "" {
		return pinned, false, nil
	}
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return "", true, fmt.Errorf("the reference can't be read: %w", err)
	}
	e, err := c.connect(ctx, image)
	if err != nil {
		return "", true, err
	}
	named = reference.TagNameOnly(named)
	r, asked := e.Resolutions.Begin(named.String())
	if asked {
		r.Digest, r.Err = e.Resolve(ctx, named)
		close(r.Done)
	}
	select {
	case <-r.Done:
		return r.Digest, asked, r.Err
	case <-ctx.Done():
		return "", asked, context.Cause(ctx)
	}
}

// KnownDigest returns the digest at the registry of an image that is on the engine, as far as the
// engine knows it: the likely one if that leads to this image, else the only one of the reference's
// repository. Empty is not known: the image was built there, or loaded.
func (c *Conductor) KnownDigest(ctx context.Context, imageID, ref, likely string) (string, error) {
	if pinned := engine.PinnedDigest(ref); pinned != "" {
		return pinned, nil
	}
	found, err := c.InspectImage(ctx, imageID)
	if err != nil {
		return "", err
	}
	if named, err := reference.ParseNormalizedNamed(ref); err == nil && likely != "" {
		if slices.ContainsFunc(found.RepoDigests, func(d string) bool { return d == reference.FamiliarName(named)+"@"+likely }) {
			return likely, nil
		}
	}
	return digestOf(ref, found.RepoDigests), nil
}

// pullDigest pulls what the tag led to when it was resolved, and has the tag on the engine lead
// there, too: it may have moved on at the registry.
func (o *createJob) pullDigest(ctx context.Context, named reference.Named, pull func(reference.Named) error) error {
	digested, err := reference.ParseNormalizedNamed(named.Name() + "@" + o.pinned)
	if err != nil {
		return err
	}
	if err := pull(digested); err != nil {
		return err
	}
	return o.change(ctx, func(ctx context.Context) error {
		return o.engine.API.ImageTag(ctx, digested.String(), named.String())
	})
}
