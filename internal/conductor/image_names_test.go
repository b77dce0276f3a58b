// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"slices"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

func TestWanting(t *testing.T) {
	t.Parallel()
	r := func(scope string, kind Kind, outcome journal.Outcome, owner string) journal.Record {
		return journal.Record{Scope: scope, Kind: string(kind), Outcome: outcome, Owner: owner}
	}
	for _, tt := range []struct {
		name    string
		records []journal.Record
		want    []string
	}{
		{"nobody", nil, nil},
		{"who brought it", []journal.Record{r("a", KindCreate, journal.Done, "")}, []string{"a"}},
		{"who is not known by name", []journal.Record{r("", KindCreate, journal.Done, "")}, []string{""}},
		{"two", []journal.Record{r("b", KindCreate, journal.Done, ""), r("a", KindCreate, journal.Done, ""), r("b", KindUpdate, journal.Done, "")}, []string{"a", "b"}},
		{"one that took it away", []journal.Record{r("a", KindCreate, journal.Done, ""), r("b", KindCreate, journal.Done, ""), r("a", KindRemove, journal.Done, "")}, []string{"b"}},
		{"one that could not take it away", []journal.Record{r("a", KindCreate, journal.Done, ""), r("a", KindRemove, journal.Failed, "")}, []string{"a"}},
		{"one that never had it", []journal.Record{r("a", KindCreate, journal.Failed, "")}, nil},
		{"one that failed to bring a newer one", []journal.Record{r("a", KindCreate, journal.Done, ""), r("a", KindUpdate, journal.Failed, "")}, []string{"a"}},
		{"who is bringing it", []journal.Record{r("a", KindCreate, "", "living")}, []string{"a"}},
		{"who died while bringing it", []journal.Record{r("a", KindCreate, "", "dead")}, nil},
	} {
		got := wanting(tt.records, func(r journal.Record) bool { return r.Owner == "living" })
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
	newer := []journal.Record{{Scope: "a", Kind: string(KindCreate), Outcome: journal.Done, ContainerID: "1"}, {Scope: "a", Kind: string(KindUpdate), Outcome: journal.Done, ContainerID: "2"}}
	for but, want := range map[string]int{"": 1, "1": 1, "2": 0} {
		if got := wanting(newer, nil, but); len(got) != want {
			t.Errorf("but for who brought %q: %q", but, got)
		}
	}
}
