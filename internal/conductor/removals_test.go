// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
)

func TestRemovals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r removals
		began := time.Now()
		if r.over(began) {
			t.Error("nothing is expected at once")
		}
		time.Sleep(removalExpected)
		if !r.over(began) {
			t.Error("something is expected for ever")
		}
		first, second := r.begin("web"), r.begin("web")
		first()
		time.Sleep(time.Hour)
		if !r.has("web") || r.over(began) {
			t.Error("a removal that is under way is forgotten")
		}
		second()
		if r.has("web") || r.over(began) {
			t.Error("after a removal none other is expected")
		}
		time.Sleep(removalExpected)
		if !r.over(began) {
			t.Error("something is expected long after the last removal")
		}
	})
}

// Who stays is known only when the removals that may be on their way have come, or not.
func TestRemaining(t *testing.T) {
	own, foreign := user{id: "1", name: "own"}, user{id: "2", name: "foreign"}
	for _, tt := range []struct {
		name string
		// arrives is when the removal of the own container is accepted, and takes how long it takes; no
		// removal is none.
		arrives, takes time.Duration
		users          []user
		want           []string
		after          time.Duration
	}{
		{"nobody", 0, 0, nil, nil, 0},
		{"a stranger", 0, 0, []user{foreign}, []string{"foreign"}, 0},
		{"an own one that stays", 0, 0, []user{own}, []string{"own"}, removalExpected},
		{"an own one that goes", 3 * time.Second, 6 * time.Second, []user{own}, nil, 9 * time.Second},
		{"an own one that goes, and a stranger", 3 * time.Second, 6 * time.Second, []user{own, foreign}, []string{"own", "foreign"}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			for _, u := range tt.users { // Who uses the object is looked at again.
				f.containers[u.id] = &fakeContainer{id: u.id, name: u.name, status: "running"}
			}
			c := f.conductor(t, Options{})
			e, err := c.connect(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			began, gone := time.Now(), make(chan struct{})
			if tt.takes > 0 {
				go func() {
					time.Sleep(tt.arrives)
					end := e.removals.begin("own")
					time.Sleep(tt.takes)
					close(gone)
					end()
				}()
			}
			stay, err := (&task{connection: e, conductor: c}).remaining(t.Context(), func(u user) bool { return u.name == "own" }, func(context.Context) ([]user, error) {
				var users []user
				for _, u := range tt.users {
					select {
					case <-gone:
						if u.name == "own" {
							continue
						}
					default:
					}
					u.leaving = e.removals.has(u.name)
					users = append(users, u)
				}
				return users, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, u := range stay {
				names = append(names, u.name)
			}
			if took := time.Since(began); !slices.Equal(names, tt.want) || took < tt.after || took > tt.after+2*engine.GoneRetry {
				t.Errorf("%s: %v after %s, want %v after %s", tt.name, names, took, tt.want, tt.after)
			}
			if tt.takes > 0 {
				<-gone
				synctest.Wait()
			}
		})
	}
}
