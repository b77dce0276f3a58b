// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// Only a cast on the same object refuses what was queued behind it.
func TestRefusalIsAMatterOfTheSameObject(t *testing.T) {
	const ahead = "edge1/web/1"
	failed := func(kind Kind, change func(*journal.Record)) journal.Record {
		r := journal.Record{ID: ahead, Kind: string(kind), Container: "web", Cast: true, Outcome: journal.Failed, Fault: &fault.Fault{Summary: "it failed"}}
		if change != nil {
			change(&r)
		}
		return r
	}
	of := func(id string) func(*journal.Record) {
		return func(r *journal.Record) { r.ContainerID = id }
	}
	for name, tt := range map[string]struct {
		first  journal.Record
		second containerJob
		seen   string
		late   bool // The first one had ended when the second one was accepted.
		want   bool
	}{
		"an update of what a create is to make":  {first: failed(KindCreate, nil), second: containerJob{does: KindUpdate, after: ahead}, want: true},
		"an update of the same container":        {first: failed(KindUpdate, of("a")), second: containerJob{does: KindUpdate, containerID: "a"}, want: true},
		"a create of the same name":              {first: failed(KindCreate, of("a")), second: containerJob{does: KindCreate}, want: true},
		"a restart of what a create is to make":  {first: failed(KindCreate, nil), second: containerJob{does: KindRestart}, want: true},
		"a restart of what the create made":      {first: failed(KindCreate, of("a")), second: containerJob{does: KindRestart}, seen: "a", want: true},
		"an update of what an exchange replaces": {first: failed(KindExchange, func(r *journal.Record) { r.Exchange = &journal.Exchange{Predecessor: "a"} }), second: containerJob{does: KindUpdate, containerID: "a"}, want: true},
		"a cast that was interrupted": {
			first: failed(KindUpdate, func(r *journal.Record) { r.ContainerID, r.Outcome, r.Fault = "a", journal.Interrupted, nil }), second: containerJob{does: KindUpdate, containerID: "a"}, want: true,
		},

		"a rename of the container that has a failed create's name": {first: failed(KindCreate, nil), second: containerJob{does: KindUpdate, containerID: "b", priorName: "web"}},
		"a restart of the container that has it":                    {first: failed(KindCreate, nil), second: containerJob{does: KindRestart}, seen: "b"},
		"a create behind an update":                                 {first: failed(KindUpdate, of("a")), second: containerJob{does: KindCreate}},
		"an update behind a rename of another container":            {first: failed(KindUpdate, of("a")), second: containerJob{does: KindUpdate, containerID: "b"}},
		"behind what is settled":                                    {first: failed(KindUpdate, func(r *journal.Record) { r.ContainerID, r.Settled = "a", true }), second: containerJob{does: KindUpdate, containerID: "a"}},
		"behind what went well":                                     {first: failed(KindUpdate, func(r *journal.Record) { r.ContainerID, r.Outcome = "a", journal.Done }), second: containerJob{does: KindUpdate, containerID: "a"}},
		"after a failure that was told of":                          {first: failed(KindUpdate, of("a")), second: containerJob{does: KindUpdate, containerID: "a"}, late: true},
	} {
		t.Run(name, func(t *testing.T) {
			o := tt.second
			o.spec.Name, o.seen, o.ahead = "web", tt.seen, []string{ahead}
			if tt.late {
				o.ahead = nil
			}
			if got := o.refusedBy([]journal.Record{tt.first}); (got != nil) != tt.want {
				t.Errorf("refused by %v", got)
			}
		})
	}
}

// A cast that fails refuses the update behind it, in one line; a call that fails does not.
func TestOnlyACastRefusesWhatWaitsBehindIt(t *testing.T) {
	for _, cast := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			c := f.conductor(t, Options{})
			e, err := c.connect(t.Context(), "web")
			if err != nil {
				t.Fatal(err)
			}
			first := checked("web").accept(c, e, cast, time.Now().Add(time.Hour))
			second := (UpdateRequest{Spec: checked("web").Spec, OperationID: first.id, Restart: true}).accept(c, e, false, time.Time{})
			ended := make(chan error, 2)
			go func() {
				_, err := first.perform(t.Context())
				ended <- err
			}()
			go func() {
				_, err := second.perform(t.Context())
				ended <- err
			}()
			synctest.Wait()
			f.setHealth("web", "unhealthy")
			faultOf(t, <-ended, fault.Unhealthy)
			if cast {
				got := faultOf(t, <-ended, fault.Refused)
				if text := got.Error(); strings.Contains(got.Message, "\n") || !strings.Contains(text, "is unhealthy") || strings.Contains(text, "no route") || !strings.Contains(text, first.id) {
					t.Errorf("the refusal is\n%s", text)
				}
				return
			}
			synctest.Wait()
			f.setHealth("web", "healthy")
			if err := <-ended; err != nil {
				t.Errorf("the update behind a failed call: %v", err)
			}
		})
	}
}

// A removal cancels what is under way for its own container, and nothing that waits for the name.
func TestRemovalCancelsWhatIsOnItsContainer(t *testing.T) {
	c := newFake().conductor(t, Options{})
	e, err := c.connect(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	o := &removalJob{containerJob: containerJob{operation: &operation{engine: e}, after: "edge1/web/1", containerID: "a"}}
	for name, tt := range map[string]struct {
		r    journal.Record
		want bool
	}{
		"its create":                      {journal.Record{ID: "edge1/web/1", Kind: string(KindCreate), Container: "web"}, true},
		"an update that follows it":       {journal.Record{ID: "edge1/web/2", Kind: string(KindUpdate), Container: "web", After: "edge1/web/1"}, true},
		"a restart":                       {journal.Record{ID: "edge1/web/2", Kind: string(KindRestart), Container: "web", ContainerID: "a"}, true},
		"a create for the name":           {journal.Record{ID: "edge1/web/2", Kind: string(KindCreate), Container: "web"}, false},
		"a rename of another to the name": {journal.Record{ID: "edge1/web/2", Kind: string(KindUpdate), Container: "web", PriorName: "api", ContainerID: "b"}, false},
	} {
		if got := o.cancels()(tt.r); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
