// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"testing"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
)

// What a connect that failed leaves of a running container is no connection; of one that does not run
// it is what the next start makes one of.
func TestUnconnected(t *testing.T) {
	left, made := &network.EndpointSettings{Aliases: []string{"db"}}, &network.EndpointSettings{EndpointID: "e", NetworkID: "n", MacAddress: "02:42:ac:11:00:02"}
	for status, want := range map[string]bool{"running": true, "paused": true, "restarting": false, "exited": false, "created": false} {
		c := Observe("edge1", containertypes.InspectResponse{
			ContainerJSONBase: &containertypes.ContainerJSONBase{HostConfig: &containertypes.HostConfig{}, State: &containertypes.State{Status: status}},
			Config:            &containertypes.Config{},
			NetworkSettings:   &containertypes.NetworkSettings{Networks: map[string]*network.EndpointSettings{"left": left, "made": made}},
		})
		if _, attached := c.AttachedAs("left"); attached == want || (c.UnconnectedAs("left") == "left") != want {
			t.Errorf("%s: attached %v, unconnected %v", status, c.Attached, c.Unconnected)
		}
		if _, attached := c.AttachedAs("made"); !attached {
			t.Errorf("%s: a connection is none", status)
		}
	}
}
