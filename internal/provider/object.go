// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// importForms says what an import ID of an object of this kind can be.
func importForms(kind string) string {
	switch kind {
	case "container":
		return `its name ("web"), its ID, or engine/name ("edge1/web")`
	case "network":
		return `its name ("front"), its ID, or engine/name ("edge1/front")`
	case "volume":
		return `its name ("data"), or engine/name ("edge1/data")`
	default:
		return `its name ("nginx:1.27"), or engine/name ("edge1/nginx:1.27")`
	}
}

// imported returns the engine and the object that an import ID names: the ID itself, or what stands behind the engine
// in engine/name. The engine is nil, with an error, if there is none.
func (d *providerData) imported(ctx context.Context, kind, id string, diags *diag.Diagnostics) (one *member, ref string) {
	id = strings.TrimSpace(id)
	forms := fmt.Sprintf("The import ID of a %s is %s.", kind, importForms(kind))
	switch {
	case id == "":
		diags.AddError(fmt.Sprintf("The import ID is empty: it names no %s", kind), forms)
		return nil, ""
	case strings.HasSuffix(id, "/"):
		diags.AddError(fmt.Sprintf("The import ID %q names no %s", id, kind), forms)
		return nil, ""
	}
	name, ref, qualified := strings.Cut(strings.TrimPrefix(id, "/"), "/")
	if !qualified {
		return d.usable(ctx, types.StringNull(), diags), name
	}
	found := d.at(ctx, name)
	switch {
	case len(found) == 1:
		return d.usable(ctx, stringOrNull(found[0].name), diags), ref
	case len(found) > 1:
		keys := make([]string, 0, len(found))
		for _, one := range found {
			keys = append(keys, shownName(one.name))
		}
		diags.AddError(fmt.Sprintf("The import ID %q can mean more than one engine", id),
			fmt.Sprintf("The hosts of these report the name %q: %s. Import with the key of engines in its place, or with the name alone for the default engine.", name, strings.Join(keys, ", ")))
		return nil, ""
	case kind == "image": // Its name has slashes of its own.
		return d.usable(ctx, types.StringNull(), diags), id
	}
	if one := d.usable(ctx, types.StringNull(), diags); one != nil {
		connected, err := one.Conductor.Engine(ctx)
		if err != nil {
			addFault(diags, err)
			return nil, ""
		}
		diags.AddError(fmt.Sprintf("The %s %q is on another engine", kind, id),
			fmt.Sprintf("The import ID names engine %q, and the provider is connected to engine %q. %s. Import by one of these keys, add the engine to the provider's engines, or name the %s alone.",
				name, connected, d.known(), kind))
	}
	return nil, ""
}

// addImportFault adds why an import failed. Of what is not there an import says something else than a refresh:
// there is no plan that makes it anew.
func addImportFault(diags *diag.Diagnostics, kind string, err error) {
	if isMissing(err) {
		err = missingHint(err, fmt.Sprintf("check the import ID, which is %s, and that the provider is connected to the engine that has the %s", importForms(kind), kind))
	}
	addFault(diags, err)
}

// missingHint returns the fault of an object that is not there as it concerns an import: no attribute names the object,
// and no plan creates it anew.
func missingHint(err error, hint string) error {
	missing := *faultOf(err)
	missing.Field, missing.Hint = nil, hint
	return &missing
}

// isMissing reports whether the engine answered that there is no such thing. Any other failure says
// nothing about it.
func isMissing(err error) bool {
	f := faultOf(err)
	return f != nil && f.Kind == fault.NotFound
}

// kept takes from what the engine reports the keys that the prior map has: what others add is no
// drift. A null map stays null.
func kept(prior map[string]types.String, reported map[string]string) map[string]types.String {
	if prior == nil {
		return nil
	}
	out := make(map[string]types.String, len(prior))
	for key := range prior {
		if value, ok := reported[key]; ok {
			out[key] = types.StringValue(value)
		}
	}
	return out
}

// taken takes all that the engine reports, for an import: null where there is nothing, and without
// the labels that gantry sets for itself.
func taken(reported map[string]string) map[string]types.String {
	out := make(map[string]types.String, len(reported))
	for key, value := range reported {
		if !isOwnLabel(key) {
			out[key] = types.StringValue(value)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// takenAll takes over all pairs of an object but those of gantry and of other tools. None is an empty map:
// a plan may keep it, whether or not the configuration has one.
func takenAll(reported map[string]string) map[string]types.String {
	out := make(map[string]types.String, len(reported))
	for key, value := range withoutTools(reported) {
		out[key] = types.StringValue(value)
	}
	return out
}

// computedStable is a computed string that keeps its value as long as the object is the same.
func computedStable(description string) schema.Attribute {
	return schema.StringAttribute{
		Computed: true, MarkdownDescription: description,
		PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
	}
}

// stringList makes a list of what an engine reports; none is an empty list.
func stringList(values []string) types.List {
	out := make([]attr.Value, 0, len(values))
	for _, v := range values {
		out = append(out, types.StringValue(v))
	}
	return types.ListValueMust(types.StringType, out)
}
