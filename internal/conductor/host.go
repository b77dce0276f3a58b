// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
)

// resolveTimeout bounds the reading of what says how an engine is reached: OpenSSH's configuration can run commands.
const resolveTimeout = 10 * time.Second

// host returns where the engine is, by which the journal knows it, without a connection.
func (o EngineOptions) host() (string, error) {
	if o.Address != nil {
		return o.Address.Host, nil
	}
	return o.Connection.Located()
}

// address finds the engine that the options are about.
func (o EngineOptions) address() (engine.Address, error) {
	if o.Address != nil {
		return *o.Address, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveTimeout)
	defer cancel()
	where, err := o.Connection.Resolve(ctx)
	if o.From != "" {
		where.From = o.From
	}
	return where, err
}
