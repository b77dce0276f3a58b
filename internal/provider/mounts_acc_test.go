// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// Every option of mounts that this engine knows, volumes of another container, and no health check:
// the engine has them, the plan is empty, and so is the one after an import.
func TestAccMountOptions(t *testing.T) {
	r := newRig(t)
	folder := filepath.Join(t.TempDir(), "made", "here")
	checked := r.Engine.Image(enginetest.ImageOptions{Health: []string{"CMD", enginetest.Program, "health-fail"}})
	config := r.container(attr("image", checked), `healthcheck = { disable = true }`, fmt.Sprintf(`mounts = {
  "/made"  = { type = "bind", source = %q, read_only = true, bind = { create_host_path = true, propagation = "rprivate" } }
  "/alone" = { type = "bind", source = "/tmp/", bind = { recursive = "disabled" } }
  "/data"  = { type = "volume", source = %q, volume = { nocopy = true, driver = "local", labels = { made = "here" } } }
}`, folder, r.Name("data"))) + r.resource("user", `volumes_from = ["${gantry_container.web.name}:ro"]`, `mounts = { "/cache" = { type = "tmpfs", tmpfs = { size = "1m", mode = "0700" } } }`, `depends_on = [gantry_container.web]`)
	r.run(
		resource.TestStep{Config: config, ConfigStateChecks: []statecheck.StateCheck{stateCheck(func() error {
			c := r.Inspect(r.Name("web"))
			if _, err := os.Stat(folder); err != nil {
				return err
			}
			volume, err := r.Docker.VolumeInspect(t.Context(), r.Name("data"))
			if err != nil || volume.Labels["made"] != "here" || len(c.HostConfig.Mounts)+len(c.HostConfig.Binds) != 3 || len(c.Mounts) != 3 {
				return fmt.Errorf("the volume is %+v, the mounts are %+v: %w", volume, c.HostConfig.Mounts, err)
			}
			if got := r.Inspect(r.Name("user")); len(got.Mounts) != 4 {
				return fmt.Errorf("the other has the mounts %+v", got.Mounts)
			}
			return nil
		})}},
		resource.TestStep{ResourceName: "gantry_container.user", ImportState: true, ImportStateId: r.Name("user"), ImportStateVerify: true,
			ImportStateVerifyIgnore: leftOut(t, `volumes_from = mounts =`), ImportStateVerifyIdentifierAttribute: "id"},
	)
	r.RemoveVolume(r.Name("data"))
}

// What this engine is too old for is an error of the plan that names attribute and version; where
// it was not known then, of the apply.
func TestAccEngineTooOld(t *testing.T) {
	r := newRig(t)
	if version := r.Docker.ClientVersion(); version > "1.43" {
		t.Skipf("The engine's API %s is not too old for anything here.", version)
	}
	front := r.Network("front")
	refused := func(lines, attribute, line, version string) resource.TestStep {
		return resource.TestStep{
			Config: r.container(lines), PlanOnly: true,
			ExpectError: failure{summary: fmt.Sprintf("Engine %q is too old for %s of container %q", r.HostName(), attribute, r.Name("web")), line: line, says: []string{version}}.regexp(),
		}
	}
	late := strings.Replace(r.container(`healthcheck = { test = ["CMD", "x"], start_interval = terraform_data.late.output }`), "resource", "resource \"terraform_data\" \"late\" {\n  input = \"1s\"\n}\nresource", 1)
	r.run(
		refused(`healthcheck = { test = ["CMD", "x"], start_interval = "1s" }`, "healthcheck.start_interval", "healthcheck", "Docker 25.0"),
		refused(fmt.Sprintf(`networks = { bridge = {}, front = { network = %q, mac_address = "02:42:ac:11:65:43" } }`, front), "networks.front.mac_address", "networks", "Docker 25.0"),
		refused(`mounts = { "/a" = { type = "volume", source = "data", volume = { subpath = "a" } } }`, "mounts./a.volume.subpath", "mounts", "Docker 26.0"),
		resource.TestStep{Config: late, ExpectError: failure{summary: "Engine", line: "healthcheck", says: []string{"Docker 25.0"}}.regexp()},
	)
}
