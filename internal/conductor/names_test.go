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

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

func TestFreedBy(t *testing.T) {
	for name, tt := range map[string]struct {
		r    journal.Record
		want bool
	}{
		"its rename":                      {journal.Record{Kind: string(KindUpdate), Container: "a", PriorName: "b", ContainerID: "x"}, true},
		"its removal":                     {journal.Record{Kind: string(KindRemove), Container: "b", ContainerID: "x"}, true},
		"an update that keeps the name":   {journal.Record{Kind: string(KindUpdate), Container: "b", PriorName: "b", ContainerID: "x"}, false},
		"a rename to the name":            {journal.Record{Kind: string(KindUpdate), Container: "b", PriorName: "a", ContainerID: "x"}, false},
		"the rename of another one":       {journal.Record{Kind: string(KindUpdate), Container: "a", PriorName: "b", ContainerID: "y"}, false},
		"the removal of another one":      {journal.Record{Kind: string(KindRemove), Container: "b", ContainerID: "y"}, false},
		"a create that knows nothing yet": {journal.Record{Kind: string(KindCreate), Container: "b"}, false},
	} {
		if _, got := freedBy([]journal.Record{tt.r}, "b", "x"); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestCircle(t *testing.T) {
	chain := map[string]journal.Record{
		"1": {ID: "1", Awaits: "2"}, "2": {ID: "2", Awaits: "3"}, "3": {ID: "3"},
		"4": {ID: "4", Awaits: "5"}, "5": {ID: "5", Awaits: "4"},
		"6": {ID: "6", Awaits: "7"}, "7": {ID: "7", Awaits: "3", Outcome: journal.Done},
	}
	find := func(id string) (journal.Record, error) {
		r, ok := chain[id]
		if !ok {
			return r, errors.New("there is none")
		}
		return r, nil
	}
	for _, tt := range []struct {
		from, own string
		want      bool
	}{{"1", "2", true}, {"1", "3", true}, {"3", "1", false}, {"2", "1", false}, {"4", "1", false}, {"6", "3", false}} {
		if got := circle(chain[tt.from], tt.own, find); got != tt.want {
			t.Errorf("%s waits for %s: %t", tt.from, tt.own, got)
		}
	}
}

// A name that is taken, but not by any container that can be seen, is asked for again now and then, and is a
// conflict in the end.
func TestRenameToAReservedName(t *testing.T) {
	for name, frees := range map[string]bool{"for good": false, "for a moment": true} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			c := f.conductor(t, Options{})
			made, err := c.Call(t.Context(), create("web"))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			free := time.Now().Add(nameComes / 2)
			f.before = func(_ context.Context, call string) error {
				switch {
				case call != "rename" || frees && !time.Now().Before(free):
					return nil
				case f.count("rename") > 100: // No time passes.
					cancel()
				}
				return fmt.Errorf(`Conflict. The container name "/api" is already in use by container "0123": %w`, errdefs.ErrConflict)
			}
			began := time.Now()
			rename := UpdateRequest{Spec: create("api").Spec, ContainerID: made.Container.ID, PriorName: "web"}
			_, err = c.Call(ctx, rename)
			switch took := time.Since(began); {
			case frees && err != nil:
				t.Errorf("%s: %v", name, err)
			case frees && f.containers[made.Container.ID].name != "api":
				t.Errorf("%s: not renamed", name)
			case !frees:
				faultOf(t, err, fault.NameConflict)
				if took < nameComes || took > 2*nameComes {
					t.Errorf("%s: took %s", name, took)
				}
			}
		})
	}
}
