// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// Where the journal does not know an operation, a barrier takes its own container alone for its own: the
// operation's ID tells which one that is.
func TestBarrierTakesNoOtherContainer(t *testing.T) {
	made := func(t *testing.T, c *Conductor, req Request) Outcome {
		t.Helper()
		out, err := c.Call(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	update := func(t *testing.T, c *Conductor, before Outcome, containerID string) string {
		t.Helper()
		req := UpdateRequest{Spec: create("web").Spec, OperationID: before.OperationID, ContainerID: containerID, Restart: true}
		return made(t, c, req).OperationID
	}
	for _, test := range []struct {
		name string
		// prepare returns the operation to wait for.
		prepare func(t *testing.T, f *fakeEngine, c *Conductor) string
		mine    bool
	}{
		{"its create made it", func(t *testing.T, _ *fakeEngine, c *Conductor) string { return made(t, c, create("web")).OperationID }, true},
		{"it updated it", func(t *testing.T, _ *fakeEngine, c *Conductor) string {
			out := made(t, c, create("web"))
			return update(t, c, out, out.Container.ID)
		}, true},
		{"it updated it behind its create", func(t *testing.T, _ *fakeEngine, c *Conductor) string {
			return update(t, c, made(t, c, create("web")), "")
		}, true},
		{"it updated it behind an update behind its create", func(t *testing.T, _ *fakeEngine, c *Conductor) string {
			out := made(t, c, create("web"))
			out.OperationID = update(t, c, out, "")
			return update(t, c, out, "")
		}, true},
		{"it updated one that was imported", func(t *testing.T, f *fakeEngine, c *Conductor) string {
			id := left(f, "web", "")
			return update(t, c, Outcome{}, id)
		}, true},
		{"its create failed: another workspace has the name", func(t *testing.T, f *fakeEngine, c *Conductor) string {
			made(t, f.conductor(t, Options{Scope: "another"}), create("web"))
			out, err := c.Call(t.Context(), create("web"))
			faultOf(t, err, fault.NameConflict)
			return out.OperationID
		}, false},
		{"another workspace made it since it was updated", func(t *testing.T, f *fakeEngine, c *Conductor) string {
			out := made(t, c, create("web"))
			id := update(t, c, out, out.Container.ID)
			delete(f.containers, out.Container.ID)
			made(t, f.conductor(t, Options{Scope: "another"}), create("web"))
			return id
		}, false},
		{"an older gantry updated it", func(t *testing.T, _ *fakeEngine, c *Conductor) string {
			made(t, c, create("web"))
			return newOperationID("edge1", "web")
		}, true},
		{"it updated it behind an older gantry's create", func(t *testing.T, f *fakeEngine, c *Conductor) string {
			before := newOperationID("edge1", "web")
			left(f, "web", before)
			return update(t, c, Outcome{OperationID: before}, "")
		}, true},
		{"it was made since an older gantry updated another one", func(t *testing.T, _ *fakeEngine, c *Conductor) string {
			older := newOperationID("edge1", "web")
			made(t, c, create("web"))
			return older
		}, false},
		{"an older gantry updated one, and this one has no label", func(_ *testing.T, f *fakeEngine, _ *Conductor) string {
			left(f, "web", "")
			return newOperationID("edge1", "web")
		}, false},
		{"its label is its image's", func(t *testing.T, f *fakeEngine, c *Conductor) string {
			out := made(t, c, create("web"))
			delete(f.containers, out.Container.ID)
			left(f, "web", out.OperationID)
			f.imageLabel = out.OperationID
			return out.OperationID
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				id := test.prepare(t, f, f.conductor(t, Options{}))
				got, err := f.conductor(t, Options{}).Await(t.Context(), id, "")
				if test.mine {
					if err != nil || got.ContainerID != f.find("web").id {
						t.Errorf("gathered %+v, %v", got, err)
					}
					return
				}
				told := faultOf(t, err, fault.NameConflict)
				if got.ContainerID != "" || got.Container != nil {
					t.Errorf("gathered another's container: %+v", got)
				}
				if !strings.Contains(told.Summary, "another container has its name") || !strings.Contains(told.Message, id) {
					t.Errorf("the fault says %q, %q", told.Summary, told.Message)
				}
			})
		})
	}
}
