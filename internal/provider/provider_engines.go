// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
)

// Values of on_unreachable.
const (
	unreachableError = "error"
	unreachableWarn  = "warn"
)

// engineModel is an entry of engines.
type engineModel struct {
	connectionModel
	MaxParallel      types.Int64  `tfsdk:"max_parallel"`
	MaxParallelPulls types.Int64  `tfsdk:"max_parallel_pulls"`
	RegistryAuth     types.Map    `tfsdk:"registry_auth"`
	Labels           types.Map    `tfsdk:"labels"`
	OnUnreachable    types.String `tfsdk:"on_unreachable"`
}

func enginesAttribute() schema.Attribute {
	own := map[string]schema.Attribute{
		"registry_auth": registryAuthAttribute("Credentials by registry for this engine, besides the provider's `registry_auth`: an entry here comes first."),
		"labels": schema.MapAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "Labels of all containers on this engine, above the provider's `default_labels` and below their own `labels`. A change replaces the containers, but for imported ones that lack them.",
			Validators:          []validator.Map{mapvalidator.KeysAre(foreignLabel{}), mapvalidator.NoNullValues()},
		},
	}
	maps.Copy(own, limitsOfEngine())
	maps.Copy(own, connectionAttributes("Either it or `context` is needed."))
	own["on_unreachable"] = onUnreachableAttribute("Default: the provider's `on_unreachable`.")
	return schema.MapNestedAttribute{
		Optional: true,
		MarkdownDescription: "More engines beside the default one, by names of your choice, which `engine` of resources, data sources and actions takes. Each has its own limits; one that is away harms no other. " +
			"To connect to one costs nothing until something is on it.",
		Validators: []validator.Map{
			mapvalidator.NoNullValues(),
			mapvalidator.KeysAre(stringvalidator.RegexMatches(keyOfEngine(), keyOfEngineText)),
		},
		NestedObject: schema.NestedAttributeObject{Attributes: own},
	}
}

// keyOfEngine matches what may be a key of engines, which keyOfEngineText says.
func keyOfEngine() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`) }

const keyOfEngineText = `must be letters, digits, "_", "." and "-", and begin with a letter or a digit`

// limitsOfEngine are the attributes that bound the work on an engine.
func limitsOfEngine() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"max_parallel": schema.Int64Attribute{
			Optional: true, MarkdownDescription: "How many operations may occupy the engine at once. Waiting and pulling don't count. Default, also for 0: four times the CPUs that the engine reports.",
			Validators: []validator.Int64{int64validator.AtLeast(0)},
		},
		"max_parallel_pulls": schema.Int64Attribute{
			Optional: true, MarkdownDescription: "How many images are pulled at once. Default, also for 0: 3.",
			Validators: []validator.Int64{int64validator.AtLeast(0)},
		},
	}
}

func onUnreachableAttribute(byDefault string) schema.Attribute {
	return schema.StringAttribute{
		Optional: true,
		MarkdownDescription: "What a refresh does while the engine can't be reached: `error`: it fails, or `warn`: it keeps what the state has, and says so once for each engine. " +
			"Changes are then planned as configured, and fail only for what is on that engine; what is to be destroyed there stays in the state. " + byDefault,
		Validators: orLeftOut[validator.String](stringvalidator.OneOf(unreachableError, unreachableWarn)),
	}
}

// engines reads the entries. Those that are not known yet are members that can't be used; open says that not even their
// names are known.
func (m *providerModel) engines(
	ctx context.Context, credentials map[string]engine.Credential, labels defaultLabels, diags *diag.Diagnostics,
) (options map[string]conductor.EngineOptions, byName map[string]*member, open bool) {
	options, byName = make(map[string]conductor.EngineOptions), make(map[string]*member)
	if m.Engines.IsUnknown() {
		return options, byName, true
	}
	var models map[string]types.Object
	diags.Append(m.Engines.ElementsAs(ctx, &models, false)...)
	for _, name := range slices.Sorted(maps.Keys(models)) {
		one := &member{name: name, labels: labels}
		byName[name] = one
		if models[name].IsUnknown() {
			one.labels = defaultLabels{}
			continue
		}
		var model engineModel
		diags.Append(models[name].As(ctx, &model, basetypes.ObjectAsOptions{})...)
		one.keeps = keepsUnreachable(model.OnUnreachable, m.OnUnreachable)
		one.labels = labels.with(ctx, model.Labels, diags)
		if model.connectionModel.unknown(ctx) != "" {
			continue
		}
		own := maps.Clone(credentials)
		maps.Copy(own, credentialsOf(ctx, model.RegistryAuth, diags))
		options[name] = conductor.EngineOptions{
			Connection: model.expand(ctx, diags), From: fmt.Sprintf("engines[%q] in the provider's configuration", name), MaxParallel: int(model.MaxParallel.ValueInt64()), MaxParallelPulls: int(model.MaxParallelPulls.ValueInt64()), Credentials: own,
		}
	}
	return options, byName, false
}

// validateEngines checks the connections of the entries that are known.
func (m *providerModel) validateEngines(ctx context.Context, diags *diag.Diagnostics) {
	if m.Engines.IsUnknown() {
		return
	}
	var models map[string]types.Object
	diags.Append(m.Engines.ElementsAs(ctx, &models, false)...)
	for _, name := range slices.Sorted(maps.Keys(models)) {
		if models[name].IsUnknown() || models[name].IsNull() {
			continue
		}
		var model engineModel
		diags.Append(models[name].As(ctx, &model, basetypes.ObjectAsOptions{})...)
		model.connectionModel.validate(ctx, path.Root("engines").AtMapKey(name), true, diags)
	}
}

// keepsUnreachable reports whether a refresh keeps the state of what is on an engine that can't be reached.
func keepsUnreachable(own, provider types.String) bool {
	if own.ValueString() != "" {
		return own.ValueString() == unreachableWarn
	}
	return provider.ValueString() == unreachableWarn
}

// join makes the fleet of what is known, and gives the members their conductors.
func (p *gantry) join(options conductor.Options, engines map[string]conductor.EngineOptions, all map[string]*member, open bool) *members {
	fleet := conductor.NewFleet(options, engines)
	for name, one := range all {
		if _, known := engines[name]; known {
			one.Conductor = fleet.Engine(name)
		}
	}
	return &members{fleet: fleet, byName: all, open: open}
}

// warnOfUnknownEngines says which engines nothing is compared with, since what leads to them is not known yet.
func (m *members) warnOfUnknown(diags *diag.Diagnostics) {
	for _, name := range slices.Sorted(maps.Keys(m.byName)) {
		if one := m.byName[name]; one.unknown() && name != "" {
			diags.AddAttributeWarning(path.Root("engines").AtMapKey(name), fmt.Sprintf("Nothing is compared with engine %q: how it is reached is not known yet", name), notComparedYet)
		}
	}
}

const notComparedYet = "It depends on values that are known only after an apply, so that this plan shows what the state says, and not what changed outside of Terraform. " +
	"To have it compared, apply what it depends on first (terraform apply -target=...)."
