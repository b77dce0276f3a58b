// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// A cast of an exchange that fails before it has begun leaves the old container under its old name, and the state has
// neither: the container stays in the state all the same, and once the name is free it is exchanged with its data.
func TestAccExchangeCastFailsForItsName(t *testing.T) {
	r := newCastRig(t)
	image := r.Engine.Image(enginetest.ImageOptions{Volumes: []string{"/data"}})
	configure := func(name, value string) {
		r.cli.configure(r.config(r.exchanged("start-first", value, attr("image", image), attr("name", r.Name(name)), attr("wait_for", "none"))))
	}
	configure("old", "1")
	r.settled()
	first, data := r.Inspect(r.Name("old")), r.dataOf(r.Name("old"))
	stranger := r.Engine.Run(r.Name("web"), enginetest.RunOptions{Image: image})

	configure("web", "2")
	r.cli.must("apply", "-auto-approve")
	r.idle()
	r.warns(r.plansChange("will be updated in-place", web), r.Name("web"), "is already in use")
	if state := r.refreshed(); state["container_id"] != first.ID {
		t.Errorf("after a refresh the state has the container %v, want %s", state["container_id"], first.ID)
	}
	r.Engine.Remove(stranger)
	r.cli.must("apply", "-auto-approve")
	r.idle()
	r.onlyNew("2")
	if now := r.dataOf(r.Name("web")); len(now) != 1 || len(data) != 1 || now[0] != data[0] {
		t.Errorf("the container has the volumes %q, had %q", now, data)
	}
	r.cli.must("destroy", "-auto-approve")
	r.idle()
}
