// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// readable is the provider's server, whose diagnostics a person can read. The framework and its validators name the
// element of a set by an internal form of its whole value (ports[Value({"host_ip":<null>,…})].target), and
// Terraform finds the line of an attribute in the configuration, but not of what is nested in one: there it shows
// the first line of the resource.
type readable struct{ *keyChecker }

func (s readable) ValidateProviderConfig(ctx context.Context, req *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	resp, err := s.keyChecker.ValidateProviderConfig(ctx, req)
	if resp != nil {
		rewrite(resp.Diagnostics)
	}
	return resp, err
}

func (s readable) ConfigureProvider(ctx context.Context, req *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	resp, err := s.keyChecker.ConfigureProvider(ctx, req)
	if resp != nil {
		rewrite(resp.Diagnostics)
	}
	return resp, err
}

func (s readable) ValidateResourceConfig(ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	resp, err := s.keyChecker.ValidateResourceConfig(ctx, req)
	if resp != nil {
		rewrite(resp.Diagnostics)
	}
	return resp, err
}

func (s readable) ValidateDataResourceConfig(ctx context.Context, req *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	resp, err := s.keyChecker.ValidateDataResourceConfig(ctx, req)
	if resp != nil {
		rewrite(resp.Diagnostics)
	}
	return resp, err
}

func (s readable) ValidateActionConfig(ctx context.Context, req *tfprotov6.ValidateActionConfigRequest) (*tfprotov6.ValidateActionConfigResponse, error) {
	resp, err := s.keyChecker.ValidateActionConfig(ctx, req)
	if resp != nil {
		rewrite(resp.Diagnostics)
	}
	return resp, err
}

func (s readable) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	resp, err := s.keyChecker.PlanResourceChange(ctx, req)
	if resp != nil {
		rewrite(resp.Diagnostics)
	}
	return resp, err
}

func (s readable) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	resp, err := s.keyChecker.ApplyResourceChange(ctx, req)
	if resp != nil {
		rewrite(resp.Diagnostics)
	}
	return resp, err
}

func (s readable) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	resp, err := s.keyChecker.ReadResource(ctx, req)
	if resp != nil {
		rewrite(resp.Diagnostics)
	}
	return resp, err
}

func (s readable) ReadDataSource(ctx context.Context, req *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	resp, err := s.keyChecker.ReadDataSource(ctx, req)
	if resp != nil {
		rewrite(resp.Diagnostics)
	}
	return resp, err
}

func (s readable) ImportResourceState(ctx context.Context, req *tfprotov6.ImportResourceStateRequest) (*tfprotov6.ImportResourceStateResponse, error) {
	resp, err := s.keyChecker.ImportResourceState(ctx, req)
	if resp != nil {
		rewrite(resp.Diagnostics)
	}
	return resp, err
}

func (s readable) PlanAction(ctx context.Context, req *tfprotov6.PlanActionRequest) (*tfprotov6.PlanActionResponse, error) {
	resp, err := s.keyChecker.PlanAction(ctx, req)
	if resp != nil {
		rewrite(resp.Diagnostics)
	}
	return resp, err
}

// rewrite makes diagnostics readable.
func rewrite(diags []*tfprotov6.Diagnostic) {
	for _, d := range diags {
		rewriteOne(d)
	}
}

func rewriteOne(d *tfprotov6.Diagnostic) {
	steps := d.Attribute.Steps()
	elements := elementsOf(steps)
	d.Summary, d.Detail = withoutInternal(d.Summary, elements), withoutInternal(withoutParents(d.Detail), elements)
	root, ok := attributeOf(steps)
	if !ok || len(steps) == 1 {
		return
	}
	if where := placeOf(steps); !strings.Contains(d.Summary+d.Detail, where) {
		d.Detail = fmt.Sprintf("%s\n\nAt %s.", strings.TrimSpace(d.Detail), where)
	}
	d.Attribute = tftypes.NewAttributePath().WithAttributeName(root)
}

// attributeOf returns the attribute of the resource that a path is below.
func attributeOf(steps []tftypes.AttributePathStep) (string, bool) {
	if len(steps) == 0 {
		return "", false
	}
	root, ok := steps[0].(tftypes.AttributeName)
	return string(root), ok
}

// elementsOf are the elements of sets on a path, as a configuration has them.
func elementsOf(steps []tftypes.AttributePathStep) []string {
	var elements []string
	for _, step := range steps {
		if v, ok := step.(tftypes.ElementKeyValue); ok {
			elements = append(elements, literal(tftypes.Value(v)))
		}
	}
	return elements
}

// placeOf is a path as a configuration would spell it.
func placeOf(steps []tftypes.AttributePathStep) string {
	var b strings.Builder
	for i, step := range steps {
		switch step := step.(type) {
		case tftypes.AttributeName:
			if i > 0 {
				b.WriteString(".")
			}
			b.WriteString(string(step))
		case tftypes.ElementKeyString:
			fmt.Fprintf(&b, "[%q]", string(step))
		case tftypes.ElementKeyInt:
			fmt.Fprintf(&b, "[%d]", int64(step))
		case tftypes.ElementKeyValue:
			fmt.Fprintf(&b, "[%s]", literal(tftypes.Value(step)))
		}
	}
	return b.String()
}

// literal is a value as a configuration would spell it. What is null is left out, and what is not known yet, too.
func literal(v tftypes.Value) string {
	if !v.IsKnown() || v.IsNull() {
		return "…"
	}
	var text string
	number := new(big.Float)
	var flag bool
	var list []tftypes.Value
	var object map[string]tftypes.Value
	switch {
	case v.As(&text) == nil:
		return fmt.Sprintf("%q", text)
	case v.As(&flag) == nil:
		return fmt.Sprint(flag)
	case v.As(&number) == nil:
		return number.Text('f', -1)
	case v.As(&object) == nil:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(object)) {
			if one := object[name]; one.IsKnown() && !one.IsNull() {
				parts = append(parts, fmt.Sprintf("%s = %s", name, literal(one)))
			}
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	case v.As(&list) == nil:
		var parts []string
		for _, one := range list {
			parts = append(parts, literal(one))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return "…"
}

// toParent is a step of a path and the framework's step back from it.
var toParent = regexp.MustCompile(`\.[a-z0-9_]+\.<`)

// withoutParents resolves the framework's steps to a parent: files["/f"].content.<.source is files["/f"].source.
func withoutParents(text string) string { return toParent.ReplaceAllString(text, "") }

const (
	// internalBegins and internalEnds are around the framework's form of an element of a set.
	internalBegins = "[Value("
	internalEnds   = ")]"
)

// withoutInternal puts the elements, in their order, in the place of the framework's form of them.
func withoutInternal(text string, elements []string) string {
	var b strings.Builder
	for i := 0; ; i++ {
		before, rest, found := strings.Cut(text, internalBegins)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		element := "…"
		if len(elements) > 0 {
			element = elements[i%len(elements)]
		}
		b.WriteString("[" + element + "]")
		text = afterInternal(rest)
	}
}

// afterInternal is what follows the framework's form of a value. Strings in it are quoted as Go does it.
func afterInternal(text string) string {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case !quoted && strings.HasPrefix(text[i:], internalEnds):
			return text[i+len(internalEnds):]
		}
	}
	return ""
}
