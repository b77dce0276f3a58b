// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// keepSet plans the spelling that the state has where a new set of strings means the same. Plain has the one
// spelling of a set.
type keepSet struct{ plain func([]types.String) []string }

func (keepSet) Description(context.Context) string {
	return "another spelling of the same is no change"
}
func (k keepSet) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

func (k keepSet) PlanModifySet(ctx context.Context, req planmodifier.SetRequest, resp *planmodifier.SetResponse) {
	var prior, plan []types.String
	if !bothKnown(ctx, req.StateValue, req.PlanValue) {
		return
	}
	resp.Diagnostics.Append(req.StateValue.ElementsAs(ctx, &prior, false)...)
	resp.Diagnostics.Append(req.PlanValue.ElementsAs(ctx, &plan, false)...)
	if !resp.Diagnostics.HasError() && slices.Equal(k.plain(prior), k.plain(plan)) {
		resp.PlanValue = req.StateValue
	}
}

// oneByOne has the one spelling of a set whose elements have one each.
func oneByOne(plain func(string) string) func([]types.String) []string {
	return func(set []types.String) []string { return spelled(set, plain) }
}

// keepSpellings is keepSet for the values of a map. Plain has the one spelling of a value.
type keepSpellings struct{ plain func(string) string }

func (keepSpellings) Description(context.Context) string {
	return "another spelling of the same is no change"
}
func (k keepSpellings) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

func (k keepSpellings) PlanModifyMap(ctx context.Context, req planmodifier.MapRequest, resp *planmodifier.MapResponse) {
	var prior, plan map[string]types.String
	if !bothKnown(ctx, req.StateValue, req.PlanValue) {
		return
	}
	resp.Diagnostics.Append(req.StateValue.ElementsAs(ctx, &prior, false)...)
	resp.Diagnostics.Append(req.PlanValue.ElementsAs(ctx, &plan, false)...)
	same := func(a, b types.String) bool { return k.plain(a.ValueString()) == k.plain(b.ValueString()) }
	if !resp.Diagnostics.HasError() && maps.EqualFunc(prior, plan, same) {
		resp.PlanValue = req.StateValue
	}
}

// keepDefault plans the spelling that the state has where the new one means the same: this default, written
// down, left out or "".
type keepDefault struct{ value string }

func (keepDefault) Description(context.Context) string {
	return "another spelling of the same is no change"
}
func (k keepDefault) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

func (k keepDefault) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.StateValue.IsNull() || resp.PlanValue.IsUnknown() {
		return
	}
	if cmp.Or(req.StateValue.ValueString(), k.value) == cmp.Or(resp.PlanValue.ValueString(), k.value) {
		resp.PlanValue = req.StateValue
	}
}

// keepExitCodes plans the exit codes that the state has where the new ones mean the same: none of them, and 0
// alone.
type keepExitCodes struct{}

func (keepExitCodes) Description(context.Context) string {
	return "another spelling of the same is no change"
}
func (k keepExitCodes) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

func (keepExitCodes) PlanModifySet(ctx context.Context, req planmodifier.SetRequest, resp *planmodifier.SetResponse) {
	if !bothKnown(ctx, req.StateValue, resp.PlanValue) {
		return
	}
	success := func(codes types.Set) bool {
		return len(codes.Elements()) == 0 || len(codes.Elements()) == 1 && codes.Elements()[0].Equal(types.Int64Value(0))
	}
	if success(req.StateValue) && success(resp.PlanValue) {
		resp.PlanValue = req.StateValue
	}
}

// spelled returns the one spelling of a set, each element once and in order.
func spelled(list []types.String, plain func(string) string) []string {
	var out []string
	for _, s := range list {
		out = append(out, plain(s.ValueString()))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// flattenSet keeps the prior set where the engine has the same. Where it does not, each element that
// both have stays in the user's spelling.
func flattenSet(prior []types.String, asked, seen []string, plain func(string) string, imports bool) []types.String {
	if slices.Equal(asked, seen) || len(prior) == 0 && !imports {
		return prior
	}
	out := make([]types.String, 0, len(seen))
	for _, s := range seen {
		i := slices.IndexFunc(prior, func(p types.String) bool { return plain(p.ValueString()) == s })
		if i < 0 {
			out = append(out, types.StringValue(s))
			continue
		}
		out = append(out, prior[i])
	}
	return out
}

// flattenStrings looks at the keys that the configuration has; an import takes all.
func flattenStrings(prior map[string]types.String, seen map[string]string, imports bool) map[string]types.String {
	if imports {
		return importMap(seen, nil)
	}
	return refreshMap(prior, seen)
}

// flattenBool keeps what was said where the engine has the same.
func flattenBool(prior types.Bool, seen, imports bool) types.Bool {
	if prior.IsNull() && !imports || prior.ValueBool() == seen {
		return prior
	}
	return types.BoolValue(seen)
}

// flattenString keeps what was said where the engine has the same.
func flattenString(prior types.String, asked, seen string, imports bool) types.String {
	if prior.ValueString() == "" && !imports || asked == seen {
		return prior
	}
	return stringOrNull(seen)
}

// boolOrNull makes null of false: where the engine has no, nobody said yes.
func boolOrNull(b bool) types.Bool {
	if !b {
		return types.BoolNull()
	}
	return types.BoolValue(true)
}

// int64OrNull makes null of 0.
func int64OrNull(n int64) types.Int64 {
	if n == 0 {
		return types.Int64Null()
	}
	return types.Int64Value(n)
}
