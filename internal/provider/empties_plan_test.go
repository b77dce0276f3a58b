// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// empties are the rows of everything but gantry_container, which has tests of its own.
func empties() map[string]emptyRow {
	rows := emptiesOfOthers()
	maps.Copy(rows, emptiesOfObjects())
	return rows
}

// A new attribute has to say what its empty values mean.
func TestEveryAttributeSaysWhatEmptyMeans(t *testing.T) {
	t.Parallel()
	rows := empties()
	for name := range newCore(t).everyAttribute(t) {
		if _, ok := rows[name]; !ok && !strings.HasPrefix(name, "gantry_container.") {
			t.Errorf("no row says what the empty values of %s mean", name)
		}
		delete(rows, name)
	}
	for name := range rows {
		t.Errorf("%s has a row and does not exist", name)
	}
}

// What is empty passes, or is refused with the way out. In a resource what means to leave an attribute out
// replaces nothing, whatever of the two there was before, and is no change once it is applied.
func TestEmptyValues(t *testing.T) {
	t.Parallel()
	shared := newCore(t)
	attributes := shared.everyAttribute(t)
	for name, row := range empties() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, kind, attribute := shared.copy(), "", name
			for !strings.HasPrefix(kind, "gantry_") && kind != "provider" {
				kind, attribute, _ = strings.Cut(attribute, ".")
			}
			kind = strings.TrimSuffix(name, "."+attribute)
			validate := c.validator(t, kind)
			with := func(v any) values { return complete(kind).with(row.around(attribute, v)) }
			for _, v := range row.refused {
				if text := validate(with(v)); text == "" || !strings.Contains(text, row.says) {
					t.Errorf("%#v: the plan says %q, want %q", v, text, row.says)
				}
			}
			for _, v := range append(row.same(attributes[name]), row.own...) {
				if text := validate(with(v)); text != "" {
					t.Errorf("%#v is refused: %s", v, text)
				}
			}
			for _, v := range row.same(attributes[name]) {
				if strings.HasPrefix(kind, "gantry_") {
					c.replacesNothing(t, with(nil), with(v))
				}
			}
		})
	}
}

// complete is a configuration with what a resource, a data source or an action has to have.
func complete(kind string) values {
	switch {
	case kind == "gantry_barrier":
		return values{"operations": values{}}
	case strings.HasSuffix(kind, "gantry_exec"):
		return values{"container": "web", "command": []any{"true"}}
	case strings.HasPrefix(kind, "action.") || kind == "data.gantry_logs":
		return values{"container": "web"}
	case kind == "provider" || kind == "data.gantry_containers" || kind == "data.gantry_engines":
		return values{}
	default:
		return values{"name": "app"}
	}
}

// validator turns to the schema of a kind. What it returns validates a configuration of that and returns what
// was said of it.
func (c *core) validator(t *testing.T, kind string) func(values) string {
	t.Helper()
	all, err := c.server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	c.schema = all.Provider
	_, c.name, _ = strings.Cut(kind, ".")
	switch {
	case strings.HasPrefix(kind, "data."):
		c.schema = all.DataSourceSchemas[c.name]
	case strings.HasPrefix(kind, "action."):
		c.schema = all.ActionSchemas[c.name].Schema
	case kind != "provider":
		c.name, c.schema = kind, all.ResourceSchemas[kind]
	}
	c.typ = c.schema.ValueType()
	return func(config values) string {
		t.Helper()
		var diags []*tfprotov6.Diagnostic
		switch asked := c.dynamic(t, value(t, c.typ, config)); {
		case kind == "provider":
			resp, err := c.server.ValidateProviderConfig(t.Context(), &tfprotov6.ValidateProviderConfigRequest{Config: asked})
			if err != nil {
				t.Fatal(err)
			}
			diags = resp.Diagnostics
		case strings.HasPrefix(kind, "data."):
			resp, err := c.server.ValidateDataResourceConfig(t.Context(), &tfprotov6.ValidateDataResourceConfigRequest{TypeName: c.name, Config: asked})
			if err != nil {
				t.Fatal(err)
			}
			diags = resp.Diagnostics
		case strings.HasPrefix(kind, "action."):
			server, ok := c.server.(tfprotov6.ActionServer)
			if !ok {
				t.Fatal("the server has no actions")
			}
			resp, err := server.ValidateActionConfig(t.Context(), &tfprotov6.ValidateActionConfigRequest{ActionType: c.name, Config: asked})
			if err != nil {
				t.Fatal(err)
			}
			diags = resp.Diagnostics
		default:
			diags = c.validate(t, config)
		}
		var text strings.Builder
		for _, d := range diags {
			fmt.Fprintf(&text, "%s at %s: %s. %s\n", d.Severity, d.Attribute, d.Summary, d.Detail)
		}
		return text.String()
	}
}

// replacesNothing asserts of two configurations that each changes nothing once it is applied, and that one
// after the other replaces nothing.
func (c *core) replacesNothing(t *testing.T, without, with values) {
	t.Helper()
	for _, order := range [][2]values{{without, with}, {with, without}} {
		state := settled(t, c.plan(t, tftypes.NewValue(c.typ, nil), order[0]).value, chosenByEngine(c.name))
		if again := c.plan(t, state, order[0]); again.changed != nil {
			t.Errorf("%#v applied, the next plan changes %v", order[0], again.changed)
		}
		if next := c.plan(t, state, order[1]); next.replace != nil {
			t.Errorf("%#v after %#v replaces for %v", order[1], order[0], next.replace)
		}
	}
}

// settled is the state after an apply: what was not known is what the engine chose, or something.
func settled(t *testing.T, planned tftypes.Value, chosen map[string]tftypes.Value) tftypes.Value {
	t.Helper()
	state, err := tftypes.Transform(planned, func(at *tftypes.AttributePath, v tftypes.Value) (tftypes.Value, error) {
		if v.IsKnown() {
			return v, nil
		}
		if name, ok := at.LastStep().(tftypes.AttributeName); ok && chosen[string(name)].Type() != nil {
			return chosen[string(name)], nil
		}
		switch {
		case v.Type().Is(tftypes.String):
			return tftypes.NewValue(tftypes.String, "x"), nil
		case v.Type().Is(tftypes.Number):
			return tftypes.NewValue(tftypes.Number, 1), nil
		case v.Type().Is(tftypes.Bool):
			return tftypes.NewValue(tftypes.Bool, false), nil
		default:
			return tftypes.NewValue(v.Type(), nil), nil
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// Another spelling of the same is no change, however often it is planned.
func TestAnotherSpellingIsNoChange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind            string
		spelled, others values
	}{
		{
			"gantry_image", values{"name": "app", "tags": []any{"b:1", "c:latest"}, "platform": "linux/amd64", "pull_policy": ""},
			values{"name": "docker.io/library/app:latest", "tags": []any{"c", "docker.io/library/b:1"}, "platform": "linux/x86_64", "pull_policy": "missing"},
		},
		{
			"gantry_exec", values{"working_dir": "/srv", "on_busy": "wait", "expected_exit_codes": []any{0}},
			values{"working_dir": "/srv/", "on_busy": "", "expected_exit_codes": []any{}},
		},
	} {
		c := newCore(t)
		c.validator(t, tt.kind)
		base := complete(tt.kind)
		state := settled(t, c.plan(t, tftypes.NewValue(c.typ, nil), base.with(tt.spelled)).value, nil)
		if p := c.plan(t, state, base.with(tt.others)); p.changed != nil || p.replace != nil {
			t.Errorf("%s: %v after %v changes %v and replaces for %v", tt.kind, tt.others, tt.spelled, p.changed, p.replace)
		}
	}
}

// A restart that failed is planned again, and the first triggers of a container restart nothing.
func TestRestartTriggers(t *testing.T) {
	t.Parallel()
	some := map[string]types.String{"a": types.StringValue("1"), "b": types.StringNull()}
	for _, tt := range []struct {
		name        string
		prior, plan map[string]types.String
		restarts    bool
	}{
		{"the same", some, some, false},
		{"the first", nil, some, false},
		{"the first after none", map[string]types.String{}, some, false},
		{"taken away", some, map[string]types.String{}, false},
		{"another", map[string]types.String{"a": types.StringValue("0")}, some, true},
		{"after a failure", otherTriggers(some), some, true},
		{"a null one after a failure", otherTriggers(map[string]types.String{"b": types.StringNull()}), map[string]types.String{"b": types.StringNull()}, true},
		{"none after a failure", otherTriggers(nil), nil, false},
	} {
		if got := triggered(tt.prior, tt.plan); got != tt.restarts {
			t.Errorf("%s: it restarts: %t", tt.name, got)
		}
	}
}
