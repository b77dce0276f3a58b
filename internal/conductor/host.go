// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import "github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"

// address finds the engine that the options are about.
func (o EngineOptions) address() (engine.Address, error) {
	if o.Endpoint != nil {
		return engine.FromEndpoint(*o.Endpoint, o.From)
	}
	where, err := engine.Resolve(o.Host)
	if o.From != "" {
		where.From = o.From
	}
	return where, err
}
