// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

func show(_ context.Context, s *session) error {
	all, err := s.meant()
	if err != nil {
		return err
	}
	o, err := find(all, s.id, func(operation) bool { return false })
	if err != nil {
		return err
	}
	if s.json {
		return s.encode(o)
	}
	s.print(shown(o, s.Zone)...)
	s.print(s.others(all, o)...)
	return nil
}

// others says that a name means more operations than the one that is shown, and which command lists them.
func (s *session) others(all []operation, shown operation) []string {
	n := int64(0)
	for _, o := range all {
		if o.ID != shown.ID && o.Engine == shown.Engine && o.Object == shown.Object && o.Name == shown.Name {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	command := name + " operations list"
	if s.stateDir != "" {
		command += fmt.Sprintf(" --state-dir %q", s.stateDir)
	}
	command += " --engine " + shown.Engine
	if shown.Object == aContainer {
		command += " --container " + shown.Name
	}
	return []string{"", fmt.Sprintf("This is the newest; the journal has %s of %s. To list them: %s",
		plural(n, "older operation", "older operations"), shown.subject(), command)}
}

// shown is everything about an operation.
func shown(o operation, zone *time.Location) []string {
	var rows [][]string
	add := func(label, text string) {
		if text != "" {
			rows = append(rows, []string{label, text})
		}
	}
	date := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return moment(t, zone)
	}
	add("Operation", o.ID)
	add("Engine", o.Engine)
	add(strings.ToUpper(o.Object[:1])+o.Object[1:], o.Name)
	add("Prior name", o.PriorName)
	add("Container ID", o.ContainerID)
	add("Kind", o.Kind+", "+waiter(o))
	add("State", o.status())
	add("Accepted", date(o.Accepted))
	add("Deadline", date(o.Deadline))
	add("Ended", date(o.Ended))
	if o.Elapsed != nil {
		add("Elapsed", o.took())
	}
	if o.Pull != nil {
		add("Pull", pulled(*o.Pull))
	}
	lines := table(rows)
	if o.Fault != nil {
		lines = append(lines, "")
		lines = append(lines, faulty(o)...)
	}
	return lines
}

// waiter says who waits for the operation.
func waiter(o operation) string {
	if o.Cast {
		return "cast (nobody waits for it)"
	}
	return "call (Terraform waits for it)"
}

func pulled(p journal.Pull) string {
	text := p.Image
	if p.Total > 0 {
		text += fmt.Sprintf(", %s of %s", size(p.Done), size(p.Total))
	}
	if p.Layers > 0 {
		text += fmt.Sprintf(", %d of %s complete", p.Complete, plural(int64(p.Layers), "layer", "layers"))
	}
	return text
}

// faulty is an operation's fault as Terraform would tell it.
func faulty(o operation) []string {
	return append([]string{o.Fault.Summary}, strings.Split(o.Fault.Detail(), "\n")...)
}
