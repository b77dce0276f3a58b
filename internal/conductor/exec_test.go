// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// execFake answers what fakeEngine does not know: no command can be run in its containers.
type execFake struct{ *fakeEngine }

func (e execFake) ContainerExecCreate(ctx context.Context, _ string, _ container.ExecOptions) (r container.ExecCreateResponse, err error) {
	return r, e.request(ctx, "exec", func() error { return errors.New("no commands here") })
}

// A command waits for the operation that is in progress, or is refused, as asked for. It needs no slot
// of the pool.
func TestExecWhileAContainerIsInProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := newConductor(Options{StateDir: t.TempDir(), MaxParallel: 1}, func() (engineAPI, address, error) {
			return execFake{f}, address{Host: "fake"}, nil
		})
		defer c.Close()
		starting, started := make(chan struct{}), make(chan struct{})
		f.before = func(_ context.Context, call string) error {
			if call == "start" {
				close(starting)
				<-started
			}
			return nil
		}
		created := make(chan error, 1)
		go func() {
			_, err := c.Call(t.Context(), create("web"))
			created <- err
		}()
		<-starting

		_, err := c.Exec(t.Context(), ExecSpec{Container: "web", Command: []string{"true"}, Reject: true})
		if got := faultOf(t, err, fault.Refused).Attribute; len(got) != 1 || got[0] != "on_busy" {
			t.Errorf("the fault concerns %q", got)
		}
		waited := make(chan error, 1)
		go func() {
			_, err := c.Exec(t.Context(), ExecSpec{Container: "web", Command: []string{"true"}})
			waited <- err
		}()
		synctest.Wait()
		if f.count("exec") != 0 {
			t.Error("the command did not wait")
		}
		close(started)
		if err := <-created; err != nil {
			t.Error(err)
		}
		faultOf(t, <-waited, fault.EngineError)
		if f.count("exec") != 1 {
			t.Error("the command was not run when the container was ready")
		}
	})
}
