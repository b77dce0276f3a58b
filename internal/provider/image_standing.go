// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// statusPresent is what status says of an image that is there: an engine has no word for it.
const statusPresent = "present"

// casts reports whether a pull or a load is left to itself.
func (m *imageModel) casts() bool { return m.WaitFor.ValueString() == string(container.WaitNone) }

// accepted notes a cast: it is under way, and what it will bring is not known.
func (m *imageModel) accepted(kind conductor.Kind, operationID string) {
	engine, _, _ := strings.Cut(operationID, "/")
	m.ID, m.OperationID = types.StringValue(engine+"/"+m.Name.ValueString()), types.StringValue(operationID)
	m.Status, m.Fault = types.StringValue(inProgress(kind)), flattenFault("", nil)
	m.ImageID, m.Digest, m.AvailableDigest = types.StringNull(), types.StringNull(), types.StringNull()
	m.RepoTags, m.RepoDigests = types.ListNull(types.StringType), types.ListNull(types.StringType)
	m.Size, m.OSPlatform, m.Created = types.Int64Null(), types.StringNull(), types.StringNull()
}

// failed reports whether the state has a pull or a load that has to be done again.
func (m *imageModel) failed() bool {
	return slices.Contains([]string{statusCreateFailed, statusUpdateFailed, statusInterrupted}, m.Status.ValueString())
}

// judge makes the state of what engine and journal say. It says whether the image is there, or may
// still come.
func (m *imageModel) judge(s conductor.ImageStatus, settles settling, diags *diag.Diagnostics) bool {
	warn := func(plan string) {
		reportFailed(fmt.Sprintf("Image %q", m.Name.ValueString()), m.ID.ValueString(), s.Fault, plan, diags)
	}
	switch {
	case s.InProgress:
		m.Status = types.StringValue(inProgress(s.Kind))
		reportElsewhere(fmt.Sprintf("Image %q", m.Name.ValueString()), m.OperationID, s.Elsewhere, diags)
		return true
	case s.Vanished:
		warn("An apply of a configuration that has it brings it again.")
		return false
	case s.Image == nil && s.Fault == nil:
		return false
	case s.Image != nil:
		m.compute(s.Image)
	}
	m.Fault = flattenFault("", nil)
	switch {
	case s.Fault == nil:
		return true
	case s.Recovered:
		warn("By now the image is there: what differs from the configuration, if anything, the plan shows." + settles.hint(s.Fault))
		return true
	}
	m.Fault = flattenFault(string(s.Kind), s.Fault)
	m.Status = types.StringValue(statusCreateFailed)
	switch {
	case s.Fault.Kind == fault.Interrupted:
		m.Status = types.StringValue(statusInterrupted)
	case s.Kind == conductor.KindUpdate:
		m.Status = types.StringValue(statusUpdateFailed)
	}
	warn(doesAgain)
	return true
}
