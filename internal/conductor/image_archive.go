// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/pkg/jsonmessage"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// load brings the image of an archive, and sees that it has the name, and no other that it brought
// along.
func (b *imageJob) load(ctx context.Context, spec ImageSpec) error {
	before, err := b.Stock(ctx)
	if err != nil {
		return err
	}
	loaded, sum, err := b.loadArchive(ctx, spec.Archive)
	if err == nil && spec.ArchiveSHA256 != "" && sum != spec.ArchiveSHA256 {
		err = errors.New("the archive has other content than when this operation was accepted")
	}
	b.loaded = sum
	switch {
	case err != nil:
		err = b.object.Said(fault.Invalid, fault.StepPulling, "load", []string{"archive"}, "", err)
	case !slices.ContainsFunc(loaded, func(ref string) bool { return sameReference(ref, spec.Name) }):
		err = b.nameLoaded(ctx, spec, loaded)
	}
	wanted := append(slices.Clone(spec.Tags), spec.Name)
	if err != nil { // Other images may have lost names to what was loaded until then.
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), returnTakes)
		defer cancel()
		ctx, wanted = cleanup, nil
	}
	return errors.Join(err, b.giveBackNames(ctx, wanted, loaded, before))
}

// nameLoaded returns the name to what an archive brought under others, if that is one image.
func (b *imageJob) nameLoaded(ctx context.Context, spec ImageSpec, loaded []string) error {
	ids := make(map[string]bool)
	for _, ref := range loaded {
		img, err := engine.Retrying(ctx, func() (*Image, error) { return b.image(ctx, ref) })
		if err != nil {
			return err
		}
		ids[img.ID] = true
	}
	if len(ids) > 1 {
		return b.object.Said(fault.Invalid, fault.StepPulling, "load", []string{"archive"}, "",
			fmt.Errorf("the archive holds %d images (%s), and none has this name", len(ids), strings.Join(loaded, ", ")))
	}
	return b.change(ctx, func(ctx context.Context) error { return b.API.ImageTag(ctx, loaded[0], spec.Name) })
}

// giveBackNames takes the names away that an archive brought along, and gives those back that it took
// from other images, but for those that are wanted. What another resource wants by now stays: it may load the
// same archive.
func (b *imageJob) giveBackNames(ctx context.Context, wanted, loaded []string, before engine.Stock) error {
	for _, ref := range loaded {
		prior := before.Names[ref]
		switch {
		case slices.ContainsFunc(wanted, func(name string) bool { return sameReference(name, ref) }):
			continue
		case strings.HasPrefix(ref, "sha256:") || b.wantedByOthers(ref, prior):
			continue
		}
		err := b.change(ctx, func(ctx context.Context) error {
			if prior != "" {
				return b.API.ImageTag(ctx, prior, ref)
			}
			return b.untagLoaded(ctx, ref, before)
		})
		if engine.IgnoreNotFound(err) != nil {
			return fmt.Errorf("giving the name %q back: %w", ref, err)
		}
	}
	return nil
}

// untagLoaded takes a name away that an archive brought, and with the last one the image, unless that was there
// before, and so may its parents have been. An engine deletes an image with its last tag: there the tag stays.
func (b *imageJob) untagLoaded(ctx context.Context, ref string, before engine.Stock) error {
	img, err := b.API.ImageInspect(ctx, ref)
	if err != nil {
		return err
	}
	if before.IDs[img.ID] && len(img.RepoTags) < 2 {
		b.entry.logger.Warn("a name that the archive brought stays: without it the engine would delete an image that was there before", "name", ref, "image_id", img.ID)
		return nil
	}
	prune := true
	for id := img.ID; prune && id != ""; {
		r, err := b.API.ImageInspect(ctx, id)
		prune, id = err == nil && !before.IDs[id], r.Parent //nolint:staticcheck // Engines that still have parents say so nowhere else.
	}
	_, err = b.API.ImageRemove(ctx, ref, image.RemoveOptions{PruneChildren: prune})
	return err
}

// loadArchive sends the file, and returns what the engine says it loaded: names, or IDs of what has
// none. So it does also of an archive of which the engine could load only a part. The checksum is of what was sent.
func (t *task) loadArchive(ctx context.Context, path string) (loaded []string, sum string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = file.Close() }()
	sent := &summed{from: file, sum: sha256.New()}
	loaded, err = t.sendArchive(ctx, sent)
	if err != nil {
		return loaded, "", err
	}
	sum, err = sent.rest()
	return loaded, sum, err
}

func (t *task) sendArchive(ctx context.Context, archive io.Reader) (loaded []string, err error) {
	answer, err := t.LoadImage(ctx, archive)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	for decoder := json.NewDecoder(answer.Body); ; {
		var m jsonmessage.JSONMessage
		switch err := decoder.Decode(&m); {
		case errors.Is(err, io.EOF) && len(loaded) == 0:
			return nil, errors.New("the engine found no image in it")
		case errors.Is(err, io.EOF):
			return loaded, nil
		case err != nil:
			return loaded, fmt.Errorf("reading the engine's answer: %w", err)
		case m.Error != nil:
			return loaded, m.Error
		}
		for _, prefix := range []string{"Loaded image: ", "Loaded image ID: "} {
			if ref, ok := strings.CutPrefix(strings.TrimSpace(m.Stream), prefix); ok {
				loaded = append(loaded, ref)
			}
		}
	}
}

// summed makes a checksum of what is read through it. An engine may answer before it has read to the end, and the
// client's transport may read on meanwhile.
type summed struct {
	mu    sync.Mutex
	from  io.Reader
	sum   hash.Hash
	ended bool
}

func (s *summed) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return 0, io.EOF
	}
	n, err := s.from.Read(p)
	_, _ = s.sum.Write(p[:n]) // It never fails.
	return n, err
}

// rest ends the reading by others, and returns the checksum of the whole.
func (s *summed) rest() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if _, err := io.Copy(s.sum, s.from); err != nil {
		return "", err
	}
	return hex.EncodeToString(s.sum.Sum(nil)), nil
}
