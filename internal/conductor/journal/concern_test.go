// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"testing"

	"github.com/google/uuid"
)

// The ID of an operation shows which container it is about, and nothing else of it changes.
func TestConcerns(t *testing.T) {
	t.Parallel()
	e := markedEngine(t)
	id := func(r Record) string {
		t.Helper()
		ticket, err := e.draw(r)
		if err != nil {
			t.Fatal(err)
		}
		if parsed := uuid.MustParse(ticket); parsed.Version() != 7 || origin(parsed[originAt:digestAt]) != originOf(e.journal.dir) {
			t.Errorf("%s has version %d, and not the directory's origin", ticket, parsed.Version())
		}
		return ID("edge1", r.Container, ticket)
	}
	made := id(Record{Kind: "create", Container: "web"})
	older := ID("edge1", "web", uuid.Must(uuid.NewV7()).String())
	after := func(before string) string { return id(Record{Kind: "update", Container: "web", After: before}) }
	notTold := map[string]bool{"an operation of an older gantry": true, "an update behind one of an older gantry": true}
	known := id(Record{Kind: "update", Container: "web", After: made, ContainerID: "c1"})
	for _, test := range []struct {
		name, id, containerID, label string
		want                         bool
	}{
		{"a create and its container", made, "c1", made, true},
		{"a create and another one's", made, "c1", older, false},
		{"a create and one without a label", made, "c1", "", false},
		{"an update by the container's ID", known, "c1", older, true},
		{"an update and another ID", known, "c2", made, false},
		{"an update behind a create", after(made), "c1", made, true},
		{"an update behind a create, and another's", after(made), "c1", older, false},
		{"an update behind a create, and no label", after(made), "c1", "", false},
		{"an update behind one of those", after(after(made)), "c1", made, true},
		{"an update behind one that knew the ID", after(known), "c1", "", true},
		{"an exchange", id(Record{Kind: "exchange", Container: "web", ContainerID: "c1", Exchange: &Exchange{}}), "c1", made, false},
		{"an operation of an older gantry", older, "c1", made, false},
		{"an update behind one of an older gantry", after(older), "c1", made, false},
		{"a create of an older gantry", older, "c1", older, true},
		{"none", "edge1/web/nonsense", "c1", "edge1/web/nonsense", false},
	} {
		if got, told := Concerns(test.id, test.containerID, test.label); got != test.want || told == notTold[test.name] {
			t.Errorf("%s: %t, told: %t", test.name, got, told)
		}
	}
	if first, second := NewTicket(Record{ContainerID: "c1"}), NewTicket(Record{ContainerID: "c1"}); first >= second {
		t.Errorf("%s is not before %s", first, second)
	}
}
