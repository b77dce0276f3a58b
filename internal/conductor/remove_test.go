// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// fileVolumes is fakeEngine whose containers have a volume for their files.
type fileVolumes struct {
	*fakeEngine
	volume  string
	removed *[]string
}

func (f fileVolumes) ContainerInspect(ctx context.Context, ref string) (containertypes.InspectResponse, error) {
	r, err := f.fakeEngine.ContainerInspect(ctx, ref)
	if err == nil {
		r.HostConfig.Mounts = container.MountFolders([]string{"/etc/app"}, "op")
		r.Mounts = []containertypes.MountPoint{{Type: mount.TypeVolume, Name: f.volume, Destination: "/etc/app", RW: true}}
	}
	return r, err
}

func (f fileVolumes) VolumeRemove(_ context.Context, name string, _ bool) error {
	*f.removed = append(*f.removed, name)
	return nil
}

// The volumes of files go with their container, though the engine's answer to its removal gets lost.
func TestVolumesGoThoughTheAnswerToTheRemovalIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fileVolumes{newFake(), strings.Repeat("3f", 32), new([]string)}
		f.containers["web"] = &fakeContainer{id: "web", name: "web", status: "running"}
		var once sync.Once
		f.after = func(_ context.Context, call string) (err error) {
			if strings.HasPrefix(call, "remove") {
				once.Do(func() { err = errLost })
			}
			return err
		}
		c := newConductor(Options{StateDir: t.TempDir(), Scope: scopeHere}, func() (engine.API, engine.Address, error) { return f, engine.Address{Host: "fake"}, nil })
		defer func() { _ = c.Close() }()
		if _, err := c.Call(t.Context(), RemoveRequest{Name: "web", ContainerID: "web"}); err != nil {
			t.Fatal(err)
		}
		if len(f.containers) != 0 || !slices.Equal(*f.removed, []string{f.volume}) {
			t.Errorf("%d containers are left, the volumes %q were removed", len(f.containers), *f.removed)
		}
	})
}

// What a rename that failed left under the old name is found by its ID: a state that knows the operation alone has the
// new name.
func TestRemovalFindsAContainerThatWasNotRenamed(t *testing.T) {
	for _, kind := range []Kind{KindUpdate, KindExchange} {
		synctest.Test(t, func(t *testing.T) {
			f, dir := newFake(), t.TempDir()
			c := f.conductor(t, Options{StateDir: dir})
			made, err := c.Call(t.Context(), create("web"))
			if err != nil {
				t.Fatal(err)
			}
			r := died(t, dir, journal.Record{
				Kind: string(kind), Container: "site", PriorName: "web", ContainerID: made.Container.ID, After: made.OperationID, Cast: true, Scope: scopeHere,
			})
			if _, err := c.Call(t.Context(), RemoveRequest{Name: "site", OperationID: r.ID}); err != nil {
				t.Fatal(err)
			}
			if len(f.containers) != 0 {
				t.Errorf("%s: the container stays", kind)
			}
		})
	}
}
