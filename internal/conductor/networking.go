// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"fmt"
	"slices"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// checkJoined is a *fault.Fault if actions would stop the container and could not start it again, because
// what it shares a name space with does not run.
func (o *alteringJob) checkJoined(c *container.Container, actions []container.Action) error {
	if !slices.ContainsFunc(actions, func(a container.Action) bool { return a.Do == container.DoStop }) || !slices.ContainsFunc(actions, func(a container.Action) bool { return a.Do == container.DoStart }) {
		return nil
	}
	for _, j := range c.Joined {
		if !j.Running {
			return o.scope().UnusableReference(fault.StepUpdating, "restart", j.Attribute, j.Name, o.leftover(), fmt.Errorf("container %q does not run", j.Name))
		}
	}
	return nil
}
