// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
)

// What gantry has no argument for is named when a container is imported, and in the file that import-config
// writes; nothing is planned for it.
func TestAccImportNamesWhatIsUnmanaged(t *testing.T) {
	r := newRig(t)
	web := r.Name("web")
	r.Leaves(web)
	masked := []string{"/proc/kcore", "/proc/cpuinfo"}
	forEver := -1
	if _, err := r.Docker.ContainerCreate(t.Context(), &container.Config{Image: r.Image, StopTimeout: &forEver, Shell: []string{"/bin/ash", "-c"}},
		&container.HostConfig{VolumeDriver: "elsewhere", MaskedPaths: masked, ReadonlyPaths: []string{"/proc/sys"}}, nil, nil, web); err != nil {
		t.Fatal(err)
	}
	c := newCLI(t)
	config := importConfig(t, r, c, []string{web})
	c.configure(r.provider(attr("state_dir", t.TempDir())) + config)
	plan := c.run("plan", "-detailed-exitcode", "-no-color")
	if !strings.Contains(plan.output, "Plan: 1 to import, 0 to add, 0 to change, 0 to destroy.") {
		t.Errorf("the plan ended with code %d:\n%s", plan.code, plan.output)
	}
	if summary := `Container "` + web + `" on engine "` + r.HostName() + `" has settings`; !strings.Contains(strings.Join(strings.Fields(plan.output), " "), summary) {
		t.Errorf("the plan does not say %s:\n%s", summary, plan.output)
	}
	for _, setting := range []string{"--volume-driver=elsewhere", "--stop-timeout=-1", "MaskedPaths = /proc/kcore, /proc/cpuinfo", "ReadonlyPaths = /proc/sys", `Shell = ["/bin/ash", "-c"]`} {
		if comment := "# gantry has no argument for this: " + setting + "\n"; !strings.Contains(config, comment) {
			t.Errorf("import-config does not write %q:\n%s", comment, config)
		}
		if !strings.Contains(plan.output, setting+"\n") {
			t.Errorf("the plan does not name %q:\n%s", setting, plan.output)
		}
	}
	c.must("apply", "-auto-approve")
	if again := c.run("plan", "-detailed-exitcode"); again.code != 0 || strings.Contains(again.output, "no argument") {
		t.Errorf("the plan after the import ended with code %d:\n%s", again.code, again.output)
	}
}
