// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
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
		c := newConductor(Options{Engine: EngineOptions{MaxParallel: 1}, StateDir: t.TempDir()}, func() (engine.API, engine.Address, error) {
			return execFake{f}, engine.Address{Host: "fake"}, nil
		})
		defer c.Close()
		starting, started := f.holdStart()
		created := make(chan error, 1)
		go func() {
			_, err := c.Call(t.Context(), create("web"))
			created <- err
		}()
		<-starting

		_, err := c.Exec(t.Context(), ExecSpec{Container: "web", Command: []string{"true"}, Reject: true})
		if got := faultOf(t, err, fault.Refused).Field; len(got) != 1 || got[0] != "on_busy" {
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

// A container that is not there is told as such, whatever words its name has.
func TestExecInAMissingContainer(t *testing.T) {
	c := newFake().conductor(t, Options{})
	for _, name := range []string{"web", "executable", "cwd"} {
		_, err := c.Exec(t.Context(), ExecSpec{Container: name, Command: []string{"true"}})
		f := faultOf(t, err, fault.NotFound)
		if !slices.Equal(f.Field, []string{"container"}) || !strings.HasPrefix(f.Hint, "check the name") {
			t.Errorf("%s: at %q: %s", name, f.Field, f.Hint)
		}
	}
}

// Lines are handed out as soon as they are whole, masked, and the last one without its end, too.
func TestReadLive(t *testing.T) {
	var got []string
	stream, engine := io.Pipe()
	handed := make(chan string)
	read := make(chan Content, 1)
	go func() {
		content, err := readLive(stream, fault.NewMask("s3cret"), func(line string) { handed <- line })
		if err != nil {
			t.Error(err)
		}
		close(handed)
		read <- content
	}()
	out, errs := stdcopy.NewStdWriter(engine, stdcopy.Stdout), stdcopy.NewStdWriter(engine, stdcopy.Stderr)
	say := func(w io.Writer, text string) {
		if _, err := io.WriteString(w, text); err != nil {
			t.Error(err)
		}
	}
	say(out, "one\ntw")
	got = append(got, <-handed)
	say(errs, "s3cret and more\n")
	got = append(got, <-handed)
	say(out, "o\n\x1b[31mthree")
	got = append(got, <-handed)
	if err := engine.Close(); err != nil {
		t.Error(err)
	}
	for line := range handed {
		got = append(got, line)
	}
	if want := []string{"one", "(masked) and more", "two", "three"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if content := <-read; content.Stdout != "one\ntwo\n\x1b[31mthree" || content.Stderr != "s3cret and more\n" {
		t.Errorf("kept was %+v", content)
	}
}
