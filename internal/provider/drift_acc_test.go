// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// Somebody stops, pauses or removes a container outside of Terraform: the plan shows it, and the apply
// mends it. TestAccAttributes has what somebody changes.
func TestAccDrift(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		outside func(ctx context.Context, r *rig) error
		action  plancheck.ResourceActionType
	}{
		{"stopped", func(ctx context.Context, r *rig) error {
			return r.Docker.ContainerStop(ctx, r.Name("web"), container.StopOptions{})
		}, plancheck.ResourceActionUpdate},
		{"paused", func(ctx context.Context, r *rig) error {
			return r.Docker.ContainerPause(ctx, r.Name("web"))
		}, plancheck.ResourceActionUpdate},
		{"removed", func(ctx context.Context, r *rig) error {
			return r.Docker.ContainerRemove(ctx, r.Name("web"), container.RemoveOptions{Force: true})
		}, plancheck.ResourceActionCreate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			front, back := r.Network("front"), r.Network("back")
			config := r.container(
				`memory = "64m"`,
				fmt.Sprintf("networks = { front = { network = %q }, back = { network = %q } }", front, back),
			)
			kept := statecheck.CompareValue(compare.ValuesSame())
			mended := []statecheck.StateCheck{
				r.only(r.Name("web")),
				has("status", text("running")),
				stateCheck(func() error {
					c := r.Inspect(r.Name("web"))
					if !c.State.Running || c.State.Paused || c.HostConfig.Memory != 64<<20 ||
						c.HostConfig.RestartPolicy.Name != "no" || len(c.NetworkSettings.Networks) != 2 {
						return fmt.Errorf("not as configured: %s, memory %d, restart %v, networks %v",
							c.State.Status, c.HostConfig.Memory, c.HostConfig.RestartPolicy, c.NetworkSettings.Networks)
					}
					return nil
				}),
			}
			if tt.action == plancheck.ResourceActionUpdate {
				mended = append(mended, kept.AddStateValue(web, path("container_id")))
			}
			r.run(
				resource.TestStep{
					Config:            config,
					ConfigStateChecks: []statecheck.StateCheck{kept.AddStateValue(web, path("container_id"))},
				},
				resource.TestStep{
					PreConfig: func() {
						if err := tt.outside(t.Context(), r); err != nil {
							t.Fatal(err)
						}
					},
					Config:            config,
					ConfigPlanChecks:  planned(tt.action),
					ConfigStateChecks: mended,
				},
			)
		})
	}
}

// A container that is gone when its destroy comes is no failure.
func TestAccDestroyOfNothing(t *testing.T) {
	r := newRig(t)
	r.run(
		resource.TestStep{Config: r.container()},
		resource.TestStep{
			Config:  r.container(),
			Destroy: true,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{planCheck(func() error {
				r.Remove(r.Name("web"))
				return nil
			})}},
		},
	)
}
