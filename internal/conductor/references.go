// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// referenceLook is the pause between two looks at an operation on a container that is referred to.
const referenceLook = 100 * time.Millisecond

// otherContainer is one that this one needs: whose namespace it shares, whose volumes it has, or to which
// it is linked.
type otherContainer struct {
	attribute string
	// ref is its name or ID.
	ref string
	// words are the engine's, of a start that could not join it.
	words string
}

func (s Spec) references() []otherContainer {
	var refs []otherContainer
	for _, share := range []otherContainer{{"network_mode", s.NetworkMode, "join network of"}, {"ipc", s.IPC, "join IPC of"}, {"pid", s.PID, "join PID of"}} {
		if ref, ok := SharedContainer(share.ref); ok {
			share.ref = ref
			refs = append(refs, share)
		}
	}
	for _, from := range s.VolumesFrom {
		ref, _, _ := strings.Cut(from, ":")
		refs = append(refs, otherContainer{attribute: "volumes_from", ref: ref})
	}
	for _, link := range s.Links {
		ref, alias := ParseLink(link)
		refs = append(refs, otherContainer{attribute: "links", ref: ref, words: fmt.Sprintf("AS /%s/%s", s.Name, alias)})
	}
	return refs
}

// referred are the containers that this one needs, each once.
func (s Spec) referred() []string {
	var refs []string
	for _, r := range s.references() {
		refs = append(refs, r.ref)
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

// unusable finds what this container refers to, if the engine's error is about it: there is no such
// container, or it can't be joined. Own is this container's own ID. At a start the engine names the ID
// that it found at the create, and sometimes nothing that tells what it was needed for.
func (s Spec) unusable(own string, err error) (otherContainer, bool) {
	text := err.Error()
	m := regexp.MustCompile(`(?i)no such container: ([^\s:]+)|container:? ([0-9a-f]{64})|cannot link to (?:a non running container: )?/(\S+)`).FindStringSubmatch(text)
	if m == nil {
		return otherContainer{}, false
	}
	named, bare := m[1]+m[2]+m[3], "network_mode"
	switch {
	case strings.Contains(text, "join IPC namespace"): // As engines since 25.0 say it.
		bare = "ipc"
	case strings.Contains(text, "is not running"):
		bare = "pid"
	}
	refs := s.references()
	for _, is := range []func(otherContainer) bool{
		func(r otherContainer) bool { return r.words != "" && strings.Contains(text, r.words) },
		func(r otherContainer) bool {
			return r.ref == named || len(r.ref) >= shortID && strings.HasPrefix(named, r.ref)
		},
		func(r otherContainer) bool { return r.attribute == bare && named != own && named != s.Name },
	} {
		if i := slices.IndexFunc(refs, is); i >= 0 {
			return refs[i], true
		}
	}
	return otherContainer{}, false
}

// awaitReferences waits until no operation is under way on a container that this one refers to. It
// takes nothing meanwhile but the place in the lanes. It looks only at what was accepted before, by
// any process: every wait then leads to an earlier operation, and so none closes a cycle. Of containers
// that refer to each other the first one fails, and the other one with it.
func (o *operation) awaitReferences(ctx context.Context) error {
	if !o.kept || o.Kind == KindRemove {
		return nil
	}
	for _, ref := range o.Spec.referred() {
		awaited := ""
		for r, ok := o.underWay(ctx, ref); ok; r, ok = o.underWay(ctx, ref) {
			awaited = r.ID
			o.logger.Info("waiting for an operation on a container that this one refers to", "awaited", r.ID)
			for o.goesOn(r.ID) {
				if err := pause(ctx, referenceLook); err != nil {
					return err
				}
			}
		}
		if err := o.failedReference(ref, awaited); err != nil {
			return err
		}
	}
	return nil
}

// goesOn says whether an operation is still under way.
func (o *operation) goesOn(id string) bool {
	r, err := o.engine.journal.Find(id)
	return err == nil && r.InProgress() && o.engine.journal.Alive(r)
}

// underWay finds the last operation on a container that was accepted before this one and has not
// ended. An operation is found by the name that the container has: its lane.
func (o *operation) underWay(ctx context.Context, ref string) (journal.Record, bool) {
	if r, ok := o.underWayIn(ref); ok || len(ref) < shortID {
		return r, ok
	}
	c, err := o.engine.inspect(ctx, ref)
	if err != nil || c.Name == ref {
		return journal.Record{}, false // The start says what is wrong with it.
	}
	return o.underWayIn(c.Name)
}

func (o *operation) underWayIn(lane string) (journal.Record, bool) {
	records, _ := o.engine.journal.Lane(lane)
	for _, r := range slices.Backward(records) {
		if r.ID != o.id && journal.Ticket(r.ID) < journal.Ticket(o.id) && r.InProgress() && o.engine.journal.Alive(r) {
			return r, true
		}
	}
	return journal.Record{}, false
}

// failedReference is a *fault.Fault if the operation that was waited for failed.
func (o *operation) failedReference(ref, awaited string) error {
	if awaited == "" {
		return nil
	}
	r, err := o.engine.journal.Find(awaited)
	if err != nil || r.Outcome != journal.Failed || r.Fault == nil || Kind(r.Kind) == KindRemove {
		return nil //nolint:nilerr // What can't be read is no failure: the engine has the last word.
	}
	exists := fault.Unchanged
	if o.Kind == KindCreate {
		exists = fault.NothingCreated
	}
	return o.scope().ReferenceFailed(o.Kind.verb(), ref, exists, r.Fault)
}
