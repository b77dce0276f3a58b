// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	containertypes "github.com/docker/docker/api/types/container"
)

// portsEngine has one container, which shows its port only after a while.
type portsEngine struct {
	API

	began time.Time
	after time.Duration
}

func (f portsEngine) ContainerList(context.Context, containertypes.ListOptions) ([]containertypes.Summary, error) {
	c := containertypes.Summary{ID: "a", Names: []string{"/web"}, Image: "img:1"}
	if time.Since(f.began) >= f.after {
		c.Ports = []containertypes.Port{{PublicPort: 8080, Type: "tcp"}}
	}
	return []containertypes.Summary{c}, nil
}

// Who has a port is found also where that one got it a moment ago.
func TestPortHolder(t *testing.T) {
	t.Parallel()
	const web = `container "web" (image "img:1")`
	for name, tt := range map[string]struct {
		after      time.Duration
		port, self string
		want       string
	}{
		"it shows it":              {0, "8080/tcp", "", web},
		"it shows it in a moment":  {holderShows, "8080/tcp", "", web},
		"the container itself":     {0, "8080/tcp", "a", "a process outside Docker"},
		"the port of another kind": {0, "8080/udp", "", "a process outside Docker"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := &Engine{API: portsEngine{began: time.Now(), after: tt.after}}
				if got := e.PortHolder(t.Context(), tt.port, tt.self); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		})
	}
}
