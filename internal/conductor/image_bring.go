// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/background"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/pull"
)

// ImageRequest asks for an image on the engine.
type ImageRequest struct {
	Spec ImageSpec
	// Update says that the image is there already, in some form. Prior is its ID, if that is known.
	Update bool
	Prior  string
	// Dropped are names that the prior image, or the new one, is to lose.
	Dropped []string
	// KeepPrior has the prior image stay also where no name is left to it.
	KeepPrior bool
}

// Kind is what the request does: it creates or updates.
func (r ImageRequest) Kind() Kind {
	if r.Update {
		return KindUpdate
	}
	return KindCreate
}

func (r ImageRequest) kind() Kind { return r.Kind() }

func (r ImageRequest) scope() fault.Scope {
	return fault.Object{Kind: "image", Name: r.Spec.Name, Now: time.Now}.Scope()
}

func (r ImageRequest) pulls() string {
	if r.Spec.Archive != "" {
		return ""
	}
	return mayPull(r.Spec.Name, r.Spec.PullPolicy)
}

func (r ImageRequest) acceptCast(ctx context.Context, c *Conductor, h *handed) (background.Cast, error) {
	b, err := c.acceptImage(ctx, r, true)
	if err != nil {
		return background.Cast{}, err
	}
	return b.asCast(h, func(ctx context.Context) { _, _ = b.perform(ctx) })
}

// ImageOutcome is what a request for an image left.
type ImageOutcome struct {
	// OperationID is engine/image:name/unique.
	OperationID string
	// Image is nil if the request failed.
	Image *Image
	// ArchiveSHA256 is the checksum of the archive that was loaded; empty if none was.
	ArchiveSHA256 string
	// NotJournaled says why the journal does not have the operation; nil if it has it.
	NotJournaled error
}

// EnsureImage brings an image to the engine, gives it its names, and waits for that. It can be repeated.
// The error is a *fault.Fault.
func (c *Conductor) EnsureImage(ctx context.Context, req ImageRequest) (ImageOutcome, error) {
	b, err := c.acceptImage(ctx, req, false)
	if err != nil {
		return ImageOutcome{}, err
	}
	img, err := b.perform(ctx)
	return ImageOutcome{OperationID: b.id, Image: img, ArchiveSHA256: b.loaded, NotJournaled: b.entry.notJournaled}, err
}

// imageJob is the job of a request for an image.
type imageJob struct {
	objectJob
	ImageRequest
	// brought is the image as it is now.
	brought *Image
	// loaded is the checksum of the archive that was loaded.
	loaded string
}

func (c *Conductor) acceptImage(ctx context.Context, req ImageRequest, cast bool) (*imageJob, error) {
	timeout := string(req.Kind())
	t, err := c.begin(ctx, "image", req.Spec.Name, "bring", timeout, fault.StepPulling, attributeWord{"platform", "platform"}, attributeWord{"tag", "tags"})
	if err != nil {
		return nil, err
	}
	t.exists = fault.LayersKept
	if req.Spec.Archive != "" {
		t.action = "load"
	}
	record := journal.Record{Replaced: req.Prior, Dropped: req.Dropped, Uploads: req.Spec.Archive != ""}
	if req.KeepPrior {
		record.Replaced = ""
	}
	b := &imageJob{objectJob: t.objectJob(req.Kind()), ImageRequest: req}
	b.accept(ctx, b, record, cast)
	return b, nil
}

func (b *imageJob) scope() fault.Scope { return b.object.Scope() }

// perform carries the operation out, and returns the image that it brought.
func (b *imageJob) perform(ctx context.Context) (*Image, error) {
	err := b.run(ctx)
	return b.brought, err
}

func (b *imageJob) attempt(ctx context.Context) (err error) {
	b.enter(fault.StepPulling)
	b.brought, err = b.bring(ctx)
	return err
}

func (b *imageJob) bring(ctx context.Context) (*Image, error) {
	spec := b.Spec
	before, err := engine.Retrying(ctx, func() (*Image, error) { return b.image(ctx, spec.Name) })
	if engine.IgnoreNotFound(err) != nil {
		return nil, err
	}
	var digest string
	switch {
	case spec.Archive != "":
		err = b.load(ctx, spec)
	case spec.PullPolicy == container.PullAlways:
		digest, err = b.pullImage(ctx, spec)
	default:
		digest, err = b.provide(ctx, spec, before)
	}
	if err != nil {
		return nil, err
	}
	for _, tag := range spec.Tags {
		err := b.change(ctx, func(ctx context.Context) error { return b.API.ImageTag(ctx, spec.Name, tag) })
		if err != nil {
			return nil, fmt.Errorf("giving it the tag %q: %w", tag, err)
		}
	}
	img, err := engine.Retrying(ctx, func() (*Image, error) { return b.image(ctx, spec.Name) })
	if err != nil {
		return nil, err
	}
	b.made = img.ID
	if err := b.tidy(ctx, before, img); err != nil {
		return nil, err
	}
	if img, err = engine.Retrying(ctx, func() (*Image, error) { return b.image(ctx, spec.Name) }); err != nil {
		return nil, err
	}
	if digest != "" {
		img.Digest = digest
	}
	return img, nil
}

// tidy takes away what the image does not need any more: names, and the image before it once it has
// none. So it does for earlier requests that did not come that far.
func (b *imageJob) tidy(ctx context.Context, before, now *Image) error {
	replaced, dropped := []string{b.intent.Replaced}, slices.Clone(b.Dropped)
	for _, r := range b.earlier() {
		if r.Unsettled() && !b.foreign(r.Scope) {
			replaced, dropped = append(replaced, r.Replaced), append(dropped, r.Dropped...)
		}
	}
	dropped = slices.DeleteFunc(dropped, func(name string) bool {
		return slices.ContainsFunc(append(b.Spec.Tags, b.Spec.Name), func(has string) bool { return sameReference(has, name) })
	})
	if b.Update && before != nil && b.brings(before.ID) {
		replaced = append(replaced, before.ID)
	}
	owned := append(slices.Clone(replaced), now.ID)
	if _, err := b.untag(ctx, owned, dropped); err != nil {
		return err
	}
	slices.Sort(replaced)
	for _, id := range slices.Compact(replaced) {
		if id != "" && id != now.ID && !b.KeepPrior {
			b.removeUnnamed(ctx, id, append(dropped, b.Spec.Tags...))
		}
	}
	return nil
}

// brings reports whether an image is the one that the state has, or that an operation before this one brought
// under the name: somebody else may have given the name to another.
func (b *imageJob) brings(id string) bool {
	return id == b.Prior || slices.ContainsFunc(b.earlier(), func(r journal.Record) bool { return r.ContainerID == id && !b.foreign(r.Scope) })
}

// provide pulls the image unless the engine has it.
func (b *imageJob) provide(ctx context.Context, spec ImageSpec, has *Image) (digest string, err error) {
	switch {
	case has != nil && samePlatform(spec.Platform, has.Platform):
		return "", nil
	case spec.PullPolicy == container.PullNever && has != nil:
		return "", b.object.Said(fault.ImageNotFound, fault.StepReading, "use", []string{"platform"}, "",
			fmt.Errorf("the engine has it for %s, not for %s", has.Platform, spec.Platform))
	case spec.PullPolicy == container.PullNever:
		return "", b.object.NotFound(fmt.Errorf("pull_policy is %q, and the engine has no such image", container.PullNever))
	}
	return b.pullImage(ctx, spec)
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
func (b *imageJob) pullImage(ctx context.Context, spec ImageSpec) (digest string, err error) {
	named, err := reference.ParseNormalizedNamed(spec.Name)
	if err != nil {
		return "", b.object.Said(fault.Invalid, fault.StepPulling, "pull", []string{"name"}, "", err)
	}
	named = reference.TagNameOnly(named)
	auth, err := b.handed.authenticate(named, b.Credentials)
	if err != nil {
		return "", b.object.Pull(fault.NoCredentials, fault.Pull{Image: spec.Name, Credentials: "could not be read"}, err)
	}
	outcome, err := b.sharedPull(ctx, named, spec.Platform, auth, b.mark, b.reportPull(spec.Name))
	switch {
	case err == nil:
		return outcome.Digest, nil
	case ctx.Err() != nil:
		return "", b.object.Ended(engine.EndedKind(ctx), b.step, "pull", b.timeout, b.exists, soFar(outcome.Last), context.Cause(ctx))
	}
	b.object.Mask = fault.NewMask(auth.Secrets...)
	return "", b.object.Pull(engine.PullKind(err), fault.Pull{Image: spec.Name, Credentials: auth.Source, Others: outcome.Others, SoFar: soFar(outcome.Last)}, err)
}

// sharedPull brings an image to the engine, together with all who want the same one.
func (e *connection) sharedPull(
	ctx context.Context, named reference.Named, platform string, auth engine.Authentication, mark pull.Mark, report func(pull.Progress),
) (pull.Outcome, error) {
	key := strings.Join([]string{named.String(), platform, auth.Fingerprint()}, " ")
	return e.Pulls.Do(ctx, key, mark, report, func(ctx context.Context, report func(pull.Progress)) (pull.Result, error) {
		return e.Pull(ctx, named, platform, auth, report)
	})
}

func sameReference(a, b string) bool {
	x, err := reference.ParseNormalizedNamed(a)
	if err != nil {
		return false
	}
	y, err := reference.ParseNormalizedNamed(b)
	return err == nil && reference.TagNameOnly(x).String() == reference.TagNameOnly(y).String()
}
