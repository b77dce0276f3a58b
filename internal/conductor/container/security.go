// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	containertypes "github.com/docker/docker/api/types/container"
)

// Security says what a container may do.
type Security struct {
	Privileged bool `json:"privileged,omitempty"`
	// CapAdd and CapDrop are capabilities, in any case, with or without CAP_; or ALL.
	CapAdd  []string `json:"cap_add,omitempty"`
	CapDrop []string `json:"cap_drop,omitempty"`
	// SecurityOpt are options as `docker run --security-opt` spells them; a seccomp profile is
	// its JSON itself.
	SecurityOpt []string          `json:"security_opt,omitempty"`
	GroupAdd    []string          `json:"group_add,omitempty"`
	Sysctls     map[string]string `json:"sysctls,omitempty"`
	UsernsMode  string            `json:"userns_mode,omitempty"`
	// ReadOnly makes the container's root file system read-only.
	ReadOnly bool `json:"read_only,omitempty"`
}

// unmasked is the option that the Docker CLI knows and the engine does not: in a request it is two
// empty lists of paths.
const unmasked = "systempaths=unconfined"

func (s Security) translate(host *containertypes.HostConfig) {
	host.Privileged, host.ReadonlyRootfs = s.Privileged, s.ReadOnly
	host.CapAdd, host.CapDrop = s.CapAdd, s.CapDrop
	host.GroupAdd, host.Sysctls, host.UsernsMode = s.GroupAdd, s.Sysctls, containertypes.UsernsMode(s.UsernsMode)
	for _, option := range s.SecurityOpt {
		if PlainSecurityOption(option) == unmasked {
			host.MaskedPaths, host.ReadonlyPaths = []string{}, []string{}
			continue
		}
		host.SecurityOpt = append(host.SecurityOpt, option)
	}
}

func observeSecurity(host *containertypes.HostConfig) Security {
	s := Security{
		Privileged: host.Privileged, ReadOnly: host.ReadonlyRootfs, CapAdd: host.CapAdd, CapDrop: host.CapDrop,
		SecurityOpt: slices.Clone(host.SecurityOpt), GroupAdd: host.GroupAdd, Sysctls: host.Sysctls, UsernsMode: string(host.UsernsMode),
	}
	// A privileged container has none of these paths anyway, which the engine reports as null.
	if !host.Privileged && host.MaskedPaths != nil && host.ReadonlyPaths != nil && len(host.MaskedPaths)+len(host.ReadonlyPaths) == 0 {
		s.SecurityOpt = append(s.SecurityOpt, unmasked)
	}
	return s
}

// plain leaves out the labels that an engine adds to what is privileged, or shares a name space of
// the host.
func (s Security) plain(shared bool, d EngineDefaults) Security {
	s.CapAdd, s.CapDrop, s.GroupAdd = plainList(s.CapAdd, PlainCapability), plainList(s.CapDrop, PlainCapability), plainList(s.GroupAdd, strings.Clone)
	s.SecurityOpt = plainList(s.SecurityOpt, PlainSecurityOption)
	if s.Privileged || shared {
		s.SecurityOpt = without(s.SecurityOpt, "label=disable")
	}
	if d.NoNewPrivileges {
		s.SecurityOpt = without(s.SecurityOpt, "no-new-privileges=true")
	}
	if len(s.Sysctls) == 0 {
		s.Sysctls = nil
	}
	return s
}

// plainList has one spelling of a list that is a set; an empty one is nil.
func plainList(list []string, plain func(string) string) []string {
	var out []string
	for _, s := range list {
		out = append(out, plain(s))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func without(list []string, s string) []string {
	var out []string
	for _, e := range list {
		if e != s {
			out = append(out, e)
		}
	}
	return out
}

// PlainCapability returns a capability as the kernel's documentation spells it: "net_admin" is
// "CAP_NET_ADMIN".
func PlainCapability(s string) string {
	s = strings.ToUpper(s)
	if s == "ALL" || strings.HasPrefix(s, "CAP_") {
		return s
	}
	return "CAP_" + s
}

// PlainSecurityOption returns an option as key=value: "label:disable" is "label=disable",
// "no-new-privileges" is "no-new-privileges=true". Of a seccomp profile it drops the white space.
func PlainSecurityOption(s string) string {
	const noNewPrivileges, seccomp = "no-new-privileges", "seccomp"
	separator := "="
	if !strings.Contains(s, separator) {
		separator = ":"
	}
	key, value, ok := strings.Cut(s, separator)
	if key == noNewPrivileges && !ok {
		return noNewPrivileges + "=true"
	}
	if !ok {
		return s
	}
	if key == seccomp {
		var compact bytes.Buffer
		if json.Compact(&compact, []byte(value)) == nil {
			value = compact.String()
		}
	}
	return key + "=" + value
}
