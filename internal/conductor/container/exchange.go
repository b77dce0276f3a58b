// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/network"
)

// Order is which of the two containers of an exchange runs first.
type Order string

// The orders. StartFirst has the new container ready beside the old one, where that can be;
// StopFirst never has both running.
const (
	StartFirst Order = "start-first"
	StopFirst  Order = "stop-first"
)

// Exchange is what an exchange looks like on the engine, and what it is to become.
type Exchange struct {
	// Ready says that the new container is what was asked for, so that it is the one that stays; was is
	// the engine's word for the old one's power state before.
	Ready bool
	Was   string
	// Name is the new container's in the end, home the old one's before the exchange.
	Name, Home string
	// Next and prior are the names of the new and the old container in between.
	Next, Prior string
	// Apart says why the two can't run at the same time; empty if they can.
	Apart string
	// From and to are the containers; nil is gone, or not there yet.
	From, To *Container
}

// Turn is one thing that an exchange does.
type Turn string

// The steps of an exchange.
const (
	TurnCreate   Turn = "create the new container"
	TurnStart    Turn = "start the new container and wait for it"
	TurnHandOver Turn = "connect the new container by the names that clients use"
	TurnCommit   Turn = "note that the new container stays"
	TurnMoveOut  Turn = "rename the old container"
	TurnMoveIn   Turn = "rename the new container"
	TurnStop     Turn = "stop the old container"
	TurnRemove   Turn = "remove the old container"

	TurnDrop   Turn = "remove the new container"
	TurnReturn Turn = "give the old container its name back"
	TurnResume Turn = "start the old container again"
	turnPause  Turn = "pause the old container again"
)

// Step is a turn with its reason. It prints itself.
type Step struct {
	Do      Turn
	because string
}

func (s Step) String() string { return fmt.Sprintf("%s: %s", s.Do, s.because) }

// PlanExchange decides what is left to do until the new container is in the old one's place, from
// wherever an interruption left it. It is pure.
//
// Beside each other, the new container is ready before any client can get to it, clients know both
// of them for a moment, and the old one loses its name before it stops. Apart, everything that can
// be done before the stop is done before it.
func PlanExchange(x Exchange) []Step {
	var steps []Step
	add := func(do Turn, because string) { steps = append(steps, Step{do, because}) }
	names := func() {
		if x.From != nil && x.From.Name == x.Name {
			add(TurnMoveOut, fmt.Sprintf("it has the name %q, which the new one is to have", x.Name))
		}
		if x.To == nil || x.To.Name != x.Name {
			add(TurnMoveIn, fmt.Sprintf("it is to have the name %q", x.Name))
		}
	}
	stop := func(because string) {
		if x.From != nil && Active(x.From.State) {
			add(TurnStop, because)
		}
	}
	if x.To == nil {
		add(TurnCreate, "there is none yet")
	}
	switch {
	case x.Ready:
		names()
		stop("the new one is in its place")
	case x.Apart == "":
		add(TurnStart, "both can run at the same time")
		add(TurnHandOver, "it is ready")
		add(TurnCommit, "it is ready, and clients can get to it")
		names()
		stop("the new one is in its place")
	default:
		stop(x.Apart)
		names()
		add(TurnStart, "the old one is out of its way")
		add(TurnCommit, "it is ready")
	}
	if x.From != nil {
		add(TurnRemove, "the new one is in its place")
	}
	return steps
}

// PlanReturn decides how the old container comes back as it was. Without an old one the new one
// stays if it is ready. It is pure.
func PlanReturn(x Exchange) []Step {
	var steps []Step
	add := func(do Turn, because string) { steps = append(steps, Step{do, because}) }
	if x.To != nil && (x.From != nil || !x.Ready) {
		add(TurnDrop, "the old one stays")
	}
	if x.From == nil {
		return steps
	}
	if x.From.Name == x.Prior {
		add(TurnReturn, fmt.Sprintf("its name was %q", x.Home))
	}
	if Active(State{Status: x.Was}) && !Active(x.From.State) {
		add(TurnResume, fmt.Sprintf("it was %s", x.Was))
		if x.Was == "paused" {
			add(turnPause, "it was paused")
		}
	}
	return steps
}

// Active reports whether a container has processes.
func Active(s State) bool {
	return s.Status == "running" || s.Status == "restarting" || s.Status == "paused"
}

// WhyApart says why the old container has to be stopped before the new one starts; empty if it need
// not. It is pure.
func WhyApart(order Order, spec Spec, from *Container) string {
	if order != StartFirst {
		return fmt.Sprintf("the order is %s", order)
	}
	if spec.DesiredState != DesiredRunning {
		return fmt.Sprintf("a container that is to be %s needs no other to run meanwhile", spec.DesiredState)
	}
	if _, shares := SharedContainer(spec.NetworkMode); shares || spec.NetworkMode == "host" {
		return fmt.Sprintf("both would listen in the network of %q", spec.NetworkMode)
	}
	if from == nil {
		return ""
	}
	if shared := SharedPorts(spec.Ports, from.Ports); len(shared) > 0 {
		return "both would publish " + strings.Join(shared, ", ")
	}
	if spec.asksForMAC() {
		return "only a new container gets a MAC address, together with its names" // See apiMAC.
	}
	if shared := sharedAddresses(spec, from); len(shared) > 0 {
		return "both would have " + strings.Join(shared, ", ")
	}
	return ""
}

// SharedPorts lists the fixed ports of the host ("8080/tcp") that two containers would both have.
func SharedPorts(a, b []Port) []string {
	shared := make(map[string]bool)
	for _, p := range a {
		for _, q := range b {
			overlap := p.HostIP == q.HostIP || isAnyAddress(p.HostIP) || isAnyAddress(q.HostIP)
			if _, err := strconv.Atoi(p.Published); err == nil && p.Published == q.Published && p.Protocol == q.Protocol && overlap {
				shared[p.Published+"/"+p.Protocol] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(shared))
}

func isAnyAddress(ip string) bool { return ip == "" || ip == "0.0.0.0" || ip == "::" }

// AnonymousVolumes returns the anonymous volumes of a container by their path.
func AnonymousVolumes(c *Container) map[string]string {
	volumes := make(map[string]string)
	for target, m := range c.Mounts {
		if m.Anonymous {
			volumes[target] = m.Source
		}
	}
	return volumes
}

// AnonymousVolumes returns the paths at which the container has volumes that nobody named.
func (c *Container) AnonymousVolumes() []string {
	return slices.Sorted(maps.Keys(AnonymousVolumes(c)))
}

// CarryVolumes returns the mounts of the new container: where it is to have an anonymous volume, by
// its own mounts or its image's volumes, it gets the old one's, with what is in it. Those are carried. It is pure.
func CarryVolumes(mounts map[string]Mount, from *Container, ofImage []string) (all map[string]Mount, carried []string) {
	all = maps.Clone(mounts)
	volumes := AnonymousVolumes(from)
	for _, target := range slices.Sorted(maps.Keys(volumes)) {
		asked, ok := mounts[target]
		switch {
		case ok && (asked.Type != MountVolume || asked.Source != ""), !ok && !slices.Contains(ofImage, target):
			continue
		case !ok:
			asked = Mount{Type: MountVolume}
		}
		asked.Source = volumes[target]
		all, carried = Put(all, target, asked), append(carried, asked.Source)
	}
	return all, carried
}

// NamedEndpoint is the connection by which clients find a container that is in another's place: by
// its name even before it has it.
func NamedEndpoint(name string, attachment NetworkAttachment) *network.EndpointSettings {
	endpoint := attachment.Endpoint()
	if !slices.Contains(endpoint.Aliases, name) {
		endpoint.Aliases = append(slices.Clip(endpoint.Aliases), name)
	}
	return endpoint
}

// Unnamed are networks without the names by which clients find a container there.
func Unnamed(networks map[string]NetworkAttachment) map[string]NetworkAttachment {
	out := maps.Clone(networks)
	for key, attachment := range out {
		attachment.Aliases = nil
		out[key] = attachment
	}
	return out
}

// sharedAddresses lists what only one container in a network can have, and both would.
func sharedAddresses(spec Spec, from *Container) []string {
	var shared []string
	for _, key := range slices.Sorted(maps.Keys(spec.Networks)) {
		asked := spec.Networks[key]
		name, ok := from.AttachedAs(asked.Network)
		if !ok {
			continue
		}
		seen := from.Attached[name]
		for _, pair := range [][2]string{{asked.IPv4Address, seen.IPv4Address}, {asked.IPv6Address, seen.IPv6Address}} {
			if pair[0] != "" && sameAddress(pair[0], pair[1]) {
				shared = append(shared, "the address "+pair[0])
			}
		}
	}
	return shared
}
