// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/docker/docker/api/types/versions"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// Need is a setting that older engines don't know.
type Need struct {
	// Attribute is the path of the attribute: its name, and the keys below it.
	Attribute []string
	// API is the first version of the Engine API that knows the setting, Docker the first engine
	// that speaks it.
	API, Docker string
}

// needs is the one table of a container's settings that not every engine knows, and of the first that does.
func (s Spec) needs() []Need {
	var needs []Need
	add := func(used bool, api, docker string, attribute ...string) {
		if used {
			needs = append(needs, Need{attribute, api, docker})
		}
	}
	add(len(s.Annotations) > 0, "1.43", "24.0", "annotations")
	add(s.Healthcheck != nil && s.Healthcheck.StartInterval != 0, "1.44", "25.0", "healthcheck", "start_interval")
	for _, target := range slices.Sorted(maps.Keys(s.Mounts)) {
		m := s.Mounts[target]
		add(m.Bind.CreateHostPath && m.Bind.Recursive != "", apiCreateHostPath, "23.0", "mounts", target, "bind", "create_host_path")
		add(m.Bind.Recursive == RecursiveWritable || m.Bind.Recursive == RecursiveReadOnly, "1.44", "25.0", "mounts", target, "bind", "recursive")
		add(m.Type == MountImage, "1.48", "28.0", "mounts", target, "type")
		add(m.Volume.Subpath != "", "1.45", "26.0", "mounts", target, "volume", "subpath")
	}
	for i, key := range attachOrder(s.Networks) {
		n := s.Networks[key]
		add(n.MACAddress != "" && i > 0, apiMAC, dockerMAC, "networks", key, "mac_address")
		add(n.GatewayPriority != 0, "1.48", "28.0", "networks", key, "gw_priority")
	}
	return needs
}

// unmet returns the first need that an engine that speaks this version of the API is too old for.
func unmet(needs []Need, apiVersion string) (Need, bool) {
	for _, n := range needs {
		if versions.LessThan(apiVersion, n.API) {
			return n, true
		}
	}
	return Need{}, false
}

// ownAddress returns the key of a network that is an engine's own, and that the container is to have an address of its
// choice in; empty if there is none. No engine gives one there.
func ownAddress(s Spec, windows bool) string {
	return keyOf(s.Networks, func(n NetworkAttachment) bool {
		return (n.IPv4Address != "" || n.IPv6Address != "") && predefinedNetwork(n.Network, windows)
	})
}

// CheckEngine reports whether the engine knows every setting of spec, and can give the addresses that it asks for. It
// connects only where spec has something that not every engine knows or gives. The error is a *fault.Fault.
func (c *Conductor) CheckEngine(ctx context.Context, spec Spec) error {
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
	return c.checkNeeds(ctx, scope, spec.needs())
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

func (c *Conductor) checkNeeds(ctx context.Context, scope fault.Scope, needs []Need) error {
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
func (e *engine) knows(scope fault.Scope, needs []Need, exists fault.Exists) error {
	if n, ok := unmet(needs, e.api.ClientVersion()); ok {
		return scope.EngineTooOld(n.Attribute, n.API, n.Docker, e.api.ClientVersion(), exists)
	}
	return nil
}
