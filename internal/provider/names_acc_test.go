// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"
)

// named are containers whose names are those of a list, by their places in it.
func (r *rig) named(names ...string) string {
	quoted := make([]string, 0, len(names))
	for _, name := range names {
		quoted = append(quoted, fmt.Sprintf("%q", r.Name(name)))
	}
	return r.provider() + fmt.Sprintf(`
locals { names = [%s] }
resource "gantry_container" "web" {
  count = length(local.names)
  name  = local.names[count.index]
  image = %q
  stop_grace_period = "1s"
}
`, strings.Join(quoted, ", "), r.Image)
}

// Names move among the containers of one apply: along a list that grows or shrinks at its front, and round in
// circles of two and three. Each container stays, and one apply is enough.
func TestAccNamesMove(t *testing.T) {
	for title, lists := range map[string][2][]string{
		"a list grows at its front":   {{"bb", "cc"}, {"aa", "bb", "cc"}},
		"a list shrinks at its front": {{"aa", "bb", "cc"}, {"bb", "cc"}},
		"two names are swapped":       {{"aa", "bb"}, {"bb", "aa"}},
		"three names go round":        {{"aa", "bb", "cc"}, {"bb", "cc", "aa"}},
	} {
		t.Run(title, func(t *testing.T) {
			r := newRig(t)
			c := newCLI(t)
			c.configure(r.named(lists[0]...))
			c.converges()
			before := make([]string, len(lists[0]))
			for i, name := range lists[0] {
				before[i] = r.Inspect(r.Name(name)).ID
			}
			c.configure(r.named(lists[1]...))
			c.converges()
			for i, name := range lists[1] {
				if got := r.Inspect(r.Name(name)).ID; i < len(before) && got != before[i] {
					t.Errorf("%s is %s, and place %d had %s", name, got, i, before[i])
				}
			}
			if names := r.Containers(); len(names) != len(lists[1]) {
				t.Errorf("the containers are %v", names)
			}
			c.must("destroy", "-auto-approve")
		})
	}
}
