// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// namespacesModel is what the container shares, and who runs it.
type namespacesModel struct {
	IPC          types.String `tfsdk:"ipc"`
	PID          types.String `tfsdk:"pid"`
	UTS          types.String `tfsdk:"uts"`
	Cgroup       types.String `tfsdk:"cgroup"`
	CgroupParent types.String `tfsdk:"cgroup_parent"`
	Runtime      types.String `tfsdk:"runtime"`
}

// namespacesBlock is what the container shares, and who runs it.
func namespacesBlock() block {
	return block{
		schema:  namespacesSchema,
		effects: namespacesEffects,
		expand:  func(m *containerModel, s *container.Spec) { s.Namespaces = m.expandNamespaces() },
		refresh: func(m *containerModel, o observation) {
			m.flattenNamespaces(o.asked.Namespaces, o.plain.Namespaces, o.Container, false)
		},
		imports: func(m *containerModel, o observation) {
			m.flattenNamespaces(o.asked.Namespaces, o.plain.Namespaces, o.Container, true)
		},
		validate: validateNamespaces,
	}
}

func namespacesSchema(context.Context) map[string]schema.Attribute {
	text := func(description string, valid validator.String) schema.Attribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: description, Validators: []validator.String{valid}}
	}
	matches := func(pattern, says string) validator.String {
		return stringvalidator.RegexMatches(regexp.MustCompile(pattern), says)
	}
	const another = "A container of the same configuration is best named by its `container_id`: when it is replaced, this container is replaced in the same apply. Named by its name, that shows in the plan after."
	return map[string]schema.Attribute{
		"ipc": text("The name space of shared memory: `private`, `shareable`, `none`, `host`, or `container:NAME` for another container's, which has to be `shareable` itself. Left out, the engine's default, usually `private`. "+another,
			matches(`^(private|shareable|none|host|container:.+)$`, `must be "private", "shareable", "none", "host" or "container:NAME"`)),
		"pid": text("The name space of processes: `host`, or `container:NAME` for another container's. Left out, the container's own. "+another,
			matches(`^(host|container:.+)$`, `must be "host" or "container:NAME"; for the container's own leave it out`)),
		"uts":           text("The name space of host names: `host`. Left out, the container's own.", stringvalidator.OneOf("host")),
		"cgroup":        text("The name space of control groups: `private` or `host`. Left out, the engine's default: `private` with cgroup version 2, else `host`.", stringvalidator.OneOf("private", "host")),
		"cgroup_parent": text("The control group that the container's becomes part of. Left out, the engine's.", stringvalidator.LengthAtLeast(1)),
		"runtime":       text("The engine's runtime for the container, for example `runc` or `runsc`. Left out, the engine's default.", stringvalidator.LengthAtLeast(1)),
	}
}

func namespacesEffects() map[string]effect {
	return map[string]effect{
		"ipc":           replaces,
		"pid":           replaces,
		"uts":           replaces,
		"cgroup":        replaces,
		"cgroup_parent": replaces,
		"runtime":       replaces,
	}
}

func (m *namespacesModel) expandNamespaces() container.Namespaces {
	return container.Namespaces{
		IPC: m.IPC.ValueString(), PID: m.PID.ValueString(), UTS: m.UTS.ValueString(),
		Cgroup: m.Cgroup.ValueString(), CgroupParent: m.CgroupParent.ValueString(), Runtime: m.Runtime.ValueString(),
	}
}

// flattenNamespaces compares what was asked for with what the engine reports. None of it can change
// on a container that is there, but the container that it shares with can get another name.
func (m *namespacesModel) flattenNamespaces(asked, seen container.Namespaces, c *container.Container, imports bool) {
	for _, n := range []struct {
		to                *types.String
		asked, seen, full string
	}{
		{&m.IPC, asked.IPC, seen.IPC, c.IPC},
		{&m.PID, asked.PID, seen.PID, c.PID},
		{&m.UTS, asked.UTS, seen.UTS, c.UTS},
		{&m.Cgroup, asked.Cgroup, seen.Cgroup, c.Cgroup},
		{&m.CgroupParent, asked.CgroupParent, seen.CgroupParent, c.CgroupParent},
		{&m.Runtime, asked.Runtime, seen.Runtime, c.Runtime},
	} {
		if n.asked != n.seen && !c.SameNamespace(n.asked, n.seen) && (imports || n.to.ValueString() != "") {
			*n.to = sharedByName(n.full, c)
		}
	}
}

// sharedByName names the container whose name space is shared as people do.
func sharedByName(mode string, c *container.Container) types.String {
	if id, ok := container.SharedContainer(mode); ok && c.Shared[id] != "" {
		return types.StringValue("container:" + c.Shared[id])
	}
	return stringOrNull(mode)
}
