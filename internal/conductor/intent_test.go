// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import "testing"

// Whoever is refused because of an operation is told the command that shows it, with the state directory if that is not
// the one which the command reads by itself.
func TestShowCommand(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", "/home/ada/.local/state")
	for dir, want := range map[string]string{
		"/home/ada/.local/state/gantry": "terraform-provider-gantry operations show edge1/web/1",
		"/srv/gantry state":             `terraform-provider-gantry operations show --state-dir "/srv/gantry state" edge1/web/1`,
	} {
		if got := showCommand(dir, "edge1/web/1"); got != want {
			t.Errorf("%s: got %s, want %s", dir, got, want)
		}
	}
}
