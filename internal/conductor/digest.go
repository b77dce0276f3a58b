// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/distribution/reference"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// resolveTakes bounds a question to a registry: it only says what could be newer.
const resolveTakes = 15 * time.Second

// resolutions are the digests that this process asked registries for. Each is asked for once: all
// containers of one image are to see the same.
type resolutions struct {
	mu  sync.Mutex
	all map[string]*resolution
}

type resolution struct {
	done   chan struct{}
	digest string
	err    error
}

// AvailableDigest asks the registry, through the engine, what an image's tag leads to now. Asked
// says that the question was put for this caller: others who want to know the same wait for it, and
// get the same answer or the same error.
func (c *Conductor) AvailableDigest(ctx context.Context, image string) (digest string, asked bool, err error) {
	if pinned := pinnedDigest(image); pinned != "" {
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
	r, asked := e.resolutions.begin(named.String())
	if asked {
		r.digest, r.err = e.resolve(ctx, named)
		close(r.done)
	}
	select {
	case <-r.done:
		return r.digest, asked, r.err
	case <-ctx.Done():
		return "", asked, context.Cause(ctx)
	}
}

// begin gives the question about an image, and says whether the caller is the one to put it.
func (r *resolutions) begin(image string) (one *resolution, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.all[image]; known != nil {
		return known, false
	}
	if r.all == nil {
		r.all = make(map[string]*resolution)
	}
	one = &resolution{done: make(chan struct{})}
	r.all[image] = one
	return one, true
}

func (e *daemon) resolve(ctx context.Context, named reference.Named) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTakes)
	defer cancel()
	auth, err := authenticate(named, e.credentials)
	if err != nil {
		return "", err
	}
	r, err := e.api.DistributionInspect(ctx, named.String(), auth.header)
	if err != nil {
		text := fault.NewMask(auth.secrets...).Text(err.Error())
		return "", fmt.Errorf("asking the registry through engine %q: %s; credentials: %s", e.name, text, auth.source)
	}
	return r.Descriptor.Digest.String(), nil
}

// KnownDigest gives the digest at the registry of an image that is on the engine, as far as the
// engine knows it: the likely one if that leads to this image, else the only one of the reference's
// repository. Empty is not known: the image was built there, or loaded.
func (c *Conductor) KnownDigest(ctx context.Context, imageID, ref, likely string) (string, error) {
	if pinned := pinnedDigest(ref); pinned != "" {
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
func (o *operation) pullDigest(ctx context.Context, named reference.Named, pull func(reference.Named) error) error {
	digested, err := reference.ParseNormalizedNamed(named.Name() + "@" + o.Digest)
	if err != nil {
		return err
	}
	if err := pull(digested); err != nil {
		return err
	}
	return o.change(ctx, func(ctx context.Context) error {
		return o.engine.api.ImageTag(ctx, digested.String(), named.String())
	})
}
