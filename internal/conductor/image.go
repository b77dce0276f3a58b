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
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
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

// ImageOutcome is what a request for an image left.
type ImageOutcome struct {
	// OperationID is engine/image:name/unique.
	OperationID string
	// Image is nil if the request failed.
	Image *Image
	// Unkept says why the journal does not have the operation; nil if it has it.
	Unkept error
}

// BringImage brings an image to the engine, gives it its names, and waits for that. It can be repeated.
// The error is a *fault.Fault.
func (c *Conductor) BringImage(ctx context.Context, req ImageRequest) (ImageOutcome, error) {
	b, err := c.acceptImage(ctx, req, false)
	if err != nil {
		return ImageOutcome{}, err
	}
	img, err := b.carryOut(ctx)
	return ImageOutcome{OperationID: b.id, Image: img, Unkept: b.unkept}, err
}

// bringing is a request for an image on its way.
type bringing struct {
	*objectOperation
	ImageRequest
}

func (c *Conductor) acceptImage(ctx context.Context, req ImageRequest, cast bool) (*bringing, error) {
	timeout := string(req.Kind())
	t, err := c.begin(ctx, "image", req.Spec.Name, "bring", timeout, fault.StepPulling, attributeWord{"platform", "platform"}, attributeWord{"tag", "tags"})
	if err != nil {
		return nil, err
	}
	t.exists = "layers that are complete are kept"
	if req.Spec.Archive != "" {
		t.action = "load"
	}
	record := journal.Record{Kind: string(req.Kind()), Replaced: req.Prior, Dropped: req.Dropped}
	if req.KeepPrior {
		record.Replaced = ""
	}
	return &bringing{t.accept(ctx, c, record, cast), req}, nil
}

// carryOut brings the image when it is its turn.
func (b *bringing) carryOut(ctx context.Context) (img *Image, err error) {
	err = b.run(ctx, func(ctx context.Context) (err error) {
		img, err = b.bring(ctx)
		return err
	})
	return img, err
}

func (b *bringing) bring(ctx context.Context) (*Image, error) {
	spec := b.Spec
	before, err := retrying(ctx, func() (*Image, error) { return b.image(ctx, spec.Name) })
	if ignoreNotFound(err) != nil {
		return nil, err
	}
	var digest string
	switch {
	case spec.Archive != "":
		err = b.load(ctx, spec)
	case spec.PullPolicy == PullAlways:
		digest, err = b.pullImage(ctx, spec)
	default:
		digest, err = b.provide(ctx, spec, before)
	}
	if err != nil {
		return nil, err
	}
	for _, tag := range spec.Tags {
		err := b.change(ctx, func(ctx context.Context) error { return b.api.ImageTag(ctx, spec.Name, tag) })
		if err != nil {
			return nil, fmt.Errorf("giving it the tag %q: %w", tag, err)
		}
	}
	img, err := retrying(ctx, func() (*Image, error) { return b.image(ctx, spec.Name) })
	if err != nil {
		return nil, err
	}
	b.made = img.ID
	if err := b.tidy(ctx, before, img); err != nil {
		return nil, err
	}
	if img, err = retrying(ctx, func() (*Image, error) { return b.image(ctx, spec.Name) }); err != nil {
		return nil, err
	}
	if digest != "" {
		img.Digest = digest
	}
	return img, nil
}

// tidy takes away what the image does not need any more: names, and the image before it once it has
// none. So it does for earlier requests that did not come that far.
func (b *bringing) tidy(ctx context.Context, before, now *Image) error {
	replaced, dropped := []string{b.record.Replaced}, slices.Clone(b.Dropped)
	for _, r := range b.earlier() {
		if r.Unsettled() {
			replaced, dropped = append(replaced, r.Replaced), append(dropped, r.Dropped...)
		}
	}
	dropped = slices.DeleteFunc(dropped, func(name string) bool {
		return slices.ContainsFunc(append(b.Spec.Tags, b.Spec.Name), func(has string) bool { return sameReference(has, name) })
	})
	if b.Update && before != nil {
		replaced = append(replaced, before.ID)
	}
	owned := append(slices.Clone(replaced), now.ID)
	if err := b.untag(ctx, func(id string) bool { return slices.Contains(owned, id) }, dropped); err != nil {
		return err
	}
	slices.Sort(replaced)
	for _, id := range slices.Compact(replaced) {
		if id != "" && id != now.ID && !b.KeepPrior {
			b.removeUnnamed(ctx, id)
		}
	}
	return nil
}

// provide pulls the image unless the engine has it.
func (b *bringing) provide(ctx context.Context, spec ImageSpec, has *Image) (digest string, err error) {
	switch {
	case has != nil && samePlatform(spec.Platform, has.Platform):
		return "", nil
	case spec.PullPolicy == PullNever && has != nil:
		return "", b.object.Said(fault.ImageNotFound, fault.StepReading, "use", []string{"platform"}, "",
			fmt.Errorf("the engine has it for %s, not for %s", has.Platform, spec.Platform))
	case spec.PullPolicy == PullNever:
		return "", b.object.NotFound(fmt.Errorf("pull_policy is %q, and the engine has no such image", PullNever))
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
func (b *bringing) pullImage(ctx context.Context, spec ImageSpec) (digest string, err error) {
	named, err := reference.ParseNormalizedNamed(spec.Name)
	if err != nil {
		return "", b.object.Said(fault.Invalid, fault.StepPulling, "pull", []string{"name"}, "", err)
	}
	named = reference.TagNameOnly(named)
	auth, err := authenticate(named, b.credentials)
	if err != nil {
		return "", b.object.Pull(fault.NoCredentials, fault.Pull{Image: spec.Name, Credentials: "could not be read"}, err)
	}
	outcome, err := b.sharedPull(ctx, named, spec.Platform, auth, b.mark, b.reportPull(spec.Name))
	switch {
	case err == nil:
		return outcome.Digest, nil
	case ctx.Err() != nil:
		return "", b.object.Ended(endedKind(ctx), b.step, "pull", b.timeout, b.exists, soFar(outcome.Last), context.Cause(ctx))
	}
	b.object.Mask = fault.NewMask(auth.secrets...)
	return "", b.object.Pull(pullKind(err), fault.Pull{Image: spec.Name, Credentials: auth.source, Others: outcome.Others, SoFar: soFar(outcome.Last)}, err)
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

// load brings the image of an archive, and sees that it has the name, and no other that it brought
// along.
func (b *bringing) load(ctx context.Context, spec ImageSpec) error {
	before, err := b.tagged(ctx)
	if err != nil {
		return err
	}
	loaded, err := b.loadArchive(ctx, spec.Archive)
	if err != nil {
		return b.object.Said(fault.Invalid, fault.StepPulling, "load", []string{"archive"}, "", err)
	}
	if !slices.ContainsFunc(loaded, func(ref string) bool { return sameReference(ref, spec.Name) }) {
		err = b.nameLoaded(ctx, spec, loaded)
	}
	return errors.Join(err, b.giveBackNames(ctx, spec, loaded, before))
}

// nameLoaded gives the name to what an archive brought under others, if that is one image.
func (b *bringing) nameLoaded(ctx context.Context, spec ImageSpec, loaded []string) error {
	ids := make(map[string]bool)
	for _, ref := range loaded {
		img, err := retrying(ctx, func() (*Image, error) { return b.image(ctx, ref) })
		if err != nil {
			return err
		}
		ids[img.ID] = true
	}
	if len(ids) > 1 {
		return b.object.Said(fault.Invalid, fault.StepPulling, "load", []string{"archive"}, "",
			fmt.Errorf("the archive holds %d images (%s), and none has this name", len(ids), strings.Join(loaded, ", ")))
	}
	return b.change(ctx, func(ctx context.Context) error { return b.api.ImageTag(ctx, loaded[0], spec.Name) })
}

// tagged gives the images of the engine by their names.
func (e *engine) tagged(ctx context.Context) (map[string]string, error) {
	list, err := retrying(ctx, func() ([]image.Summary, error) { return e.api.ImageList(ctx, image.ListOptions{}) })
	if err != nil {
		return nil, err
	}
	ids := make(map[string]string)
	for _, img := range list {
		for _, tag := range img.RepoTags {
			ids[tag] = img.ID
		}
	}
	return ids, nil
}

// giveBackNames takes the names away that an archive brought along, and gives those back that it took
// from other images.
func (b *bringing) giveBackNames(ctx context.Context, spec ImageSpec, loaded []string, before map[string]string) error {
	wanted := append(slices.Clone(spec.Tags), spec.Name)
	for _, ref := range loaded {
		if slices.ContainsFunc(wanted, func(name string) bool { return sameReference(name, ref) }) {
			continue
		}
		err := b.change(ctx, func(ctx context.Context) (err error) {
			switch prior, had := before[ref]; {
			case had:
				err = b.api.ImageTag(ctx, prior, ref)
			case !strings.HasPrefix(ref, "sha256:"):
				_, err = b.api.ImageRemove(ctx, ref, image.RemoveOptions{PruneChildren: true})
			}
			return ignoreNotFound(err)
		})
		if err != nil {
			return fmt.Errorf("giving the name %q back: %w", ref, err)
		}
	}
	return nil
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
	users, err := o.remaining(ctx, func(ctx context.Context) ([]user, error) {
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

// ImageStanding is what is known of an image in Terraform's state: from the engine, and from the
// journal.
type ImageStanding struct {
	// Image is nil if there is none.
	Image *Image
	// Kind is the kind of the operation that the state names.
	Kind Kind
	// InProgress says that it is still under way.
	InProgress bool
	// Fault is how it ended, if it failed and nobody has dealt with that.
	Fault *fault.Fault
	// Known says that the journal knows the operation.
	Known bool
}

// LookImage reads an image by its name, and what became of the operation that a state names.
func (c *Conductor) LookImage(ctx context.Context, name, operationID string) (ImageStanding, error) {
	t, err := c.begin(ctx, "image", name, "read", "read", fault.StepReading)
	if err != nil {
		return ImageStanding{}, err
	}
	known := t.recall(t.object.Scope(), operationID).standing
	t.claim(operationID)
	standing := ImageStanding{Kind: known.Kind, InProgress: known.InProgress, Fault: known.Fault, Known: known.Known}
	img, err := retrying(ctx, func() (*Image, error) { return t.image(ctx, name) })
	if ignoreNotFound(err) != nil {
		return ImageStanding{}, t.explain(ctx, err)
	}
	standing.Image = img
	return standing, nil
}
