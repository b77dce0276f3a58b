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
	known := ticketsOf(marked)
	touched := make(map[string]bool)
	var late []name
	for _, n := range x.names {
		if known[n.ticket] {
			late = append(late, n)
			continue
		}
		if t.timeIsUp() {
			break
		}
		r, _, err := t.read(filepath.Join(t.operations(), n.file))
		if err == nil && !r.Cast {
			err = t.interrupt(r)
		}
		isLate := false
		if err == nil {
			isLate, err = t.examine(n)
		}
		if err != nil {
			continue // Whoever looks is told.
		}
		if isLate {
			late = append(late, n)
		}
		for _, lane := range n.lanes {
			touched[lane] = true
		}
	}
	err = t.makeRoom(late)
	for lane := range touched {
		if past, err := t.names(t.pastOf(lane)); err == nil && len(past) > pruneAt && !t.timeIsUp() {
			t.pruneLane(lane, keepFor)
		}
	}
	return err
}

// interrupt notes of an operation whose process died that it ended.
func (t tidying) interrupt(r Record) error {
	if !r.InProgress() || t.Alive(r) {
		return nil
	}
	return t.Change(r.ID, func(r *Record) {
		if r.InProgress() {
			r.Outcome, r.Ended = Interrupted, t.now.UTC()
		}
	})
}

// makeRoom leaves the newest late failures among the open operations, and moves the others into the history, so that
// a look at what is open costs the same however many there are. They come oldest first.
func (t tidying) makeRoom(late []name) error {
	const atOnce = 50
	var failures []error
	for some := range slices.Chunk(late[:max(len(late)-keepLate, 0)], atOnce) {
		if t.timeIsUp() {
			break
		}
		for _, n := range some {
			r, _, err := t.read(filepath.Join(t.operations(), n.file))
			if err == nil {
				err = t.interrupt(r)
			}
			failures = append(failures, ignoreMissing(err))
		}
		failures = append(failures, t.shelveLate(some))
	}
	return errors.Join(failures...)
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
		if _, open, _ := t.Mark(r.ID); open && t.now.Sub(r.Accepted) < keepFor {
			continue // What it made may still be resumed.
		}
		_ = remove(filepath.Join(t.pastOf(lane), r.fileName()))
	}
	_ = t.sweepUnnamed(t.pastOf(lane))
	if entries, err := t.journal.disk.list(t.pastOf(lane)); err == nil {
		for _, entry := range entries {
			if strings.HasSuffix(entry.Name(), markSuffix) && t.old(entry, keepFewer) {
				_ = t.dropMark(filepath.Join(t.pastOf(lane), entry.Name()))
			}
		}
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
	failures := []error{t.sweepUnsettled(), t.sweepClaimed()}
	for _, folder := range []string{t.operations(), t.late(), t.progress()} {
		entries, err := t.journal.disk.list(folder)
		failures = append(failures, err)
		for _, entry := range entries {
			ticket, rest, _ := strings.Cut(entry.Name(), ".")
			_, isMark := strings.CutSuffix(rest, markSuffix)
			_, there := x.tickets[ticket]
			isRecord := folder == t.operations() && !strings.HasSuffix(rest, "cancel") && !isMark && ticket != ""
			if there || isRecord || !t.old(entry, keepFewer) {
				continue
			}
			drop := remove
			if isMark {
				drop = t.dropMark
			}
			failures = append(failures, drop(filepath.Join(folder, entry.Name())))
		}
	}
	for _, folder := range []string{t.dir, t.counters(), t.journal.owners(), filepath.Join(t.journal.dir, "hosts")} {
		failures = append(failures, t.sweepUnnamed(folder))
	}
	return errors.Join(failures...)
}

// sweepUnnamed drops the files of a directory that a crash left before they had their names.
func (t tidying) sweepUnnamed(folder string) error {
	entries, err := t.journal.disk.list(folder)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), temporary) && t.old(entry, keepFewer) {
			err = errors.Join(err, remove(filepath.Join(folder, entry.Name())))
		}
	}
	return err
}

// dropMark drops an open mark without a record. While the lane is locked nobody is between the mark of an operation
// and its record: what has none then, gets none any more.
func (t tidying) dropMark(path string) error {
	ticket, rest, _ := strings.Cut(filepath.Base(path), ".")
	lane := strings.TrimSuffix(rest, markSuffix)
	lock, held, err := t.lockChange(lane)
	if err != nil || !held {
		return err
	}
	defer func() { _ = lock.Unlock() }()
	all, err := t.inLane(lane)
	if err != nil || slices.ContainsFunc(all, func(l located) bool { return l.ticket == ticket }) {
		return err
	}
	return remove(path)
}

// sweepUnsettled drops the marks of late failures in the history that are none, in any order.
func (t tidying) sweepUnsettled() error {
	entries, err := t.journal.disk.list(t.unsettled())
	rand.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	for _, entry := range entries {
		if t.timeIsUp() {
			break
		}
		n, ok := parseStem(entry.Name())
		if !ok || len(n.lanes) != 1 || !t.old(entry, keepFewer) {
			continue
		}
		r, readErr := t.readLate(n)
		if errors.Is(readErr, fs.ErrNotExist) || readErr == nil && !t.isLate(r) {
			err = errors.Join(err, remove(filepath.Join(t.unsettled(), entry.Name())))
		}
	}
	return err
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
