// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/network"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// Any doubt is a conflict.
func TestResumable(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	const operation = "edge1/web/0190"
	for _, tt := range []struct {
		name   string
		change func(h *holder, c *claim)
		want   bool
	}{
		{"its process died", func(*holder, *claim) {}, true},
		{"interrupted, as a later one noted", func(_ *holder, c *claim) { c.record.Outcome = journal.Interrupted }, true},
		{"failed without an answer that has state, in a process that lives", func(_ *holder, c *claim) { c.gone, c.record.Outcome = false, journal.Failed }, true},
		{"done, and its process died before the answer", func(_ *holder, c *claim) { c.record.Outcome = journal.Done }, true},
		{"done, and its process is about to answer", func(_ *holder, c *claim) { c.gone, c.record.Outcome = false, journal.Done }, false},
		{"its process lives", func(_ *holder, c *claim) { c.gone = false }, false},
		{"a cast that failed, and whoever cast it lives", func(_ *holder, c *claim) { c.gone, c.record.Cast, c.record.Outcome = false, true, journal.Failed }, false},
		{"its answer has begun", func(_ *holder, c *claim) { c.open = false }, false},
		{"another workspace", func(_ *holder, c *claim) { c.mark.Scope = "there" }, false},
		{"its workspace is not known", func(_ *holder, c *claim) { c.mark.Scope = "" }, false},
		{"another engine", func(_ *holder, c *claim) { c.mark.EngineID = "OTHER" }, false},
		{"no label", func(h *holder, _ *claim) { h.operation = "" }, false},
		{"the label of another operation", func(h *holder, _ *claim) { h.operation = "edge1/web/0191" }, false},
		{"the label is the image's", func(h *holder, _ *claim) { h.inherited = true }, false},
		{"an update, not a create", func(_ *holder, c *claim) { c.record.Kind = string(KindUpdate) }, false},
		{"another container than the record's", func(_ *holder, c *claim) { c.record.ContainerID = "other" }, false},
		{"the record's container", func(_ *holder, c *claim) { c.record.ContainerID = "id" }, true},
		{"older than the create", func(h *holder, _ *claim) { h.created = at.Add(-time.Hour) }, false},
		{"younger than the end of the create", func(h *holder, c *claim) { c.record.Ended, h.created = at.Add(time.Minute), at.Add(time.Hour) }, false},
		{"younger than the deadline of the create", func(h *holder, c *claim) { c.record.Deadline, h.created = at.Add(time.Minute), at.Add(time.Hour) }, false},
		{"a volume whose time moves on", func(h *holder, c *claim) {
			h.id, h.drifts, c.record.Deadline, h.created = "", true, at.Add(time.Minute), at.Add(time.Hour)
		}, true},
	} {
		h := holder{id: "id", operation: operation, created: at.Add(time.Second)}
		c := claim{
			record: journal.Record{ID: operation, Kind: string(KindCreate), Accepted: at}, gone: true,
			mark: journal.Mark{Scope: "here", EngineID: "ENGINE"}, open: true,
		}
		tt.change(&h, &c)
		if got := resumable(h, []claim{c}, "here", "ENGINE"); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
		if resumable(h, []claim{c}, "", "ENGINE") {
			t.Errorf("%s: resumed in a workspace that is not known", tt.name)
		}
	}
}

// What a later create adopted and answered is delivered, though the mark of whoever made it is still there: a release
// that knows no marks leaves it.
func TestResumableAfterAnAdoption(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	h := holder{id: "id", operation: "edge1/web/0190", created: at.Add(time.Second)}
	mark := journal.Mark{Scope: "here", EngineID: "ENGINE"}
	made := claim{record: journal.Record{ID: h.operation, Kind: string(KindCreate), Accepted: at}, gone: true, mark: mark, open: true}
	adopts := journal.Record{ID: "edge1/web/0191", Kind: string(KindCreate), Accepted: at.Add(time.Minute), Outcome: journal.Done, ContainerID: "id"}
	for title, tt := range map[string]struct {
		change func(c *claim)
		want   bool
	}{
		"it was answered":                  {func(*claim) {}, false},
		"it died before its answer":        {func(c *claim) { c.open, c.mark = true, mark }, true},
		"it failed":                        {func(c *claim) { c.record.Outcome = journal.Failed }, true},
		"it is of another container":       {func(c *claim) { c.record.ContainerID = "other" }, true},
		"it was interrupted in the middle": {func(c *claim) { c.record.Outcome = journal.Interrupted }, true},
	} {
		later := claim{record: adopts, gone: true}
		tt.change(&later)
		if got := resumable(h, []claim{made, later}, "here", "ENGINE"); got != tt.want {
			t.Errorf("%s: %t", title, got)
		}
	}
}

// Only an engine that refuses says that there is nothing.
func TestRefusesCreate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{errdefs.ErrConflict, true},
		{errdefs.ErrNotFound, true},
		{fmt.Errorf("creating it: %w", errdefs.ErrInvalidArgument), true},
		{fault.Scope{Container: "web", Now: time.Now}.NameConflict("web", "container 0123", fault.NothingCreated, nil), true},
		{errdefs.ErrInternal, false},
		{errdefs.ErrUnavailable, false},
		{context.DeadlineExceeded, false},
		{errors.New("unexpected EOF"), false},
		{nil, false},
	} {
		if got := refusesCreate(tt.err); got != tt.want {
			t.Errorf("%v: %t", tt.err, got)
		}
	}
}

// lostNetworks is fakeEngine whose first answer to the create of a network gets lost, though it was made, and that
// can't be asked for it then.
type lostNetworks struct {
	*fakeEngine
	operation *string
}

func (f lostNetworks) NetworkCreate(_ context.Context, _ string, options network.CreateOptions) (network.CreateResponse, error) {
	if *f.operation == "" {
		*f.operation = options.Labels[container.LabelOperation]
		return network.CreateResponse{}, errLost
	}
	return network.CreateResponse{}, fmt.Errorf("network with name front already exists: %w", errdefs.ErrConflict)
}

func (f lostNetworks) NetworkInspect(context.Context, string, network.InspectOptions) (network.Inspect, error) {
	return network.Inspect{}, fmt.Errorf("out of memory: %w", errdefs.ErrInternal)
}

// A name that is taken after an answer got lost may be taken by what the operation itself made: its mark stays, so
// that the next apply resumes it.
func TestTakenNameAfterALostAnswerKeepsTheMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, operation := newFake(), ""
		c := newConductor(Options{StateDir: t.TempDir(), Scope: scopeHere}, func() (engine.API, engine.Address, error) {
			return lostNetworks{f, &operation}, engine.Address{Host: "fake"}, nil
		})
		defer func() { _ = c.Close() }()
		if _, _, err := c.CreateNetwork(t.Context(), NetworkSpec{Name: "front"}); err == nil || operation == "" {
			t.Fatalf("operation %q, error %v", operation, err)
		}
		e, err := c.connect(t.Context(), "front")
		if err != nil {
			t.Fatal(err)
		}
		if _, open, err := e.journal.Mark(operation); err != nil || !open {
			t.Errorf("the mark is open: %t, %v", open, err)
		}
	})
}

// What a workspace left unfinished is not another one's to go on with, unless it has the container by now, or no state
// has it any more.
func TestContinues(t *testing.T) {
	exchange := journal.Record{Kind: string(KindExchange), Scope: "mine", ContainerID: "old", Exchange: &journal.Exchange{Predecessor: "old", Successor: "new"}}
	removal := journal.Record{Kind: string(KindRemove), Scope: "mine", ContainerID: "old"}
	cast := removal
	cast.Cast = true
	older := removal
	older.Scope = ""
	castExchange := exchange
	castExchange.Cast = true
	for _, tt := range []struct {
		name      string
		record    journal.Record
		scope, id string
		want      bool
	}{
		{"a removal of the same workspace", removal, "mine", "", true},
		{"a removal of another one", removal, "other", "", false},
		{"a removal, where nobody knows the workspace", removal, "", "", false},
		{"a removal of an older release", older, "mine", "", false},
		{"a removal of an older release, where nobody knows the workspace", older, "", "", false},
		{"a removal that was cast", cast, "other", "", true},
		{"an exchange of the same workspace", exchange, "mine", "", true},
		{"an exchange of another one", exchange, "other", "", false},
		{"an exchange of another one that was cast", castExchange, "other", "", false},
		{"an exchange of a container that is in this state by now", exchange, "other", "old", true},
		{"an exchange for a container that is in this state by now", exchange, "other", "new", true},
		{"an exchange of another container", exchange, "other", "third", false},
	} {
		if got := continues(tt.record, tt.scope, tt.id); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}
