// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// emptiesOfObjects are the rows of networks and volumes.
func emptiesOfObjects() map[string]emptyRow {
	also := func(list ...any) emptyRow { return emptyRow{also: list} }
	ipam := func(name string, row emptyRow) emptyRow {
		row.in = func(v any) values { return values{"ipam": values{name: v}} }
		return row
	}
	pool := func(name string, row emptyRow) emptyRow {
		row.in = func(v any) values {
			return values{"ipam": values{"config": []any{values{"subnet": "10.216.0.0/24"}.with(values{name: v})}}}
		}
		return row
	}
	rows := map[string]emptyRow{
		"gantry_network.name":   refusedEmpty("a letter or a digit"),
		"gantry_network.driver": also("bridge"),
		"gantry_network.options": {
			own: []any{values{"a": ""}},
			also: []any{
				values{"com.docker.network.bridge.enable_icc": "true", "com.docker.network.bridge.enable_ip_masquerade": "1"},
			},
		},
		"gantry_network.internal":    {},
		"gantry_network.attachable":  {},
		"gantry_network.ingress":     {},
		"gantry_network.enable_ipv4": {own: []any{false}, also: []any{true}},
		"gantry_network.enable_ipv6": {},
		"gantry_network.config_only": {},
		"gantry_network.config_from": {},
		"gantry_network.scope":       also("local"),
		"gantry_network.labels":      ownWords(),
		"gantry_network.ipam":        also(values{"driver": "default", "options": values{}, "config": []any{}}),
		"gantry_network.ipam.driver": ipam("driver", also("default")),
		// The driver "default" takes any option, and does nothing with it.
		"gantry_network.ipam.options":              ipam("options", ownWords()),
		"gantry_network.ipam.config":               ipam("config", emptyRow{}),
		"gantry_network.ipam.config.subnet":        pool("subnet", refusedEmpty("without a subnet")),
		"gantry_network.ipam.config.gateway":       pool("gateway", also("10.216.0.1")),
		"gantry_network.ipam.config.ip_range":      pool("ip_range", also("10.216.0.0/24", "10.216.0.9/24")),
		"gantry_network.ipam.config.aux_addresses": pool("aux_addresses", emptyRow{refused: []any{values{"a": ""}}, says: "IPv4 or IPv6 address"}),

		"gantry_volume.name":          refusedEmpty("a letter or a digit"),
		"gantry_volume.driver":        also("local"),
		"gantry_volume.driver_opts":   {own: []any{values{"a": ""}}, also: []any{values{"type": "", "device": "", "o": ""}}},
		"gantry_volume.labels":        ownWords(),
		"gantry_volume.force_destroy": {},
	}
	for _, kind := range []string{"gantry_network", "gantry_volume"} {
		rows[kind+".keep_on_destroy"] = emptyRow{}
		maps.Copy(rows, timeoutRows(kind, "create", "read", "delete"))
	}
	return rows
}

// EmptyObject is a network or a volume with an empty value of one attribute, and the same without it.
type EmptyObject struct {
	With, Without map[string]any
	// Own reports that the value asks for something of its own: to leave it out is another object.
	Own bool
}

// EmptyObjects are those of a kind, but for those of skip, and but for the values of their own of skipOwn.
func EmptyObjects(kind string, skip, skipOwn func(attribute string) bool) []EmptyObject {
	schema := networkSchema
	if kind == "gantry_volume" {
		schema = volumeSchema
	}
	types := schema(context.Background()).Type().TerraformType(context.Background())
	var all []EmptyObject
	rows := emptiesOfObjects()
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		attribute, ok := strings.CutPrefix(name, kind+".")
		if !ok || skip(attribute) {
			continue
		}
		row := rows[name]
		add := func(v any, own bool) {
			all = append(all, EmptyObject{With: row.around(attribute, v), Without: row.around(attribute, nil), Own: own})
		}
		for _, v := range row.same(typeAt(types, attribute)) {
			add(v, false)
		}
		for _, v := range row.own {
			if !skipOwn(attribute) {
				add(v, true)
			}
		}
	}
	return all
}

// chosenByEngine is what an engine chooses by itself, by attribute of a resource.
func chosenByEngine(kind string) map[string]tftypes.Value {
	if kind != "gantry_network" {
		return nil
	}
	return map[string]tftypes.Value{"scope": tftypes.NewValue(tftypes.String, "local")}
}
