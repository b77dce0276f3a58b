// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// Each example, as a user would run it: apply, nothing to do, a change, nothing to do, destroy, and
// nothing is left.
func TestAccExamples(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		variables, change func(r *rig) map[string]any
		before            func(r *rig)
		output            string
		// needs is since when Terraform has what the example is about; empty is any.
		needs string
		// invoke are actions to invoke by hand, with what they say.
		invoke map[string]string
	}{
		"stack": {
			variables: func(r *rig) map[string]any {
				return map[string]any{"name": r.Name("stack"), "health_test": []string{"CMD", enginetest.Program, "health"}}
			},
			change: func(*rig) map[string]any {
				return map[string]any{"services": map[string]any{"shop": map[string]any{"memory": "80m"}, "account": map[string]any{}}}
			},
			output: `"search" = "healthy"`,
		},
		"many": {
			variables: func(r *rig) map[string]any {
				return map[string]any{"name": r.Name("many"), "command": []string{"sleep"}}
			},
			change: func(*rig) map[string]any { return map[string]any{"workers": 28} },
			output: "running = 30",
		},
		"job": {
			variables: func(r *rig) map[string]any {
				return map[string]any{
					"name": r.Name("job"), "migration": []string{"exit", "0", "0s", "$GREETING"}, "check": []string{enginetest.Program, "health"},
				}
			},
			change: func(*rig) map[string]any {
				return map[string]any{"check": []string{enginetest.Program, "health", "again"}}
			},
			output: "Hello from shop",
		},
		// Two stacks of ten services each.
		"side-by-side": {
			variables: func(r *rig) map[string]any {
				return map[string]any{"name": r.Name("twice"), "health_test": []string{"CMD", enginetest.Program, "health"}, "migration": []string{"exit", "0"}}
			},
			change: func(*rig) map[string]any { return map[string]any{"services": []string{"account", "shop", "more"}} },
			output: `"green" = 10`,
		},
		"secrets": {
			variables: func(r *rig) map[string]any {
				return map[string]any{"name": r.Name("secrets"), "api_token": "t0p-s3cret-token", "private_key": "t0p-s3cret-key"}
			},
			change: func(*rig) map[string]any {
				return map[string]any{"private_key": "an0ther-s3cret-key", "private_key_version": 2}
			},
			output: `status = "running"`,
		},
		"maintenance": {
			variables: func(r *rig) map[string]any {
				return map[string]any{
					"name": r.Name("maintenance"), "command": []string{"sleep"}, "warm_up": []string{enginetest.Program, "exit", "0", "0s", "warm: $GREETING"},
					"backup": []string{enginetest.Program, "exit", "0", "0s", "all is saved"},
				}
			},
			change: func(*rig) map[string]any { return map[string]any{"greeting": "good morning"} },
			needs:  "1.14.0",
			output: "warm: hello",
			invoke: map[string]string{"gantry_exec.backup": "all is saved", "gantry_restart.web": "was restarted; it is running"},
		},
		"import": {
			variables: func(r *rig) map[string]any {
				return map[string]any{"container": r.Name("web"), "volume": r.Name("data")}
			},
			change: func(*rig) map[string]any { return map[string]any{"restart": "always"} },
			before: func(r *rig) {
				r.Run(r.Name("web"), enginetest.RunOptions{Image: r.Image, Env: []string{"MODE=production"}, Volumes: []string{r.Volume("data") + ":/data"}})
			},
			output: "2 imported, 0 added, 0 changed, 0 destroyed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.needs != "" {
				needsTerraform(t, "what the example is about", tt.needs)
			}
			r := newRig(t)
			c := newCLI(t)
			if err := os.CopyFS(filepath.Join(c.folder, "examples"), os.DirFS("../../examples")); err != nil {
				t.Fatal(err)
			}
			folder := filepath.Join(c.folder, "examples", name)
			set := func(variables map[string]any) {
				content, err := json.Marshal(variables)
				if err != nil {
					t.Fatal(err)
				}
				c.write(filepath.Join(folder, "terraform.tfvars.json"), string(content))
			}
			in := func(args ...string) result {
				t.Helper()
				return c.must(append([]string{"-chdir=" + folder}, args...)...)
			}
			empty := func() {
				t.Helper()
				if p := c.run("-chdir="+folder, "plan", "-detailed-exitcode"); p.code != 0 {
					t.Fatalf("there is something to do after the apply:\n%s", p.output)
				}
			}
			if tt.before != nil {
				tt.before(r)
			}
			variables := tt.variables(r)
			variables["image"] = r.Image
			set(variables)
			in("get")
			// What is left is destroyed even if the test fails in the middle.
			t.Cleanup(func() {
				if t.Failed() {
					c.run("-chdir="+folder, "destroy", "-auto-approve")
				}
			})
			if got := in("apply", "-auto-approve"); !strings.Contains(got.output, tt.output) {
				t.Errorf("the apply doesn't say %q:\n%s", tt.output, got.output)
			}
			empty()
			for key, value := range tt.change(r) {
				variables[key] = value
			}
			set(variables)
			in("apply", "-auto-approve")
			empty()
			for action, says := range tt.invoke {
				if got := in("apply", "-auto-approve", "-invoke=action."+action); !strings.Contains(got.output, says) {
					t.Errorf("the action %s doesn't say %q:\n%s", action, says, got.output)
				}
				empty()
			}
			in("destroy", "-auto-approve")
			if left := r.left(); len(left) > 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}

// left lists what has the test's prefix on the engine.
func (r *rig) left() []string {
	r.t.Helper()
	left := r.Containers()
	networks, err := r.Docker.NetworkList(r.t.Context(), network.ListOptions{Filters: filters.NewArgs(filters.Arg("name", r.Name("")))})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, n := range networks {
		left = append(left, fmt.Sprintf("network %s", n.Name))
	}
	volumes, err := r.Docker.VolumeList(r.t.Context(), volume.ListOptions{Filters: filters.NewArgs(filters.Arg("name", r.Name("")))})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, v := range volumes.Volumes {
		left = append(left, fmt.Sprintf("volume %s", v.Name))
	}
	return left
}
