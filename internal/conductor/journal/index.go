// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// name is what the name of a record's file tells.
type name struct {
	file   string
	ticket string
	// lanes are the short names of the operation's lanes.
	lanes []string
}

// parseName returns what a file name tells, if it is that of a record.
func parseName(file string) (name, bool) {
	stem, isRecord := strings.CutSuffix(file, ".json")
	n, ok := parseStem(stem)
	n.file = file
	return n, isRecord && ok
}

// parseStem returns what the name of a record's file tells without its end.
func parseStem(stem string) (name, bool) {
	parts := strings.Split(stem, ".")
	return name{stem + ".json", parts[0], parts[1:]}, parts[0] != ""
}

func (n name) stem() string { return strings.TrimSuffix(n.file, ".json") }

// byTicket sorts the oldest first.
func byTicket(a, b name) int { return cmp.Compare(a.ticket, b.ticket) }

// index is what a listing of the open operations tells.
type index struct {
	names   []name
	lanes   map[string][]name
	tickets map[string]name
	// changed is when the directory last changed, as far as the listing knows.
	changed time.Time
	// final says that the listing can't have missed a change of the very moment in which it was made.
	final bool
}

// racy is the coarsest time stamp of a directory on any file system in use: two changes within it may have
// the same one.
const racy = 2 * time.Second

// opened lists the operations that are open, or have just ended. The listing is kept as long as the
// directory does not change, so that many looks at it don't list it again and again.
func (e *Engine) opened() (*index, error) {
	e.listing.Lock()
	defer e.listing.Unlock()
	info, err := os.Stat(e.operations())
	if err != nil {
		return nil, err
	}
	if e.index != nil && e.index.final && e.index.changed.Equal(info.ModTime()) {
		return e.index, nil
	}
	began := time.Now()
	names, err := e.names(e.operations())
	if err != nil {
		return nil, err
	}
	x := &index{
		names: names, lanes: make(map[string][]name), tickets: make(map[string]name, len(names)),
		changed: info.ModTime(), final: began.Sub(info.ModTime()) > racy,
	}
	for _, n := range names {
		x.tickets[n.ticket] = n
		for _, lane := range slices.Compact(slices.Clone(n.lanes)) {
			x.lanes[lane] = append(x.lanes[lane], n)
		}
	}
	e.index = x
	return x, nil
}

// names lists the records in a directory, oldest first.
func (e *Engine) names(folder string) ([]name, error) {
	entries, err := e.journal.disk.list(folder)
	if err != nil {
		return nil, err
	}
	return parseNames(entries), nil
}

func parseNames(entries []fs.DirEntry) []name {
	names := make([]name, 0, len(entries))
	for _, entry := range entries {
		if n, ok := parseName(entry.Name()); ok {
			names = append(names, n)
		}
	}
	slices.SortStableFunc(names, byTicket)
	return names
}

// located is a record's file.
type located struct {
	name
	folder string
}

func (l located) path() string { return filepath.Join(l.folder, l.file) }

// inLane lists the records of a lane, the open ones and the history, oldest first. A record on its way
// to the history counts once: what is listed first is the directory that it leaves.
func (e *Engine) inLane(lane string) ([]located, error) {
	x, err := e.opened()
	if err != nil {
		return nil, err
	}
	past, err := e.names(e.pastOf(lane))
	if err != nil {
		return nil, err
	}
	all := make([]located, 0, len(past)+len(x.lanes[lane]))
	all = append(all, locatedIn(x.lanes[lane], e.operations())...)
	all = append(all, locatedIn(past, e.pastOf(lane))...)
	slices.SortStableFunc(all, func(a, b located) int { return byTicket(a.name, b.name) })
	return slices.CompactFunc(all, func(a, b located) bool { return a.file == b.file }), nil
}

// find finds the file of one record: by its name, without a listing, unless it has two lanes.
func (e *Engine) find(id string) (located, bool, error) {
	_, laneName, ticket, err := SplitID(id)
	if err != nil {
		return located{}, false, nil //nolint:nilerr // No record has such an ID.
	}
	lane := short(laneName)
	one := name{ticket + "." + lane + ".json", ticket, []string{lane}}
	for _, folder := range []string{e.operations(), e.pastOf(lane)} {
		if _, err := os.Stat(filepath.Join(folder, one.file)); err == nil {
			return located{one, folder}, true, nil
		}
	}
	x, err := e.opened()
	if err != nil {
		return located{}, false, err
	}
	if n, ok := x.tickets[ticket]; ok {
		return located{n, e.operations()}, true, nil
	}
	return e.inPast(lane, ticket)
}

// inPast finds the file of one record in the history of a lane.
func (e *Engine) inPast(lane, ticket string) (located, bool, error) {
	past, err := e.names(e.pastOf(lane))
	if err != nil {
		return located{}, false, err
	}
	i := slices.IndexFunc(past, func(n name) bool { return n.ticket == ticket })
	if i < 0 {
		return located{}, false, nil
	}
	return located{past[i], e.pastOf(lane)}, true, nil
}
