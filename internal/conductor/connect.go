// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/network"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
)

// connect connects the operation's container to a network. That it is connected already is no error if
// an earlier request of the operation did it; otherwise somebody else did, with other options.
func (o *containerJob) connect(ctx context.Context, asked container.NetworkAttachment) error {
	err := o.engine.API.NetworkConnect(ctx, asked.Network, o.containerID, asked.Endpoint())
	if err == nil || !engine.AlreadyConnected(err) {
		return err
	}
	c, lookErr := o.engine.Inspect(ctx, o.containerID)
	if lookErr != nil {
		return lookErr
	}
	if name, ok := c.AttachedAs(asked.Network); ok && asked.Differences(c.Attached[name].EndpointOptions) == nil {
		return nil
	}
	return err
}

// disconnect disconnects the operation's container from a network. That it is not connected is no error.
func (o *alteringJob) disconnect(ctx context.Context, network string) error {
	err := o.engine.API.NetworkDisconnect(ctx, network, o.containerID, false)
	if err != nil && notConnected(err) {
		return nil
	}
	return err
}

// forget has the engine forget what a connect that failed left in a running container: the settings of a
// network that it is not connected to, with which it could not be started again. Only a connection that
// succeeds replaces them, and its end removes them.
func (o *alteringJob) forget(ctx context.Context, name string) error {
	err := o.engine.API.NetworkConnect(ctx, name, o.containerID, &network.EndpointSettings{})
	if err != nil && !errdefs.IsNotFound(err) && !engine.AlreadyConnected(err) {
		return err
	}
	// Of a network that is gone the settings go by force.
	gone := err != nil && errdefs.IsNotFound(err)
	err = o.engine.API.NetworkDisconnect(ctx, name, o.containerID, gone)
	if err != nil && notConnected(err) {
		return nil
	}
	return err
}

// checkAddresses is a *fault.Fault if a network can't give the container an address that an update is to
// connect it with: once it has been disconnected, it is too late to find out.
func (o *alteringJob) checkAddresses(ctx context.Context, actions []container.Action) error {
	for _, a := range actions {
		if a.Do != container.DoConnect {
			continue
		}
		if f := o.diagnosis().addressFault(ctx, a.Key, nil); f != nil {
			return f
		}
	}
	return nil
}

// unusableAddress finds an address that a network can't give to a container, and says why; empty if it
// finds nothing. It is pure.
func unusableAddress(asked container.EndpointOptions, n network.Inspect, own string) (address, why string) {
	for _, address := range []string{asked.IPv4Address, asked.IPv6Address} {
		ip, err := netip.ParseAddr(address)
		if err != nil {
			continue
		}
		var subnets []string
		for _, pool := range n.IPAM.Config {
			prefix, err := netip.ParsePrefix(pool.Subnet)
			if err != nil || prefix.Addr().Is4() != ip.Is4() {
				continue
			}
			subnets = append(subnets, prefix.String())
			if gateway, err := netip.ParseAddr(strings.Split(pool.Gateway, "/")[0]); err == nil && gateway == ip {
				return address, "it is the network's gateway"
			}
			if prefix.Contains(ip) {
				subnets = nil
				break
			}
		}
		if len(subnets) > 0 {
			return address, "it is outside what the network has: " + strings.Join(subnets, ", ")
		}
		for id, member := range n.Containers {
			has := func(s string) bool {
				prefix, err := netip.ParsePrefix(s)
				return err == nil && prefix.Addr() == ip
			}
			if id != own && (has(member.IPv4Address) || has(member.IPv6Address)) {
				return address, fmt.Sprintf("container %q has it", member.Name)
			}
		}
	}
	return "", ""
}
