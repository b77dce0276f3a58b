// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// hostPort is one port of the host that an element of ports takes for sure.
type hostPort struct {
	target, published int
	hostIP, protocol  string
}

// validateHostPorts checks that no port of the host is published twice. A range from which the engine
// chooses takes no port for sure, and may overlap others.
func validateHostPorts(ports []portModel) diag.Diagnostics {
	var diags diag.Diagnostics
	var taken []hostPort
	for _, p := range ports {
		if p.Published.IsNull() || p.Published.IsUnknown() || p.Target.IsUnknown() || p.HostIP.IsUnknown() || p.Protocol.IsUnknown() {
			continue
		}
		own := hostPorts(p)
		for _, port := range own {
			before, conflicts := conflict(taken, port)
			if !conflicts {
				continue
			}
			diags.AddAttributeError(path.Root("ports"), fmt.Sprintf("Port %d/%s of the host is published twice", port.published, port.protocol),
				fmt.Sprintf("Two elements of ports publish it on %s and on %s: one leads to %d/%s of the container, the other to %d/%s. "+
					"Give one of them another published port or another host_ip, or remove one.",
					addressText(before.hostIP), addressText(port.hostIP), before.target, before.protocol, port.target, port.protocol))
			break // The rest of a range says the same.
		}
		taken = append(taken, own...)
	}
	return diags
}

func hostPorts(p portModel) []hostPort {
	target, invalid := parsePortRange(p.Target.ValueString())
	published, unusable := parsePortRange(p.Published.ValueString())
	if invalid != nil || unusable != nil || published.count() != target.count() {
		return nil // It has an error of its own, or the engine chooses.
	}
	list := make([]hostPort, 0, target.count())
	for i := range target.count() {
		list = append(list, hostPort{target.first + i, published.first + i, p.HostIP.ValueString(), cmp.Or(strings.ToLower(p.Protocol.ValueString()), defaultProtocol)})
	}
	return list
}

func conflict(taken []hostPort, port hostPort) (hostPort, bool) {
	for _, t := range taken {
		if t.published == port.published && t.protocol == port.protocol && sharesAddress(t.hostIP, port.hostIP) {
			return t, true
		}
	}
	return hostPort{}, false
}

// sharesAddress reports whether two addresses to bind to have one in common. None is every address, and
// the unspecified address is every one of its family.
func sharesAddress(a, b string) bool {
	if a == "" || b == "" {
		return true
	}
	x, invalid := netip.ParseAddr(a)
	y, unusable := netip.ParseAddr(b)
	if invalid != nil || unusable != nil {
		return false // It has an error of its own.
	}
	return x == y || x.Is4() == y.Is4() && (x.IsUnspecified() || y.IsUnspecified())
}

func addressText(hostIP string) string {
	return cmp.Or(hostIP, "every address")
}
