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

// ImportEngine is an engine whose containers ImportConfig writes.
type ImportEngine struct {
	*conductor.Conductor
	// Key is the engine's key in the provider's engines, and Host what it has there; an empty key is the default engine.
	Key, Host string
}

// ImportConfig writes the configuration of containers that are there already, by name or ID, or of
// all of the engines: an import block each, and a resource with what deviates from the defaults of
// image and engine. Applied unchanged, it plans nothing. What can't be managed is left out, and told
// of in the error, after all others are written. A container that gantry made is in a state already: of all of an
// engine it is left out, with a comment. With several engines a name is KEY/NAME.
func ImportConfig(ctx context.Context, engines []ImportEngine, names []string, out io.Writer) error {
	named, err := namesByKey(engines, names)
	if err != nil {
		return err
	}
	file := hclwrite.NewEmptyFile()
	comment(file.Body(), "An engine does not report what was put into a container's own file system (docker cp, or files of gantry_container): it is not written here.")
	file.Body().AppendNewline()
	providerSkeleton(file.Body(), engines)
	w := importWriter{body: file.Body(), labels: make(map[string]bool)}
	for _, one := range engines {
		switch {
		case len(names) == 0:
			w.all(ctx, one)
		default:
			w.write(ctx, one, named[one.Key], false)
		}
	}
	if _, err := out.Write(hclwrite.Format(file.Bytes())); err != nil {
		w.failures = append(w.failures, err)
	}
	return errors.Join(w.failures...)
}

// namesByKey sorts the names of containers by their engines' keys.
func namesByKey(engines []ImportEngine, names []string) (map[string][]string, error) {
	known := make(map[string]bool)
	for _, one := range engines {
		if one.Key != "" && !keyOfEngine().MatchString(one.Key) {
			return nil, fmt.Errorf("%q can't be a key of the provider's engines: it %s", one.Key, keyOfEngineText)
		}
		known[one.Key] = true
	}
	named := make(map[string][]string)
	for _, name := range names {
		key, rest, qualified := strings.Cut(name, "/")
		switch {
		case qualified && !known[key]:
			return nil, fmt.Errorf("%q is on an engine that is not given: add --engine %s=ADDRESS", name, key)
		case qualified:
			named[key] = append(named[key], rest)
		case len(engines) > 1:
			return nil, fmt.Errorf("%q may be on any of the engines: write KEY/%s", name, name)
		default:
			named[engines[0].Key] = append(named[engines[0].Key], name)
		}
	}
	return named, nil
}

// providerSkeleton writes, as a comment, the provider's engines that the resources need.
func providerSkeleton(body *hclwrite.Body, engines []ImportEngine) {
	skeleton := hclwrite.NewEmptyFile()
	hosts := make(map[string]cty.Value)
	for _, one := range engines {
		if one.Key != "" {
			hosts[one.Key] = cty.ObjectVal(map[string]cty.Value{"host": cty.StringVal(one.Host)})
		}
	}
	if len(hosts) == 0 {
		return
	}
	skeleton.Body().AppendNewBlock("provider", []string{"gantry"}).Body().SetAttributeValue("engines", cty.ObjectVal(hosts))
	comment(body, "The engines, as the provider's configuration has to have them:")
	for line := range strings.Lines(string(hclwrite.Format(skeleton.Bytes()))) {
		comment(body, strings.TrimSuffix(line, "\n"))
	}
	body.AppendNewline()
}

// importWriter writes blocks for containers.
type importWriter struct {
	body     *hclwrite.Body
	labels   map[string]bool
	failures []error
}

// all writes the containers of an engine.
func (w *importWriter) all(ctx context.Context, on ImportEngine) {
	list, err := on.List(ctx, engine.Filter{})
	if err != nil {
		w.failures = append(w.failures, err)
		return
	}
	var names []string
	for _, listed := range list {
		names = append(names, listed.Name)
	}
	w.write(ctx, on, names, true)
}

// write writes the containers of an engine that have these names or IDs; all says that nobody named them.
func (w *importWriter) write(ctx context.Context, on ImportEngine, names []string, all bool) {
	for _, name := range names {
		found, err := on.Inspect(ctx, name)
		if isMissing(err) {
			err = missingHint(err, "check the name or the ID, and the engine: --host or --engine, else the one that the Docker CLI uses")
		}
		if err == nil {
			err = checkImport(found)
		}
		var image *container.ImageDefaults
		if err == nil {
			image, err = on.ImageDefaults(ctx, found.ImageID)
		}
		var attributes map[string]cty.Value
		var refused []string
		if err == nil {
			attributes, refused, err = deviations(ctx, found, image)
		}
		if err != nil {
			w.failures = append(w.failures, err)
			continue
		}
		if operation := found.Labels[container.LabelOperation]; operation != "" && operation != image.Labels[container.LabelOperation] {
			comment(w.body, fmt.Sprintf("Container %q was made by gantry (operation %s): it is in a Terraform state already, unless that was lost.", found.Name, operation))
			if all {
				comment(w.body, "It is left out. Name it as an argument to have it written all the same.")
				w.body.AppendNewline()
				continue
			}
		}
		id, base := found.Engine+"/"+found.Name, found.Name
		if on.Key != "" {
			id, base = on.Key+"/"+found.Name, on.Key+"_"+found.Name
			attributes["engine"] = cty.StringVal(on.Key)
		}
		appendImport(w.body, label(base, w.labels), id, found, attributes, refused)
	}
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
func appendImport(body *hclwrite.Body, label, id string, c *container.Container, attributes map[string]cty.Value, refused []string) {
	block := body.AppendNewBlock("import", nil).Body()
	block.SetAttributeTraversal("to", hcl.Traversal{hcl.TraverseRoot{Name: "gantry_container"}, hcl.TraverseAttr{Name: label}})
	block.SetAttributeValue("id", cty.StringVal(id))
	body.AppendNewline()
	resource := body.AppendNewBlock("resource", []string{"gantry_container", label}).Body()
	first := []string{"name", "image"}
	if _, ok := attributes["engine"]; ok {
		first = []string{"engine", "name", "image"}
	}
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
