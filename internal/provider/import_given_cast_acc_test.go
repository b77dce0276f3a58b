// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// What an import found stays that of the container through a cast exchange.
func TestAccCastExchangeKeepsWhatAnImportFound(t *testing.T) {
	r := newCastRig(t)
	name := r.Name("web")
	r.Leaves(name)
	if _, err := r.Docker.ContainerCreate(t.Context(), &container.Config{Image: r.Image}, &container.HostConfig{ShmSize: 1 << 30}, nil, nil, name); err != nil {
		t.Fatal(err)
	}
	if err := r.Docker.ContainerStart(t.Context(), name, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	r.cli.configure(r.config(r.cast("web")))
	r.cli.must("import", web, name)
	image := attr("image", r.Engine.Image(enginetest.ImageOptions{}))
	exchanged := r.cast("web", image, `update_order = "start-first"`)
	r.cli.configure(r.config(exchanged))
	r.settled()
	if got := r.Inspect(name).HostConfig.ShmSize; got != 1<<30 {
		t.Errorf("the exchange brought shm_size %d", got)
	}
	r.cli.configure(r.config(r.cast("web", image, `update_order = "start-first"`, `shm_size = "1g"`)))
	if plan := r.cli.must("plan").output; !strings.Contains(plan, "No changes.") {
		t.Errorf("what the container has, written down, is a change:\n%s", plan)
	}
	r.cli.configure(r.config(r.cast("web", attr("image", r.Image))))
	if plan := flat(r.cli.must("plan").output); !strings.Contains(plan, "may lose settings") || !strings.Contains(plan, `shm_size = "1g"`) {
		t.Errorf("the plan of a replacement does not name what it loses:\n%s", plan)
	}
	r.cli.must("destroy", "-auto-approve")
}
