// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// An engine takes settings from other clients that gantry refuses, because they can't work or are mistakes in a
// configuration. An import takes over only what a configuration can say: the rest is left out of the state, so that
// nothing is planned for it, and it is named.

// takeOver reduces the model of an imported container to what a configuration can say, and returns a line for each
// setting that it left out. The error is about a container that no configuration can mean.
func (m *containerModel) takeOver(ctx context.Context, c *container.Container) (refused []string, err error) {
	s := containerSchema(ctx)
	state := tfsdk.State{Schema: s, Raw: tftypes.NewValue(s.Type().TerraformType(ctx), nil)}
	if diags := state.Set(ctx, *m); diags.HasError() {
		return nil, diagnosticsError(diags)
	}
	for {
		found, err := validated(ctx, s, state.Raw)
		if err != nil || found == nil {
			return refused, err
		}
		left, at, err := leaveOut(ctx, state, found.Attribute, c)
		if err != nil {
			return refused, err
		}
		if at == "" {
			return refused, fmt.Errorf("no configuration can have it: %s: %s", found.Summary, found.Detail)
		}
		refused = append(refused, fault.Printable(strings.Join(strings.Fields(at+": "+found.Summary+". "+found.Detail), " ")))
		state = left
		if diags := state.Get(ctx, m); diags.HasError() {
			return refused, diagnosticsError(diags)
		}
	}
}

// leaveOut takes as little away as stays away: of some collections a refresh takes over all that the engine has, and
// these go as a whole. At is what was taken away; empty if nothing can be.
func leaveOut(ctx context.Context, state tfsdk.State, from *tftypes.AttributePath, c *container.Container) (left tfsdk.State, at string, err error) {
	steps := from.Steps()
	for n := len(steps); n > 0; n-- {
		rest, ok := without(state.Raw, steps[:n])
		if !ok {
			continue
		}
		left = tfsdk.State{Schema: state.Schema, Raw: rest}
		stays, err := staysRefreshed(ctx, left, c)
		if err != nil {
			return state, "", err
		}
		if stays || n == 1 {
			return left, spellPath(steps[:n]), nil
		}
	}
	return state, "", nil
}

// staysRefreshed reports whether the state of an import is the same after a refresh.
func staysRefreshed(ctx context.Context, imported tfsdk.State, c *container.Container) (bool, error) {
	diags := writeZeros(ctx, &imported)
	refreshed := imported
	var m containerModel
	diags.Append(imported.Get(ctx, &m)...)
	if diags.HasError() {
		return false, diagnosticsError(diags)
	}
	m.refresh(c)
	if diags := refreshed.Set(ctx, m); diags.HasError() {
		return false, diagnosticsError(diags)
	}
	return refreshed.Raw.Equal(imported.Raw), nil
}

// spellPath writes a path as a configuration has it.
func spellPath(steps []tftypes.AttributePathStep) string {
	var text strings.Builder
	for i, step := range steps {
		switch s := step.(type) {
		case tftypes.AttributeName:
			if i > 0 {
				text.WriteString(".")
			}
			text.WriteString(string(s))
		case tftypes.ElementKeyString:
			fmt.Fprintf(&text, "[%q]", string(s))
		case tftypes.ElementKeyInt:
			fmt.Fprintf(&text, "[%d]", int64(s))
		}
	}
	return text.String()
}

// validated returns the first error of the validation of a configuration that has these values; nil if there is none.
func validated(ctx context.Context, s schema.Schema, values tftypes.Value) (*tfprotov6.Diagnostic, error) {
	members, err := valuesOf(values)
	if err != nil {
		return nil, err
	}
	members = maps.Clone(members)
	for name, a := range s.Attributes {
		if !a.IsRequired() && !a.IsOptional() {
			members[name] = tftypes.NewValue(members[name].Type(), nil) // No configuration has it.
		}
	}
	config, err := tfprotov6.NewDynamicValue(values.Type(), tftypes.NewValue(values.Type(), members))
	if err != nil {
		return nil, err
	}
	// The framework validates for a server only.
	server, err := providerserver.NewProtocol6WithError(validating{})()
	if err != nil {
		return nil, err
	}
	resp, err := server.ValidateResourceConfig(ctx, &tfprotov6.ValidateResourceConfigRequest{TypeName: "gantry_container", Config: &config})
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(resp.Diagnostics, func(d *tfprotov6.Diagnostic) bool { return d.Severity == tfprotov6.DiagnosticSeverityError })
	if i < 0 {
		return nil, nil //nolint:nilnil // No error is what is asked for.
	}
	return resp.Diagnostics[i], nil
}

// without takes away what is at a path. It reports whether something was.
func without(v tftypes.Value, steps []tftypes.AttributePathStep) (tftypes.Value, bool) {
	if v.IsNull() {
		return v, false
	}
	step, last := steps[0], len(steps) == 1
	var members map[string]tftypes.Value
	var list []tftypes.Value
	switch key := step.(type) {
	case tftypes.AttributeName, tftypes.ElementKeyString:
		name := fmt.Sprint(key)
		member, ok := tftypes.Value{}, false
		if v.As(&members) == nil {
			members = maps.Clone(members)
			member, ok = members[name]
		}
		switch {
		case !ok:
			return v, false
		case !last:
			members[name], ok = without(member, steps[1:])
		case v.Type().Is(tftypes.Map{}):
			delete(members, name)
		default:
			ok = !member.IsNull()
			members[name] = tftypes.NewValue(member.Type(), nil)
		}
		return tftypes.NewValue(v.Type(), members), ok
	case tftypes.ElementKeyInt:
		if v.As(&list) != nil || last || int(key) >= len(list) {
			return v, false
		}
		list = slices.Clone(list)
		var ok bool
		list[key], ok = without(list[key], steps[1:])
		return tftypes.NewValue(v.Type(), list), ok
	case tftypes.ElementKeyValue:
		if v.As(&list) != nil {
			return v, false
		}
		i := slices.IndexFunc(list, func(element tftypes.Value) bool { return element.Equal(tftypes.Value(key)) })
		if i < 0 {
			return v, false
		}
		list = slices.Clone(list)
		ok := true
		if last {
			list = slices.Delete(list, i, i+1)
		} else {
			list[i], ok = without(list[i], steps[1:])
		}
		return tftypes.NewValue(v.Type(), list), ok
	default:
		return v, false
	}
}

// validating is a provider that does nothing but validate containers.
type validating struct{}

func (validating) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "gantry"
}

func (validating) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}

func (validating) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}

func (validating) DataSources(context.Context) []func() datasource.DataSource { return nil }

func (validating) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{newContainerResource}
}
