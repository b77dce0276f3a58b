// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor_test

import (
	"strings"
	"testing"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// process returns a bench for a process of a workspace, with this state directory, on the same engine.
func (b *bench) process(scope, dir string) *bench {
	other := &bench{Engine: b.Engine, Conductor: conductor.New(conductor.Options{StateDir: dir, Scope: scope}), t: b.t}
	b.t.Cleanup(func() {
		if err := other.Conductor.Close(); err != nil {
			b.t.Error(err)
		}
	})
	return other
}

// A network is taken away from the containers that the state of the workspace names, and from no other one, whoever
// made it and whatever the journal has of it.
func TestNetworkIsTakenFromOwnContainersOnly(t *testing.T) {
	t.Parallel()
	engine := enginetest.New(t)
	image := engine.Image(enginetest.ImageOptions{})
	const own, others = "own", "others"
	for name, tt := range map[string]struct {
		// apart has the other workspace use a state directory of its own.
		apart bool
		// also is what happens to the container before the network is removed.
		also func(t *testing.T, b *bench, dir string, made *container.Container, operation string)
		// maker is the workspace that makes the container.
		maker string
		taken bool
	}{
		"another one's":                  {maker: others},
		"another one's, other directory": {maker: others, apart: true},
		"another one's that was restarted": {maker: others, also: func(t *testing.T, b *bench, dir string, made *container.Container, _ string) {
			if _, err := b.process(own, dir).Power(t.Context(), conductor.PowerSpec{Kind: conductor.KindRestart, Container: made.Name}); err != nil {
				t.Error(err)
			}
		}},
		"made before, in no state": {maker: own},
		"refreshed":                {maker: own, taken: true, also: refreshed(own)},
		"imported":                 {maker: others, apart: true, taken: true, also: refreshed(own)},
		"imported by another one": {maker: own, also: func(t *testing.T, b *bench, dir string, made *container.Container, operation string) {
			refreshed(own)(t, b, dir, made, operation)
			refreshed(others)(t, b, dir, made, "")
		}},
		"handed back": {maker: own, taken: true, also: func(t *testing.T, b *bench, dir string, made *container.Container, _ string) {
			refreshed(others)(t, b, dir, made, "")
			refreshed(own)(t, b, dir, made, "")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			b := &bench{Engine: engine, t: t}
			suffix := strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), ",", "")
			suffix = strings.ReplaceAll(suffix, "'", "")
			networkName := engine.Network(suffix)
			found, err := engine.Docker.NetworkInspect(t.Context(), networkName, network.InspectOptions{})
			if err != nil {
				t.Fatal(err)
			}
			makersDir := dir
			if tt.apart {
				makersDir = t.TempDir()
			}
			maker := b.process(tt.maker, makersDir)
			spec := maker.spec(suffix, image, "sleep")
			spec.Networks = map[string]container.NetworkAttachment{"net": {Network: networkName}}
			out, err := maker.create(spec)
			if err != nil {
				t.Fatal(err)
			}
			if tt.also != nil {
				tt.also(t, b, dir, out.Container, out.OperationID)
			}
			_, err = b.process(own, dir).RemoveNetwork(t.Context(), found.ID, networkName)
			connected := connectedTo(b.Engine.Inspect(out.Container.ID), networkName)
			if tt.taken {
				if err != nil || connected {
					t.Errorf("removed: %v, connected: %t", err, connected)
				}
				return
			}
			f := wantFault(t, err, fault.Refused, "")
			if !connected || !strings.Contains(f.Error(), suffix) || !strings.Contains(f.Hint, "perhaps for another Terraform state") {
				t.Errorf("connected: %t\n%v\n%s", connected, f, f.Hint)
			}
		})
	}
}

// refreshed is a refresh of a workspace whose state has the container.
func refreshed(scope string) func(*testing.T, *bench, string, *container.Container, string) {
	return func(t *testing.T, b *bench, dir string, made *container.Container, operation string) {
		t.Helper()
		if s, err := b.process(scope, dir).Observe(t.Context(), made.Name, made.ID, operation); err != nil || s.Container == nil {
			t.Fatalf("a refresh found %+v: %v", s, err)
		}
	}
}

func connectedTo(c containertypes.InspectResponse, name string) bool {
	_, connected := c.NetworkSettings.Networks[name]
	return connected
}

// What this process made or changed is its workspace's, without a refresh.
func TestNetworkIsTakenFromWhatThisProcessMade(t *testing.T) {
	b := start(t)
	name := b.Network("front")
	spec := b.spec("web", b.Image(enginetest.ImageOptions{}), "sleep")
	spec.Networks = map[string]container.NetworkAttachment{"net": {Network: name}}
	out, err := b.create(spec)
	if err != nil {
		t.Fatal(err)
	}
	found, err := b.Docker.NetworkInspect(t.Context(), name, network.InspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.RemoveNetwork(t.Context(), found.ID, name); err != nil || connectedTo(b.Engine.Inspect(out.Container.ID), name) {
		t.Errorf("it is not removed: %v", err)
	}
}
