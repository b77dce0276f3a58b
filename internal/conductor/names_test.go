// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"errors"
	"testing"

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
