// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
)

// A port of the host is published once for each protocol and address.
func TestHostPortsConflict(t *testing.T) {
	t.Parallel()
	port := func(target, published, hostIP, protocol string) portModel {
		return portModel{types.StringValue(target), stringOrNull(published), stringOrNull(hostIP), stringOrNull(protocol)}
	}
	unknown := port("81", "", "", "")
	unknown.Published = types.StringUnknown()
	for name, tt := range map[string]struct {
		a, b portModel
		want string
	}{
		"the same":                    {port("80", "80", "", ""), port("81", "80", "", "tcp"), "Port 80/tcp"},
		"another protocol":            {port("80", "80", "", ""), port("80", "80", "", "udp"), ""},
		"a range over a port":         {port("90-95", "80-85", "", "udp"), port("1", "83", "", "udp"), "Port 83/udp"},
		"overlapping ranges":          {port("90-95", "80-85", "", ""), port("10-12", "85-87", "", ""), "Port 85/tcp"},
		"ranges beside each other":    {port("90-95", "80-85", "", ""), port("10-12", "86-88", "", ""), ""},
		"a range to choose from":      {port("90", "80-85", "", ""), port("91", "80-85", "", ""), ""},
		"every address":               {port("80", "80", "", ""), port("81", "80", "127.0.0.1", ""), "Port 80/tcp"},
		"the wildcard":                {port("80", "80", "0.0.0.0", ""), port("81", "80", "127.0.0.1", ""), "Port 80/tcp"},
		"the wildcard of IPv6":        {port("80", "80", "::", ""), port("81", "80", "::1", ""), "Port 80/tcp"},
		"the other family's wildcard": {port("80", "80", "::", ""), port("81", "80", "0.0.0.0", ""), ""},
		"two addresses":               {port("80", "80", "127.0.0.2", ""), port("81", "80", "127.0.0.1", ""), ""},
		"chosen by the engine":        {port("80", "", "", ""), port("81", "", "", ""), ""},
		"not known yet":               {port("80", "80", "", ""), unknown, ""},
	} {
		for _, ports := range [][]portModel{{tt.a, tt.b}, {tt.b, tt.a}} {
			diags := validateHostPorts(ports)
			if diags.HasError() != (tt.want != "") {
				t.Errorf("%s: %v", name, diags)
				continue
			}
			if tt.want != "" && !strings.HasPrefix(diags.Errors()[0].Summary(), tt.want) {
				t.Errorf("%s: %v, want %s", name, diags, tt.want)
			}
		}
	}
}
