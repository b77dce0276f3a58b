// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

func texts(list ...string) []types.String { return flattenList(list) }

func TestExposedPorts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		elements []types.String
		want     []string
	}{
		{"none", nil, nil},
		{"a port", texts("80"), []string{"80/tcp"}},
		{"a range", texts("8000-8002/udp"), []string{"8000/udp", "8001/udp", "8002/udp"}},
		{"each once", texts("80-81", "80", "81/tcp"), []string{"80/tcp", "81/tcp"}},
		{"what is not valid", texts("http", "81-80", "0", "80/http", ""), nil},
	} {
		if diff := cmp.Diff(tt.want, exposedPorts(tt.elements)); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
}

// What the image exposes, or the container publishes, is no drift; what is not exposed any more shows.
func TestRefreshExpose(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		prior, want []types.String
		observed    []string
	}{
		{"not configured", nil, nil, []string{"80/tcp"}},
		{"more than configured", texts("80"), texts("80"), []string{"53/udp", "80/tcp"}},
		{"a part of a range is gone", texts("80", "8000-8001"), texts("80"), []string{"80/tcp", "8000/tcp"}},
		{"all are gone", texts("80"), texts(), nil},
	} {
		if diff := cmp.Diff(tt.want, refreshExpose(tt.prior, tt.observed)); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
}

// To expose what is published anyway, or not to do so any more, replaces nothing; it does once the port
// is not published.
func TestPlanOfExposedAndPublished(t *testing.T) {
	t.Parallel()
	published := values{"ports": []any{values{"target": 80}}}
	for _, tt := range []struct {
		name     string
		from, to values
		replaces bool
	}{
		{"written down", published, published.with(values{"expose": []any{"80"}}), false},
		{"left out", published.with(values{"expose": []any{"80/tcp"}}), published, false},
		{"another protocol", published, published.with(values{"expose": []any{"80/udp"}}), true},
		{"not known", published, published.with(values{"expose": unknown{}}), true},
	} {
		c := newCore(t)
		state, _ := c.create(t, minimal().with(tt.from), nil)
		if p := c.plan(t, state, minimal().with(tt.to)); (p.replace != nil) != tt.replaces {
			t.Errorf("%s: replaced because of %v", tt.name, p.replace)
		}
	}
}

// A state with numbers where a range is possible by now is read.
func TestStateWithPortsAsNumbers(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	resp, err := c.server.UpgradeResourceState(t.Context(), &tfprotov6.UpgradeResourceStateRequest{
		TypeName: "gantry_container", RawState: &tfprotov6.RawState{JSON: []byte(`{"name":"web","image":"nginx:1","ports":[{"target":80,"published":"8080"}]}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	fatalDiagnostics(t, resp.Diagnostics)
	state, err := resp.UpgradedState.Unmarshal(c.typ)
	if err != nil {
		t.Fatal(err)
	}
	if ports := modelOf(t, state).Ports; len(ports) != 1 || ports[0].Target.ValueString() != "80" {
		t.Errorf("the ports are %v", ports)
	}
}
