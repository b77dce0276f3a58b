// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// ownAddress returns the key of a network that is an engine's own, and that the container is to have an address of its
// choice in; empty if there is none. No engine gives one there.
func ownAddress(s container.Spec, windows bool) string {
	return keyOf(s.Networks, func(n container.NetworkAttachment) bool {
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
		if key := ownAddress(spec, e.windows); key != "" {
			scope.Engine = e.name
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
		if predefinedNetwork(spec.Name, e.windows) {
			return fault.Object{Kind: scope.Object, Name: spec.Name, Engine: e.name, Now: time.Now}.Predefined()
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
	scope.Engine = e.name
	return e.knows(scope, needs, fault.NothingCreated)
}

// knows is a *fault.Fault if the engine is too old for one of the needs.
func (e *daemon) knows(scope fault.Scope, needs []container.Need, exists fault.Exists) error {
	if n, ok := container.Unmet(needs, e.api.ClientVersion()); ok {
		return scope.EngineTooOld(n.Attribute, n.API, n.Docker, e.api.ClientVersion(), exists)
	}
	return nil
}
