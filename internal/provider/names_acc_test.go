// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"
)

// named are containers whose names are those of a list, by their places in it.
func (r *rig) named(names ...string) string { return r.namedWith("", names...) }

// namedWith is named with further lines in each of them.
func (r *rig) namedWith(lines string, names ...string) string {
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
  %s
}
`, strings.Join(quoted, ", "), r.Image, lines)
}

// Names move among the containers of one apply: along a list that grows or shrinks at its front, and round in
// circles of two and three. Each container stays, and one apply is enough.
func TestAccNamesMove(t *testing.T) {
	t.Parallel()
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

// Names move among containers that are exchanged in the same apply, in either order.
func TestAccNamesMoveInExchanges(t *testing.T) {
	t.Parallel()
	for title, lists := range map[string][2][]string{
		"a list grows at its front": {{"bb", "cc"}, {"aa", "bb", "cc"}},
		"two names are swapped":     {{"aa", "bb"}, {"bb", "aa"}},
		"three names go round":      {{"aa", "bb", "cc"}, {"bb", "cc", "aa"}},
	} {
		for _, order := range []string{"start-first", "stop-first"} {
			t.Run(title+", "+order, func(t *testing.T) {
				r := newRig(t)
				c := newCLI(t)
				lines := func(host string) string {
					return fmt.Sprintf("update_order = %q\n  hostname = \"${%q}-${count.index}\"", order, host)
				}
				c.configure(r.namedWith(lines("one"), lists[0]...))
				c.converges()
				c.configure(r.namedWith(lines("two"), lists[1]...))
				c.converges()
				for i, name := range lists[1] {
					if got, want := r.Inspect(r.Name(name)).Config.Hostname, fmt.Sprintf("two-%d", i); got != want {
						t.Errorf("%s has the host name %s, and place %d has %s", name, got, i, want)
					}
				}
				if names := r.Containers(); len(names) != len(lists[1]) {
					t.Errorf("the containers are %v", names)
				}
				c.must("destroy", "-auto-approve")
			})
		}
	}
}

// Where Terraform asks for one change at a time, nobody knows that a name will be free. What can't be done says
// what to do, leaves every container as it was, and does not last.
func TestAccNamesMoveOneByOne(t *testing.T) {
	const alone = "-parallelism=1"
	r := newRig(t)
	c := newCLI(t)
	c.configure(r.named("bb", "cc"))
	c.converges()
	first := r.Inspect(r.Name("bb")).ID

	c.configure(r.named("aa", "bb", "cc"))
	// Each apply frees at least one name more.
	for range 2 {
		grown := c.run("apply", "-auto-approve", alone)
		if grown.code == 0 {
			break
		}
		if !strings.Contains(strings.Join(strings.Fields(grown.output), " "), "apply again") {
			t.Errorf("the apply does not say what to do:\n%s", grown.output)
		}
	}
	c.converges()
	if got := r.Inspect(r.Name("aa")).ID; got != first {
		t.Errorf("the first container is not the one that was first: %s, %s", got, first)
	}

	c.configure(r.named("bb", "aa", "cc"))
	swapped := c.run("apply", "-auto-approve", alone)
	says := strings.Join(strings.Fields(strings.ReplaceAll(swapped.output, "│", " ")), " ")
	if swapped.code == 0 || !strings.Contains(says, "raise -parallelism above the number of names that change") || !strings.Contains(says, "if no state has it, import it") {
		t.Errorf("the apply does not say what to do:\n%s", swapped.output)
	}
	if got := r.Inspect(r.Name("aa")).ID; got != first {
		t.Error("a name was taken from a container")
	}
	c.converges()
	if got := r.Inspect(r.Name("bb")).ID; got != first {
		t.Error("the names were not exchanged")
	}
	c.must("destroy", "-auto-approve")
}
