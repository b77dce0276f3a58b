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
//	    operations/<unique>.<lane>….json   one file an operation
//	    operations/<unique>.cancel         somebody asks the operation's owner to cancel it
//	    counters/<owner>.json              how often and how long operations of a process waited
//	    lanes/<lane>.lock                  held while an operation of the lane is carried out
//	    lanes/<lane>.change                held for a moment, while a record of the lane is changed
//
// A lane is a short hash of the container's name (or of the kind and the name of what is no container), a
// rename has two; it stands in the file's name so
// that a lane is listed without opening others' files.
//
// Lock files are never deleted: who has one open would hold a lock that others don't see.
// (An owner deletes its own at an orderly end: what is left and can be taken is a crash.)
package journal

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/uuid"
)

const (
	folderMode = 0o700
	fileMode   = 0o600
)

// Journal is one process's access to a state folder. It must be closed.
type Journal struct {
	dir   string
	owner string
	// lock is taken with the first intent: who only reads owns nothing.
	own  sync.Mutex
	lock *flock.Flock
}

// DefaultDir is the state folder that is used if nobody names one: the XDG state folder, which is
// the user's own and survives a restart of the machine.
func DefaultDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "gantry"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding the state folder: %w", err)
	}
	return filepath.Join(home, ".local", "state", "gantry"), nil
}

// Look gives access to a state folder for who only looks: nothing is made there. A missing folder
// is fs.ErrNotExist.
func Look(dir string) (*Journal, error) {
	if _, err := os.ReadDir(dir); err != nil {
		return nil, fmt.Errorf("reading the state folder: %w", err)
	}
	return at(dir), nil
}

func at(dir string) *Journal {
	return &Journal{dir: dir, owner: uuid.Must(uuid.NewV7()).String()}
}

// Open makes the state folder if need be, and checks that it can be written.
func Open(dir string) (*Journal, error) {
	owners := filepath.Join(dir, "owners")
	if err := os.MkdirAll(owners, folderMode); err != nil {
		return nil, fmt.Errorf("making the state folder: %w", err)
	}
	probe, err := os.CreateTemp(owners, ".probe-*")
	if err != nil {
		return nil, fmt.Errorf("writing to the state folder: %w", err)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return nil, fmt.Errorf("writing to the state folder: %w", err)
	}
	return at(dir), nil
}

// Register takes the owner's lock, which says that this process lives, and gives the owner's name.
func (j *Journal) Register() (string, error) {
	j.own.Lock()
	defer j.own.Unlock()
	if j.lock != nil {
		return j.owner, nil
	}
	lock := flock.New(j.ownerLock(j.owner), flock.SetPermissions(fileMode))
	if ok, err := lock.TryLock(); err != nil || !ok {
		return "", fmt.Errorf("taking the owner's lock in the state folder %s: %w", j.dir, cmpErr(err, errors.New("it is held")))
	}
	j.lock = lock
	return j.owner, nil
}

func (j *Journal) ownerLock(owner string) string {
	return filepath.Join(j.dir, "owners", owner+".lock")
}

// Dir is the state folder.
func (j *Journal) Dir() string { return j.dir }

// Close gives up ownership. Records that have not ended are then dead.
func (j *Journal) Close() error {
	j.own.Lock()
	defer j.own.Unlock()
	if j.lock == nil {
		return nil
	}
	return errors.Join(os.Remove(j.lock.Path()), j.lock.Unlock())
}

// alive says whether an owner's process lives, and crashed whether its end was not an orderly one.
// Both "not alive" and "crashed" are final.
func (j *Journal) alive(owner string) (alive, crashed bool) {
	if owner == j.owner {
		return true, false
	}
	// Shared, so that two who look at the same time don't take each other for the owner.
	lock := flock.New(j.ownerLock(owner), flock.SetFlag(os.O_RDONLY))
	ok, err := lock.TryRLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, false
	case err != nil || !ok:
		// What can't be found out counts as alive: nothing is taken from the living.
		return true, false
	}
	_ = lock.Unlock()
	return false, true
}

// Engine gives the part of the journal that belongs to one engine: its ID, and the host name that
// it reports, since cloned machines can share an ID.
func (j *Journal) Engine(id, host string) (*Engine, error) {
	dir := filepath.Join(j.dir, "engines", printable(host)+"-"+short(id+"\x00"+host))
	e := &Engine{journal: j, dir: dir}
	for _, folder := range []string{e.operations(), e.lanes()} {
		if err := os.MkdirAll(folder, folderMode); err != nil {
			return nil, fmt.Errorf("making the state folder of engine %q: %w", host, err)
		}
	}
	return e, nil
}

// Note remembers which engine an address leads to, so that its records are found without a
// connection.
func (j *Journal) Note(host string, e *Engine) error {
	path, name := j.note(host), filepath.Base(e.dir)
	if known, err := os.ReadFile(path); err == nil && string(known) == name {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), folderMode); err != nil {
		return err
	}
	return replace(path, []byte(name), false)
}

// Noted gives the engine that an address led to the last time.
func (j *Journal) Noted(host string) (*Engine, error) {
	name, err := os.ReadFile(j.note(host))
	if err != nil {
		return nil, err
	}
	return &Engine{journal: j, dir: filepath.Join(j.dir, "engines", filepath.Base(string(name)))}, nil
}

func (j *Journal) note(host string) string { return filepath.Join(j.dir, "hosts", short(host)) }

// Engines gives the parts of all engines that the journal knows, without a connection to any.
func (j *Journal) Engines() ([]*Engine, error) {
	entries, err := os.ReadDir(filepath.Join(j.dir, "engines"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var engines []*Engine
	for _, entry := range entries {
		engines = append(engines, &Engine{journal: j, dir: filepath.Join(j.dir, "engines", entry.Name())})
	}
	return engines, nil
}

// printable keeps of a host name what every file system takes.
func printable(host string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, host)
}

// Engine is the journal of one engine. It is safe for use by many goroutines and processes.
type Engine struct {
	journal *Journal
	dir     string
}

const (
	// changeTakes bounds the wait for somebody else who changes a record of the lane, which
	// takes a few milliseconds: a process that was stopped in the middle must not stop all others.
	changeTakes = 2 * time.Second
	changePoll  = time.Millisecond
)

func (e *Engine) operations() string { return filepath.Join(e.dir, "operations") }
func (e *Engine) lanes() string      { return filepath.Join(e.dir, "lanes") }

// path is where a record is kept.
func (e *Engine) path(r Record) string {
	name := r.ticket()
	for _, lane := range r.Lanes() {
		name += "." + short(lane)
	}
	return filepath.Join(e.operations(), name+".json")
}

// find gives the paths of the records whose file name has this part between dots, oldest first.
func (e *Engine) find(part string) ([]string, error) {
	entries, err := os.ReadDir(e.operations())
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, entry := range entries {
		parts := strings.Split(entry.Name(), ".")
		if parts[len(parts)-1] == "json" && (part == "" || slices.Contains(parts, part)) {
			paths = append(paths, filepath.Join(e.operations(), entry.Name()))
		}
	}
	return paths, nil
}

// Begin makes an intent durable. It belongs to this process from now on.
func (e *Engine) Begin(r Record) error {
	if _, err := e.journal.Register(); err != nil {
		return err
	}
	r.Version, r.Owner = recordVersion, e.journal.owner
	return e.write(r, true)
}

// Change changes a record and makes the change durable.
func (e *Engine) Change(id string, change func(*Record)) error { return e.change(id, change, true) }

// Progress changes a record for whoever watches: the change survives the death of the process, but
// not that of the machine, and costs little.
func (e *Engine) Progress(id string, change func(*Record)) error { return e.change(id, change, false) }

// change keeps the read-change-write of a record together, among goroutines and processes: who
// settles a record and who claims it are not the same. Where the lock can't be had the change is made
// all the same: two changes at the same moment are rare, and what happened must be told.
func (e *Engine) change(id string, change func(*Record), durable bool) error {
	_, lane, _, err := SplitID(id)
	if err != nil {
		return err
	}
	lock := flock.New(filepath.Join(e.lanes(), short(lane)+".change"), flock.SetPermissions(fileMode))
	defer func() { _ = lock.Unlock() }()
	for giveUp := time.Now().Add(changeTakes); ; time.Sleep(changePoll) {
		if held, err := lock.TryLock(); held || err != nil || time.Now().After(giveUp) {
			break
		}
	}
	r, err := e.Find(id)
	if err != nil {
		return err
	}
	change(&r)
	return e.write(r, durable)
}

// AskCancel asks the owner of an operation to cancel it. The owner notes nothing of it but the
// operation's outcome.
func (e *Engine) AskCancel(id string) error {
	marker, err := os.OpenFile(e.cancel(id), os.O_CREATE|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	return marker.Close()
}

// CancelAsked says whether somebody asked to cancel an operation.
func (e *Engine) CancelAsked(id string) bool {
	_, err := os.Stat(e.cancel(id))
	return err == nil
}

func (e *Engine) cancel(id string) string {
	return filepath.Join(e.operations(), Ticket(id)+".cancel")
}

// Find gives one record. A missing one is fs.ErrNotExist.
func (e *Engine) Find(id string) (Record, error) {
	paths, err := e.find(Ticket(id))
	if err != nil {
		return Record{}, err
	}
	if len(paths) == 0 {
		return Record{}, fmt.Errorf("operation %s: %w", id, fs.ErrNotExist)
	}
	return e.read(paths[0])
}

// Records gives all records, oldest first, and apart from them what can't be read: torn files, and
// files of a newer gantry.
func (e *Engine) Records() ([]Record, []error) { return e.load("") }

// Lane gives the records of one lane, oldest first, and what can't be read of it.
func (e *Engine) Lane(name string) ([]Record, []error) { return e.load(short(name)) }

func (e *Engine) load(part string) ([]Record, []error) {
	paths, err := e.find(part)
	if err != nil {
		return nil, []error{err}
	}
	var records []Record
	var problems []error
	for _, path := range paths {
		r, err := e.read(path)
		switch {
		case errors.Is(err, fs.ErrNotExist): // Pruned meanwhile.
		case err != nil:
			problems = append(problems, err)
		default:
			records = append(records, r)
		}
	}
	return records, problems
}

// Alive says whether the process that owns a record lives.
func (e *Engine) Alive(r Record) bool {
	alive, _ := e.journal.alive(r.Owner)
	return alive
}

// Lost says that the operation's answer may never have reached Terraform's state: the process that
// was to give it crashed, and no state has named the operation since.
func (e *Engine) Lost(r Record) bool {
	if r.Claimed {
		return false
	}
	_, crashed := e.journal.alive(cmp.Or(r.Caller, r.Owner))
	return crashed
}

// Own says whether this process owns a record.
func (e *Engine) Own(r Record) bool { return r.Owner == e.journal.owner }

// Prune drops settled and successful records that ended before a time, and the oldest of them
// beyond a number; counters likewise. Unsettled faults are never dropped.
func (e *Engine) Prune(before time.Time, most int) error {
	records, _ := e.Records()
	settled := slices.DeleteFunc(records, func(r Record) bool { return r.InProgress() || r.Unsettled() })
	var failures []error
	for i, r := range settled {
		if r.Ended.Before(before) || i < len(settled)-most {
			for _, path := range []string{e.path(r), e.cancel(r.ID)} {
				if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
					failures = append(failures, err)
				}
			}
		}
	}
	return errors.Join(append(failures, e.pruneCounters(before, most), e.journal.pruneOwners(before))...)
}

// pruneOwners drops what owners left that crashed before a time.
func (j *Journal) pruneOwners(before time.Time) error {
	entries, err := os.ReadDir(filepath.Join(j.dir, "owners"))
	if err != nil {
		return err
	}
	var failures []error
	for _, entry := range entries {
		owner, isLock := strings.CutSuffix(entry.Name(), ".lock")
		info, err := entry.Info()
		if !isLock || err != nil || info.ModTime().After(before) {
			continue
		}
		if _, crashed := j.alive(owner); !crashed {
			continue
		}
		if err := os.Remove(j.ownerLock(owner)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

func (e *Engine) read(path string) (Record, error) {
	var r Record
	err := read(path, &r)
	return r, err
}

// read reads a file of the journal into v.
func read(path string, v any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	// A newer version may have other types: its number is all that can be relied on.
	var format struct {
		Version int `json:"version"`
	}
	if json.Unmarshal(content, &format) == nil && format.Version > recordVersion {
		return fmt.Errorf("the record %s is of version %d, from a newer gantry: this one knows version %d", path, format.Version, recordVersion)
	}
	if err := json.Unmarshal(content, v); err != nil {
		return fmt.Errorf("the record %s can't be read: %w", path, err)
	}
	return nil
}

// write replaces a record: a reader sees the old one or the new one, and if it is to be durable,
// there is one of them after a crash of the machine.
func (e *Engine) write(r Record, durable bool) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	path := e.path(r)
	if err := replace(path, append(content, '\n'), durable); err != nil {
		return fmt.Errorf("writing the record %s: %w", path, err)
	}
	return nil
}

func replace(path string, content []byte, durable bool) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(path), ".new-*") // Its mode is 0600.
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary.Name())
		}
	}()
	_, err = temporary.Write(content)
	if err == nil && durable {
		err = temporary.Sync()
	}
	err = errors.Join(err, temporary.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), path); err != nil || !durable {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
