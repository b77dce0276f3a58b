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

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// talking is fakeEngine whose containers write their token to the log and to their health check's output.
type talking struct{ *fakeEngine }

func (talking) CopyToContainer(context.Context, string, string, io.Reader, containertypes.CopyToContainerOptions) error {
	return nil
}

func (talking) ContainerLogs(context.Context, string, containertypes.LogsOptions) (io.ReadCloser, error) {
	var log bytes.Buffer
	_, err := stdcopy.NewStdWriter(&log, stdcopy.Stderr).Write([]byte("login with s3cret-value failed\n"))
	return io.NopCloser(&log), err
}

func (f talking) ContainerInspect(ctx context.Context, ref string) (containertypes.InspectResponse, error) {
	r, err := f.fakeEngine.ContainerInspect(ctx, ref)
	if err == nil && r.State.Health != nil {
		r.State.Health.Log[0].Output = "login with s3cret-value failed"
	}
	return r, err
}

// What a file holds is in no setting of its container, so that a barrier and an operation on the power state, which
// have no more than the settings, show nothing of what such a container writes.
func TestWordsOfContainersWithFilesAreNotTold(t *testing.T) {
	upload := func(r *CreateRequest) {
		r.Spec.Files = map[string]container.File{"/key": {Content: []byte("s3cret-value"), WriteOnly: true}}
	}
	for name, tt := range map[string]struct {
		files, forgotten bool
		ask              func(ctx context.Context, c *Conductor, id string) error
		want             bool
	}{
		"update":                          {ask: updateForHealth(UpdateRequest{Upload: []string{"/key"}}, container.File{Content: []byte("new"), Mode: 0o644}), want: true},
		"update of a secret file":         {ask: updateForHealth(UpdateRequest{Upload: []string{"/key"}}, container.File{Content: []byte("new-value"), WriteOnly: true})},
		"update beside a secret file":     {ask: updateForHealth(UpdateRequest{}, container.File{Content: []byte("new-value"), WriteOnly: true})},
		"update of what was imported":     {ask: updateForHealth(UpdateRequest{Imported: true}, container.File{Content: []byte("new"), Mode: 0o644})},
		"barrier":                         {ask: awaitHealth, want: true},
		"barrier, with files":             {files: true, ask: awaitHealth},
		"power":                           {ask: restartForHealth, want: true},
		"power, with files":               {files: true, ask: restartForHealth},
		"power, the journal is forgotten": {forgotten: true, ask: restartForHealth},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			open := func() *Conductor {
				return newConductor(Options{StateDir: t.TempDir()}, func() (engine.API, engine.Address, error) { return talking{f}, engine.Address{Host: "fake"}, nil })
			}
			c := open()
			t.Cleanup(func() { _ = c.Close() })
			e, err := c.connect(t.Context(), "web")
			if err != nil {
				t.Fatal(err)
			}
			request := checked("web")
			request.Wait = container.WaitRunning
			if tt.files {
				upload(&request)
			}
			cast := request.accept(c, e, true, time.Now().Add(time.Hour))
			if _, err := cast.perform(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.setHealth("web", "unhealthy")
			f.after = func(_ context.Context, call string) error {
				if call == "start" {
					f.setHealth("web", "unhealthy")
				}
				return nil
			}
			asked := c
			if tt.forgotten {
				asked = open()
				t.Cleanup(func() { _ = asked.Close() })
			}
			got := faultOf(t, tt.ask(t.Context(), asked, cast.id), fault.Unhealthy)
			if told := len(got.Log) > 0 || got.Health != ""; told != tt.want {
				t.Errorf("%s: the container's words are told: %t\n%s", name, told, got.Detail())
			}
		})
	}
}

func awaitHealth(ctx context.Context, c *Conductor, id string) error {
	_, err := c.Await(ctx, id, container.WaitHealthy)
	return err
}

func restartForHealth(ctx context.Context, c *Conductor, _ string) error {
	_, err := c.Power(ctx, PowerSpec{Kind: KindStart, Container: "web", Wait: container.WaitHealthy})
	return err
}

// updateForHealth returns this update, of a container whose file /key is to be this one, with a restart.
func updateForHealth(update UpdateRequest, file container.File) func(context.Context, *Conductor, string) error {
	return func(ctx context.Context, c *Conductor, id string) error {
		request := checked("web")
		e, err := c.connect(ctx, "web")
		if err != nil {
			return err
		}
		r, err := e.journal.Find(id)
		if err != nil {
			return err
		}
		request.Spec.Files = map[string]container.File{"/key": file}
		update.Spec, update.ContainerID, update.Restart, update.Wait = request.Spec, r.ContainerID, true, container.WaitHealthy
		_, err = c.Call(ctx, update)
		return err
	}
}

// What a barrier finds out by itself is masked with the secrets of the container: the journal has none.
func TestBarrierMasksWhatItFindsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := newConductor(Options{StateDir: t.TempDir()}, func() (engine.API, engine.Address, error) { return talking{f}, engine.Address{Host: "fake"}, nil })
		defer func() { _ = c.Close() }()
		e, err := c.connect(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		request := checked("web")
		request.Wait = container.WaitRunning
		cast := request.accept(c, e, true, time.Now().Add(time.Hour))
		if _, err := cast.perform(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.setHealth("web", "unhealthy")
		_, err = c.Await(t.Context(), cast.id, container.WaitHealthy)
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
