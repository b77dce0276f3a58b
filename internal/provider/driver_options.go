// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// keepOptions plans the options of a driver that the state has where the new ones mean the same. Plain has the
// one spelling of options, without those that a driver has by default; it may change its argument.
type keepOptions struct {
	plain func(map[string]string) map[string]string
}

func (keepOptions) Description(context.Context) string {
	return "another spelling of the same is no change"
}
func (k keepOptions) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

func (k keepOptions) PlanModifyMap(ctx context.Context, req planmodifier.MapRequest, resp *planmodifier.MapResponse) {
	if req.StateValue.IsNull() || resp.PlanValue.IsUnknown() {
		return
	}
	var prior, plan map[string]types.String
	resp.Diagnostics.Append(req.StateValue.ElementsAs(ctx, &prior, false)...)
	resp.Diagnostics.Append(resp.PlanValue.ElementsAs(ctx, &plan, false)...)
	if resp.Diagnostics.HasError() || slices.ContainsFunc(slices.Collect(maps.Values(plan)), types.String.IsUnknown) {
		return
	}
	if maps.Equal(k.plain(expandMap(prior)), k.plain(expandMap(plan))) {
		resp.PlanValue = req.StateValue
	}
}

// plainNetworkOptions leaves out what a bridge network has by default, see "Default bridge network" and
// "Options" of Docker's bridge driver. The MTU is not among them: an engine can have another default.
func plainNetworkOptions(options map[string]string) map[string]string {
	for _, name := range []string{"com.docker.network.bridge.enable_ip_masquerade", "com.docker.network.bridge.enable_icc"} {
		if on, err := strconv.ParseBool(options[name]); err == nil && on {
			delete(options, name)
		}
	}
	return options
}

// plainVolumeOptions puts the mount options of the driver local in one order: that of options with values means
// nothing if no name is there twice. Flags ("ro") stay in theirs, since a later one can undo an earlier one.
func plainVolumeOptions(options map[string]string) map[string]string {
	o, ok := options["o"]
	if !ok {
		return options
	}
	var flags, pairs, names []string
	for option := range strings.SplitSeq(o, ",") {
		name, _, ok := strings.Cut(option, "=")
		if !ok {
			flags = append(flags, option)
			continue
		}
		pairs, names = append(pairs, option), append(names, name)
	}
	slices.Sort(names)
	if len(slices.Compact(names)) < len(pairs) {
		return options
	}
	slices.Sort(pairs)
	options["o"] = strings.Join(append(flags, pairs...), ",")
	return options
}
