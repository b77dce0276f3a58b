// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"strings"
	"testing"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/hashicorp/go-hclog"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
)

// The label of an operation proves nothing where it names another container, as it does on one that
// was made from a committed image.
func TestSeemsOwn(t *testing.T) {
	t.Parallel()
	e := &connection{Engine: &engine.Engine{Name: "edge1", API: newFake(), Logger: hclog.NewNullLogger()}}
	for _, tt := range []struct {
		name, label string
		own         bool
	}{
		{"web", "edge1/web/0190", true},
		{"web", "edge1/other/0190", false},
		{"web", "edge2/web/0190", false},
		{"web", "", false},
		{"web", "nonsense", false},
	} {
		if got := e.seemsOwn(t.Context(), user{name: tt.name, labels: map[string]string{container.LabelOperation: tt.label}}, "here"); got != tt.own {
			t.Errorf("%q: %t", tt.label, got)
		}
	}
}

func TestAttached(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("ab", 32)
	for _, tt := range []struct {
		name     string
		networks map[string]*network.EndpointSettings
		attached bool
	}{
		{"by its ID", map[string]*network.EndpointSettings{"front": {NetworkID: id}}, true},
		{"never started, by its name", map[string]*network.EndpointSettings{"front": {}}, true},
		{"never started, by a short ID", map[string]*network.EndpointSettings{id[:12]: nil}, true},
		{"one of that name before", map[string]*network.EndpointSettings{"front": {NetworkID: strings.Repeat("c", 64)}}, false},
		{"a longer name", map[string]*network.EndpointSettings{"front2": {}}, false},
		{"none", nil, false},
	} {
		s := containertypes.Summary{NetworkSettings: &containertypes.NetworkSettingsSummary{Networks: tt.networks}}
		if got := attached(s, id, "front"); got != tt.attached {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}

// What is carried to another network is what was asked for, not what the engine chose.
func TestEndpointOf(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("a", 64)
	got := endpointOf(containertypes.InspectResponse{
		ContainerJSONBase: &containertypes.ContainerJSONBase{ID: id},
		NetworkSettings: &containertypes.NetworkSettings{Networks: map[string]*network.EndpointSettings{"front": {
			NetworkID: "n", IPAddress: "10.0.0.5", Gateway: "10.0.0.1", Aliases: []string{"www", id[:12]},
			IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: "10.0.0.5"},
		}}},
	}, "n", "front")
	if len(got.Aliases) != 1 || got.Aliases[0] != "www" || got.IPAMConfig.IPv4Address != "10.0.0.5" || got.IPAddress != "" || got.Gateway != "" {
		t.Errorf("%+v", got)
	}
}

// Only the end of what was written is kept.
func TestLastBytes(t *testing.T) {
	t.Parallel()
	var b lastBytes
	for range 5 {
		if _, err := b.Write([]byte(strings.Repeat("x", maxContent))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Write([]byte("end")); err != nil {
		t.Fatal(err)
	}
	if text := b.text(); len(text) != maxContent || !strings.HasSuffix(text, "end") || !b.dropped {
		t.Errorf("%d bytes, dropped %t", len(text), b.dropped)
	}
}
