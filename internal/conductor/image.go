// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/jsonmessage"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/pull"
)

// ImageSpec is an image as it shall be on the engine.
type ImageSpec struct {
	// Name is the reference to pull, or the name that an archive's image gets.
	Name       string
	PullPolicy PullPolicy
	// Platform is os/architecture[/variant]; empty is the engine's own.
	Platform string
	// Archive is a file on this machine, as docker save writes it; empty means to pull.
	Archive string
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

// BringImage brings an image to the engine and gives it its names. It can be repeated.
func (c *Conductor) BringImage(ctx context.Context, spec ImageSpec, timeout string) (*Image, error) {
	t, err := c.begin(ctx, "image", spec.Name, "bring", timeout, fault.StepPulling, attributeWord{"platform", "platform"}, attributeWord{"tag", "tags"})
	if err != nil {
		return nil, err
	}
	t.exists = "layers that are complete are kept"
	digest := ""
	switch {
	case spec.Archive != "":
		t.action = "load"
		err = t.load(ctx, spec)
	case spec.PullPolicy == PullAlways:
		digest, err = t.pullImage(ctx, spec)
	default:
		digest, err = t.provide(ctx, spec)
	}
	if err != nil {
		return nil, t.explain(ctx, err)
	}
	for _, tag := range spec.Tags {
		err := t.change(ctx, func(ctx context.Context) error { return t.api.ImageTag(ctx, spec.Name, tag) })
		if err != nil {
			return nil, t.explain(ctx, fmt.Errorf("giving it the tag %q: %w", tag, err))
		}
	}
	img, err := retrying(ctx, func() (*Image, error) { return t.image(ctx, spec.Name) })
	if err != nil {
		return nil, t.explain(ctx, err)
	}
	if digest != "" {
		img.Digest = digest
	}
	return img, nil
}

// provide pulls the image unless the engine has it.
func (t *task) provide(ctx context.Context, spec ImageSpec) (digest string, err error) {
	img, err := retrying(ctx, func() (*Image, error) { return t.image(ctx, spec.Name) })
	switch {
	case err == nil && samePlatform(spec.Platform, img.Platform):
		return "", nil
	case ignoreNotFound(err) != nil:
		return "", err
	case spec.PullPolicy == PullNever && err == nil:
		return "", t.object.Said(fault.ImageNotFound, fault.StepReading, "use", []string{"platform"}, "",
			fmt.Errorf("the engine has it for %s, not for %s", img.Platform, spec.Platform))
	case spec.PullPolicy == PullNever:
		return "", t.object.NotFound(err)
	}
	return t.pullImage(ctx, spec)
}

func samePlatform(asked, has string) bool {
	if asked == "" {
		return true
	}
	want, err := platforms.Parse(asked)
	if err != nil {
		return false
	}
	got, err := platforms.Parse(has)
	return err == nil && platforms.NewMatcher(want).Match(got)
}

// pullImage pulls together with all who want the same image, containers among them.
func (t *task) pullImage(ctx context.Context, spec ImageSpec) (digest string, err error) {
	named, err := reference.ParseNormalizedNamed(spec.Name)
	if err != nil {
		return "", t.object.Said(fault.Invalid, fault.StepPulling, "pull", []string{"name"}, "", err)
	}
	named = reference.TagNameOnly(named)
	auth, err := authenticate(named, t.credentials)
	if err != nil {
		return "", t.object.Pull(fault.NoCredentials, fault.Pull{Image: spec.Name, Credentials: "could not be read"}, err)
	}
	outcome, err := t.sharedPull(ctx, named, spec.Platform, auth, t.mark, func(pull.Progress) {})
	switch {
	case err == nil:
		return outcome.Digest, nil
	case ctx.Err() != nil:
		return "", t.object.Ended(endedKind(ctx), t.step, "pull", t.timeout, t.exists, soFar(outcome.Last), context.Cause(ctx))
	}
	t.object.Mask = fault.NewMask(auth.secrets...)
	return "", t.object.Pull(pullKind(err), fault.Pull{Image: spec.Name, Credentials: auth.source, Others: outcome.Others, SoFar: soFar(outcome.Last)}, err)
}

// sharedPull brings an image to the engine, together with all who want the same one.
func (e *engine) sharedPull(
	ctx context.Context, named reference.Named, platform string, auth authentication, mark pull.Mark, report func(pull.Progress),
) (pull.Outcome, error) {
	key := strings.Join([]string{named.String(), platform, auth.fingerprint()}, " ")
	return e.pulls.Do(ctx, key, mark, report, func(ctx context.Context, report func(pull.Progress)) (pull.Result, error) {
		return e.pull(ctx, named, platform, auth, report)
	})
}

// load brings the image of an archive, and sees that it has the name.
func (t *task) load(ctx context.Context, spec ImageSpec) error {
	loaded, err := t.loadArchive(ctx, spec.Archive)
	if err != nil {
		return t.object.Said(fault.Invalid, fault.StepPulling, "load", []string{"archive"}, "", err)
	}
	if slices.ContainsFunc(loaded, func(ref string) bool { return sameReference(ref, spec.Name) }) {
		return nil
	}
	if len(loaded) != 1 {
		return t.object.Said(fault.Invalid, fault.StepPulling, "load", []string{"archive"}, "its images are on the engine",
			fmt.Errorf("the archive holds %d images (%s), and none has this name", len(loaded), strings.Join(loaded, ", ")))
	}
	return t.change(ctx, func(ctx context.Context) error { return t.api.ImageTag(ctx, loaded[0], spec.Name) })
}

// loadArchive sends the file, and gives what the engine says it loaded: names, or IDs of what has
// none.
func (t *task) loadArchive(ctx context.Context, path string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	answer, err := t.api.ImageLoad(ctx, file, client.ImageLoadWithQuiet(true))
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var loaded []string
	for decoder := json.NewDecoder(answer.Body); ; {
		var m jsonmessage.JSONMessage
		switch err := decoder.Decode(&m); {
		case errors.Is(err, io.EOF) && len(loaded) == 0:
			return nil, errors.New("the engine found no image in it")
		case errors.Is(err, io.EOF):
			return loaded, nil
		case err != nil:
			return nil, fmt.Errorf("reading the engine's answer: %w", err)
		case m.Error != nil:
			return nil, m.Error
		}
		for _, prefix := range []string{"Loaded image: ", "Loaded image ID: "} {
			if ref, ok := strings.CutPrefix(strings.TrimSpace(m.Stream), prefix); ok {
				loaded = append(loaded, ref)
			}
		}
	}
}

func sameReference(a, b string) bool {
	x, err := reference.ParseNormalizedNamed(a)
	if err != nil {
		return false
	}
	y, err := reference.ParseNormalizedNamed(b)
	return err == nil && reference.TagNameOnly(x).String() == reference.TagNameOnly(y).String()
}

// image reads an image by ID or reference.
func (e *engine) image(ctx context.Context, ref string) (*Image, error) {
	r, err := e.api.ImageInspect(ctx, ref)
	if err != nil {
		return nil, err
	}
	img := &Image{
		Engine: e.name, ID: r.ID, RepoTags: r.RepoTags, RepoDigests: r.RepoDigests, Size: r.Size, Digest: digestOf(ref, r.RepoDigests),
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

// digestOf gives the digest at the registry of a reference: the one that it names itself, else the
// only one that the engine knows for its repository. Several can't be told apart.
func digestOf(ref string, digests []string) string {
	if pinned := pinnedDigest(ref); pinned != "" {
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
		found = pinnedDigest(d)
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
	img, err := retrying(ctx, func() (*Image, error) { return t.image(ctx, ref) })
	return img, t.explain(ctx, err)
}

// RemoveImage takes an image's names away, and with the last one the image, and waits for containers
// that are being removed. A name that belongs to another image by now is left alone. If a container
// uses the image nothing is touched, and kept says who it is.
func (c *Conductor) RemoveImage(ctx context.Context, id, name string, names []string, timeout string) (kept string, err error) {
	t, err := c.begin(ctx, "image", name, "remove", timeout, fault.StepRemoving)
	if err != nil {
		return "", err
	}
	t.exists = "the image is still there"
	users, err := t.remaining(ctx, func(ctx context.Context) ([]user, error) {
		return t.users(ctx, filters.NewArgs(filters.Arg("ancestor", id)), func(s container.Summary) bool { return s.ImageID == id })
	})
	if ignoreNotFound(err) != nil {
		return "", t.explain(ctx, err)
	}
	if len(users) > 0 {
		return describeUsers(users), nil
	}
	return "", t.explain(ctx, t.untag(ctx, id, names))
}

// UntagImage takes names away from an image that keeps others. A name that belongs to another image
// by now is left alone.
func (c *Conductor) UntagImage(ctx context.Context, id, name string, names []string) error {
	t, err := c.begin(ctx, "image", name, "untag", "update", fault.StepRemoving, attributeWord{"", "tags"})
	if err != nil {
		return err
	}
	return t.explain(ctx, t.untag(ctx, id, names))
}

// RemoveUnnamed removes an image that lost its last name to another one, unless somebody uses it. It
// is no failure if the image stays.
func (c *Conductor) RemoveUnnamed(ctx context.Context, id string) {
	t, err := c.begin(ctx, "image", id, "remove", "update", fault.StepRemoving)
	if err != nil {
		return
	}
	img, err := t.image(ctx, id)
	if err == nil && len(img.RepoTags) == 0 {
		err = t.change(ctx, func(ctx context.Context) error {
			_, err := t.api.ImageRemove(ctx, id, image.RemoveOptions{PruneChildren: true})
			return err
		})
	}
	if err != nil {
		t.logger.Info("an image that lost its name stays", "image_id", id, "reason", err)
	}
}

func (t *task) untag(ctx context.Context, id string, names []string) error {
	for _, ref := range names {
		img, err := retrying(ctx, func() (*Image, error) { return t.image(ctx, ref) })
		if err == nil && img.ID == id {
			err = t.change(ctx, func(ctx context.Context) error {
				_, err := t.api.ImageRemove(ctx, ref, image.RemoveOptions{PruneChildren: true})
				return err
			})
		}
		if ignoreNotFound(err) != nil {
			return err
		}
	}
	return nil
}
