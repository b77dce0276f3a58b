// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
)

// commandModel is what runs in the container, as whom and where, and how it is asked to end.
type commandModel struct {
	Entrypoint      []types.String    `tfsdk:"entrypoint"`
	Command         []types.String    `tfsdk:"command"`
	User            types.String      `tfsdk:"user"`
	WorkingDir      types.String      `tfsdk:"working_dir"`
	Hostname        types.String      `tfsdk:"hostname"`
	StopSignal      types.String      `tfsdk:"stop_signal"`
	StopGracePeriod customtypes.Value `tfsdk:"stop_grace_period"`
}

// commandBlock is what the image has a word for, too: what runs, as whom, and where.
func commandBlock() block {
	return block{
		schema:   commandSchema,
		effects:  commandEffects,
		defaults: commandDefaults,
		expand:   (*containerModel).expandCommand,
		refresh:  (*containerModel).refreshCommand,
		imports:  (*containerModel).importCommand,
	}
}

func commandSchema(context.Context) map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"entrypoint": schema.ListAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "The program and its first arguments. Left out, the image's.",
			Validators:          []validator.List{listvalidator.NoNullValues()},
		},
		"command": schema.ListAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "The arguments after the entrypoint. Left out, the image's.",
			Validators:          []validator.List{listvalidator.NoNullValues()},
		},
		"user": schema.StringAttribute{
			Optional: true, MarkdownDescription: "The user (and group) to run as: `name`, `uid`, `uid:gid`. Left out, the image's.",
			Validators: []validator.String{userName{}},
		},
		"working_dir": schema.StringAttribute{
			Optional: true, MarkdownDescription: "The working directory in the container, an absolute path. Left out, the image's.",
			Validators: []validator.String{folderPath{}},
		},
		"hostname": schema.StringAttribute{
			Optional: true, MarkdownDescription: "The host name in the container. Left out, the first digits of its ID.",
			Validators: []validator.String{stringvalidator.RegexMatches(
				regexp.MustCompile(`^[a-zA-Z0-9._-]{1,64}$`), "must be a host name of at most 64 letters, digits, dots, hyphens and underscores")},
		},
		"stop_signal": schema.StringAttribute{
			Optional: true, MarkdownDescription: "The signal that asks the container to end, for example `SIGINT`. Left out, the image's, else `SIGTERM`.",
			Validators: []validator.String{signalName{}},
		},
		"stop_grace_period": schema.StringAttribute{
			Optional: true, CustomType: customtypes.Type{Kind: customtypes.Duration},
			MarkdownDescription: "How long a stop waits before it kills, in whole seconds, for example `30s`. Left out, the engine's default (10 seconds).",
			Validators:          []validator.String{wholeSeconds{}},
			PlanModifiers:       []planmodifier.String{customtypes.KeepSpelling(customtypes.Duration)},
		},
	}
}

func commandEffects() map[string]effect {
	return map[string]effect{
		"entrypoint":        replaces,
		"command":           replaces,
		"user":              replaces,
		"working_dir":       replaces,
		"hostname":          replaces,
		"stop_signal":       replaces,
		"stop_grace_period": replaces,
	}
}

func commandDefaults() map[string]leftOut {
	return map[string]leftOut{"entrypoint": {nullOnly: true}}
}

func (m *containerModel) expandCommand(s *container.Spec) {
	s.Entrypoint, s.Command = container.ClearedEntrypoint(expandList(m.Entrypoint)), expandList(m.Command)
	s.User, s.WorkingDir, s.Hostname, s.StopSignal = m.User.ValueString(), m.WorkingDir.ValueString(), m.Hostname.ValueString(), m.StopSignal.ValueString()
	if m.StopGracePeriod.ValueString() != "" {
		grace := durationOf(m.StopGracePeriod)
		s.StopGracePeriod = &grace
	}
}

func (m *containerModel) refreshCommand(o observation) {
	m.Entrypoint, m.Command = refreshEntrypoint(m.Entrypoint, o.Entrypoint), refreshList(m.Command, o.Command)
	m.User, m.Hostname = refreshString(m.User, o.User), refreshString(m.Hostname, o.Hostname)
	if container.PlainPath(m.WorkingDir.ValueString()) != container.PlainPath(o.WorkingDir) {
		m.WorkingDir = refreshString(m.WorkingDir, o.WorkingDir)
	}
	if !container.SameSignal(m.StopSignal.ValueString(), o.StopSignal) {
		m.StopSignal = refreshString(m.StopSignal, o.StopSignal)
	}
	if !m.StopGracePeriod.IsNull() {
		m.StopGracePeriod = flattenGrace(m.StopGracePeriod, o.StopGracePeriod)
	}
}

func (m *containerModel) importCommand(o observation) {
	m.Entrypoint, m.Command = importWords(o.Container, o.image)
	m.User = importString(o.User, o.image.User)
	m.WorkingDir = importString(o.WorkingDir, cmp.Or(o.image.WorkingDir, "/"))
	m.Hostname = importHostname(o.Container)
	m.StopSignal = importString(o.StopSignal, cmp.Or(o.image.StopSignal, "SIGTERM"))
	m.StopGracePeriod = flattenGrace(customtypes.Null(customtypes.Duration), o.StopGracePeriod)
}

// refreshEntrypoint keeps an entrypoint that is cleared, in its spelling.
func refreshEntrypoint(prior []types.String, observed []string) []types.String {
	if prior == nil || slices.Equal(container.ClearedEntrypoint(expandList(prior)), observed) {
		return prior
	}
	return flattenList(observed)
}

// importWords takes over what a container runs, as far as it is not the image's. Where the image's
// entrypoint is gone, somebody took it away. With an entrypoint of its own a container has nothing of the
// image's command.
func importWords(c *container.Container, image *container.ImageDefaults) (entrypoint, command []types.String) {
	switch {
	case slices.Equal(c.Entrypoint, image.Entrypoint):
		return nil, importList(c.Command, image.Command)
	case len(c.Entrypoint) == 0:
		return []types.String{}, importList(c.Command, image.Command)
	default:
		return flattenList(c.Entrypoint), importList(c.Command, nil)
	}
}

// importHostname takes over a host name that is neither the engine's choice nor another's.
func importHostname(c *container.Container) types.String {
	if _, shares := container.SharedContainer(c.NetworkMode); shares || c.NetworkMode == "host" && c.Hostname == c.Engine {
		return types.StringNull()
	}
	return importString(c.Hostname, c.ID[:12])
}

func flattenGrace(prior customtypes.Value, d *time.Duration) customtypes.Value {
	switch {
	case d == nil && prior.ValueString() == "":
		return prior
	case d == nil:
		return customtypes.Null(customtypes.Duration)
	}
	return prior.Or(customtypes.FormatDuration(*d))
}

// wholeSeconds refuses fractions that the engine would drop without a word.
type wholeSeconds struct{}

func (wholeSeconds) Description(context.Context) string { return "must be whole seconds" }

func (v wholeSeconds) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v wholeSeconds) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if d, err := customtypes.ParseDuration(req.ConfigValue.ValueString()); err == nil && d%time.Second != 0 {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid duration %q", req.ConfigValue.ValueString()), fmt.Sprintf("It %s: the engine counts in seconds.", v.Description(ctx)))
	}
}
