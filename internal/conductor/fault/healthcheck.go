// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package fault

import "fmt"

// NoTestToInherit is a health check without a test on a container whose image has no health check.
func (s Scope) NoTestToInherit(image string, exists Exists) *Fault {
	return s.make(Fault{
		Kind: NoHealthcheck, Step: StepCreating, Attribute: []string{"healthcheck"},
		Summary: fmt.Sprintf("Unable to create container %q: its health check has no test", s.Container),
		Message: fmt.Sprintf("healthcheck has no test, and image %q has no health check to take it from", image),
		Exists:  string(exists),
		Hint:    "set healthcheck.test, or leave healthcheck out",
	}, nil)
}
