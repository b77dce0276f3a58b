// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import "testing"

// Containers of a CI system that run beside each other with the host's network have one host name, one start of the
// machine and one path: what one of them has under way another one did not forget.
func TestOriginTellsFoldersApart(t *testing.T) {
	t.Parallel()
	first := newOrigin("runner", "boot", "mnt:[1]", "/state")
	for name, other := range map[string]origin{
		"another host": newOrigin("runner2", "boot", "mnt:[1]", "/state"), "another start": newOrigin("runner", "boot2", "mnt:[1]", "/state"),
		"another container": newOrigin("runner", "boot", "mnt:[2]", "/state"), "another directory": newOrigin("runner", "boot", "mnt:[1]", "/state2"),
	} {
		if other == first {
			t.Errorf("%s has the same origin", name)
		}
	}
	if again := newOrigin("runner", "boot", "mnt:[1]", "/state"); again != first {
		t.Error("a directory has two origins")
	}
}
