// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/defaults"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/zclconf/go-cty/cty"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
)

// ImportConfig writes the configuration of containers that are there already, by name or ID, or of
// all of an engine: an import block each, and a resource with what deviates from the defaults of
// image and engine. Applied unchanged, it plans nothing. What can't be managed is left out, and told
// of in the error, after all others are written. A container that gantry made is in a state already: of all of an
// engine it is left out, with a comment.
func ImportConfig(ctx context.Context, c *conductor.Conductor, names []string, out io.Writer) error {
	all := len(names) == 0
	if all {
		list, err := c.List(ctx, engine.Filter{})
		if err != nil {
			return err
		}
		for _, listed := range list {
			names = append(names, listed.Name)
		}
	}
	file := hclwrite.NewEmptyFile()
	comment(file.Body(), "An engine does not report what was put into a container's own file system (docker cp, or files of gantry_container): it is not written here.")
	file.Body().AppendNewline()
	labels := make(map[string]bool)
	var failures []error
	for _, name := range names {
		found, err := c.Inspect(ctx, name)
		if isMissing(err) {
			err = missingHint(err, "check the name or the ID, and the engine: -host, else the one that the Docker CLI uses")
		}
		if err == nil {
			err = checkImport(found)
		}
		var image *container.ImageDefaults
		if err == nil {
			image, err = c.ImageDefaults(ctx, found.ImageID)
		}
		var attributes map[string]cty.Value
		var refused []string
		if err == nil {
			attributes, refused, err = deviations(ctx, found, image)
		}
		if err != nil {
			failures = append(failures, err)
			continue
		}
		if operation := found.Labels[container.LabelOperation]; operation != "" && operation != image.Labels[container.LabelOperation] {
			comment(file.Body(), fmt.Sprintf("Container %q was made by gantry (operation %s): it is in a Terraform state already, unless that was lost.", found.Name, operation))
			if all {
				comment(file.Body(), "It is left out. Name it as an argument to have it written all the same.")
				file.Body().AppendNewline()
				continue
			}
		}
		appendImport(file.Body(), label(found.Name, labels), found, attributes, refused)
	}
	if _, err := out.Write(hclwrite.Format(file.Bytes())); err != nil {
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}

// comment writes a line of comment.
func comment(body *hclwrite.Body, line string) {
	body.AppendUnstructuredTokens(hclwrite.Tokens{{Type: hclsyntax.TokenComment, Bytes: []byte("# " + line + "\n")}})
}

// checkImport refuses what a Terraform state can't hold on to.
func checkImport(c *container.Container) error {
	if !c.AutoRemove {
		return nil
	}
	return fmt.Errorf("container %q on engine %q removes itself when it ends (it was started with --rm), which contradicts a Terraform state: "+
		"make it anew without --rm, or leave it out", c.Name, c.Engine)
}

// deviations are the arguments that a configuration needs so that it means this container, and a line for each
// setting of it that gantry refuses.
func deviations(ctx context.Context, c *container.Container, image *container.ImageDefaults) (attributes map[string]cty.Value, refused []string, err error) {
	s := containerSchema(ctx)
	state := tfsdk.State{Schema: s, Raw: tftypes.NewValue(s.Type().TerraformType(ctx), nil)}
	// An object of nulls, which an import begins with.
	diags := state.SetAttribute(ctx, path.Root("id"), c.Engine+"/"+c.Name)
	var m containerModel
	diags.Append(state.Get(ctx, &m)...)
	m.importFrom(c, image)
	refused, err = m.takeOver(ctx, c)
	if err != nil {
		return nil, nil, fmt.Errorf("writing container %q: %w", c.Name, err)
	}
	diags.Append(state.Set(ctx, m)...)
	if diags.HasError() {
		return nil, nil, diagnosticsError(diags)
	}
	attributes, err = arguments(ctx, s.Attributes, state.Raw)
	if err != nil {
		return nil, nil, fmt.Errorf("writing container %q: %w", c.Name, err)
	}
	return attributes, refused, nil
}

// arguments are an object's attributes that a configuration has to set: no null, nothing computed,
// and no default.
func arguments(ctx context.Context, attributes map[string]schema.Attribute, object tftypes.Value) (map[string]cty.Value, error) {
	members := make(map[string]tftypes.Value)
	if err := object.As(&members); err != nil {
		return nil, err
	}
	values := make(map[string]cty.Value)
	for name, attribute := range attributes {
		v := members[name]
		if v.IsNull() || !attribute.IsRequired() && !attribute.IsOptional() || isDefault(ctx, attribute, v) {
			continue
		}
		converted, err := argument(ctx, attribute, v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		values[name] = converted
	}
	return values, nil
}

// argument makes the value of an attribute that hclwrite can write. Collections become tuples and
// objects, which read the same.
func argument(ctx context.Context, attribute schema.Attribute, v tftypes.Value) (cty.Value, error) {
	object := func(nested map[string]schema.Attribute, v tftypes.Value) (cty.Value, error) {
		values, err := arguments(ctx, nested, v)
		return cty.ObjectVal(values), err
	}
	switch a := attribute.(type) {
	case schema.SingleNestedAttribute:
		return object(a.Attributes, v)
	case schema.MapNestedAttribute:
		return elements(v, func(v tftypes.Value) (cty.Value, error) { return object(a.NestedObject.Attributes, v) })
	case schema.SetNestedAttribute:
		return elements(v, func(v tftypes.Value) (cty.Value, error) { return object(a.NestedObject.Attributes, v) })
	case schema.ListNestedAttribute:
		return elements(v, func(v tftypes.Value) (cty.Value, error) { return object(a.NestedObject.Attributes, v) })
	default:
		return plainValue(v)
	}
}

// elements converts the elements of a map, a list or a set.
func elements(v tftypes.Value, convert func(tftypes.Value) (cty.Value, error)) (cty.Value, error) {
	if v.Type().Is(tftypes.Map{}) {
		members := make(map[string]tftypes.Value)
		if err := v.As(&members); err != nil {
			return cty.NilVal, err
		}
		values := make(map[string]cty.Value)
		for key, member := range members {
			converted, err := convert(member)
			if err != nil {
				return cty.NilVal, err
			}
			values[key] = converted
		}
		return cty.ObjectVal(values), nil
	}
	var list []tftypes.Value
	if err := v.As(&list); err != nil {
		return cty.NilVal, err
	}
	values := make([]cty.Value, 0, len(list))
	for _, member := range list {
		converted, err := convert(member)
		if err != nil {
			return cty.NilVal, err
		}
		values = append(values, converted)
	}
	return cty.TupleVal(values), nil
}

func plainValue(v tftypes.Value) (cty.Value, error) {
	switch {
	case v.IsNull():
		return cty.NullVal(cty.DynamicPseudoType), nil
	case v.Type().Is(tftypes.String):
		var s string
		err := v.As(&s)
		return cty.StringVal(s), err
	case v.Type().Is(tftypes.Bool):
		var b bool
		err := v.As(&b)
		return cty.BoolVal(b), err
	case v.Type().Is(tftypes.Number):
		n := new(big.Float)
		err := v.As(&n)
		return cty.NumberVal(n), err
	default:
		return elements(v, plainValue)
	}
}

// isDefault reports whether an attribute has the value that the schema gives it where it is left out.
func isDefault(ctx context.Context, attribute schema.Attribute, v tftypes.Value) bool {
	var byDefault attr.Value
	switch a := attribute.(type) {
	case interface{ StringDefaultValue() defaults.String }:
		if a.StringDefaultValue() == nil {
			return false
		}
		var resp defaults.StringResponse
		a.StringDefaultValue().DefaultString(ctx, defaults.StringRequest{}, &resp)
		byDefault = resp.PlanValue
	case interface{ BoolDefaultValue() defaults.Bool }:
		if a.BoolDefaultValue() == nil {
			return false
		}
		var resp defaults.BoolResponse
		a.BoolDefaultValue().DefaultBool(ctx, defaults.BoolRequest{}, &resp)
		byDefault = resp.PlanValue
	case interface{ Int64DefaultValue() defaults.Int64 }:
		if a.Int64DefaultValue() == nil {
			return false
		}
		var resp defaults.Int64Response
		a.Int64DefaultValue().DefaultInt64(ctx, defaults.Int64Request{}, &resp)
		byDefault = resp.PlanValue
	default:
		return false
	}
	value, err := byDefault.ToTerraformValue(ctx)
	return err == nil && value.Equal(v)
}

// appendImport writes one import block and its resource: what every container has, then the rest.
func appendImport(body *hclwrite.Body, label string, c *container.Container, attributes map[string]cty.Value, refused []string) {
	block := body.AppendNewBlock("import", nil).Body()
	block.SetAttributeTraversal("to", hcl.Traversal{hcl.TraverseRoot{Name: "gantry_container"}, hcl.TraverseAttr{Name: label}})
	block.SetAttributeValue("id", cty.StringVal(c.Engine+"/"+c.Name))
	body.AppendNewline()
	resource := body.AppendNewBlock("resource", []string{"gantry_container", label}).Body()
	first := []string{"name", "image"}
	rest := slices.DeleteFunc(slices.Sorted(maps.Keys(attributes)), func(name string) bool { return slices.Contains(first, name) })
	for _, name := range append(first, rest...) {
		resource.SetAttributeValue(name, attributes[name])
	}
	for _, target := range slices.Sorted(maps.Keys(c.Mounts)) {
		if m := c.Mounts[target]; m.Type == container.MountBind && m.MadeByEngine {
			resource.AppendUnstructuredTokens(hclwrite.Tokens{{Type: hclsyntax.TokenComment, Bytes: fmt.Appendf(nil,
				"# The engine made %s where it did not exist; made anew, it does so again with bind = { create_host_path = true } at %q.\n", m.Source, target)}})
		}
	}
	for _, line := range unmanagedLines(c.Unmanaged) {
		comment(resource, "gantry has no argument for this: "+line)
	}
	for _, line := range refused {
		comment(resource, "gantry refuses this of the container, and leaves it out: "+line)
	}
	body.AppendNewline()
}

// label makes the name of a resource of a container's name. No two are the same.
func label(name string, taken map[string]bool) string {
	base := regexp.MustCompile(`[^A-Za-z0-9_-]+`).ReplaceAllString(name, "_")
	if base[0] >= '0' && base[0] <= '9' {
		base = "_" + base
	}
	unique := base
	for n := 2; taken[unique]; n++ {
		unique = fmt.Sprintf("%s_%d", base, n)
	}
	taken[unique] = true
	return unique
}

func diagnosticsError(diags diag.Diagnostics) error {
	var texts []string
	for _, d := range diags.Errors() {
		texts = append(texts, d.Summary()+": "+d.Detail())
	}
	return errors.New(strings.Join(texts, "; "))
}
