// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// A local file can change between a plan and its apply. Terraform plans once more in the apply, and tells a provider
// there nothing of what the first plan has found: a hash that was known in one of the two plans would contradict the
// other. So a hash decides whether there is a change, and then it is unknown until the apply has read the file.

// planSources completes the plan of a container that is created or changed, where all else is planned: what its
// sources hold is not known until they are uploaded, and so is whether a change of them restarts it.
func planSources(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if resp.Plan.Raw.IsNull() || resp.Diagnostics.HasError() {
		return
	}
	plan, known := plannedFiles(ctx, resp.Plan, resp)
	open, restarts := false, false
	for target, m := range plan {
		if m.Source.IsNull() {
			continue
		}
		m.SourceSHA256 = types.StringUnknown()
		plan[target], open = m, true
		restarts = restarts || m.RestartOnChange.IsUnknown() || m.RestartOnChange.ValueBool()
	}
	if !known || !open || resp.Plan.Raw.Equal(req.State.Raw) {
		return
	}
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("files"), plan)...)
	if restarts {
		planRestart(ctx, &resp.Plan, &resp.Diagnostics)
	}
}

// sourcePath is where the configuration has the source of a file.
func sourcePath(target string) path.Path {
	return path.Root("files").AtMapKey(target).AtName("source")
}

// notYet is the text of a warning of a plan about a local file that is missing.
func notYet(err error) string {
	return sentence(err) + ". The apply reads it again, and fails if nothing has made it by then: check the path, unless a resource of the same apply makes it."
}

// unreadable is the text of an error of an apply that can't read a local file.
func unreadable(err error) string {
	if !errors.Is(err, fs.ErrNotExist) {
		return sentence(err) + "."
	}
	return sentence(err) + ". What the plan has found does not count here, as the apply reads the file again: it was removed since, or no resource has made it. " +
		"Bring it back, or make what makes it a dependency (depends_on), and apply again."
}

// readSource reads a local file, but for one that is too large.
func readSource(name string) (content []byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	content, err = io.ReadAll(io.LimitReader(f, mostSource+1))
	if err == nil && len(content) > mostSource {
		err = fmt.Errorf("%s has more than 1 MiB: mount it, or put it into the image", name)
	}
	return content, err
}
