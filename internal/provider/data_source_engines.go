// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
)

// enginesData is the data source gantry_engines.
type enginesData struct{ lookup }

func newEnginesData() datasource.DataSource { return &enginesData{lookup{name: "engines"}} }

type enginesDataModel struct {
	Names   types.Set             `tfsdk:"names"`
	Default *engineSeen           `tfsdk:"default"`
	Engines map[string]engineSeen `tfsdk:"engines"`
}

// engineSeen is what one look at an engine found.
type engineSeen struct {
	// Reachable is null where it is not known yet how the engine is reached.
	Reachable  types.Bool   `tfsdk:"reachable"`
	Error      types.String `tfsdk:"error"`
	ID         types.String `tfsdk:"id"`
	Name       types.String `tfsdk:"name"`
	Version    types.String `tfsdk:"version"`
	APIVersion types.String `tfsdk:"api_version"`
	Latency    types.String `tfsdk:"latency"`
	CPUs       types.Int64  `tfsdk:"cpus"`
	Memory     types.Int64  `tfsdk:"memory"`
	Containers types.Int64  `tfsdk:"containers"`
	Running    types.Int64  `tfsdk:"containers_running"`
}

func (d *enginesData) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	seen := map[string]schema.Attribute{
		"reachable": computedBool("Whether the engine answered. Null where it is not known yet how it is reached."),
		"error":     computedString("Why it did not answer, in one line; null if it did."),
		"id":        computedString("The engine's ID."), "name": computedString("The host name that the engine reports."), "version": computedString("The engine's version."),
		"api_version": computedString("The version of the API that gantry and the engine agreed on."),
		"latency":     computedString("How long the engine took to answer a ping, for example `1.3ms`. It differs each time: an output of it changes with every plan."),
		"cpus":        computedInt64("How many CPUs the host has."), "memory": computedInt64("How much memory the host has, in bytes."),
		"containers": computedInt64("How many containers are on the engine."), "containers_running": computedInt64("How many of them run."),
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "All engines of the provider, or some, as they are now. All are asked at the same time, and none that is away makes it fail: " +
			"`reachable` is then false, and all else but `error` is null. What is read of one engine only, and in more detail, is in `gantry_engine`.",
		Attributes: map[string]schema.Attribute{
			"names": schema.SetAttribute{
				Optional: true, ElementType: types.StringType, MarkdownDescription: "Keys of the provider's `engines`: only these are asked, and the default engine is not. Left out, all are, and the default engine too.",
				Validators: []validator.Set{setvalidator.NoNullValues(), setvalidator.ValueStringsAre(stringvalidator.LengthAtLeast(1))},
			},
			"default": schema.SingleNestedAttribute{
				Computed: true, MarkdownDescription: "The default engine, which has no key in `engines`; null with `names`.", Attributes: seen,
			},
			"engines": schema.MapNestedAttribute{
				Computed: true, MarkdownDescription: "The engines by their keys in the provider's `engines`.", NestedObject: schema.NestedAttributeObject{Attributes: seen},
			},
		},
	}
}

func (d *enginesData) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m enginesDataModel
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("names"), &m.Names)...)
	asked := d.asked(ctx, m.Names, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, defaultReadTimeout)
	defer cancel()
	m.Engines = d.look(ctx, asked)
	if one, ok := m.Engines[""]; ok {
		m.Default = &one
		delete(m.Engines, "")
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// asked returns the engines that have these names; null is all of them.
func (m *members) asked(ctx context.Context, names types.Set, diags *diag.Diagnostics) []*member {
	if names.IsNull() {
		return slices.Collect(maps.Values(m.byName))
	}
	var keys []string
	diags.Append(names.ElementsAs(ctx, &keys, false)...)
	var asked []*member
	for _, key := range keys {
		switch one := m.byName[key]; {
		case one != nil:
			asked = append(asked, one)
		case m.open || m.byName == nil:
			asked = append(asked, &member{name: key})
		default:
			diags.AddAttributeError(path.Root("names").AtSetValue(types.StringValue(key)), fmt.Sprintf("Unknown engine %q", key),
				m.known()+". Use these keys, or add an entry to the provider's engines.")
		}
	}
	return asked
}

// look asks engines at the same time, and returns what they say by their names.
func (m *members) look(ctx context.Context, asked []*member) map[string]engineSeen {
	m.meet(ctx)
	seen := make(map[string]engineSeen, len(asked))
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, one := range asked {
		asking.Go(func() {
			found := one.look(ctx)
			mu.Lock()
			defer mu.Unlock()
			seen[one.name] = found
		})
	}
	asking.Wait()
	return seen
}

// look asks one engine.
func (m *member) look(ctx context.Context) engineSeen {
	if m.unknown() {
		return engineSeen{Error: types.StringValue("How the engine is reached is not known yet.")}
	}
	var info *engine.Info
	var latency time.Duration
	err := m.Reach(ctx)
	if err == nil {
		info, err = m.EngineInfo(ctx)
	}
	if err == nil {
		latency, err = m.Latency(ctx)
	}
	if err != nil {
		return engineSeen{Reachable: types.BoolValue(false), Error: types.StringValue(oneLine(err))}
	}
	return seenEngine(info, latency)
}

// seenEngine is an engine that has answered.
func seenEngine(info *engine.Info, latency time.Duration) engineSeen {
	return engineSeen{
		Reachable: types.BoolValue(true), ID: stringOrNull(info.ID), Name: stringOrNull(info.Name), Version: stringOrNull(info.Version), APIVersion: stringOrNull(info.APIVersion),
		Latency: types.StringValue(latency.Round(10 * time.Microsecond).String()), CPUs: types.Int64Value(int64(info.CPUs)), Memory: types.Int64Value(info.Memory),
		Containers: types.Int64Value(int64(info.Containers)), Running: types.Int64Value(int64(info.Running)),
	}
}

// oneLine is a failure without its advice, in one line.
func oneLine(err error) string {
	text := err.Error()
	if f := faultOf(err); f != nil {
		text = f.Summary
		if f.Message != "" {
			text += ": " + f.Message
		}
	}
	return strings.Join(strings.Fields(text), " ")
}
