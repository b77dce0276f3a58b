// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// casting gives the caller's end of a background conductor of the fake. Both end with the test.
func (f *fakeEngine) casting(t *testing.T, greeting hello) *backgroundClient {
	t.Helper()
	greeting.StateDir = t.TempDir()
	here, there := net.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- serveBackground(there, func(opts Options) *Conductor {
			return newConductor(opts, func() (engineAPI, address, error) { return f, address{Host: "fake"}, nil })
		})
	}()
	b := &backgroundClient{conn: here, encoder: json.NewEncoder(here), waiting: make(map[int]chan answer)}
	if err := b.encoder.Encode(greeting); err != nil {
		t.Fatal(err)
	}
	b.reading.Go(b.read)
	t.Cleanup(func() {
		b.close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return b
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
			b := f.casting(t, hello{MaxParallel: 1, Inline: tt.inline})
			began := time.Now()
			for _, name := range []string{"first", "second"} {
				got, err := b.ask(t.Context(), ask{Request: create(name), Limit: time.Hour})
				if err != nil || got.Fault != nil || got.OperationID == "" {
					t.Fatalf("%s: %+v, %v", name, got, err)
				}
			}
			if took := time.Since(began); took != tt.want {
				t.Errorf("inline %t: both casts were accepted after %s, want %s", tt.inline, took, tt.want)
			}
		})
	}
}

// What was accepted is carried out after whoever cast has gone.
func TestCastsSurviveTheirCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.before = slowCreates
		b := f.casting(t, hello{MaxParallel: 64})
		for _, name := range []string{"first", "second"} {
			if _, err := b.ask(t.Context(), ask{Request: create(name), Limit: time.Hour}); err != nil {
				t.Fatal(err)
			}
		}
		b.close()
		time.Sleep(time.Minute)
		if made := f.count("start"); made != 2 {
			t.Errorf("%d containers were started", made)
		}
		if _, err := b.ask(t.Context(), ask{Request: create("late"), Limit: time.Hour}); err == nil {
			t.Error("a cast was accepted after the end")
		}
	})
}

// slowCreates has the engine take ten seconds for a create.
func slowCreates(ctx context.Context, call string) error {
	if strings.HasPrefix(call, "create") {
		return pause(ctx, 10*time.Second)
	}
	return nil
}
