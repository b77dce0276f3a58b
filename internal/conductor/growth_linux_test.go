// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"github.com/google/uuid"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journaltest"
)

// roundEngine is a fake with one image, and with networks and volumes.
type roundEngine struct {
	*fakeEngine

	networks map[string]network.Inspect
	volumes  map[string]volume.Volume
	tags     map[string]bool
}

func newRoundEngine() *roundEngine {
	return &roundEngine{newFake(), make(map[string]network.Inspect), make(map[string]volume.Volume), map[string]bool{"img:1": true}}
}

func found[V any](all map[string]V, ref string) (V, error) {
	one, ok := all[ref]
	if !ok {
		return one, fmt.Errorf("no such object %s: %w", ref, errdefs.ErrNotFound)
	}
	return one, nil
}

func (f *roundEngine) NetworkCreate(_ context.Context, name string, options network.CreateOptions) (network.CreateResponse, error) {
	f.networks[name] = network.Inspect{ID: name, Name: name, Driver: "bridge", Labels: options.Labels, Created: time.Now()}
	return network.CreateResponse{ID: name}, nil
}

func (f *roundEngine) NetworkInspect(_ context.Context, ref string, _ network.InspectOptions) (network.Inspect, error) {
	return found(f.networks, ref)
}

func (f *roundEngine) NetworkRemove(_ context.Context, ref string) error {
	delete(f.networks, ref)
	return nil
}

func (f *roundEngine) VolumeCreate(_ context.Context, options volume.CreateOptions) (volume.Volume, error) {
	f.volumes[options.Name] = volume.Volume{Name: options.Name, Driver: "local", Labels: options.Labels, CreatedAt: time.Now().Format(time.RFC3339)}
	return f.volumes[options.Name], nil
}

func (f *roundEngine) VolumeInspect(_ context.Context, name string) (volume.Volume, error) {
	return found(f.volumes, name)
}

func (f *roundEngine) VolumeRemove(_ context.Context, name string, _ bool) error {
	delete(f.volumes, name)
	return nil
}

func (f *roundEngine) ImageInspect(_ context.Context, ref string, _ ...client.ImageInspectOption) (image.InspectResponse, error) {
	if !f.tags[ref] && ref != "sha256:1" {
		return image.InspectResponse{}, noSuch(ref)
	}
	return image.InspectResponse{ID: "sha256:1", RepoTags: slices.Sorted(maps.Keys(f.tags))}, nil
}

func (f *roundEngine) ImageList(context.Context, image.ListOptions) ([]image.Summary, error) {
	return nil, nil
}

func (f *roundEngine) ImageTag(_ context.Context, _, tag string) error {
	f.tags[tag] = true
	return nil
}

func (f *roundEngine) ImageRemove(_ context.Context, ref string, _ image.RemoveOptions) ([]image.DeleteResponse, error) {
	delete(f.tags, ref)
	return nil, nil
}

func (f *roundEngine) ContainerUpdate(context.Context, string, containertypes.UpdateConfig) (containertypes.UpdateResponse, error) {
	return containertypes.UpdateResponse{}, nil
}

const fakeHost = "unix:///fake.sock"

// conductor is one process at work on a state directory.
func (f *roundEngine) conductor(dir string) *Conductor {
	return newConductor(Options{Engine: EngineOptions{Connection: engine.Connection{Host: fakeHost}}, StateDir: dir, Scope: scopeHere}, func() (engine.API, engine.Address, error) { return f, engine.Address{Host: fakeHost}, nil })
}

// uniqueParts are what differs from run to run in the name of a file.
var uniqueParts = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\.(new|probe)-[0-9]+`)

// Whole operations, each in a process of its own, open what concerns them: the same files, whether the state directory
// has records of nothing else or of 1,000 other objects.
func TestOperationsOpenWhatConcernsThem(t *testing.T) {
	t.Parallel()
	alone, beside := openedByOperations(t, 0), openedByOperations(t, 1000)
	for what, files := range alone {
		if got := beside[what]; !slices.Equal(got, files) {
			t.Errorf("%s opens\n\t%s\nand beside 1,000 others\n\t%s", what, strings.Join(files, "\n\t"), strings.Join(got, "\n\t"))
		}
		if len(files) == 0 {
			t.Errorf("%s opens nothing", what)
		}
	}
}

// openedByOperations returns, by operation, the names of the files that are opened beside so many records.
func openedByOperations(t *testing.T, unrelated int) map[string][]string {
	t.Helper()
	dir, f := t.TempDir(), newRoundEngine()
	ctx := t.Context()
	others := journaltest.Fill(t, dir, map[string]int{"edge1": unrelated, "edge2": unrelated / 5})
	// mostListed is how many entries a directory may have that is listed.
	const mostListed = 300
	all := make(map[string][]string)
	tells := 0 // What of others may be opened.
	process := func(what string, work func(c *Conductor) error) {
		t.Helper()
		c := f.conductor(dir)
		watching := journaltest.Watch(t, dir)
		err := work(c)
		if err = errors.Join(err, c.Close()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		files, lists := watching.Told(t)
		names := make(map[string]bool)
		of := 0
		for file := range files {
			name := uniqueParts.ReplaceAllString(file, "*")
			if slices.ContainsFunc(uniqueParts.FindAllString(file, -1), func(part string) bool { return others[part] }) {
				of++
				if of > tells {
					t.Errorf("%s opens %s, which is another object's", what, file)
				}
				continue
			}
			names[name] = true
		}
		if tells == 0 {
			all[what] = slices.Sorted(maps.Keys(names))
		}
		for folder := range lists {
			entries, err := os.ReadDir(filepath.Join(dir, folder))
			if strings.Contains(folder, "edge2") || err != nil || len(entries) > mostListed && filepath.Base(folder) != "unsettled" {
				t.Errorf("%s lists %s, which has %d entries, %v", what, folder, len(entries), err)
			}
		}
	}
	var made, cast Outcome
	spec := func(name string) container.Spec {
		return container.Spec{Name: name, Settings: container.Settings{Image: "img:1"}, DesiredState: container.DesiredStopped, PullPolicy: container.PullNever}
	}
	call := func(r Request, into *Outcome) func(*Conductor) error {
		return func(c *Conductor) (err error) {
			*into, err = c.Call(ctx, r)
			return err
		}
	}
	// after is call for a request that is about what the one before left.
	after := func(r func() Request) func(*Conductor) error {
		return func(c *Conductor) error { return call(r(), &made)(c) }
	}
	process("create a container", call(CreateRequest{Spec: spec("web")}, &made))
	process("create another one", call(CreateRequest{Spec: spec("app")}, &cast))
	process("refresh a container", func(c *Conductor) error {
		s, err := c.Observe(ctx, "web", made.Container.ID, made.OperationID)
		if err == nil && (s.Container == nil || !s.Known) {
			err = fmt.Errorf("it stands at %+v", s)
		}
		return err
	})
	process("refresh one of an operation that is not known", func(c *Conductor) error {
		_, err := c.Observe(ctx, "nobody", "", journal.ID("edge1", "nobody", uuid.Must(uuid.NewV7()).String()))
		return err
	})
	process("gather two", func(c *Conductor) error {
		_, one := c.Await(ctx, made.OperationID, "")
		_, two := c.Await(ctx, cast.OperationID, "")
		return errors.Join(one, two)
	})
	process("update a container", after(func() Request {
		return UpdateRequest{Spec: spec("web"), ContainerID: made.Container.ID, OperationID: made.OperationID}
	}))
	process("rename a container", after(func() Request {
		return UpdateRequest{Spec: spec("site"), ContainerID: made.Container.ID, OperationID: made.OperationID, PriorName: "web"}
	}))
	process("refresh one that was renamed", func(c *Conductor) error {
		_, err := c.Observe(ctx, "site", made.Container.ID, made.OperationID)
		return err
	})
	process("remove a container", after(func() Request {
		return RemoveRequest{Name: "site", ContainerID: made.Container.ID, OperationID: made.OperationID}
	}))
	process("create a network", func(c *Conductor) error {
		_, _, err := c.CreateNetwork(ctx, NetworkSpec{Name: "front", Driver: "bridge"})
		return err
	})
	process("remove a network", func(c *Conductor) error {
		_, err := c.RemoveNetwork(ctx, "front", "front")
		return err
	})
	process("create a volume", func(c *Conductor) error {
		_, err := c.CreateVolume(ctx, VolumeSpec{Name: "data", Driver: "local"})
		return err
	})
	process("remove a volume", func(c *Conductor) error {
		_, err := c.RemoveVolume(ctx, "data", VolumeMaker{}, true)
		return err
	})
	var brought ImageOutcome
	process("bring an image", func(c *Conductor) (err error) {
		brought, err = c.EnsureImage(ctx, ImageRequest{Spec: ImageSpec{Name: "img:1", Tags: []string{"img:2"}}})
		return err
	})
	process("refresh an image", func(c *Conductor) error {
		_, err := c.ObserveImage(ctx, "img:1", brought.OperationID)
		return err
	})
	process("remove an image", func(c *Conductor) error {
		_, err := c.RemoveImage(ctx, brought.Image.ID, "img:1", []string{"img:1", "img:2"})
		return err
	})
	// A plan tells of the newest failures of others, and settles the removals among them that are over.
	tells = 4 * manyLate
	process("tell of failures, and refresh", func(c *Conductor) error {
		if late := c.LateFaults(); (late.Count > 0) != (unrelated > 0) || len(late.Newest) != min(unrelated, manyLate) {
			t.Errorf("%d failures are counted, %d are told of", late.Count, len(late.Newest))
		}
		_, err := c.Observe(ctx, "app", cast.Container.ID, cast.OperationID)
		return err
	})
	return all
}
