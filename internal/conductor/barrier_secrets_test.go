// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// talking is fakeEngine whose containers write their token to the log and to their health check's output.
type talking struct{ *fakeEngine }

func (talking) ContainerLogs(context.Context, string, container.LogsOptions) (io.ReadCloser, error) {
	var log bytes.Buffer
	_, err := stdcopy.NewStdWriter(&log, stdcopy.Stderr).Write([]byte("login with s3cret-value failed\n"))
	return io.NopCloser(&log), err
}

func (f talking) ContainerInspect(ctx context.Context, ref string) (container.InspectResponse, error) {
	r, err := f.fakeEngine.ContainerInspect(ctx, ref)
	if err == nil && r.State.Health != nil {
		r.State.Health.Log[0].Output = "login with s3cret-value failed"
	}
	return r, err
}

// What a barrier finds out by itself is masked with the secrets of the container: the journal has none.
func TestBarrierMasksWhatItFindsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := newConductor(Options{StateDir: t.TempDir()}, func() (engineAPI, address, error) { return talking{f}, address{Host: "fake"}, nil })
		defer func() { _ = c.Close() }()
		e, err := c.connect(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		request := checked("web")
		request.Wait = WaitRunning
		cast := c.accept(e, request, true, time.Now().Add(time.Hour))
		if _, err := cast.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.setHealth("web", "unhealthy")
		_, err = c.Await(t.Context(), cast.id, WaitHealthy)
		got := faultOf(t, err, fault.Unhealthy)
		if len(got.Log) == 0 || got.Health == "" {
			t.Fatalf("the fault has no log or no output: %+v", got)
		}
		for _, text := range append([]string{got.Health, got.Message, got.Summary}, got.Log...) {
			if strings.Contains(text, "s3cret") {
				t.Errorf("a secret is shown: %q", text)
			}
		}
	})
}
