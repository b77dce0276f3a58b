// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Reference is another container that one needs: whose namespace it shares, whose volumes it has, or to which it is
// linked.
type Reference struct {
	Attribute string
	// Ref is its name or ID.
	Ref string
	// words are the engine's, of a start that could not join it.
	words string
}

func (s Spec) references() []Reference {
	var refs []Reference
	for _, share := range []Reference{{"network_mode", s.NetworkMode, "join network of"}, {"ipc", s.IPC, "join IPC of"}, {"pid", s.PID, "join PID of"}} {
		if ref, ok := SharedContainer(share.Ref); ok {
			share.Ref = ref
			refs = append(refs, share)
		}
	}
	for _, from := range s.VolumesFrom {
		ref, _, _ := strings.Cut(from, ":")
		refs = append(refs, Reference{Attribute: "volumes_from", Ref: ref})
	}
	for _, link := range s.Links {
		ref, alias := ParseLink(link)
		refs = append(refs, Reference{Attribute: "links", Ref: ref, words: fmt.Sprintf("AS /%s/%s", s.Name, alias)})
	}
	return refs
}

// Referred are the containers that this one needs, each once.
func (s Spec) Referred() []string {
	var refs []string
	for _, r := range s.references() {
		refs = append(refs, r.Ref)
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

// Unusable finds what this container refers to, if the engine's error is about it: there is no such
// container, or it can't be joined. Own is this container's own ID. At a start the engine names the ID
// that it found at the create, and sometimes nothing that tells what it was needed for.
func (s Spec) Unusable(own string, err error) (Reference, bool) {
	text := err.Error()
	m := regexp.MustCompile(`(?i)no such container: ([^\s:]+)|container:? ([0-9a-f]{64})|cannot link to (?:a non running container: )?/(\S+)`).FindStringSubmatch(text)
	if m == nil {
		return Reference{}, false
	}
	named, bare := m[1]+m[2]+m[3], "network_mode"
	switch {
	case strings.Contains(text, "join IPC namespace"): // As engines since 25.0 say it.
		bare = "ipc"
	case strings.Contains(text, "is not running"):
		bare = "pid"
	}
	refs := s.references()
	for _, is := range []func(Reference) bool{
		func(r Reference) bool { return r.words != "" && strings.Contains(text, r.words) },
		func(r Reference) bool {
			return r.Ref == named || len(r.Ref) >= ShortID && strings.HasPrefix(named, r.Ref)
		},
		func(r Reference) bool { return r.Attribute == bare && named != own && named != s.Name },
	} {
		if i := slices.IndexFunc(refs, is); i >= 0 {
			return refs[i], true
		}
	}
	return Reference{}, false
}
