// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/volume"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// objectsEngine is a fake that has every network and every volume, and nothing uses them.
type objectsEngine struct {
	*fakeEngine

	// removing is called before an object is removed.
	removing func() error
}

func (f *objectsEngine) ContainerList(context.Context, containertypes.ListOptions) ([]containertypes.Summary, error) {
	return nil, nil
}

func (f *objectsEngine) ImageList(context.Context, image.ListOptions) ([]image.Summary, error) {
	return nil, nil
}

func (f *objectsEngine) NetworkRemove(ctx context.Context, _ string) error {
	return f.request(ctx, "network remove", f.removing)
}

func (f *objectsEngine) VolumeInspect(_ context.Context, name string) (volume.Volume, error) {
	return volume.Volume{Name: name, Driver: "local", Options: map[string]string{"device": "none"}}, nil
}

func (f *objectsEngine) VolumeRemove(ctx context.Context, _ string, _ bool) error {
	return f.request(ctx, "volume remove", f.removing)
}

// A removal of a network or a volume is in the lane of its object, and the journal has it from before the engine hears
// of it.
func TestRemovalsOfObjectsAreOperations(t *testing.T) {
	t.Parallel()
	for kind, remove := range map[string]func(context.Context, *Conductor) error{
		"network": func(ctx context.Context, c *Conductor) error {
			_, err := c.RemoveNetwork(ctx, "id-of-app", "app")
			return err
		},
		"volume": func(ctx context.Context, c *Conductor) error {
			_, err := c.RemoveVolume(ctx, "app", VolumeMaker{}, true)
			return err
		},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := &objectsEngine{fakeEngine: newFake()}
				c := newConductor(Options{StateDir: t.TempDir(), Scope: scopeHere}, func() (engine.API, engine.Address, error) {
					return fake, engine.Address{Host: "fake"}, nil
				})
				defer func() {
					if err := c.Close(); err != nil {
						t.Error(err)
					}
				}()
				e, err := c.connect(t.Context(), "")
				if err != nil {
					t.Fatal(err)
				}
				only := func() journal.Record {
					t.Helper()
					records, problems := e.journal.Lane(journal.Lane(kind, "app"))
					records = slices.DeleteFunc(records, func(r journal.Record) bool { return Kind(r.Kind) != KindRemove })
					if len(records) != 1 || len(problems) > 0 {
						t.Fatalf("the journal has %+v, %v", records, problems)
					}
					return records[0]
				}
				begun, goOn := make(chan struct{}), make(chan struct{})
				fake.removing = func() error {
					close(begun)
					<-goOn
					return nil
				}
				removed := make(chan error, 1)
				go func() { removed <- remove(t.Context(), c) }()
				<-begun
				if r := only(); !r.InProgress() || r.Step != fault.StepQueued || r.Scope != scopeHere {
					t.Errorf("while it is being removed: %+v", r)
				}
				next := make(chan error, 1)
				go func() {
					o := c.inLane(t.Context(), e, journal.Lane(kind, "app"), func(context.Context) error {
						if r := only(); r.Outcome != journal.Done {
							t.Errorf("the next one of the lane has its turn while the removal is %+v", r)
						}
						return nil
					})
					next <- o
				}()
				synctest.Wait()
				close(goOn)
				for _, done := range []chan error{removed, next} {
					if err := <-done; err != nil {
						t.Error(err)
					}
				}
				if r := only(); r.Outcome != journal.Done || r.Step != fault.StepRemoving {
					t.Errorf("afterwards: %+v", r)
				}
			})
		})
	}
}

// probedEngine is a fake whose volumes have to be looked into, and on which somebody removes what looks into them.
type probedEngine struct{ *objectsEngine }

func (f *probedEngine) VolumeInspect(_ context.Context, name string) (volume.Volume, error) {
	return volume.Volume{Name: name, Driver: "local"}, nil
}

func (f *probedEngine) ImageImport(context.Context, image.ImportSource, string, image.ImportOptions) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(`{"status":"sha256:empty"}`)), nil
}

func (f *probedEngine) ImageRemove(context.Context, string, image.RemoveOptions) ([]image.DeleteResponse, error) {
	return nil, nil
}

func (f *probedEngine) CopyFromContainer(_ context.Context, ref, _ string) (io.ReadCloser, containertypes.PathStat, error) {
	return nil, containertypes.PathStat{}, noSuch(ref)
}

// That the container is gone that looks into a volume does not say that the volume is: it stays, and its removal fails.
func TestVolumeThatCouldNotBeLookedIntoStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := &probedEngine{&objectsEngine{fakeEngine: newFake()}}
		c := newConductor(Options{StateDir: t.TempDir(), Scope: scopeHere}, func() (engine.API, engine.Address, error) {
			return fake, engine.Address{Host: "fake"}, nil
		})
		defer func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}()
		_, err := c.RemoveVolume(t.Context(), "app", VolumeMaker{}, false)
		got := faultOf(t, err, fault.Refused)
		if !strings.Contains(got.Message, "could not be looked into") || fake.count("volume remove") != 0 {
			t.Errorf("%v; the engine was asked for %d removals", got, fake.count("volume remove"))
		}
	})
}
