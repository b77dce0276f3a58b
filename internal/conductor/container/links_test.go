// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"strings"
	"testing"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/google/go-cmp/cmp"
)

func TestObserveLinks(t *testing.T) {
	t.Parallel()
	got := observeLinks(&containertypes.HostConfig{Links: []string{"/db:/web/data", "/cache:/web/cache"}})
	if diff := cmp.Diff([]string{"cache:cache", "db:data"}, got); diff != "" {
		t.Error(diff)
	}
	if got := observeLinks(&containertypes.HostConfig{}); got != nil {
		t.Errorf("without links there are %q", got)
	}
}

func TestHasLink(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("a", 64)
	c := &Container{Settings: Settings{Networking: Networking{Links: []string{"cache:cache", "db:data"}}}, Linked: map[string]string{"db": id}}
	for asked, want := range map[string]bool{
		"db:data": true, "cache": true, "cache:cache": true, "db": false, "db:other": false, "other:data": false,
		id + ":data": true, id[:12] + ":data": true, id[:4] + ":data": false, id + ":other": false,
	} {
		if c.HasLink(asked) != want {
			t.Errorf("it has the link %s: %t", asked, !want)
		}
	}
}

func TestOfDefaultNetwork(t *testing.T) {
	t.Parallel()
	attached := func(networks ...string) Settings {
		s := Settings{Networks: make(map[string]NetworkAttachment)}
		for i, name := range networks {
			s.Networks[name] = NetworkAttachment{Network: name, Priority: -i}
		}
		return s
	}
	mode := func(mode string) Settings { return Settings{Networking: Networking{NetworkMode: mode}} }
	for _, tt := range []struct {
		name string
		of   Settings
		want bool
	}{
		{"nothing said", Settings{}, true},
		{"by its mode", mode("bridge"), true},
		{"by its name", attached("bridge"), true},
		{"first of two", attached("bridge", "front"), true},
		{"second of two", attached("front", "bridge"), false},
		{"another one", attached("front"), false},
		{"the host's", mode("host"), false},
		{"none", mode("none"), false},
		{"another container's", mode("container:web"), false},
	} {
		if tt.of.OfDefaultNetwork() != tt.want {
			t.Errorf("%s: %t", tt.name, !tt.want)
		}
	}
}
