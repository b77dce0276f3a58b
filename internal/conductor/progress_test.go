// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/pkg/jsonmessage"
	"github.com/google/go-cmp/cmp"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/pull"
)

// pullingEngine is a fake engine whose one pull goes on as the test says.
type pullingEngine struct {
	*fakeEngine
	stream io.ReadCloser
}

func (f *pullingEngine) ImagePull(context.Context, string, image.PullOptions) (io.ReadCloser, error) {
	return f.stream, nil
}

// pulling makes a conductor whose engine pulls, and what sends the engine's messages.
func pulling(t *testing.T) (c *Conductor, say func(jsonmessage.JSONMessage), done func()) {
	t.Helper()
	// Credentials are asked for where the user has them: here nobody has any.
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	reader, writer := io.Pipe()
	f := &pullingEngine{newFake(), reader}
	c = newConductor(Options{StateDir: t.TempDir()}, func() (engine.API, engine.Address, error) { return f, engine.Address{Host: "fake"}, nil })
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	encoder := json.NewEncoder(writer)
	return c, func(m jsonmessage.JSONMessage) {
		if err := encoder.Encode(m); err != nil {
			t.Error(err)
		}
	}, func() { _ = writer.Close() }
}

func downloading(id string, current, total int64) jsonmessage.JSONMessage {
	return jsonmessage.JSONMessage{ID: id, Status: "Downloading", Progress: &jsonmessage.JSONProgress{Current: current, Total: total}}
}

// The journal shows how far a pull is in the record of everybody who waits for it, also of who came
// late and heard nothing new since, and in that of a call.
func TestJournalShowsThePull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, say, done := pulling(t)
		e, err := c.connect(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		request := func(name string) CreateRequest {
			r := create(name)
			r.Spec.PullPolicy = container.PullAlways
			return r
		}
		results := make(chan error, 3)
		run := func(o *containerJob) { go func() { _, err := o.perform(t.Context()); results <- err }() }
		ids := make(map[string]string)
		for _, name := range []string{"cast", "call"} {
			o := request(name).accept(c, e, name == "cast", time.Time{})
			ids[name] = o.id
			run(o)
		}
		say(downloading("a", 10, 100))
		say(downloading("b", 0, 50))
		say(downloading("b", 25, 50))
		synctest.Wait()
		late := request("late").accept(c, e, true, time.Time{})
		ids["late"] = late.id
		run(late)
		time.Sleep(2 * tellEvery)
		shown := func(want *journal.Pull, step fault.Step, outcome journal.Outcome) {
			t.Helper()
			synctest.Wait()
			for name, id := range ids {
				r := recorded(t, c, id)
				if diff := cmp.Diff(want, r.Pull); diff != "" || r.Step != step || r.Outcome != outcome {
					t.Errorf("%s is %s (%s), its pull differs:\n%s", name, r.Step, r.Outcome, diff)
				}
			}
		}
		shown(&journal.Pull{Image: "img", Done: 35, Total: 150, Layers: 2}, fault.StepPulling, "")

		say(jsonmessage.JSONMessage{ID: "a", Status: "Pull complete"})
		say(jsonmessage.JSONMessage{ID: "b", Status: "Pull complete"})
		done()
		for range ids {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		shown(&journal.Pull{Image: "img", Done: 150, Total: 150, Layers: 2, Complete: 2}, fault.StepWaiting, journal.Done)
	})
}

// A quick call costs the journal two writes, whatever its steps are.
func TestQuickCallTellsTheJournalNothingInBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		c := f.conductor(t, Options{})
		e, err := c.connect(t.Context(), "web")
		if err != nil {
			t.Fatal(err)
		}
		o := create("web").accept(c, e, false, time.Time{})
		f.after = func(context.Context, string) error {
			if r := recorded(t, c, o.id); r.Step != fault.StepQueued {
				return errors.New("the journal was told of " + string(r.Step))
			}
			return nil
		}
		if _, err := o.perform(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestLayers(t *testing.T) {
	t.Parallel()
	status := func(id, text string) jsonmessage.JSONMessage { return jsonmessage.JSONMessage{ID: id, Status: text} }
	tests := map[string]struct {
		said []jsonmessage.JSONMessage
		want pull.Progress
	}{
		"nothing known":          {nil, pull.Progress{}},
		"the tag is no layer":    {[]jsonmessage.JSONMessage{status("1.4", "Pulling from acme/app")}, pull.Progress{}},
		"a layer that waits":     {[]jsonmessage.JSONMessage{status("a", "Pulling fs layer"), status("a", "Waiting")}, pull.Progress{Layers: 1}},
		"what is there already":  {[]jsonmessage.JSONMessage{status("a", "Already exists")}, pull.Progress{Layers: 1, Complete: 1}},
		"half a layer":           {[]jsonmessage.JSONMessage{downloading("a", 5, 10)}, pull.Progress{Done: 5, Total: 10, Layers: 1}},
		"a layer to be unpacked": {[]jsonmessage.JSONMessage{downloading("a", 5, 10), status("a", "Download complete")}, pull.Progress{Done: 10, Total: 10, Layers: 1}},
		"the progress of unpacking is another": {
			[]jsonmessage.JSONMessage{downloading("a", 10, 10), {ID: "a", Status: "Extracting", Progress: &jsonmessage.JSONProgress{Current: 1, Total: 30}}},
			pull.Progress{Done: 10, Total: 10, Layers: 1},
		},
		"two layers": {
			[]jsonmessage.JSONMessage{downloading("a", 10, 10), status("b", "Pulling fs layer"), status("a", "Pull complete"), downloading("b", 1, 4)},
			pull.Progress{Done: 11, Total: 14, Layers: 2, Complete: 1},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			known := make(engine.Layers)
			for _, m := range test.said {
				known.Note(m)
			}
			if got := known.Sum(); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
