// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// emptyRow says what the empty values of an attribute mean. Those that are in none of its lists mean to leave
// it out: "", 0, false, [], [""], {} and { a = "" }, as far as the attribute's type has them.
type emptyRow struct {
	// also are further values that mean to leave it out.
	also []any
	// own are the empty values that ask for something of their own.
	own []any
	// refused are the values that the plan refuses, and says is a part of the error.
	refused []any
	says    string
	// in is the configuration around a value, and further attributes; nil is the attribute alone.
	in func(v any) values
}

// same are the values of a row that mean to leave the attribute out.
func (row emptyRow) same(typ tftypes.Type) []any {
	return append(slices.DeleteFunc(emptyValues(typ), func(v any) bool {
		return contains(row.own, v) || contains(row.refused, v)
	}), row.also...)
}

func contains(list []any, v any) bool {
	return slices.ContainsFunc(list, func(one any) bool { return fmt.Sprintf("%#v", one) == fmt.Sprintf("%#v", v) })
}

// emptyValues are the empty values of a type.
func emptyValues(typ tftypes.Type) []any {
	element, collection := elementType(typ)
	ofStrings := collection && element.Is(tftypes.String)
	switch {
	case typ.Is(tftypes.String):
		return []any{""}
	case typ.Is(tftypes.Number):
		return []any{0}
	case typ.Is(tftypes.Bool):
		return []any{false}
	case typ.Is(tftypes.Map{}) && ofStrings:
		return []any{values{}, values{"a": ""}}
	case typ.Is(tftypes.Map{}), typ.Is(tftypes.Object{}):
		return []any{values{}}
	case ofStrings:
		return []any{[]any{}, []any{""}}
	default:
		return []any{[]any{}}
	}
}

// around is the configuration with a value of an attribute.
func (row emptyRow) around(name string, v any) values {
	if row.in == nil {
		return values{name: v}
	}
	return row.in(v)
}

// refusedEmpty is the row of an attribute that can't be left out, and wordless that of a list that may be empty,
// though no element of it may.
func refusedEmpty(says string) emptyRow { return emptyRow{refused: []any{""}, says: says} }
func wordless(says string) emptyRow     { return emptyRow{refused: []any{[]any{""}}, says: says} }

// ownWords is the row of a map in which an empty value is one.
func ownWords() emptyRow { return emptyRow{own: []any{values{"a": ""}}} }

// timeoutRows are the rows of timeouts: none of them can be nothing.
func timeoutRows(kind string, names ...string) map[string]emptyRow {
	rows := map[string]emptyRow{kind + ".timeouts": {}}
	for _, name := range names {
		rows[kind+".timeouts."+name] = emptyRow{
			refused: []any{"", "0s", "0"}, says: "for example \"5m\"", in: func(v any) values { return values{"timeouts": values{name: v}} },
		}
	}
	return rows
}

// connectionRows are those of what leads to an engine. In is the configuration that has the attributes.
func connectionRows(prefix string, in func(values) values) map[string]emptyRow {
	rows := map[string]emptyRow{prefix + "context": {in: func(v any) values { return in(values{"host": "tcp://edge1:2376", "context": v}) }}}
	for block, one := range map[string]struct {
		host  string
		names []string
	}{
		"tls": {"tcp://edge1:2376", []string{"ca", "certificate", "key", "server_name", "insecure"}},
		"ssh": {"ssh://edge1", []string{"user", "port", "key", "known_hosts", "config_file", "command", "socket"}},
	} {
		rows[prefix+block] = emptyRow{in: func(v any) values { return in(values{"host": one.host, block: v}) }}
		for _, name := range one.names {
			row := emptyRow{in: func(v any) values { return in(values{"host": one.host, block: values{name: v}}) }}
			if name == "command" {
				row.refused, row.says = []any{[]any{""}}, "at least 1"
			}
			rows[prefix+block+"."+name] = row
		}
	}
	return rows
}

// emptiesOfOthers are the rows of all but containers, networks and volumes.
func emptiesOfOthers() map[string]emptyRow {
	within := func(name, attribute string) func(any) values {
		return func(v any) values { return values{name: values{"a.test": values{attribute: v}}} }
	}
	inEngine := func(attribute string) func(any) values {
		return func(v any) values {
			return values{"engines": values{"edge": values{"host": "unix:///run/edge.sock"}.with(values{attribute: v})}}
		}
	}
	inEngineAuth := func(attribute string) func(any) values {
		return func(v any) values { return inEngine("registry_auth")(values{"a.test": values{attribute: v}}) }
	}
	rows := map[string]emptyRow{
		"provider.host":                            {},
		"provider.max_parallel":                    {},
		"provider.max_parallel_pulls":              {},
		"provider.wait_for":                        {},
		"provider.state_dir":                       {},
		"provider.background":                      {also: []any{"on"}},
		"provider.when_saturated":                  {also: []any{"queue"}},
		"provider.default_labels":                  ownWords(),
		"provider.registry_auth":                   {refused: []any{values{"a.test": values{}}}, says: "anonymous = true"},
		"provider.registry_auth.username":          {refused: []any{""}, says: "anonymous = true", in: within("registry_auth", "username")},
		"provider.registry_auth.password":          {refused: []any{""}, says: "anonymous = true", in: within("registry_auth", "password")},
		"provider.registry_auth.anonymous":         {refused: []any{false}, says: "username and password", in: within("registry_auth", "anonymous")},
		"provider.engines":                         {},
		"provider.engines.host":                    {refused: []any{""}, says: "needs host", in: within("engines", "host")},
		"provider.engines.max_parallel":            {in: inEngine("max_parallel")},
		"provider.engines.max_parallel_pulls":      {in: inEngine("max_parallel_pulls")},
		"provider.engines.labels":                  {own: []any{values{"a": ""}}, in: inEngine("labels")},
		"provider.engines.on_unreachable":          {also: []any{"error"}, in: inEngine("on_unreachable")},
		"provider.engines.registry_auth":           {refused: []any{values{"a.test": values{}}}, says: "anonymous = true", in: inEngine("registry_auth")},
		"provider.engines.registry_auth.username":  {refused: []any{""}, says: "anonymous = true", in: inEngineAuth("username")},
		"provider.engines.registry_auth.password":  {refused: []any{""}, says: "anonymous = true", in: inEngineAuth("password")},
		"provider.engines.registry_auth.anonymous": {refused: []any{false}, says: "username and password", in: inEngineAuth("anonymous")},
		"provider.on_unreachable":                  {also: []any{"error"}},
		"provider.registries":                      {also: []any{values{"a.test": values{}}}},
		"provider.registries.ca_file":              {in: within("registries", "ca_file")},
		"provider.registries.insecure":             {in: within("registries", "insecure")},

		"gantry_image.name":            refusedEmpty("[registry/]name"),
		"gantry_image.pull_policy":     {also: []any{"missing"}},
		"gantry_image.platform":        {},
		"gantry_image.archive":         {},
		"gantry_image.tags":            wordless("must be a name with a tag"),
		"gantry_image.keep_on_destroy": {},
		"gantry_image.wait_for":        {also: []any{"ready"}},
		"gantry_barrier.operations":    {also: []any{values{"a": nil}}},
		"gantry_barrier.condition":     {also: []any{"ready"}},
		"gantry_exec.triggers":         ownWords(),

		"data.gantry_container.name":      refusedEmpty("at least 1"),
		"data.gantry_image.name":          refusedEmpty("at least 1"),
		"data.gantry_network.name":        refusedEmpty("at least 1"),
		"data.gantry_volume.name":         refusedEmpty("at least 1"),
		"data.gantry_registry_image.name": refusedEmpty("at least 1"),
		"data.gantry_engines.names":       {own: []any{[]any{}}, refused: []any{[]any{""}}, says: "at least 1"},
		"data.gantry_containers.name":     {},
		"data.gantry_containers.labels":   ownWords(),
		"data.gantry_containers.status":   wordless("running"),
		"data.gantry_containers.health":   {},
		"data.gantry_containers.network":  {},
		"data.gantry_containers.volume":   {},
		"data.gantry_containers.image":    {},
		"data.gantry_logs.container":      refusedEmpty("at least 1"),
		"data.gantry_logs.tail":           {own: []any{0}, also: []any{100}},
		"data.gantry_logs.since":          {},
		"data.gantry_logs.until":          {},
		"data.gantry_logs.timestamps":     {},

		"action.gantry_kill.signal":               {also: []any{"KILL"}},
		"action.gantry_start.wait_for":            {also: []any{"ready"}},
		"action.gantry_restart.wait_for":          {also: []any{"ready"}},
		"action.gantry_stop.stop_grace_period":    {own: []any{"0s"}},
		"action.gantry_restart.stop_grace_period": {own: []any{"0s"}},
	}
	for _, kind := range []string{
		"gantry_network", "gantry_volume", "gantry_image", "gantry_exec", "action.gantry_exec", "data.gantry_engine", "data.gantry_container", "data.gantry_containers",
		"data.gantry_image", "data.gantry_network", "data.gantry_volume", "data.gantry_logs",
	} {
		rows[kind+".engine"] = refusedEmpty("leave it out")
	}
	for _, kind := range []string{"gantry_exec", "action.gantry_exec"} {
		maps.Copy(rows, map[string]emptyRow{
			kind + ".container":           refusedEmpty("at least 1"),
			kind + ".command":             {refused: []any{[]any{}, []any{""}}, says: "program"},
			kind + ".environment":         ownWords(),
			kind + ".user":                {},
			kind + ".working_dir":         {},
			kind + ".expected_exit_codes": {also: []any{[]any{0}}},
			kind + ".on_busy":             {also: []any{"wait"}},
		})
	}
	for _, power := range powerActions() {
		kind := "action.gantry_" + string(power.kind)
		rows[kind+".engine"] = refusedEmpty("leave it out")
		rows[kind+".container"], rows[kind+".on_busy"] = refusedEmpty("at least 1"), emptyRow{also: []any{"wait"}}
		maps.Copy(rows, timeoutRows(kind, "invoke"))
	}
	maps.Copy(rows, connectionRows("provider.", func(v values) values { return v }))
	maps.Copy(rows, connectionRows("provider.engines.", func(v values) values { return values{"engines": values{"edge": v}} }))
	maps.Copy(rows, timeoutRows("gantry_image", "create", "read", "update", "delete"))
	maps.Copy(rows, timeoutRows("gantry_barrier", "create", "update"))
	maps.Copy(rows, timeoutRows("gantry_exec", "create"))
	maps.Copy(rows, timeoutRows("action.gantry_exec", "invoke"))
	return rows
}

// configurable has the type of every attribute of these that a configuration may have, nested ones included, by
// its whole name.
func configurable(prefix string, attributes []*tfprotov6.SchemaAttribute) map[string]tftypes.Type {
	out := make(map[string]tftypes.Type)
	for _, a := range attributes {
		if !a.Required && !a.Optional {
			continue
		}
		out[prefix+"."+a.Name] = a.ValueType()
		if a.NestedType != nil {
			maps.Copy(out, configurable(prefix+"."+a.Name, a.NestedType.Attributes))
		}
	}
	return out
}

// everyAttribute has the type of each attribute that a configuration may have, of everything that the provider
// has: the provider's own begin with "provider.", those of data sources with "data." and of actions with
// "action.".
func (c *core) everyAttribute(t *testing.T) map[string]tftypes.Type {
	t.Helper()
	all, err := c.server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	out := configurable("provider", all.Provider.Block.Attributes)
	for name, s := range all.ResourceSchemas {
		maps.Copy(out, configurable(name, s.Block.Attributes))
	}
	for name, s := range all.DataSourceSchemas {
		maps.Copy(out, configurable("data."+name, s.Block.Attributes))
	}
	for name, s := range all.ActionSchemas {
		maps.Copy(out, configurable("action."+name, s.Schema.Block.Attributes))
	}
	return out
}
