// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"sync"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// removalExpected is how long the removal of an object waits for the removal of a container of gantry's
// own that still uses it. Terraform destroys what does not refer to each other in any order, and says to
// nobody what comes next.
const removalExpected = 5 * time.Second

// removals are the removals of containers that this process carries out. The zero value has none.
type removals struct {
	mu     sync.Mutex
	active map[string]int
	// changed is when the last one began or ended.
	changed time.Time
}

// begin notes a removal of the container of this name. The caller ends it.
func (r *removals) begin(name string) (end func()) {
	r.add(name, 1)
	return func() { r.add(name, -1) }
}

func (r *removals) add(name string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.active = container.Put(r.active, name, r.active[name]+n)
	if r.active[name] == 0 {
		delete(r.active, name)
	}
	r.changed = time.Now()
}

// has reports whether the container of this name is being removed.
func (r *removals) has(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.active[name] > 0
}

// over reports whether no further removal is expected by somebody who has waited since then: none is under
// way, and none has begun or ended for a while.
func (r *removals) over(since time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed.After(since) {
		since = r.changed
	}
	return len(r.active) == 0 && time.Since(since) >= removalExpected
}
