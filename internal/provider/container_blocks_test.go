// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
)

// Null, unknown and empty are three things for a list and a map.
func TestExpandAndFlattenLists(t *testing.T) {
	t.Parallel()
	if expandList(nil) != nil || expandMap(nil) != nil || expandMounts(nil) != nil || expandNetworks(nil) != nil || expandPorts(nil) != nil || expandHealthcheck(nil) != nil {
		t.Error("null became something")
	}
	if l := expandList([]types.String{}); l == nil || len(l) != 0 {
		t.Errorf("an empty list became %#v", l)
	}
	for _, tt := range []struct {
		name     string
		prior    []types.String
		observed []string
		want     []types.String
	}{
		{"not configured", nil, []string{"from", "image"}, nil},
		{"cleared", []types.String{}, nil, []types.String{}},
		{"the same", []types.String{types.StringValue("a")}, []string{"a"}, []types.String{types.StringValue("a")}},
		{"another", []types.String{types.StringValue("a")}, []string{"b", "c"}, []types.String{types.StringValue("b"), types.StringValue("c")}},
	} {
		if diff := cmp.Diff(tt.want, refreshList(tt.prior, tt.observed)); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
}

func TestPortsByMeaning(t *testing.T) {
	t.Parallel()
	port := func(target int, published, ip, protocol string) container.Port {
		return container.Port{Target: target, Published: published, HostIP: ip, Protocol: protocol}
	}
	for _, tt := range []struct {
		name string
		a, b []container.Port
		same bool
	}{
		{"none", nil, []container.Port{}, true},
		{"order", []container.Port{port(1, "", "", "tcp"), port(2, "", "", "tcp")}, []container.Port{port(2, "", "", "tcp"), port(1, "", "", "tcp")}, true},
		{"a range of one", []container.Port{port(1, "80", "", "tcp")}, []container.Port{port(1, "80-80", "", "tcp")}, true},
		{"a range", []container.Port{port(1, "80", "", "tcp")}, []container.Port{port(1, "80-81", "", "tcp")}, false},
		{"protocol", []container.Port{port(1, "", "", "tcp")}, []container.Port{port(1, "", "", "udp")}, false},
		{"chosen and fixed", []container.Port{port(1, "", "", "tcp")}, []container.Port{port(1, "80", "", "tcp")}, false},
		{"spelling of an address", []container.Port{port(1, "", "fe80::0:1", "tcp")}, []container.Port{port(1, "", "fe80::1", "tcp")}, true},
		{"every address and one", []container.Port{port(1, "", "", "tcp")}, []container.Port{port(1, "", "127.0.0.1", "tcp")}, false},
		{"a port of a range", expandPorts([]portModel{{Target: types.StringValue("1-3"), Published: types.StringValue("81-83")}}), []container.Port{port(1, "81", "", "tcp"), port(2, "82", "", "tcp"), port(3, "83", "", "tcp")}, true},
		{"of a range chosen", expandPorts([]portModel{{Target: types.StringValue("1-2")}}), []container.Port{port(1, "", "", "tcp"), port(2, "", "", "tcp")}, true},
		{"one more", []container.Port{port(1, "", "", "tcp")}, []container.Port{port(1, "", "", "tcp"), port(1, "", "", "tcp")}, false},
	} {
		if samePorts(tt.a, tt.b) != tt.same || samePorts(tt.b, tt.a) != tt.same {
			t.Errorf("%s: the same is not %t", tt.name, tt.same)
		}
	}
	got := flattenPorts(nil, []container.Port{port(53, "", "", "udp"), port(80, "8080", "::1", "tcp")})
	want := []portModel{
		{Target: types.StringValue("53"), Protocol: types.StringValue("udp")},
		{Target: types.StringValue("80"), Published: types.StringValue("8080"), HostIP: types.StringValue("::1")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMountsByMeaning(t *testing.T) {
	t.Parallel()
	anonymous := strings.Repeat("0f", 32)
	bind := func(source string, ro bool) container.Mount {
		return container.Mount{Type: container.MountBind, Source: source, ReadOnly: ro}
	}
	volume := func(source string) container.Mount {
		return container.Mount{Type: container.MountVolume, Source: source}
	}
	own := volume(anonymous)
	own.Anonymous = true
	for _, tt := range []struct {
		name        string
		asked, seen container.Mount
		same        bool
	}{
		{"slash at the end", bind("/srv/", false), bind("/srv", false), true},
		{"the root", bind("/", false), bind("/", false), true},
		{"the root and something", bind("/", false), bind("/srv", false), false},
		{"read-only", bind("/srv", true), bind("/srv", false), false},
		{"anonymous", volume(""), own, true},
		{"named", volume("data"), own, false},
		{"named as an anonymous one is", volume(anonymous), volume(anonymous), true},
		{"type", volume("data"), bind("data", false), false},
		{"tmpfs", container.Mount{Type: container.MountTmpfs}, container.Mount{Type: container.MountTmpfs}, true},
	} {
		if sameMount(tt.asked, tt.seen) != tt.same {
			t.Errorf("%s: the same is not %t", tt.name, tt.same)
		}
	}
	got := importMounts(map[string]container.Mount{
		"/image": own, "/own": own, "/named": volume("data"), "/hex": volume(anonymous), "/bind": bind("/srv", true),
	}, []string{"/image", "/named", "/hex"})
	want := map[string]mountModel{
		"/own":   {Type: types.StringValue("volume")},
		"/named": {Type: types.StringValue("volume"), Source: types.StringValue("data")},
		"/hex":   {Type: types.StringValue("volume"), Source: types.StringValue(anonymous)},
		"/bind":  {Type: types.StringValue("bind"), Source: types.StringValue("/srv"), ReadOnly: types.BoolValue(true)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := importMounts(map[string]container.Mount{"/image": own}, []string{"/image"}); got != nil {
		t.Errorf("what the image asks for is %v", got)
	}
}

func TestFlattenNetworks(t *testing.T) {
	t.Parallel()
	network := func(s string) networkModel { return networkModel{Network: stringOrNull(s)} }
	front := container.AttachedNetwork{ID: networkID, Address: "10.0.0.2"}
	back := container.AttachedNetwork{ID: strings.Repeat("a", 64), Address: "10.0.1.2"}
	for _, tt := range []struct {
		name     string
		prior    map[string]networkModel
		attached map[string]container.AttachedNetwork
		want     map[string]networkModel
		// addresses are by the keys of what was flattened.
		addresses map[string]string
	}{
		{"not configured", nil, map[string]container.AttachedNetwork{"bridge": back}, nil, map[string]string{"bridge": "10.0.1.2"}},
		{
			"by key", map[string]networkModel{"front": network("")}, map[string]container.AttachedNetwork{"front": front},
			map[string]networkModel{"front": network("")}, map[string]string{"front": "10.0.0.2"},
		},
		{
			"by name", map[string]networkModel{"f": network("front")}, map[string]container.AttachedNetwork{"front": front},
			map[string]networkModel{"f": network("front")}, map[string]string{"f": "10.0.0.2"},
		},
		{
			"by ID", map[string]networkModel{"f": network(networkID)}, map[string]container.AttachedNetwork{"front": front},
			map[string]networkModel{"f": network(networkID)}, map[string]string{"f": "10.0.0.2"},
		},
		{
			"by short ID", map[string]networkModel{"f": network(networkID[:12])}, map[string]container.AttachedNetwork{"front": front},
			map[string]networkModel{"f": network(networkID[:12])}, map[string]string{"f": "10.0.0.2"},
		},
		{
			"a few digits are a name", map[string]networkModel{"f": network("fed")}, map[string]container.AttachedNetwork{"front": front},
			map[string]networkModel{"front": network("")}, map[string]string{"front": "10.0.0.2"},
		},
		{
			"one gone, one more", map[string]networkModel{"front": network("")}, map[string]container.AttachedNetwork{"back": back},
			map[string]networkModel{"back": network("")}, map[string]string{"back": "10.0.1.2"},
		},
		{
			"the key of another", map[string]networkModel{"back": network("front")}, map[string]container.AttachedNetwork{"front": front, "back": back},
			map[string]networkModel{"back": network("front"), "back (connected outside)": network("back")}, map[string]string{"back": "10.0.0.2", "back (connected outside)": "10.0.1.2"},
		},
	} {
		c := &container.Container{Attached: tt.attached}
		got := flattenNetworks(tt.prior, c)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
		at := make(map[string]string)
		for key, address := range addresses(got, c).Elements() {
			if s, ok := address.(types.String); ok {
				at[key] = s.ValueString()
			}
		}
		if diff := cmp.Diff(tt.addresses, at); diff != "" {
			t.Errorf("%s: addresses:\n%s", tt.name, diff)
		}
	}
}

func TestImportNetworks(t *testing.T) {
	t.Parallel()
	one := container.AttachedNetwork{}
	for _, tt := range []struct {
		attached map[string]container.AttachedNetwork
		want     map[string]networkModel
	}{
		{nil, nil},
		{map[string]container.AttachedNetwork{"bridge": one}, nil},
		{map[string]container.AttachedNetwork{"front": one}, map[string]networkModel{"front": {}}},
		{map[string]container.AttachedNetwork{"front": one, "bridge": one}, map[string]networkModel{"front": {}, "bridge": {}}},
	} {
		if diff := cmp.Diff(tt.want, importNetworks(&container.Container{Attached: tt.attached})); diff != "" {
			t.Error(diff)
		}
	}
}

func TestFlattenHealthcheck(t *testing.T) {
	t.Parallel()
	duration := func(s string) customtypes.Value { return customtypes.New(customtypes.Duration, s) }
	null := customtypes.Null(customtypes.Duration)
	test := []types.String{types.StringValue("CMD"), types.StringValue("a")}
	seen := &container.Healthcheck{Test: []string{"CMD", "a"}, Interval: time.Minute, Timeout: time.Second, Retries: 3}
	for _, tt := range []struct {
		name     string
		prior    *healthcheckModel
		observed *container.Healthcheck
		want     *healthcheckModel
	}{
		{"not configured", nil, seen, nil},
		{"gone", &healthcheckModel{Test: test}, nil, nil},
		{
			"what is not set is no drift", &healthcheckModel{Test: test, Interval: null, Timeout: null, StartPeriod: null, StartInterval: null}, seen,
			&healthcheckModel{Test: test, Interval: null, Timeout: null, StartPeriod: null, StartInterval: null},
		},
		{
			"spelling stays, difference shows",
			&healthcheckModel{Test: test, Interval: duration("60s"), Timeout: duration("2s"), StartPeriod: null, StartInterval: null, Retries: types.Int64Value(2)}, seen,
			&healthcheckModel{Test: test, Interval: duration("60s"), Timeout: duration("1s"), StartPeriod: null, StartInterval: null, Retries: types.Int64Value(3)},
		},
	} {
		if diff := cmp.Diff(tt.want, flattenHealthcheck(tt.prior, tt.observed)); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
	if importHealthcheck(seen, seen) != nil || importHealthcheck(nil, nil) != nil {
		t.Error("the image's check is imported")
	}
	want := &healthcheckModel{Test: test, Interval: duration("1m"), Timeout: duration("1s"), StartPeriod: null, StartInterval: null, Retries: types.Int64Value(3)}
	if diff := cmp.Diff(want, importHealthcheck(seen, &container.Healthcheck{Test: []string{"CMD", "b"}})); diff != "" {
		t.Error(diff)
	}
}

func TestImportMap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name            string
		observed, image map[string]string
		want            map[string]types.String
	}{
		{"the image's", map[string]string{"A": "1"}, map[string]string{"A": "1"}, nil},
		{"the image's, changed", map[string]string{"A": "2"}, map[string]string{"A": "1"}, map[string]types.String{"A": types.StringValue("2")}},
		{"empty is a value", map[string]string{"A": ""}, nil, map[string]types.String{"A": types.StringValue("")}},
	} {
		if diff := cmp.Diff(tt.want, importMap(tt.observed, tt.image)); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
	if got := withoutTools(map[string]string{container.LabelOperation: "x", "a": "1"}); len(got) != 1 {
		t.Errorf("gantry's own label is among %v", got)
	}
}
