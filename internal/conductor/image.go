// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"time"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/image"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// ImageSpec is an image as it shall be on the engine.
type ImageSpec struct {
	// Name is the reference to pull, or the name that an archive's image gets.
	Name       string
	PullPolicy container.PullPolicy
	// Platform is os/architecture[/variant]; empty is the engine's own.
	Platform string
	// Archive is a file on this machine, as docker save writes it; empty means to pull.
	Archive string
	// ArchiveSHA256 is what the archive has to hold; empty is whatever it does. Who casts has stored it already.
	ArchiveSHA256 string
	// Tags are further names.
	Tags []string
}

// Image is an image as its engine reports it.
type Image struct {
	Engine string
	// ID is the ID on the engine ("sha256:…"), Digest the one at the registry of its name, if known.
	ID          string
	Digest      string
	RepoTags    []string
	RepoDigests []string
	// Size is in bytes, unpacked.
	Size     int64
	Platform string
	Created  time.Time
	Labels   map[string]string
}

// image reads an image by ID or reference.
func (e *connection) image(ctx context.Context, ref string) (*Image, error) {
	r, err := engine.Looking(ctx, func() (image.InspectResponse, error) { return e.API.ImageInspect(ctx, ref) })
	if err != nil {
		return nil, err
	}
	img := &Image{
		Engine: e.Name, ID: r.ID, RepoTags: r.RepoTags, RepoDigests: r.RepoDigests, Size: r.Size, Digest: digestOf(ref, r.RepoDigests),
		Platform: platforms.Format(platforms.Normalize(ocispec.Platform{OS: r.Os, Architecture: r.Architecture, Variant: r.Variant})),
	}
	if r.Config != nil {
		img.Labels = r.Config.Labels
	}
	if created, err := time.Parse(time.RFC3339Nano, r.Created); err == nil {
		img.Created = created
	}
	return img, nil
}

// digestOf returns the digest at the registry of a reference: the one that it names itself, else the
// only one that the engine knows for its repository. Several can't be told apart.
func digestOf(ref string, digests []string) string {
	if pinned := engine.PinnedDigest(ref); pinned != "" {
		return pinned
	}
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ""
	}
	found := ""
	for _, d := range digests {
		other, err := reference.ParseNormalizedNamed(d)
		if err != nil || other.Name() != named.Name() {
			continue
		}
		if found != "" {
			return ""
		}
		found = engine.PinnedDigest(d)
	}
	return found
}

// InspectImage reads an image by ID or reference. A missing one is a *fault.Fault of kind
// fault.NotFound.
func (c *Conductor) InspectImage(ctx context.Context, ref string) (*Image, error) {
	t, err := c.begin(ctx, "image", ref, "read", "read", fault.StepReading)
	if err != nil {
		return nil, err
	}
	img, err := engine.Retrying(ctx, func() (*Image, error) { return t.image(ctx, ref) })
	return img, t.explain(ctx, err)
}

// ImageStatus is what is known of an image in Terraform's state: from the engine, and from the
// journal.
type ImageStatus struct {
	// Image is nil if there is none.
	Image *Image
	// Kind is the kind of the operation that the state names.
	Kind Kind
	// InProgress says that it is still under way.
	InProgress bool
	// Fault is how it ended, if it failed and nobody has dealt with that.
	Fault *fault.Fault
	// Recovered says that the image is there by now: the fault is worth a warning, and nothing is to be
	// done again.
	Recovered bool
	// Known says that the journal knows the operation.
	Known bool
	// Elsewhere is until when it may be under way on another machine, if nothing here tells of it.
	Elsewhere time.Time
	// Vanished says that nothing tells of it any more, on the engine either.
	Vanished bool
}

// ObserveImage reads an image by its name, and what became of the operation that a state names.
func (c *Conductor) ObserveImage(ctx context.Context, name, operationID string) (ImageStatus, error) {
	t, err := c.begin(ctx, "image", name, "read", "read", fault.StepReading)
	if err != nil {
		return ImageStatus{}, err
	}
	recalled := t.historyOf(operationID)
	known := recalled.standing
	t.claim(operationID, c.opts.Scope)
	standing := ImageStatus{Kind: known.Kind, InProgress: known.InProgress, Fault: known.Fault, Known: known.Known}
	img, err := engine.Retrying(ctx, func() (*Image, error) { return t.image(ctx, name) })
	if engine.IgnoreNotFound(err) != nil {
		return ImageStatus{}, t.explain(ctx, err)
	}
	if standing.Image = img; known.Fault != nil && imageRecovered(recalled.judged, img) {
		standing.Recovered, standing.Fault = true, known.Fault.Past()
	}
	return standing, nil
}
