// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"slices"

	"github.com/distribution/reference"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// The names of an image are the engine's, and anybody's: two resources, two workspaces and a person can want the
// same one. What a state, or a record of the journal, says of a name was true when it was written. Before a name
// is taken away, or an image that has none, it is asked who has it by now.

// wanting returns the workspaces of which a resource wants the image of a lane, as far as the lane's records tell,
// oldest first: an operation brought it or is bringing it, and none has taken it away since, or brought one of the
// images in but. It is pure.
func wanting(records []journal.Record, underWay func(journal.Record) bool, but ...string) []string {
	wants := make(map[string]bool)
	for _, r := range records {
		if r.Outcome == journal.Done || r.InProgress() && underWay(r) {
			wants[r.Scope] = Kind(r.Kind) != KindRemove && (r.ContainerID == "" || !slices.Contains(but, r.ContainerID))
		}
	}
	var scopes []string
	for scope, has := range wants {
		if has {
			scopes = append(scopes, scope)
		}
	}
	slices.Sort(scopes)
	return scopes
}

// wantedByOthers reports whether another resource wants the image of a name, as far as the journal knows: one that
// has the name as its own, in whatever workspace, or the same one in another workspace. Who brought one of the images
// in but does not count.
func (o *objectJob) wantedByOthers(ref string, but ...string) bool {
	if !o.journaled {
		return false
	}
	own := o.lane()
	lane := journal.Lane("image", laneName(fault.Object{Kind: "image", Name: ref}))
	records, _ := o.in.Lane(lane)
	records = slices.DeleteFunc(records, func(r journal.Record) bool { return r.ID == o.id })
	scopes := wanting(records, o.in.Alive, but...)
	if lane != own {
		return len(scopes) > 0
	}
	return slices.ContainsFunc(scopes, o.foreign)
}

// foreign reports whether a workspace is known to be another one than the operation's.
func (o *objectJob) foreign(scope string) bool {
	return scope != "" && o.entry.scope != "" && scope != o.entry.scope
}

// nameless reports whether nobody has a name for an image: it has no tag, and what is left of its names are the
// digests of pulls from these repositories, which no resource wants.
func (o *objectJob) nameless(img *Image, names []string) bool {
	if len(img.RepoTags) > 0 {
		return false
	}
	repositories := make(map[string]bool)
	for _, name := range names {
		if named, err := reference.ParseNormalizedNamed(name); err == nil {
			repositories[named.Name()] = true
		}
	}
	return !slices.ContainsFunc(img.RepoDigests, func(digest string) bool {
		named, err := reference.ParseNormalizedNamed(digest)
		return err != nil || !repositories[named.Name()] || o.wantedByOthers(digest)
	})
}

// needsNames reports whether a container that was made from ref needs its image to keep these names: ref is one of
// them, or the image has no tag but these. It is pure.
func needsNames(tags, names []string, ref string) bool {
	var plain []string
	for _, name := range names {
		plain = append(plain, plainReference(name))
	}
	other := slices.ContainsFunc(tags, func(tag string) bool { return !slices.Contains(plain, plainReference(tag)) })
	return !other || slices.Contains(plain, plainReference(ref))
}

// plainReference has the one spelling of a reference.
func plainReference(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ref
	}
	return reference.TagNameOnly(named).String()
}
