// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package journal keeps the operations on disk: the intent before the first change, the outcome
// after the last one. It also has the locks that reach across processes: a lock for each lane, and
// a lock for each owner, which tells the living from the dead.
//
//	state_dir/
//	  owners/<owner>.lock                  held as long as the conductor process lives
//	  hosts/<short>                        which engine an address leads to
//	  engines/<engine>-<short>/
//	    operations/<ticket>.<lane>….json   one file an operation: what is open, and what has just ended
//	    operations/<ticket>.<lane>.open    no answer of the create has begun; it goes where the record goes
//	    operations/<ticket>.cancel         somebody asks the operation's owner to cancel it
//	    formerly                           the directories that the engine had under other host names
//	    history/<lane>/<ticket>.<lane>….json   what is over
//	    late/<ticket>.<lane>….json         marks a cast whose failure nobody has dealt with
//	    unsettled/<ticket>.<lane>          the same, where its record is in the history
//	    progress/<ticket>.json             where an operation in progress is, for whoever watches it
//	    counters/<owner>.json              how often and how long operations of a process waited
//	    lanes/<lane>.lock                  held while an operation of the lane is carried out
//	    lanes/<lane>.change                held for a moment, while a record of the lane is accepted or changed
//
// A lane is a short hash of the container's name (or of the kind and the name of what is no container), a
// rename has two; it stands in the file's name so
// that a lane is listed without opening others' files.
//
// The history is kept by lane: what concerns its lane alone goes there, so that a look at what is open
// costs nothing for what is not: what has ended, also if it left something, with its open mark; and of the casts
// whose failure is not settled all but the newest. Those have an empty file in late/, or in unsettled/ if they are in
// the history: they can be many, and are counted without opening them. An older gantry takes what is in the history
// for pruned, or knows it and does not tell of it unless a state names it.
//
// Who waits for a lock may have a file open that was deleted, and that nobody else sees: it counts only if
// it is still the one at its path. (An owner deletes its own at an orderly end: what is left and can be
// taken is a crash, unless it has the end in it.)
package journal

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/gofrs/flock"
	"github.com/google/uuid"
)

const (
	folderMode = 0o700
	fileMode   = 0o600
)

// Journal is one process's access to a state directory. It must be closed.
type Journal struct {
	dir   string
	owner string
	disk  *disk
	// lock is taken with the first intent: who only reads owns nothing.
	own    sync.Mutex
	lock   *flock.Flock
	closed bool
	// dead are the owners that are known to be dead, and whether they crashed: neither changes any more.
	dead sync.Map
}

// DefaultDir is the state directory that is used if nobody names one: the XDG state directory, which is
// the user's own and survives a restart of the machine.
func DefaultDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "gantry"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding the state directory: %w", err)
	}
	return filepath.Join(home, ".local", "state", "gantry"), nil
}

// Look returns access to a state directory for who only looks: nothing is made there. A missing directory
// is fs.ErrNotExist, one that others can write an *UnsafeError.
func Look(dir string) (*Journal, error) {
	if _, err := os.ReadDir(dir); err != nil {
		return nil, fmt.Errorf("reading the state directory: %w", err)
	}
	j := at(dir)
	if err := j.safe(); err != nil {
		return nil, err
	}
	return j, nil
}

func at(dir string) *Journal {
	return &Journal{dir: dir, owner: uuid.Must(uuid.NewV7()).String(), disk: newDisk()}
}

// Open makes the state directory if need be, and checks that it is safe and can be written. The error is an
// *UnsafeError, a *NotFolderError, an *UnusableError, or any other where there is no directory and none can be made.
func Open(dir string) (*Journal, error) {
	j := at(dir)
	if err := j.make(); err != nil {
		return nil, err
	}
	return j, nil
}

func (j *Journal) owners() string { return filepath.Join(j.dir, "owners") }

// Dir is the state directory.
func (j *Journal) Dir() string { return j.dir }

// Engine returns the part of the journal that belongs to one engine: its ID, and the host name that
// it reports, since cloned machines can share an ID. The error is an *UnusableError.
func (j *Journal) Engine(id, host string) (*Engine, error) {
	e := j.engine(folderOf(id, host))
	e.id = id
	for _, folder := range e.folders() {
		if err := os.MkdirAll(folder, folderMode); err != nil {
			return nil, &UnusableError{j.dir, fmt.Errorf("making the directory of engine %q: %w", host, err)}
		}
	}
	return e, nil
}

func (j *Journal) engine(folder string) *Engine {
	return &Engine{journal: j, dir: filepath.Join(j.dir, "engines", folder)}
}

// Note remembers which engine an address leads to, so that its records are found without a
// connection.
func (j *Journal) Note(host string, e *Engine) error {
	path, name := j.note(host), filepath.Base(e.dir)
	known, err := os.ReadFile(path)
	if err == nil && string(known) == name {
		return nil
	}
	err = nil
	if e.renamed(string(known)) {
		err = e.follows(string(known))
	}
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), folderMode)
	}
	if err == nil {
		err = j.disk.replace(path, []byte(name), true)
	}
	if err != nil {
		return &UnusableError{j.dir, fmt.Errorf("noting where the address leads: %w", err)}
	}
	return nil
}

// Noted returns the engine that an address led to the last time. An address that is not known is
// fs.ErrNotExist.
func (j *Journal) Noted(host string) (*Engine, error) {
	content, err := j.disk.open(j.note(host))
	if err != nil {
		return nil, err
	}
	name := string(content)
	if !filepath.IsLocal(name) || strings.ContainsAny(name, `/\`) || name == "." {
		return nil, fmt.Errorf("the note %s is damaged: %w", j.note(host), fs.ErrNotExist)
	}
	return j.engine(name), nil
}

func (j *Journal) note(host string) string { return filepath.Join(j.dir, "hosts", short(host)) }

// Engines returns the parts of all engines that the journal knows, without a connection to any.
func (j *Journal) Engines() ([]*Engine, error) {
	entries, err := j.disk.list(filepath.Join(j.dir, "engines"))
	if err != nil {
		return nil, err
	}
	var engines []*Engine
	for _, entry := range entries {
		engines = append(engines, j.engine(entry.Name()))
	}
	return engines, nil
}

// EnginesOf returns the parts of all engines of the host name that an operation's ID has: no other has it.
func (j *Journal) EnginesOf(operationID string) ([]*Engine, error) {
	host, _, _, err := SplitID(operationID)
	if err != nil {
		return nil, nil //nolint:nilerr // No record has such an ID.
	}
	return j.EnginesAt(host)
}

// EnginesAt returns the parts of all engines of a host name.
func (j *Journal) EnginesAt(host string) ([]*Engine, error) {
	all, err := j.Engines()
	of := func(e *Engine) bool {
		folder := filepath.Base(e.dir)
		return strings.LastIndexByte(folder, '-') == len(printable(host)) && strings.HasPrefix(folder, printable(host))
	}
	return slices.DeleteFunc(all, func(e *Engine) bool { return !of(e) }), err
}

// printable keeps of a host name what every file system takes.
func printable(host string) string {
	const longest = 128 // Of the 255 that a name may have.
	host = host[:min(len(host), longest)]
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, host)
}
