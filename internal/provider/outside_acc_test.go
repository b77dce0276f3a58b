// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// Under a container somebody makes its network anew, while it runs and while it doesn't, and takes its
// image away: the plan gives back what it lost, and it stays the same container.
func TestAccRecreatedUnderAContainer(t *testing.T) {
	r := newRig(t)
	pushed := enginetest.NewRegistry(t, r.Engine).Push("app", enginetest.ImageOptions{Random: 1 << 10})
	name, old := r.Network("front"), ""
	config := r.provider() + r.image(pushed.Reference) + r.resource("web", `image = gantry_image.app.name`, command("sleep"),
		fmt.Sprintf("networks = { front = { network = %q, aliases = [\"www\"] } }", name))
	recreate := func() {
		t.Helper()
		old = r.inspectNetwork(name).ID
		if err := r.Docker.NetworkDisconnect(t.Context(), name, r.Name("web"), true); err != nil {
			t.Fatal(err)
		}
		if err := r.Docker.NetworkRemove(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		r.Network("front")
	}
	same := &sameContainer{rig: r}
	repaired := []statecheck.StateCheck{same.is(r.Name("web")), has("status", text("running")), stateCheck(func() error {
		c := r.Inspect(r.Name("web"))
		n := c.NetworkSettings.Networks[name]
		if !c.State.Running || n == nil || n.NetworkID == old || n.IPAddress == "" || !slices.Contains(n.Aliases, "www") {
			return fmt.Errorf("the container is %s, its networks are %+v", c.State.Status, c.NetworkSettings.Networks)
		}
		if r.imageID(pushed.Reference) != c.Image {
			return errors.New("the image is not there")
		}
		return nil
	})}
	plans := func(image, container plancheck.ResourceActionType) resource.ConfigPlanChecks {
		return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectResourceAction(app, image), plancheck.ExpectResourceAction(web, container),
		}}
	}
	const nothing = plancheck.ResourceActionNoop
	r.run(
		resource.TestStep{Config: config, ConfigStateChecks: repaired},
		resource.TestStep{
			PreConfig: recreate, Config: config, ConfigPlanChecks: plans(nothing, plancheck.ResourceActionUpdate), ConfigStateChecks: repaired,
		},
		// A stopped container keeps the ID of the network that is gone.
		resource.TestStep{
			PreConfig: func() {
				if err := r.Docker.ContainerStop(t.Context(), r.Name("web"), container.StopOptions{}); err != nil {
					t.Fatal(err)
				}
				old = r.inspectNetwork(name).ID
				if err := r.Docker.NetworkRemove(t.Context(), name); err != nil {
					t.Fatal(err)
				}
				r.Network("front")
			},
			Config: config, ConfigPlanChecks: plans(nothing, plancheck.ResourceActionUpdate), ConfigStateChecks: repaired,
		},
		resource.TestStep{
			PreConfig: func() { r.rmi(pushed.Reference) },
			Config:    config, ConfigPlanChecks: plans(plancheck.ResourceActionCreate, nothing), ConfigStateChecks: repaired,
		},
	)
}

// What somebody else uses is not removed: the error, or for an image the warning, says who it is, running
// or not, and what to do. Nothing is lost by it: with the old configuration the plan is empty, and when
// the user is gone the removal succeeds.
func TestAccInUse(t *testing.T) {
	r := newRig(t)
	pushed := enginetest.NewRegistry(t, r.Engine).Push("app", enginetest.ImageOptions{Random: 1 << 10})
	name := r.Name("data")
	member := r.resource("web", command("sleep"), `mounts = { "/data" = { type = "volume", source = gantry_volume.data.name } }`)
	full := r.provider() + r.network() + r.volume() + r.image(pushed.Reference) + member
	same := &sameContainer{rig: r}
	c := newCLI(t)
	c.configure(full)
	c.must("apply", "-auto-approve")
	if err := same.is(r.Name("web"))(); err != nil {
		t.Fatal(err)
	}
	stranger := r.Run(r.Name("stranger"), enginetest.RunOptions{Image: pushed.Reference, Volumes: []string{name + ":/data"}, CreateOnly: true})
	if err := r.Docker.NetworkConnect(t.Context(), r.Name("front"), stranger, nil); err != nil {
		t.Fatal(err)
	}
	unchanged := func() {
		t.Helper()
		c.configure(full)
		if plan := c.run("plan", "-detailed-exitcode"); plan.code != 0 {
			t.Errorf("the plan is not empty (%d):\n%s", plan.code, plan.output)
		}
		if err := same.is(r.Name("web"))(); err != nil {
			t.Error(err)
		}
	}

	// Another volume in the place of one that a container has: its own container has it, too.
	c.configure(r.provider() + r.network() + r.volume(`driver_opts = { type = "tmpfs", device = "tmpfs" }`) + r.image(pushed.Reference) + member)
	replaced := c.run("apply", "-auto-approve")
	inUse := regexp.MustCompile(`it is used by .*` + r.Name("stranger"))
	if said := replaced.diagnostic(t, fmt.Sprintf("Unable to remove volume %q on engine %q: it is in use", name, r.HostName())); !inUse.MatchString(said) ||
		!regexp.MustCompile(`it is used by .*`+r.Name("web")).MatchString(said) || !regexp.MustCompile(`remove these containers first`).MatchString(said) {
		t.Errorf("the error does not say who uses the volume:\n%s", said)
	}
	unchanged()

	c.configure(r.provider())
	emptied := c.run("apply", "-auto-approve")
	for kind, object := range map[string]string{"network": r.Name("front"), "volume": name} {
		if said := emptied.diagnostic(t, fmt.Sprintf("Unable to remove %s %q on engine %q: it is in use", kind, object, r.HostName())); !inUse.MatchString(said) {
			t.Errorf("the error does not say who uses the %s:\n%s", kind, said)
		}
	}
	kept := regexp.MustCompile(fmt.Sprintf(`Warning: Image %q on engine %q was kept: it is in use .*It is used by container %q.*docker rmi %s`,
		pushed.Reference, r.HostName(), r.Name("stranger"), regexp.QuoteMeta(pushed.Reference)))
	if !kept.MatchString(flat(emptied.output)) || r.imageID(pushed.Reference) == "" {
		t.Errorf("the apply does not say that the image was kept, and why:\n%s", emptied.output)
	}
	r.inspectNetwork(r.Name("front")) // It is there, or the test fails.
	if !r.VolumeExists(name) {
		t.Error("the volume in use was removed")
	}
	r.Remove(stranger)
	c.must("apply", "-auto-approve")
	if r.VolumeExists(name) {
		t.Error("the volume was not removed")
	}
}
