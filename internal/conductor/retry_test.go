// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

func TestLostAnswersAreRepeatedAndNothingIsMadeTwice(t *testing.T) {
	for _, call := range []string{"create", "start", "inspect", "stop", "remove"} {
		for _, done := range []bool{true, false} {
			loseOneAnswer(t, call, done, errLost)
		}
		for _, cut := range cutAnswers() {
			loseOneAnswer(t, call, true, cut)
		}
	}
}

// cutAnswers are what the client says of an answer whose connection breaks in the middle.
func cutAnswers() []error {
	return []error{io.ErrUnexpectedEOF, &net.OpError{Op: "read", Net: "unix", Err: syscall.ECONNRESET}}
}

// loseOneAnswer has the answer to one call of a create and a removal get lost, after the engine carried it out, or
// before.
func loseOneAnswer(t *testing.T, call string, done bool, lost error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		var once sync.Once
		lose := func(_ context.Context, got string) (err error) {
			if strings.HasPrefix(got, call) {
				once.Do(func() { err = lost })
			}
			return err
		}
		if done {
			f.after = lose
		} else {
			f.before = lose
		}
		c := f.conductor(t, Options{})
		out, err := c.Call(t.Context(), create("web"))
		if err != nil {
			t.Fatalf("%s lost (done: %t, %v): %v", call, done, lost, err)
		}
		if len(f.containers) != 1 {
			t.Errorf("%s lost (done: %t, %v): %d containers", call, done, lost, len(f.containers))
		}
		if _, err := c.Call(t.Context(), RemoveRequest{Name: "web", ContainerID: out.Container.ID}); err != nil {
			t.Fatalf("%s lost (done: %t, %v): %v", call, done, lost, err)
		}
		if len(f.containers) != 0 {
			t.Errorf("%s lost (done: %t, %v): something is left", call, done, lost)
		}
	})
}

// A container that the engine made counts as perhaps made as long as no answer to its create comes whole.
func TestCutAnswersToACreateLeaveWhatIsNotKnown(t *testing.T) {
	for _, cut := range cutAnswers() {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.after = func(_ context.Context, call string) error {
				if call == "info" {
					return nil
				}
				return cut
			}
			_, err := f.conductor(t, Options{}).Call(t.Context(), create("web"))
			if got := faultOf(t, err, fault.EngineUnreachable); got.Left != fault.PerhapsCreated {
				t.Errorf("%v: says %q", cut, got.Exists)
			}
		})
	}
}

func TestLostAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{errLost, true},
		{io.ErrUnexpectedEOF, true},
		{fmt.Errorf("reading volume data: %w", io.ErrUnexpectedEOF), true},
		{&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}, true},
		{errdefs.ErrConflict, false},
		{errdefs.ErrInternal, false},
		{errors.New("unexpected EOF"), false}, // An engine's words: it answered.
		{context.DeadlineExceeded, false},
		{context.Canceled, false},
		{nil, false},
	} {
		if got := engine.LostAnswer(tt.err); got != tt.want {
			t.Errorf("%v: %t", tt.err, got)
		}
	}
}

// Trouble of the engine at a look does not make a failure of what is waited for, unless it stays.
func TestTroubleAtALookPasses(t *testing.T) {
	for _, tt := range []struct {
		failures int
		want     bool
	}{{2, true}, {-1, false}} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			started := false
			f.before = func(_ context.Context, call string) error {
				started = started || call == "start"
				if call != "inspect" || !started || tt.failures == 0 {
					return nil
				}
				tt.failures--
				return errHeartless
			}
			out, err := f.conductor(t, Options{}).Call(t.Context(), create("web"))
			if !tt.want {
				faultOf(t, err, fault.EngineError)
			} else if err != nil || out.Container == nil || len(f.containers) != 1 {
				t.Errorf("%d containers, %v", len(f.containers), err)
			}
		})
	}
}

// Where nobody waits for the container itself, a look is repeated once: a refresh of many containers on an engine
// that is ill does not take the seconds of a wait for each.
func TestTroubleThatStaysCostsALookOnePause(t *testing.T) {
	for name, tt := range map[string]struct {
		look func(ctx context.Context, c *Conductor) error
		want int
	}{
		"refresh": {func(ctx context.Context, c *Conductor) error {
			_, err := c.Observe(ctx, "web", "web", "")
			return err
		}, engine.LookTries},
		"barrier": {func(ctx context.Context, c *Conductor) error {
			_, err := c.Await(ctx, "edge1/web/0190b5a0-0000-7000-8000-000000000000", "")
			return err
		}, engine.RetryTries},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.containers["web"] = &fakeContainer{id: "web", name: "web", status: "running"}
			c := f.conductor(t, Options{})
			if _, err := c.connect(t.Context(), "web"); err != nil {
				t.Fatal(err)
			}
			f.before = func(_ context.Context, call string) error {
				if call == "inspect" {
					return errHeartless
				}
				return nil
			}
			before := f.count("inspect")
			faultOf(t, tt.look(t.Context(), c), fault.EngineError)
			if got := f.count("inspect") - before; got != tt.want {
				t.Errorf("%s: %d looks", name, got)
			}
		})
	}
}

// silentObjects is fakeEngine that knows a network, a volume and its containers, and whose answers to creates and
// removals get lost.
type silentObjects struct {
	*fakeEngine
	volumes []string
}

func (silentObjects) NetworkCreate(context.Context, string, network.CreateOptions) (network.CreateResponse, error) {
	return network.CreateResponse{}, io.ErrUnexpectedEOF
}

func (silentObjects) NetworkRemove(context.Context, string) error { return errLost }

func (silentObjects) VolumeCreate(context.Context, volume.CreateOptions) (volume.Volume, error) {
	return volume.Volume{}, io.ErrUnexpectedEOF
}

func (s silentObjects) VolumeInspect(_ context.Context, name string) (volume.Volume, error) {
	if slices.Contains(s.volumes, name) {
		return volume.Volume{Name: name, Driver: "local"}, nil
	}
	return volume.Volume{}, noSuch(name)
}

func (silentObjects) VolumeRemove(context.Context, string, bool) error { return errLost }

func (silentObjects) ImageList(context.Context, image.ListOptions) ([]image.Summary, error) {
	return nil, nil
}

// What an engine was asked for and did not answer may be done.
func TestUnansweredChangesMayBeDone(t *testing.T) {
	for name, change := range map[string]func(ctx context.Context, c *Conductor) error{
		"create network": func(ctx context.Context, c *Conductor) error {
			_, _, err := c.CreateNetwork(ctx, NetworkSpec{Name: "front"})
			return err
		},
		"remove network": func(ctx context.Context, c *Conductor) error {
			_, err := c.RemoveNetwork(ctx, "0123", "front")
			return err
		},
		"create volume": func(ctx context.Context, c *Conductor) error {
			_, err := c.CreateVolume(ctx, VolumeSpec{Name: "new"})
			return err
		},
		"remove volume": func(ctx context.Context, c *Conductor) error {
			_, err := c.RemoveVolume(ctx, "data", VolumeMaker{}, true)
			return err
		},
		"remove container": func(ctx context.Context, c *Conductor) error {
			_, err := c.Call(ctx, RemoveRequest{Name: "web", ContainerID: "web"})
			return err
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.containers["web"] = &fakeContainer{id: "web", name: "web", status: "running"}
			f.before = func(_ context.Context, call string) error {
				if call == "remove" {
					return errLost
				}
				return nil
			}
			c := newConductor(Options{StateDir: t.TempDir(), Scope: scopeHere}, func() (engine.API, engine.Address, error) {
				return silentObjects{f, []string{"data"}}, engine.Address{Host: "fake"}, nil
			})
			defer func() { _ = c.Close() }()
			if got := faultOf(t, change(t.Context(), c), fault.EngineUnreachable); got.Left != fault.PerhapsDone {
				t.Errorf("%s: says %q", name, got.Exists)
			}
		})
	}
}
