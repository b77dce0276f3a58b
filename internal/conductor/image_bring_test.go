// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/jsonmessage"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// archiveEngine is a fake with images, by ID, and their tags. Its archives have a line for each image, with its ID
// and its tags; what is after a line "broken" can't be loaded.
type archiveEngine struct {
	*fakeEngine

	parents map[string]string // By ID.
	tags    map[string]string // IDs by name.
	// loading is called, if set, before an archive is loaded.
	loading func(archive string)
}

func (f *archiveEngine) id(ref string) string {
	if id, ok := f.tags[ref]; ok {
		return id
	}
	return ref
}

func (f *archiveEngine) tagsOf(id string) (tags []string) {
	for _, tag := range slices.Sorted(maps.Keys(f.tags)) {
		if f.tags[tag] == id {
			tags = append(tags, tag)
		}
	}
	return tags
}

func (f *archiveEngine) ImageInspect(_ context.Context, ref string, _ ...client.ImageInspectOption) (image.InspectResponse, error) {
	id := f.id(ref)
	parent, ok := f.parents[id]
	if !ok {
		return image.InspectResponse{}, noSuch(ref)
	}
	return image.InspectResponse{ID: id, Parent: parent, RepoTags: f.tagsOf(id)}, nil //nolint:staticcheck // Older engines have parents.
}

func (f *archiveEngine) ImageList(_ context.Context, options image.ListOptions) (list []image.Summary, err error) {
	hasChildren := make(map[string]bool)
	for _, parent := range f.parents {
		hasChildren[parent] = true
	}
	for id := range f.parents {
		if tags := f.tagsOf(id); options.All || len(tags) > 0 || !hasChildren[id] {
			list = append(list, image.Summary{ID: id, RepoTags: tags})
		}
	}
	return list, nil
}

func (f *archiveEngine) ImageTag(_ context.Context, source, target string) error {
	id := f.id(source)
	if _, ok := f.parents[id]; !ok {
		return noSuch(source)
	}
	f.tags[target] = id
	return nil
}

func (f *archiveEngine) ImageRemove(_ context.Context, ref string, options image.RemoveOptions) ([]image.DeleteResponse, error) {
	id := f.id(ref)
	delete(f.tags, ref)
	for id != "" && len(f.tagsOf(id)) == 0 && !slices.Contains(slices.Collect(maps.Values(f.parents)), id) {
		parent := f.parents[id]
		delete(f.parents, id)
		if !options.PruneChildren {
			break
		}
		id = parent
	}
	return nil, nil
}

func (f *archiveEngine) ImageLoad(_ context.Context, input io.Reader, _ ...client.ImageLoadOption) (image.LoadResponse, error) {
	archive, err := io.ReadAll(input)
	if err != nil {
		return image.LoadResponse{}, err
	}
	if f.loading != nil {
		f.loading(string(archive))
	}
	var answer bytes.Buffer
	encoder := json.NewEncoder(&answer)
	for line := range strings.Lines(string(archive)) {
		fields := strings.Fields(line)
		if fields[0] == "broken" {
			err = encoder.Encode(jsonmessage.JSONMessage{Error: &jsonmessage.JSONError{Message: "unexpected EOF"}})
			break
		}
		if _, ok := f.parents[fields[0]]; !ok {
			f.parents[fields[0]] = ""
		}
		for _, tag := range fields[1:] {
			f.tags[tag] = fields[0]
			if err := encoder.Encode(jsonmessage.JSONMessage{Stream: "Loaded image: " + tag + "\n"}); err != nil {
				return image.LoadResponse{}, err
			}
		}
	}
	return image.LoadResponse{Body: io.NopCloser(&answer)}, err
}

func (f *archiveEngine) conductor(t *testing.T) *Conductor {
	c := newConductor(Options{StateDir: t.TempDir(), Scope: scopeHere}, func() (engine.API, engine.Address, error) { return f, engine.Address{Host: "fake"}, nil })
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// load has an archive bring an image of this name.
func load(t *testing.T, c *Conductor, name, archive string) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "archive.tar")
	if err := os.WriteFile(path, []byte(archive), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := c.EnsureImage(t.Context(), ImageRequest{Spec: ImageSpec{Name: name, Archive: path}})
	return err
}

// A load that failed takes no image away that was there before it.
func TestFailedLoadKeepsImagesOfBefore(t *testing.T) {
	for name, tt := range map[string]struct {
		parents, tags map[string]string
		archive       string
		want          string
	}{
		"one without a tag":          {map[string]string{"sha256:1": "sha256:0", "sha256:0": ""}, nil, "sha256:1 app:1", "map[app:1:sha256:1] map[sha256:0: sha256:1:sha256:0]"},
		"one without a tag, by two":  {map[string]string{"sha256:1": ""}, nil, "sha256:1 app:1 app:2", "map[app:2:sha256:1] map[sha256:1:]"},
		"one with another tag":       {map[string]string{"sha256:1": ""}, map[string]string{"own:1": "sha256:1"}, "sha256:1 app:1", "map[own:1:sha256:1] map[sha256:1:]"},
		"one that had the tag":       {map[string]string{"sha256:1": ""}, map[string]string{"app:1": "sha256:1"}, "sha256:2 app:1", "map[app:1:sha256:1] map[sha256:1: sha256:2:]"},
		"none of what was loaded":    {map[string]string{"sha256:9": ""}, nil, "sha256:1 app:1", "map[] map[sha256:9:]"},
		"the parent of what came in": {map[string]string{"sha256:0": ""}, nil, "sha256:1 app:1", "map[] map[sha256:0:]"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &archiveEngine{fakeEngine: newFake(), parents: tt.parents, tags: map[string]string{}}
			maps.Copy(f.tags, tt.tags)
			if name == "the parent of what came in" {
				f.loading = func(string) { f.parents["sha256:1"] = "sha256:0" }
			}
			faultOf(t, load(t, f.conductor(t), "web:1", tt.archive+"\nbroken\n"), fault.Invalid)
			if got := fmt.Sprint(f.tags, f.parents); got != tt.want {
				t.Errorf("the engine has %s, want %s", got, tt.want)
			}
		})
	}
}

// What a load gives back is not what another resource has brought under the name in the meantime.
func TestLoadLeavesWhatAnotherOneBrought(t *testing.T) {
	for name, tt := range map[string]struct {
		first, during string // What the other resource loads before, and in the middle.
		archive, want string
	}{
		"in the middle of a load that failed": {"", "sha256:2 app:1", "sha256:2 app:1\nbroken", "sha256:2"},
		"in the middle of one that went well": {"", "sha256:2 app:1", "sha256:2 app:1\nsha256:3 web:1", "sha256:2"},
		"a newer one than its own":            {"sha256:4 app:1", "sha256:2 app:1", "sha256:2 app:1\nbroken", "sha256:2"},
		"before a load that failed":           {"sha256:4 app:1", "", "sha256:2 app:1\nbroken", "sha256:4"},
		"before one that went well":           {"sha256:4 app:1", "", "sha256:2 app:1\nsha256:3 web:1", "sha256:4"},
		"nothing":                             {"", "", "sha256:2 app:1\nbroken", "sha256:1"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &archiveEngine{fakeEngine: newFake(), parents: map[string]string{"sha256:1": ""}, tags: map[string]string{"app:1": "sha256:1"}}
			c := f.conductor(t)
			other := func(archive string) {
				if archive == "" {
					return
				}
				if err := load(t, c, "app:1", archive); err != nil {
					t.Error(err)
				}
			}
			other(tt.first)
			f.loading = func(string) {
				f.loading = nil
				other(tt.during)
			}
			err := load(t, c, "web:1", tt.archive)
			if failed := strings.Contains(tt.archive, "broken"); failed != (err != nil) {
				t.Errorf("the load says %v", err)
			}
			if got := f.tags["app:1"]; got != tt.want {
				t.Errorf("the name is that of %s, want %s", got, tt.want)
			}
		})
	}
}
