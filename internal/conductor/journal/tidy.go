// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// keepFor is how long the history of a lane is kept whose object was removed, and what else nobody
	// may need any more.
	keepFor = 30 * 24 * time.Hour
	// manyLanes is how many lanes may have a history; beyond that what was removed is kept for keepFewer.
	manyLanes = 1000
	keepFewer = 24 * time.Hour
	// keepRecords is how many records of a lane are kept at least, pruneAt how many there may be before
	// somebody looks which.
	keepRecords = 20
	pruneAt     = 2 * keepRecords
	// keepObjects bounds the objects of a lane for which records are kept beyond that: each was given
	// another name.
	keepObjects = 100
	// keepCounters is how many processes' counters are kept.
	keepCounters = 200
	// tidyEvery is how often what is not about open operations is tidied.
	tidyEvery = time.Hour
)

// The kinds of operations that the journal tells from others.
const (
	kindCreate   = "create"
	kindUpdate   = "update"
	kindExchange = "exchange"
	kindRemove   = "remove"
)

// Tidy puts what is over into the history, and drops what nobody may need any more. It ends after a time,
// wherever it is: the next one goes on.
func (e *Engine) Tidy(takes time.Duration) error {
	t := tidying{Engine: e, now: time.Now()}
	t.giveUp = t.now.Add(takes)
	err := t.sort()
	stamp := filepath.Join(e.dir, "tidied")
	if info, statErr := os.Stat(stamp); statErr == nil && t.now.Sub(info.ModTime()).Abs() < tidyEvery {
		return err
	}
	return errors.Join(err, os.WriteFile(stamp, nil, fileMode), t.prune(), t.sweep(), t.dropLocks(),
		e.pruneCounters(t.now.Add(-keepFor), keepCounters), e.journal.pruneOwners(t.now.Add(-keepFor)))
}

// tidying is one go at it.
type tidying struct {
	*Engine
	now, giveUp time.Time
}

func (t tidying) timeIsUp() bool { return time.Now().After(t.giveUp) }

// sort puts the records among the open ones where they belong, and ends the calls whose process died.
func (t tidying) sort() error {
	x, err := t.opened()
	if err != nil {
		return err
	}
	marked, err := t.names(t.late())
	if err != nil {
		return err
	}
	known := make(map[string]bool, len(marked))
	for _, n := range marked {
		known[n.ticket] = true
	}
	touched := make(map[string]bool)
	for _, n := range x.names {
		if known[n.ticket] {
			continue
		}
		if t.timeIsUp() {
			break
		}
		r, _, err := t.read(filepath.Join(t.operations(), n.file))
		if err == nil && r.InProgress() && !r.Cast && !t.Alive(r) {
			err = t.Change(r.ID, func(r *Record) {
				if r.InProgress() {
					r.Outcome, r.Ended = Interrupted, t.now.UTC()
				}
			})
		}
		if err == nil {
			_, err = t.examine(n)
		}
		if err != nil {
			continue // Whoever looks is told.
		}
		for _, lane := range n.lanes {
			touched[lane] = true
		}
	}
	for lane := range touched {
		if past, err := t.names(t.pastOf(lane)); err == nil && len(past) > pruneAt && !t.timeIsUp() {
			t.pruneLane(lane, keepFor)
		}
	}
	return nil
}

// prune drops what may go of the history, lane by lane in any order.
func (t tidying) prune() error {
	lanes, err := t.journal.disk.list(t.history())
	if err != nil {
		return err
	}
	removedFor := keepFor
	if len(lanes) > manyLanes {
		removedFor = keepFewer
	}
	rand.Shuffle(len(lanes), func(i, j int) { lanes[i], lanes[j] = lanes[j], lanes[i] })
	for _, lane := range lanes {
		if t.timeIsUp() {
			break
		}
		if lane.IsDir() {
			t.pruneLane(lane.Name(), removedFor)
		}
	}
	return nil
}

// pruneLane drops records of a lane's history.
func (t tidying) pruneLane(lane string, removedFor time.Duration) {
	all, err := t.inLane(lane)
	if err != nil {
		return
	}
	records, problems := t.readAll(all, "")
	if len(problems) > 0 {
		return // What can't be read may be what matters.
	}
	for _, r := range dispensable(records, t.now.Add(-removedFor)) {
		_ = remove(filepath.Join(t.pastOf(lane), r.fileName()))
	}
	_ = os.Remove(t.pastOf(lane)) // If it is empty.
}

// dispensable returns what may be dropped of a lane's records, oldest first. A state may name whatever
// made or last changed an object that is still there: that stays, and what came after. What was removed
// before a time is in no state. It is pure.
func dispensable(records []Record, removedBefore time.Time) []Record {
	if len(records) == 0 {
		return nil
	}
	if last := records[len(records)-1]; last.Kind == kindRemove && last.Outcome == Done && last.Ended.Before(removedBefore) && !slices.ContainsFunc(records, Record.stays) {
		return records
	}
	// The last operation that made or changed each object, by the object's ID.
	last := make(map[string]int)
	for i, r := range records {
		if r.Outcome != Done {
			continue
		}
		switch r.Kind {
		case kindRemove:
			delete(last, r.ContainerID)
		case kindCreate, kindUpdate, kindExchange:
			if r.Exchange != nil {
				delete(last, r.Exchange.Predecessor)
			}
			if r.ContainerID != "" {
				last[r.ContainerID] = i
			}
		}
	}
	var essential []int
	for _, i := range last {
		essential = append(essential, i)
	}
	slices.Sort(essential)
	essential = essential[max(len(essential)-keepObjects, 0):]
	var drop []Record
	for i, r := range records[:max(len(records)-keepRecords, 0)] {
		if !slices.Contains(essential, i) && !r.stays() {
			drop = append(drop, r)
		}
	}
	return drop
}

// stays reports whether the record itself says that it is still needed.
func (r Record) stays() bool { return r.InProgress() || r.Unfinished() || r.Cast && r.Unsettled() }

// sweep drops marks, requests and progress of operations that are over, and files that a crash left unnamed.
func (t tidying) sweep() error {
	x, err := t.opened()
	if err != nil {
		return err
	}
	var failures []error
	for _, folder := range []string{t.operations(), t.late(), t.progress()} {
		entries, err := t.journal.disk.list(folder)
		if err != nil {
			failures = append(failures, err)
		}
		for _, entry := range entries {
			ticket, rest, _ := strings.Cut(entry.Name(), ".")
			lane, isMark := strings.CutSuffix(rest, ".open")
			_, there := x.tickets[ticket]
			isRecord := folder == t.operations() && !strings.HasSuffix(rest, "cancel") && !isMark && ticket != ""
			if there || isRecord || !t.old(entry, keepFewer) || isMark && t.remembers(ticket, lane) {
				continue
			}
			failures = append(failures, remove(filepath.Join(folder, entry.Name())))
		}
	}
	return errors.Join(failures...)
}

// remembers reports whether the history of a lane has an operation, or may have it: the open mark of a create is of
// use as long as its record.
func (t tidying) remembers(ticket, lane string) bool {
	past, err := t.names(t.pastOf(lane))
	return err != nil || slices.ContainsFunc(past, func(n name) bool { return n.ticket == ticket })
}

// dropLocks drops the lock files of lanes that nobody has used for long.
func (t tidying) dropLocks() error {
	entries, err := t.journal.disk.list(t.lanes())
	if err != nil {
		return err
	}
	age := keepFor
	if len(entries) > manyLanes {
		age = keepFewer
	}
	for _, entry := range entries {
		if t.timeIsUp() {
			break
		}
		lane, _, _ := strings.Cut(entry.Name(), ".")
		unused := func() bool {
			all, err := t.inLane(lane)
			return err == nil && len(all) == 0
		}
		if t.old(entry, age) && unused() {
			err = errors.Join(err, t.dropLock(filepath.Join(t.lanes(), entry.Name()), unused))
		}
	}
	return err
}

func (t tidying) old(entry fs.DirEntry, age time.Duration) bool {
	info, err := entry.Info()
	return err == nil && t.now.Sub(info.ModTime()) > age
}
