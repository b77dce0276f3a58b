// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// What the framework says of an element of a set is told in the words of the configuration, whatever the element
// holds, at an attribute that Terraform finds.
func TestReadable(t *testing.T) {
	t.Parallel()
	object := map[string]attr.Value{
		"name": types.StringValue(`a)]"b`), "size": types.Int64Value(7), "none": types.StringNull(), "later": types.StringUnknown(), "on": types.BoolValue(true),
		"list": types.ListValueMust(types.StringType, []attr.Value{types.StringValue("x")}),
	}
	kinds := make(map[string]attr.Type, len(object))
	for name, v := range object {
		kinds[name] = v.Type(t.Context())
	}
	for _, tt := range []struct {
		element attr.Value
		says    string
	}{
		{types.ObjectValueMust(kinds, object), `things[{ list = ["x"], name = "a)]\"b", on = true, size = 7 }].name`},
		{types.StringValue("plain"), `things["plain"].name`},
		{types.Int64Value(80), `things[80].name`},
		{types.StringUnknown(), `things[…].name`},
	} {
		raw, err := tt.element.ToTerraformValue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		whole := path.Root("things").AtSetValue(tt.element).AtName("name")
		for _, detail := range []string{"Attribute " + whole.String() + " is wrong.", "It is wrong."} {
			d := &tfprotov6.Diagnostic{Summary: "Invalid", Detail: detail, Attribute: tftypes.NewAttributePath().WithAttributeName("things").WithElementKeyValue(raw).WithAttributeName("name")}
			rewrite([]*tfprotov6.Diagnostic{d})
			if strings.Count(d.Detail, tt.says) != 1 || strings.Contains(d.Detail, "Value(") || !strings.Contains(d.Detail, "is wrong.") {
				t.Errorf("%q became %q, want %q in it", detail, d.Detail, tt.says)
			}
			if want := tftypes.NewAttributePath().WithAttributeName("things"); !d.Attribute.Equal(want) {
				t.Errorf("it is at %s", d.Attribute)
			}
		}
	}
}

// No error of any validator of a set shows what only the framework reads.
func TestNoInternalValueIsShown(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]values{
		"a port of no protocol":  {"ports": []any{values{"target": "80", "protocol": "x"}}},
		"a port out of range":    {"ports": []any{values{"target": "0", "published": "8080"}}},
		"a null in a set":        {"cap_add": []any{nil}},
		"a null option":          {"security_opt": []any{nil}},
		"an empty word":          {"cap_drop": []any{""}},
		"a nested one":           {"mounts": values{"/a": values{"type": "nothing"}}},
		"a key of a map":         {"networks": values{"": values{}}},
		"an address that is not": {"dns": []any{"nowhere"}},
		"a file of no content":   {"files": values{"/f": values{"mode": "0644"}}},
		"a version of nothing":   {"files": values{"/f": values{"content": "x", "content_wo_version": 1}}},
	} {
		diags := newCore(t).validate(t, minimal().with(bad))
		if len(diags) == 0 {
			t.Errorf("%s passes", name)
		}
		for _, d := range diags {
			if text := d.Summary + d.Detail; strings.Contains(text, "Value(") || strings.Contains(text, "<") || len(d.Attribute.Steps()) != 1 {
				t.Errorf("%s: at %s: %s: %s", name, d.Attribute, d.Summary, d.Detail)
			}
		}
	}
}
