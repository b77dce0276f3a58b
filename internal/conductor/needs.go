// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// ownAddress returns the key of a network that is an engine's own, and that the container is to have an address of its
// choice in; empty if there is none. No engine gives one there.
func ownAddress(s container.Spec, windows bool) string {
	return engine.KeyOf(s.Networks, func(n container.NetworkAttachment) bool {
		return (n.IPv4Address != "" || n.IPv6Address != "") && predefinedNetwork(n.Network, windows)
	})
}

// CheckEngine reports whether the engine knows every setting of spec, and can give the addresses that it asks for. It
// connects only where spec has something that not every engine knows or gives. The error is a *fault.Fault.
func (c *Conductor) CheckEngine(ctx context.Context, spec container.Spec) error {
	scope := c.scope("", spec.Name)
	if ownAddress(spec, false) != "" || ownAddress(spec, true) != "" {
		e, err := c.connect(ctx, spec.Name)
		if err != nil {
			return err
		}
		if key := ownAddress(spec, e.Windows); key != "" {
			scope.Engine = e.Name
			return scope.OwnAddress(spec.Networks[key].Network, key)
		}
	}
	return c.checkNeeds(ctx, scope, spec.Needs())
}

// CheckNetwork is CheckEngine for a network. One that is to be created must not be an engine's own.
func (c *Conductor) CheckNetwork(ctx context.Context, spec NetworkSpec, create bool) error {
	scope := fault.Scope{Object: "network", Container: spec.Name, Now: time.Now}
	if create && (predefinedNetwork(spec.Name, false) || predefinedNetwork(spec.Name, true)) {
		e, err := c.connectFor(ctx, scope, fault.Subject(scope.Object, scope.Container))
		if err != nil {
			return err
		}
		if predefinedNetwork(spec.Name, e.Windows) {
			return fault.Object{Kind: scope.Object, Name: spec.Name, Engine: e.Name, Now: time.Now}.Predefined()
		}
	}
	return c.checkNeeds(ctx, scope, spec.needs())
}

func (c *Conductor) checkNeeds(ctx context.Context, scope fault.Scope, needs []container.Need) error {
	if len(needs) == 0 {
		return nil
	}
	e, err := c.connectFor(ctx, scope, fault.Subject(scope.Object, scope.Container))
	if err != nil {
		return err
	}
	scope.Engine = e.Name
	return e.Knows(scope, needs, fault.NothingCreated)
}
