// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/background"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/faulttext"
)

const testRelease = "1.2.3"

// background starts a background conductor of the fake, and returns the caller's end of its connection.
func (f *fakeEngine) background(t *testing.T) net.Conn {
	t.Helper()
	here, there := net.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- background.Serve(there, testRelease, handlerOf(dialledBy(func() (engine.API, engine.Address, error) { return f, engine.Address{Host: "fake"}, nil }), faulttext.Of))
	}()
	t.Cleanup(func() {
		_ = here.Close()
		<-ended
	})
	return here
}

// casting returns a conductor with a background conductor of the fake. Both end with the test.
func (f *fakeEngine) casting(t *testing.T, opts Options) *Conductor {
	t.Helper()
	opts.Background, opts.Release = []string{"background"}, testRelease
	c := f.conductor(t, opts)
	if _, err := c.Engine(t.Context()); err != nil {
		t.Fatal(err)
	}
	greeting := background.Hello{Edition: background.Edition{Protocol: background.Version, Release: testRelease}, StateDir: c.opts.StateDir, Inline: opts.Inline}
	b, err := background.Greet(t.Context(), f.background(t), greeting)
	if err != nil {
		t.Fatal(err)
	}
	c.background = b
	return c
}

func mustCast(t *testing.T, c *Conductor, name string) {
	t.Helper()
	got, err := c.Cast(t.Context(), create(name), time.Hour)
	if err != nil || got.Completed || got.OperationID == "" {
		t.Fatalf("%s: %+v, %v", name, got, err)
	}
}

// A cast that fails has its resource in the state already: an import of what has the name has to make room first.
func TestNameConflictOfACast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.containers["stranger"] = &fakeContainer{id: "strangerstranger", name: "web", status: "running"}
		c := f.casting(t, Options{})
		got, err := c.Cast(t.Context(), create("web"), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Await(t.Context(), got.OperationID, "")
		if failed := (*fault.Fault)(nil); !errors.As(err, &failed) || failed.Kind != fault.NameConflict ||
			!failed.Facts.Cast {
			t.Errorf("%v", err)
		}
	})
}

// Nobody can import what an engine has reserved a name for.
func TestNameReservedForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.before = func(_ context.Context, call string) error {
			if strings.HasPrefix(call, "create") {
				return fmt.Errorf("the name is already in use by container 0123: %w", errdefs.ErrConflict)
			}
			return nil
		}
		_, err := f.conductor(t, Options{}).Call(t.Context(), create("web"))
		if got := faultOf(t, err, fault.NameConflict); strings.Contains(got.Hint, "import") {
			t.Error(got.Hint)
		}
	})
}

// With a saturated engine a cast is accepted at once, or, inline, when it is its turn.
func TestInlineCastFeelsTheBackPressure(t *testing.T) {
	for _, tt := range []struct {
		inline bool
		want   time.Duration
	}{{false, 0}, {true, 10 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.before = slowCreates
			c := f.casting(t, Options{Engine: EngineOptions{MaxParallel: 1}, Inline: tt.inline})
			began := time.Now()
			for _, name := range []string{"first", "second"} {
				mustCast(t, c, name)
			}
			if took := time.Since(began); took != tt.want {
				t.Errorf("inline %t: both casts were accepted after %s, want %s", tt.inline, took, tt.want)
			}
		})
	}
}

// A cast whose caller is interrupted while it waits for its slot is in the state all the same: it was
// accepted, and goes on.
func TestInterruptedInlineCastIsInTheState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.before = slowCreates
		c := f.casting(t, Options{Engine: EngineOptions{MaxParallel: 1}, Inline: true})
		mustCast(t, c, "first")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got, err := c.Cast(ctx, create("second"), time.Hour)
		if err != nil || got.OperationID == "" {
			t.Fatalf("%+v, %v", got, err)
		}
		if gathered, err := c.Await(t.Context(), got.OperationID, ""); err != nil || gathered.Container == nil {
			t.Errorf("%+v, %v", gathered, err)
		}
	})
}

// What was accepted is carried out after whoever cast has gone.
func TestCastsSurviveTheirCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.before = slowCreates
		c := f.casting(t, Options{Engine: EngineOptions{MaxParallel: 64}})
		for _, name := range []string{"first", "second"} {
			mustCast(t, c, name)
		}
		c.background.Close()
		time.Sleep(time.Minute)
		if made := f.count("start"); made != 2 {
			t.Errorf("%d containers were started", made)
		}
		_, err := c.Cast(t.Context(), create("late"), time.Hour)
		faultOf(t, err, fault.EngineError)
	})
}

// A cast that is interrupted before it was accepted, or whose caller dies before it began, was withdrawn:
// nothing is made, now or later, and the name is free.
func TestCastsThatDidNotBeginAreWithdrawn(t *testing.T) {
	for name, give := range map[string]func(t *testing.T, f *fakeEngine, c *Conductor){
		"interrupted while the engine is connected to": func(t *testing.T, f *fakeEngine, c *Conductor) {
			f.before = func(ctx context.Context, call string) error {
				if call == "info" {
					return pause(ctx, 10*time.Second)
				}
				return nil
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := c.Cast(ctx, create("web"), time.Hour)
			if got := faultOf(t, err, fault.Timeout); got.Left != fault.NothingCreated {
				t.Errorf("the fault says %q", got.Left)
			}
		},
		"the caller dies after the acceptance": func(t *testing.T, _ *fakeEngine, c *Conductor) {
			req, err := typedOf(create("web"))
			if err != nil {
				t.Fatal(err)
			}
			if _, got, err := c.background.Cast(t.Context(), castMessage{Request: req}, time.Hour); err != nil || got.Phase != background.Accepted {
				t.Fatalf("%+v, %v", got, err)
			}
			c.background.Close()
		},
		"the caller stops after the acceptance": func(t *testing.T, _ *fakeEngine, c *Conductor) {
			req, err := typedOf(create("web"))
			if err != nil {
				t.Fatal(err)
			}
			if _, got, err := c.background.Cast(t.Context(), castMessage{Request: req}, time.Minute); err != nil || got.Phase != background.Accepted {
				t.Fatalf("%+v, %v", got, err)
			}
			time.Sleep(2 * time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				c := f.casting(t, Options{})
				give(t, f, c)
				time.Sleep(time.Minute)
				if made := f.count("create"); made != 0 {
					t.Errorf("the engine was asked to create %d times", made)
				}
				records, _ := c.engine.journal.Records()
				if len(records) != 1 || records[0].Outcome != journal.Withdrawn || records[0].Unsettled() {
					t.Errorf("the journal has %+v", records)
				}
				f.before = nil
				if _, err := c.Call(t.Context(), create("web")); err != nil {
					t.Errorf("the create after it: %v", err)
				}
			})
		})
	}
}

// A provider and a background conductor that are not of one release do not work together, and say why.
func TestAnotherReleaseIsNotSpokenTo(t *testing.T) {
	for name, own := range map[string]background.Edition{"release": {Protocol: background.Version, Release: "1.2.4"}, "protocol": {Protocol: background.Version + 1, Release: testRelease}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, err := background.Greet(t.Context(), newFake().background(t), background.Hello{Edition: own, StateDir: t.TempDir()})
				if err == nil || !strings.Contains(err.Error(), testRelease) || !strings.Contains(err.Error(), own.Release) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
	t.Run("one that does not know greetings", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			here, there := net.Pipe()
			read := make(chan error, 1)
			go func() {
				_, err := io.Copy(io.Discard, there)
				read <- err
			}()
			_, err := background.Greet(t.Context(), here, background.Hello{Edition: background.Edition{Protocol: background.Version, Release: testRelease}})
			if err == nil || !strings.Contains(err.Error(), "another release") {
				t.Errorf("got %v", err)
			}
			<-read
		})
	})
}

// What a background conductor does not know is refused, and never taken for something else.
func TestUnknownMessagesAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		id := left(f, "web", "edge1/web/1")
		c := f.casting(t, Options{})
		if _, err := c.Cast(t.Context(), create("api"), time.Hour); err != nil { // There is a background conductor from now on.
			t.Fatal(err)
		}
		for _, tt := range []struct {
			message typed
			word    string
		}{
			{typed{Kind: "evaporate", Body: json.RawMessage(`{"Name": "web", "ContainerID": "` + id + `"}`)}, "evaporate"},
			{typed{Kind: KindKill, Body: json.RawMessage(`{"Name": "web", "ContainerID": "` + id + `"}`)}, "kill"},
			{typed{Kind: KindRemove, Body: json.RawMessage(`{"Name": "web", "ContainerID": "` + id + `", "Evaporate": true}`)}, "remove"},
			{typed{Object: "secret", Kind: KindRemove, Body: json.RawMessage(`{"Name": "web"}`)}, "secret"},
		} {
			_, got, err := c.background.Cast(t.Context(), castMessage{Request: tt.message}, time.Hour)
			if err != nil || got.Phase != background.Refused || got.Fault == nil || got.Fault.Kind != fault.Invalid || !strings.Contains(got.Fault.Facts.Action, tt.word) {
				t.Errorf("%s: %+v, %v", tt.message.Body, got, err)
			}
		}
		if calls := f.count("kill") + f.count("remove"); calls != 0 {
			t.Errorf("%d requests were sent", calls)
		}
	})
}

// A cast takes the credentials along that its caller has.
func TestCastsHandOverCredentials(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	c := newConductor(Options{Engine: EngineOptions{Credentials: map[string]engine.Credential{"127.0.0.1:5000": {Username: "ada", Password: "hunter2"}}}, Background: []string{"background"}}, nil)
	req := create("web")
	req.Spec.Image, req.Spec.PullPolicy = "127.0.0.1:5000/app:1", container.PullMissing
	if got := c.handOver(req); got == nil || got.Auth.Password != "hunter2" || got.Source == "" {
		t.Errorf("handed over: %+v", got)
	}
	req.Spec.PullPolicy = container.PullNever
	if got := c.handOver(req); got != nil {
		t.Errorf("handed over for what pulls nothing: %+v", got)
	}
	failed := &handed{Err: "the helper has no key"}
	if _, err := failed.authenticate(nil, nil); err == nil || err.Error() != failed.Err {
		t.Errorf("the caller's failure is %v", err)
	}
	if none, err := new(handed).authenticate(nil, c.opts.Engine.Credentials); err != nil || none.Source != "none" {
		t.Errorf("a caller that has none hands over %q, %v", none.Source, err)
	}
}

// slowCreates has the engine take ten seconds for a create.
func slowCreates(ctx context.Context, call string) error {
	if strings.HasPrefix(call, "create") {
		return pause(ctx, 10*time.Second)
	}
	return nil
}
