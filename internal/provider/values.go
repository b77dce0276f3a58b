// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
)

// stringOrNull makes null of the empty string: where the engine has "", nobody set anything.
func stringOrNull(s string) types.String {
	if s == "" {
		return types.StringNull()
	}
	return types.StringValue(s)
}

// expandList gives nil for a null list, and an empty one for an empty one.
func expandList(list []types.String) []string {
	if list == nil {
		return nil
	}
	out := make([]string, 0, len(list))
	for _, s := range list {
		out = append(out, s.ValueString())
	}
	return out
}

func flattenList(list []string) []types.String {
	out := make([]types.String, 0, len(list))
	for _, s := range list {
		out = append(out, types.StringValue(s))
	}
	return out
}

// listOrNull makes null of an empty list: where the engine has none, nobody set any.
func listOrNull(list []string) []types.String {
	if len(list) == 0 {
		return nil
	}
	return flattenList(list)
}

func mapOrNull(m map[string]string) map[string]types.String {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]types.String, len(m))
	for key, s := range m {
		out[key] = types.StringValue(s)
	}
	return out
}

func expandMap(m map[string]types.String) map[string]string {
	if m == nil {
		return nil
	}
	out := make(map[string]string, len(m))
	for key, s := range m {
		out[key] = s.ValueString()
	}
	return out
}

// bothKnown reports whether a planned collection can be compared with that of the prior state by
// meaning: both are there and known to the last value.
func bothKnown(ctx context.Context, prior, plan attr.Value) bool {
	if prior.IsNull() || plan.IsNull() {
		return false
	}
	for _, v := range []attr.Value{prior, plan} {
		if raw, err := v.ToTerraformValue(ctx); err != nil || !raw.IsFullyKnown() {
			return false
		}
	}
	return true
}

// durationOf gives 0 for null and unknown; what is known has been validated.
func durationOf(v customtypes.Value) time.Duration {
	d, err := customtypes.ParseDuration(v.ValueString())
	if err != nil {
		return 0
	}
	return d
}

// absolutePath validates a path in a Linux container, in its one spelling: two spellings of one
// path would be two keys.
type absolutePath struct{}

func (absolutePath) Description(context.Context) string {
	return "must be an absolute path without \"..\", \"//\" or a slash at its end"
}
func (v absolutePath) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }
func (v absolutePath) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	s := req.ConfigValue.ValueString()
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() || isWindowsPath(s) || path.IsAbs(s) && path.Clean(s) == s {
		return
	}
	resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid path %q", s), fmt.Sprintf("It %s.", v.Description(ctx)))
}

// folderPath validates a path of a directory in a container: a slash at its end changes nothing.
type folderPath struct {
	// orPipe takes a named pipe of Windows, too.
	orPipe bool
}

func (folderPath) Description(context.Context) string {
	return "must be an absolute path without \"..\" or \"//\""
}
func (v folderPath) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }
func (v folderPath) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	s := req.ConfigValue.ValueString()
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() || isWindowsPath(s) || v.orPipe && isPipe(s) || path.IsAbs(s) && (path.Clean(s) == s || path.Clean(s)+"/" == s) {
		return
	}
	resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid path %q", s), fmt.Sprintf("It %s.", v.Description(ctx)))
}

// ipFamily is a version of the Internet Protocol; the zero value is either.
type ipFamily string

const (
	ipv4 ipFamily = "IPv4"
	ipv6 ipFamily = "IPv6"
)

// ipAddress validates an IPv4 or IPv6 address, or one of the two.
type ipAddress struct{ family ipFamily }

func (v ipAddress) Description(context.Context) string {
	if v.family == "" {
		return "must be an IPv4 or IPv6 address"
	}
	return fmt.Sprintf("must be an %s address", v.family)
}
func (v ipAddress) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }
func (v ipAddress) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	a, err := netip.ParseAddr(req.ConfigValue.ValueString())
	if err != nil || v.family == ipv4 && !a.Is4() || v.family == ipv6 && !a.Is6() {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid address %q", req.ConfigValue.ValueString()), fmt.Sprintf("It %s.", v.Description(ctx)))
	}
}

// refreshString keeps what is left out.
func refreshString(prior types.String, observed string) types.String {
	if prior.ValueString() == "" {
		return prior
	}
	return types.StringValue(observed)
}

// refreshList keeps a list that is left out.
func refreshList(prior []types.String, observed []string) []types.String {
	if len(prior) == 0 {
		return prior
	}
	return flattenList(observed)
}

// refreshMap looks at the keys that the prior state has: others come from the image, the engine
// or other tools.
func refreshMap(prior map[string]types.String, observed map[string]string) map[string]types.String {
	if prior == nil {
		return nil
	}
	out := make(map[string]types.String, len(prior))
	for key := range prior {
		if value, ok := observed[key]; ok {
			out[key] = types.StringValue(value)
		}
	}
	return out
}

func importString(observed, byDefault string) types.String {
	if observed == byDefault {
		return types.StringNull()
	}
	return stringOrNull(observed)
}

func importList(observed, image []string) []types.String {
	if len(observed) == 0 || slices.Equal(observed, image) {
		return nil
	}
	return flattenList(observed)
}

func importMap(observed, image map[string]string) map[string]types.String {
	var out map[string]types.String
	for key, value := range observed {
		if inherited, ok := image[key]; ok && inherited == value {
			continue
		}
		if out == nil {
			out = make(map[string]types.String)
		}
		out[key] = types.StringValue(value)
	}
	return out
}
