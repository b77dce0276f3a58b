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

// A container that was made from another tag of its image needs none of these names.
func TestNeedsNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		tags, names []string
		ref         string
		want        bool
	}{
		{"the only tag", []string{"app:1"}, []string{"app:1"}, "app:1", true},
		{"the only tag, made by ID", []string{"app:1"}, []string{"app:1"}, "sha256:7777", true},
		{"the only tag in another spelling", []string{"app:latest"}, []string{"docker.io/library/app"}, "sha256:7777", true},
		{"no tag", nil, []string{"app:1"}, "sha256:7777", true},
		{"all tags", []string{"app:1", "app:2"}, []string{"app:2", "app:1"}, "sha256:7777", true},
		{"made from another tag", []string{"app:1", "other:1"}, []string{"app:1"}, "other:1", false},
		{"another tag, made by ID", []string{"app:1", "other:1"}, []string{"app:1"}, "sha256:7777", false},
		{"made from this tag", []string{"app:1", "other:1"}, []string{"app:1"}, "app:1", true},
		{"made from this tag in another spelling", []string{"app:latest", "other:1"}, []string{"app"}, "docker.io/library/app:latest", true},
	} {
		if got := needsNames(tt.tags, tt.names, tt.ref); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
}
