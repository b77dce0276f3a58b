// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"cmp"
	"path"
	"slices"
	"strings"

	containertypes "github.com/docker/docker/api/types/container"
)

// ParseLink reads a link as Compose and the Docker CLI spell it, "db:data" or "db", where the container is
// its own alias.
func ParseLink(s string) (ref, alias string) {
	ref, alias, _ = strings.Cut(s, ":")
	return ref, cmp.Or(alias, ref)
}

// PlainLink has the one spelling of a link, with its alias.
func PlainLink(s string) string {
	ref, alias := ParseLink(s)
	return ref + ":" + alias
}

// SameLinks reports whether two lists have the same links, in whatever order and spelling.
func SameLinks(a, b []string) bool {
	return slices.Equal(plainList(a, PlainLink), plainList(b, PlainLink))
}

// observeLinks reads the links of the engine's default network, which it reports as "/db:/web/data".
func observeLinks(host *containertypes.HostConfig) []string {
	var links []string
	for _, link := range host.Links {
		ref, alias := ParseLink(link)
		links = append(links, strings.TrimPrefix(ref, "/")+":"+path.Base(alias))
	}
	return plainList(links, PlainLink)
}

// OfDefaultNetwork reports whether the container that is asked for is on the engine's default network from
// its beginning. Elsewhere an engine drops links, or refuses them.
func (s Settings) OfDefaultNetwork() bool {
	if !IsDefaultMode(s.NetworkMode) {
		return false
	}
	first := attachOrder(s.Networks)
	return len(first) == 0 || IsDefaultMode(s.Networks[first[0]].Network)
}

// HasLink reports whether the container has a link that is asked for, by the other container's name or ID.
func (c *Container) HasLink(asked string) bool {
	ref, alias := ParseLink(asked)
	return slices.ContainsFunc(c.Links, func(link string) bool {
		name, has := ParseLink(link)
		return has == alias && (name == ref || len(ref) >= ShortID && strings.HasPrefix(c.Linked[name], ref))
	})
}
