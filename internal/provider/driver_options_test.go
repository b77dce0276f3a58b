// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"maps"
	"testing"
)

func TestPlainNetworkOptions(t *testing.T) {
	t.Parallel()
	const masquerade, mtu = "com.docker.network.bridge.enable_ip_masquerade", "com.docker.network.driver.mtu"
	for name, test := range map[string]struct{ given, want map[string]string }{
		"none":              {nil, nil},
		"a default":         {map[string]string{masquerade: "true", mtu: "1400"}, map[string]string{mtu: "1400"}},
		"its other word":    {map[string]string{masquerade: "1"}, map[string]string{}},
		"the opposite":      {map[string]string{masquerade: "false"}, map[string]string{masquerade: "false"}},
		"an engine's value": {map[string]string{mtu: "1500"}, map[string]string{mtu: "1500"}},
	} {
		if got := plainNetworkOptions(maps.Clone(test.given)); !maps.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestPlainVolumeOptions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"uid=0,size=1m", "size=1m,uid=0", true},
		{"addr=10.0.0.1,rw,nfsvers=4", "rw,nfsvers=4,addr=10.0.0.1", true},
		{"uid=0,size=1m", "size=2m,uid=0", false},
		{"ro,rw", "rw,ro", false},
		{"size=1m,size=2m", "size=2m,size=1m", false},
	} {
		a, b := plainVolumeOptions(map[string]string{"o": test.a}), plainVolumeOptions(map[string]string{"o": test.b})
		if maps.Equal(a, b) != test.same {
			t.Errorf("%s and %s: the same is %t", test.a, test.b, !test.same)
		}
	}
	if got := plainVolumeOptions(map[string]string{"type": "nfs"}); !maps.Equal(got, map[string]string{"type": "nfs"}) {
		t.Errorf("without mount options: %v", got)
	}
}
