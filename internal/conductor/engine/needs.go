// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// Knows is a *fault.Fault if the engine is too old for one of the needs.
func (e *Engine) Knows(scope fault.Scope, needs []container.Need, exists fault.Exists) error {
	if n, ok := container.Unmet(needs, e.API.ClientVersion()); ok {
		return scope.EngineTooOld(n.Attribute, n.API, n.Docker, e.API.ClientVersion(), exists)
	}
	return nil
}
