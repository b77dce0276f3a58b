// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/terraform-plugin-framework/action"
	actionschema "github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Every timeout of every resource and action is refused unless it is above zero.
func TestTimeoutsAreAboveZero(t *testing.T) {
	t.Parallel()
	p := newGantry("test", hclog.NewNullLogger(), nil)
	seen := 0
	check := func(validators []validator.Object, keys []string) {
		seen++
		for text, refused := range map[string]bool{"0s": true, "-5s": true, "1ms": false, "5m": false} {
			for _, key := range keys {
				value := types.ObjectValueMust(map[string]attr.Type{key: types.StringType}, map[string]attr.Value{key: types.StringValue(text)})
				var resp validator.ObjectResponse
				for _, v := range validators {
					v.ValidateObject(t.Context(), validator.ObjectRequest{Path: path.Root("timeouts"), ConfigValue: value}, &resp)
				}
				if resp.Diagnostics.HasError() != refused {
					t.Errorf("timeouts.%s = %q: %v", key, text, resp.Diagnostics)
				}
				if refused && !strings.Contains(resp.Diagnostics.Errors()[0].Summary(), "timeouts."+key) {
					t.Errorf("the error does not name timeouts.%s: %v", key, resp.Diagnostics)
				}
			}
		}
	}
	for _, newResource := range p.Resources(t.Context()) {
		var own resource.SchemaResponse
		newResource().Schema(t.Context(), resource.SchemaRequest{}, &own)
		if nested, ok := own.Schema.Attributes["timeouts"].(schema.SingleNestedAttribute); ok {
			var keys []string
			for key := range nested.Attributes {
				keys = append(keys, key)
			}
			check(nested.Validators, keys)
		}
	}
	resources := seen
	for _, newAction := range p.Actions(t.Context()) {
		var own action.SchemaResponse
		newAction().Schema(t.Context(), action.SchemaRequest{}, &own)
		if nested, ok := own.Schema.Attributes["timeouts"].(actionschema.SingleNestedAttribute); ok {
			check(nested.Validators, []string{"invoke"})
		}
	}
	if resources < 6 || seen == resources {
		t.Errorf("timeouts of %d resources and %d actions were checked", resources, seen-resources)
	}
}
