// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"cmp"
	"slices"
	"strings"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/versions"
)

// apiMAC is the first version of the API whose create takes a MAC address for each network. Before, a
// container gets one for the network that it is made with. No request to connect a container later gives
// one: engines ignored that part of it until 2026 (moby/moby#52040).
const apiMAC, dockerMAC = "1.44", "25.0"

// SameMAC compares MAC addresses by meaning: letters have two cases, and separators are ":", "-", or "." after four digits.
func SameMAC(a, b string) bool { return plainMAC(a) == plainMAC(b) }

func plainMAC(s string) string {
	digits := strings.NewReplacer(":", "", "-", "", ".", "").Replace(strings.ToLower(s))
	if len(digits) != macDigits {
		return s
	}
	var pairs []string
	for pair := range slices.Chunk([]byte(digits), 2) {
		pairs = append(pairs, string(pair))
	}
	return strings.Join(pairs, ":")
}

// macDigits is the number of hexadecimal digits of a MAC address.
const macDigits = 12

// metMAC reports whether a connection has the MAC address that is asked for. None is asked for where the
// engine may make one up, and none is reported while the container does not run.
func (o EndpointOptions) metMAC(seen EndpointOptions) bool {
	if o.MACAddress == "" {
		return seen.AskedMAC == ""
	}
	reported := cmp.Or(seen.AskedMAC, seen.MACAddress)
	return reported == "" || SameMAC(o.MACAddress, reported)
}

// observeMACs notes which of the MAC addresses that an engine reports somebody asked for. It tells so
// of the network that the container was made with, also after that network got another address: then
// it is out of date. Before the first start nothing is made up yet.
func (c *Container) observeMACs(r containertypes.InspectResponse) {
	first := string(r.HostConfig.NetworkMode)
	if IsDefaultMode(first) {
		first = "bridge"
	}
	first, _ = c.AttachedAs(first)
	for name, n := range c.Attached {
		if endpoint := r.NetworkSettings.Networks[name]; endpoint != nil && endpoint.EndpointID == "" {
			n.AskedMAC = endpoint.MacAddress
		}
		asked := r.Config.MacAddress //nolint:staticcheck // Engines of every age fill it in, and it is the only place where they tell.
		if name == first && asked != "" && (n.MACAddress == "" || SameMAC(n.MACAddress, asked)) {
			n.AskedMAC = asked
		}
		c.Attached[name] = n
	}
}

// translateMAC puts the MAC address where an older API has it.
func (c *Creation) translateMAC(networks map[string]NetworkAttachment, apiVersion string) {
	keys := attachOrder(networks)
	if len(keys) == 0 || !versions.LessThan(apiVersion, apiMAC) {
		return
	}
	first := networks[keys[0]]
	c.Config.MacAddress = first.MACAddress //nolint:staticcheck // See apiMAC.
	c.Networks.EndpointsConfig[first.Network].MacAddress = ""
}

// asksForMAC reports whether a container is to have a MAC address of somebody's choice.
func (s Spec) asksForMAC() bool {
	for _, asked := range s.Networks {
		if asked.MACAddress != "" {
			return true
		}
	}
	return false
}
