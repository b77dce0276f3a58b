// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	tfpath "github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// engineFolders are mounted by every engine, over whatever a container has there.
func engineFolders() []string { return []string{"/proc", "/sys", "/dev"} }

// validateFiles refuses what can't be put into the container, or what it would never see: a mount
// hides it.
func validateFiles(ctx context.Context, config tfsdk.Config) diag.Diagnostics {
	var diags diag.Diagnostics
	targets := keysOf(config, "files")
	var mounts map[string]mountModel
	isKnown := known(ctx, config, "mounts", &mounts, &diags)
	for _, target := range targets {
		mounted := false
		for folder, m := range mounts {
			folder = container.PlainPath(folder)
			if !container.Within(target, folder) {
				continue
			}
			mounted = true
			switch {
			case target == folder:
				diags.AddAttributeError(tfpath.Root("files"), fmt.Sprintf("File %q is a mount, too", target), "Only one of the two can be there. Remove it from files or from mounts.")
			case m.Type.ValueString() == string(container.MountTmpfs):
				diags.AddAttributeError(tfpath.Root("files"), fmt.Sprintf("File %q would be hidden", target),
					fmt.Sprintf("A tmpfs is mounted on %q, and it is empty when the container starts. Put the file elsewhere.", folder))
			case m.ReadOnly.ValueBool():
				diags.AddAttributeError(tfpath.Root("files"), fmt.Sprintf("File %q would be in a read-only mount", target),
					fmt.Sprintf("The engine can't write below %q. Put the file elsewhere, or mount without read_only.", folder))
			}
		}
		for _, folder := range engineFolders() {
			if isKnown && !mounted && container.Within(target, folder) {
				diags.AddAttributeError(tfpath.Root("files"), fmt.Sprintf("File %q would be hidden", target),
					fmt.Sprintf("The engine mounts a file system of its own on %q when the container starts. Put the file elsewhere.", folder))
			}
		}
	}
	if isSet(config, "read_only") {
		validateReadOnlyFiles(targets, &diags)
	}
	return diags
}

// validateReadOnlyFiles refuses the files of a container with a read-only root for which a volume can't be mounted.
func validateReadOnlyFiles(targets []string, diags *diag.Diagnostics) {
	for _, target := range targets {
		if path.Dir(target) == "/" {
			diags.AddAttributeError(tfpath.Root("files"), fmt.Sprintf("File %q would be in the read-only root", target),
				"The engine puts no file into a root that is read_only: a directory can be a volume, but nothing can be mounted on /. Put the file into a directory, or leave read_only out.")
		}
	}
}

func readOnlyWith(targets []string, mounts map[string]mountModel) container.Spec {
	var s container.Spec
	s.ReadOnly, s.Mounts, s.Files = true, expandMounts(mounts), make(map[string]container.File, len(targets))
	for _, target := range targets {
		s.Files[target] = container.File{}
	}
	return s
}

// hasPlaceFor reports whether the container of the state can take the planned files: with a read-only root a directory
// more needs another container.
func hasPlaceFor(ctx context.Context, plan, prior files, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) bool {
	planned := tfsdk.Config(resp.Plan)
	var mounts map[string]mountModel
	if req.State.Raw.IsNull() || !isSet(planned, "read_only") || !known(ctx, planned, "mounts", &mounts, &resp.Diagnostics) {
		return true
	}
	var targets []string
	there := keptLosses(ctx, req.Private, &resp.Diagnostics).places()
	for target := range plan {
		targets = append(targets, target)
	}
	for target := range prior {
		there = append(there, path.Dir(target))
	}
	return len(container.FileFolders(readOnlyWith(targets, mounts), slices.Compact(there))) == 0
}
