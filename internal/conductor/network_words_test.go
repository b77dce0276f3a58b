// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import "testing"

// What an engine says about a network leads to the attribute that it is about.
func TestConcerned(t *testing.T) {
	for message, want := range map[string]string{
		"Error response from daemon: operation not supported":                "driver",
		"plugin \"weave\" not found":                                         "driver",
		"Pool overlaps with other one on this address space":                 "ipam",
		"invalid subinterface vlan name eth9, example formatting is eth0.10": "options",
		"operation is not permitted on predefined bridge network":            "name",
		"something that nobody has heard of":                                 "",
	} {
		if got := concerned(networkWords(), message); got != want {
			t.Errorf("%q is about %q, want %q", message, got, want)
		}
	}
}
