// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// processModel is how the engine runs the container's process, and what becomes of its output.
type processModel struct {
	Init        types.Bool              `tfsdk:"init"`
	TTY         types.Bool              `tfsdk:"tty"`
	StdinOpen   types.Bool              `tfsdk:"stdin_open"`
	StdinOnce   types.Bool              `tfsdk:"stdin_once"`
	Logging     *loggingModel           `tfsdk:"logging"`
	StorageOpt  map[string]types.String `tfsdk:"storage_opt"`
	Annotations map[string]types.String `tfsdk:"annotations"`
}

type loggingModel struct {
	Driver  types.String            `tfsdk:"driver"`
	Options map[string]types.String `tfsdk:"options"`
}

// processBlock is how the engine runs the process.
func processBlock() block {
	return block{
		schema:  processSchema,
		effects: processEffects,
		expand:  func(m *containerModel, s *container.Spec) { s.Process = m.expandProcess() },
		refresh: func(m *containerModel, o observation) { m.flattenProcess(o.plain.Process, o.Process, false) },
		imports: func(m *containerModel, o observation) { m.flattenProcess(o.plain.Process, o.Process, true) },
	}
}

func processSchema(context.Context) map[string]schema.Attribute {
	pairs := func(description string) schema.Attribute {
		return schema.MapAttribute{
			Optional: true, ElementType: types.StringType, MarkdownDescription: description,
			Validators: []validator.Map{mapvalidator.NoNullValues(), mapvalidator.KeysAre(stringvalidator.LengthAtLeast(1))},
		}
	}
	return map[string]schema.Attribute{
		"init":       schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether an init process runs in the container, which forwards signals and reaps processes. Left out, the engine's default: `false`, unless the engine's own configuration says otherwise, which it does not report."},
		"tty":        schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether the container has a terminal. Default `false`."},
		"stdin_open": schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether the container's standard input stays open. Default `false`."},
		"stdin_once": schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether the container's standard input, which `stdin_open` keeps open, is closed when the first client that was attached to it leaves, as `docker run --interactive` without `--detach` has it. Default `false`."},
		"logging": schema.SingleNestedAttribute{
			Optional: true, MarkdownDescription: "What becomes of the container's output. Left out, what the engine is configured to do.",
			Attributes: map[string]schema.Attribute{
				"driver": schema.StringAttribute{
					Optional: true, MarkdownDescription: "The log driver, for example `local` or `journald`. Left out, the engine's default.", Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
				},
				"options": pairs("Options of the driver, for example `max-size`. They add to the engine's; only the ones named here are compared."),
			},
		},
		"storage_opt": pairs("Options of the engine's storage driver, for example `size`, where it has any."),
		"annotations": pairs("Annotations that the engine hands to the runtime. They need Docker 24 or newer (API 1.43)."),
	}
}

func processEffects() map[string]effect {
	return map[string]effect{
		"init":        replaces,
		"tty":         replaces,
		"stdin_open":  replaces,
		"stdin_once":  replaces,
		"logging":     replaces,
		"storage_opt": replaces,
		"annotations": replaces,
	}
}

func (m *processModel) expandProcess() container.Process {
	p := container.Process{
		Init: m.Init.ValueBoolPointer(), TTY: m.TTY.ValueBool(), StdinOpen: m.StdinOpen.ValueBool(), StdinOnce: m.StdinOnce.ValueBool(),
		StorageOpt: expandMap(m.StorageOpt), Annotations: expandMap(m.Annotations),
	}
	if m.Logging != nil {
		p.Logging = &container.Logging{Driver: m.Logging.Driver.ValueString(), Options: expandMap(m.Logging.Options)}
	}
	return p
}

// flattenProcess compares what was asked for with what the engine reports. None of it can change on
// a container that is there. The plain spelling leaves out what is the engine's default; full has it.
func (m *processModel) flattenProcess(seen, full container.Process, imports bool) {
	if imports || !m.Init.IsNull() && m.Init.ValueBool() != (seen.Init != nil) {
		m.Init = types.BoolPointerValue(full.Init)
	}
	m.TTY = flattenBool(m.TTY, seen.TTY, imports)
	m.StdinOpen = flattenBool(m.StdinOpen, seen.StdinOpen, imports)
	m.StdinOnce = flattenBool(m.StdinOnce, seen.StdinOnce, imports)
	m.StorageOpt = flattenStrings(m.StorageOpt, seen.StorageOpt, imports)
	m.Annotations = flattenStrings(m.Annotations, seen.Annotations, imports)
	switch {
	case m.Logging != nil && full.Logging != nil:
		m.Logging = &loggingModel{
			Driver:  refreshString(m.Logging.Driver, full.Logging.Driver),
			Options: refreshMap(m.Logging.Options, full.Logging.Options),
		}
	case imports && seen.Logging != nil:
		m.Logging = &loggingModel{Driver: stringOrNull(seen.Logging.Driver), Options: importMap(seen.Logging.Options, nil)}
	}
}
