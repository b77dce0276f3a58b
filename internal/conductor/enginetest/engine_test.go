// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package enginetest_test

import (
	"slices"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

func TestProgram(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		image   enginetest.ImageOptions
		command []string
		stop    bool
		code    int
		log     []string
	}{
		{
			name:    "exits with a code and a text that holds an environment variable",
			image:   enginetest.ImageOptions{Env: map[string]string{"WHO": "somebody"}},
			command: []string{"exit", "3", "10ms", "bye $WHO"},
			code:    3,
			log:     []string{"bye somebody", "bye somebody"},
		},
		{
			name:  "sleeps until it is stopped",
			image: enginetest.ImageOptions{Env: map[string]string{"ANNOUNCE": "up"}},
			stop:  true,
			log:   []string{"up"},
		},
		{
			name:    "serves until it is stopped",
			image:   enginetest.ImageOptions{Env: map[string]string{"ANNOUNCE": "up"}},
			command: []string{"serve"},
			stop:    true,
			log:     []string{"up"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			engine := enginetest.New(t)
			id := engine.Run(engine.Name("program"), enginetest.RunOptions{
				Image: engine.Image(tt.image), Command: tt.command,
			})
			if tt.stop {
				engine.AwaitLog(id) // Before it listens, a signal ends process 1 otherwise.
				engine.Stop(id)
			}
			if code := engine.AwaitExit(id); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			log := engine.Logs(id)
			slices.Sort(log)
			if !slices.Equal(log, tt.log) {
				t.Errorf("log %q, want %q", log, tt.log)
			}
		})
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ test, want string }{
		{"health", "healthy"},
		{"health-fail", "unhealthy"},
	} {
		t.Run(tt.want, func(t *testing.T) {
			t.Parallel()
			engine := enginetest.New(t)
			id := engine.Run(engine.Name("checked"), enginetest.RunOptions{
				Image: engine.Image(enginetest.ImageOptions{Health: []string{"CMD", enginetest.Program, tt.test}}),
			})
			engine.Await(id, tt.want, func(c container.InspectResponse) bool { return c.State.Health.Status == tt.want })
		})
	}
}

// recorder stands in for a test that is expected to fail.
type recorder struct {
	testing.TB
	cleanups []func()
	errors   int
}

func (r *recorder) Errorf(format string, args ...any) {
	r.Logf("as expected: "+format, args...)
	r.errors++
}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) clean() {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
}

func TestLeftoverContainerFailsTheTest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		leaves bool
		want   int
	}{
		{"unannounced", false, 1},
		{"announced", true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			outer := enginetest.New(t)
			inner := &recorder{TB: t}
			engine := enginetest.New(inner)
			name := engine.Name("left")
			created, err := outer.Docker.ContainerCreate(t.Context(), &container.Config{Image: outer.Image(enginetest.ImageOptions{})}, nil, nil, nil, name)
			if err != nil {
				t.Fatal(err)
			}
			if tt.leaves {
				engine.Leaves(name)
			}
			inner.clean()
			if inner.errors != tt.want {
				t.Errorf("%d failures, want %d", inner.errors, tt.want)
			}
			if outer.Exists(created.ID) {
				t.Error("the container is still there")
			}
		})
	}
}
