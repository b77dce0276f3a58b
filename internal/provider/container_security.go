// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// securityModel is what the container may do.
type securityModel struct {
	Privileged  types.Bool              `tfsdk:"privileged"`
	CapAdd      []types.String          `tfsdk:"cap_add"`
	CapDrop     []types.String          `tfsdk:"cap_drop"`
	SecurityOpt []types.String          `tfsdk:"security_opt"`
	GroupAdd    []types.String          `tfsdk:"group_add"`
	Sysctls     map[string]types.String `tfsdk:"sysctls"`
	UsernsMode  types.String            `tfsdk:"userns_mode"`
	ReadOnly    types.Bool              `tfsdk:"read_only"`
}

// securityBlock is what the container may do.
func securityBlock() block {
	return block{
		schema:  securitySchema,
		effects: securityEffects,
		expand:  func(m *containerModel, s *container.Spec) { s.Security = m.expandSecurity() },
		refresh: func(m *containerModel, o observation) { m.flattenSecurity(o.asked.Security, o.plain.Security, false) },
		imports: func(m *containerModel, o observation) { m.flattenSecurity(o.asked.Security, o.plain.Security, true) },
	}
}

func securitySchema(context.Context) map[string]schema.Attribute {
	set := func(description string, plain func(string) string, element validator.String) schema.Attribute {
		return schema.SetAttribute{
			Optional: true, ElementType: types.StringType, MarkdownDescription: description,
			Validators:    []validator.Set{setvalidator.NoNullValues(), setvalidator.ValueStringsAre(element)},
			PlanModifiers: []planmodifier.Set{keepSet{oneByOne(plain)}},
		}
	}
	options := schema.SetAttribute{
		Optional: true, ElementType: types.StringType,
		MarkdownDescription: "Options as `docker run --security-opt` has them, for example `no-new-privileges`, `label=disable`, `apparmor=unconfined`, `systempaths=unconfined` or `seccomp=unconfined`. " +
			"A seccomp profile is its content: `\"seccomp=${file(\"profile.json\")}\"`.",
		Validators:    []validator.Set{setvalidator.NoNullValues(), setvalidator.ValueStringsAre(securityOption{})},
		PlanModifiers: []planmodifier.Set{keepSecurityOptions{}},
	}
	return map[string]schema.Attribute{
		"privileged":   schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether the container may do nearly all that the host may. Default `false`."},
		"cap_add":      set("Capabilities to add to the engine's usual ones, for example `NET_ADMIN` (`CAP_` and the case don't matter), or `ALL`.", container.PlainCapability, capability{}),
		"cap_drop":     set("Capabilities to take away, or `ALL`.", container.PlainCapability, capability{}),
		"security_opt": options,
		"group_add":    set("Further groups of the container's user, by name or number.", strings.Clone, groupName{}),
		"sysctls": schema.MapAttribute{
			Optional: true, ElementType: types.StringType, MarkdownDescription: "Kernel parameters of the container's own name spaces, for example `net.core.somaxconn`.",
			Validators: []validator.Map{mapvalidator.NoNullValues(), mapvalidator.KeysAre(stringvalidator.RegexMatches(
				regexp.MustCompile(`^[a-zA-Z0-9_-]+([./][a-zA-Z0-9_*-]+)+$`), `must be the name of a kernel parameter, for example "net.core.somaxconn"`))},
		},
		"userns_mode": schema.StringAttribute{
			Optional: true, MarkdownDescription: "`host`: the container does not get the user name space that the engine is configured to give. Left out, it does.",
			Validators: []validator.String{stringvalidator.OneOf("host")},
		},
		"read_only": schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether the container's root file system is read-only; mounts are not. Default `false`."},
	}
}

func securityEffects() map[string]effect {
	return map[string]effect{
		"privileged":   replaces,
		"cap_add":      replaces,
		"cap_drop":     replaces,
		"security_opt": replaces,
		"group_add":    replaces,
		"sysctls":      replaces,
		"userns_mode":  replaces,
		"read_only":    replaces,
	}
}

func (m *securityModel) expandSecurity() container.Security {
	return container.Security{
		Privileged: m.Privileged.ValueBool(), CapAdd: expandList(m.CapAdd), CapDrop: expandList(m.CapDrop), SecurityOpt: expandList(m.SecurityOpt),
		GroupAdd: expandList(m.GroupAdd), Sysctls: expandMap(m.Sysctls), UsernsMode: m.UsernsMode.ValueString(), ReadOnly: m.ReadOnly.ValueBool(),
	}
}

// flattenSecurity compares what was asked for with what the engine reports. None of it can change
// on a container that is there, so that only an import takes what nobody asked for.
func (m *securityModel) flattenSecurity(asked, seen container.Security, imports bool) {
	m.Privileged = flattenBool(m.Privileged, seen.Privileged, imports)
	m.ReadOnly = flattenBool(m.ReadOnly, seen.ReadOnly, imports)
	m.CapAdd = flattenSet(m.CapAdd, asked.CapAdd, seen.CapAdd, container.PlainCapability, imports)
	m.CapDrop = flattenSet(m.CapDrop, asked.CapDrop, seen.CapDrop, container.PlainCapability, imports)
	m.SecurityOpt = flattenSet(m.SecurityOpt, asked.SecurityOpt, seen.SecurityOpt, container.PlainSecurityOption, imports)
	m.GroupAdd = flattenSet(m.GroupAdd, asked.GroupAdd, seen.GroupAdd, strings.Clone, imports)
	m.Sysctls = flattenStrings(m.Sysctls, seen.Sysctls, imports)
	m.UsernsMode = flattenString(m.UsernsMode, asked.UsernsMode, seen.UsernsMode, imports)
}

// keepSecurityOptions plans the spelling that the state has where a new one means the same. To what is
// privileged, or shares a name space of the host, the engine gives label=disable itself: there it means
// nothing to say so.
type keepSecurityOptions struct{}

func (keepSecurityOptions) Description(context.Context) string {
	return "another spelling of the same options is no change"
}

func (k keepSecurityOptions) MarkdownDescription(ctx context.Context) string {
	return k.Description(ctx)
}

func (keepSecurityOptions) PlanModifySet(ctx context.Context, req planmodifier.SetRequest, resp *planmodifier.SetResponse) {
	if !bothKnown(ctx, req.StateValue, req.PlanValue) {
		return
	}
	plain := func(get func(context.Context, path.Path, any) diag.Diagnostics, set types.Set) []string {
		var options []types.String
		var privileged types.Bool
		var ipc, pid types.String
		resp.Diagnostics.Append(set.ElementsAs(ctx, &options, false)...)
		resp.Diagnostics.Append(get(ctx, path.Root("privileged"), &privileged)...)
		resp.Diagnostics.Append(get(ctx, path.Root("ipc"), &ipc)...)
		resp.Diagnostics.Append(get(ctx, path.Root("pid"), &pid)...)
		s := container.Settings{
			Security:   container.Security{Privileged: privileged.ValueBool(), SecurityOpt: expandList(options)},
			Namespaces: container.Namespaces{IPC: ipc.ValueString(), PID: pid.ValueString()},
		}
		return s.Plain(container.EngineDefaults{}).SecurityOpt
	}
	prior, planned := plain(req.State.GetAttribute, req.StateValue), plain(req.Plan.GetAttribute, req.PlanValue)
	if !resp.Diagnostics.HasError() && slices.Equal(prior, planned) {
		resp.PlanValue = req.StateValue
	}
}

// capabilities are those of Linux 6.12 (capabilities(7)).
func capabilities() []string {
	return strings.Fields(`AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID
		IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP
		SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME
		SYS_TTY_CONFIG WAKE_ALARM`)
}

// capability validates the name of a capability.
type capability struct{}

func (capability) Description(context.Context) string {
	return `must be the name of a Linux capability, for example "NET_ADMIN", or "ALL"`
}

func (v capability) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v capability) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	plain := container.PlainCapability(req.ConfigValue.ValueString())
	if plain != "ALL" && !slices.Contains(capabilities(), strings.TrimPrefix(plain, "CAP_")) {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Unknown capability %q", req.ConfigValue.ValueString()), fmt.Sprintf("It %s.", v.Description(ctx)))
	}
}

// securityOption validates an option's form.
type securityOption struct{}

func (securityOption) Description(context.Context) string {
	return `must be "no-new-privileges", or label, apparmor, seccomp, systempaths or writable-cgroups with a value, for example "label=disable"`
}

func (v securityOption) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v securityOption) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if wrong := v.wrong(ctx, req.ConfigValue.ValueString()); wrong != "" {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid security option %q", req.ConfigValue.ValueString()), wrong)
	}
}

func (v securityOption) wrong(ctx context.Context, s string) string {
	key, value, _ := strings.Cut(container.PlainSecurityOption(s), "=")
	switch key {
	case "label", "apparmor":
		if value != "" {
			return ""
		}
	case "no-new-privileges", "writable-cgroups":
		if _, err := strconv.ParseBool(value); err == nil {
			return ""
		}
	case "systempaths":
		if value == "unconfined" {
			return ""
		}
	case "seccomp":
		if value == "unconfined" || value == "builtin" || json.Valid([]byte(value)) {
			return ""
		}
		return `A seccomp profile is "unconfined", "builtin", or the JSON of the profile itself: "seccomp=${file("profile.json")}". The engine takes no path.`
	}
	return fmt.Sprintf("It %s.", v.Description(ctx))
}
