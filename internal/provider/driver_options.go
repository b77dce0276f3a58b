// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/types"
)

// sameOptions reports whether options of a driver mean the same. Plain has the one spelling of options, without those
// that a driver has by default; it may change its argument.
func sameOptions(plain func(map[string]string) map[string]string, a, b map[string]types.String) bool {
	return maps.Equal(plain(expandMap(a)), plain(expandMap(b)))
}

// keptOptions is kept for options of a driver: what means the same as what the engine reports stays as it was written.
func keptOptions(plain func(map[string]string) map[string]string, prior map[string]types.String, reported map[string]string) map[string]types.String {
	now := kept(prior, reported)
	if prior == nil || sameOptions(plain, prior, now) {
		return prior
	}
	return now
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

// plainVolumeOptions leaves out what the driver local takes for nothing, an empty type, device or o, and puts its
// mount options in one order: that of options with values means nothing if no name is there twice. Flags ("ro") stay
// in theirs, since a later one can undo an earlier one.
func plainVolumeOptions(options map[string]string) map[string]string {
	for _, name := range []string{"type", "device", "o"} {
		if options[name] == "" {
			delete(options, name)
		}
	}
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
