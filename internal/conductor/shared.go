// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/background"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/lane"
)

// shared is what the conductors of a fleet have in common: the order of operations, the journal, and one background
// process.
type shared struct {
	opts  Options
	lanes lane.Set[laneKey]
	life  life
	// registries sends what gantry asks of registries itself.
	registries trusting

	// starting is held while one caller starts the background conductor for all, and guards it;
	// noBackground says why there is none.
	starting     chan struct{}
	background   *background.Client
	noBackground error

	journalMu sync.Mutex
	journal   *journal.Journal
	noJournal error // Why there is none, or none of the engine.

	connectionsMu sync.Mutex
	// connections are all that were made, by the key of their engine: one engine has one, under whatever names.
	connections map[string]*connection
}

// Close ends what the conductors still do for themselves, and waits for it. No other method may be
// called during or after it. Ownership of the journal goes first: should Terraform not wait for the
// rest, this was an orderly end all the same.
func (s *shared) Close() error {
	s.journalMu.Lock()
	defer s.journalMu.Unlock()
	var failures []error
	if s.journal != nil {
		failures = append(failures, s.journal.Close())
	}
	if s.background != nil {
		s.background.Close()
	}
	s.registries.close()
	for _, e := range s.everyConnection() {
		failures = append(failures, e.close(s.opts.Logger))
		if e.journal != nil {
			failures = append(failures, e.journal.Tidy(tidyTakes))
		}
	}
	return errors.Join(failures...)
}

// everyConnection returns the connections there are, in the order of their engines' keys.
func (s *shared) everyConnection() []*connection {
	s.connectionsMu.Lock()
	defer s.connectionsMu.Unlock()
	all := make([]*connection, 0, len(s.connections))
	for _, key := range slices.Sorted(maps.Keys(s.connections)) {
		all = append(all, s.connections[key])
	}
	return all
}

// join makes a new connection, by an address, the engine's one, with its part of the journal. If there is one already,
// that is returned, and the new one is not needed.
func (s *shared) join(e *connection, host string) (one *connection, joined bool) {
	s.connectionsMu.Lock()
	defer s.connectionsMu.Unlock()
	if one := s.connections[e.Key()]; one != nil {
		if one.journal != nil {
			s.note(one.journal, host)
		}
		return one, true
	}
	s.keepJournal(e, host)
	if s.connections == nil {
		s.connections = make(map[string]*connection)
	}
	s.connections[e.Key()] = e
	return e, false
}

// openJournal opens the state directory. The caller holds journalMu. Without a journal the conductors do their
// work all the same, but can't say what they did before.
func (s *shared) openJournal() {
	if s.journal != nil {
		return
	}
	dir, err := s.opts.StateDir, error(nil)
	if dir == "" {
		dir, err = journal.DefaultDir()
	}
	if err == nil {
		s.journal, err = journal.Open(dir)
	}
	s.warnNoJournal(dir, err)
}

// openedJournal returns the journal; nil if there is none.
func (s *shared) openedJournal() *journal.Journal {
	s.journalMu.Lock()
	defer s.journalMu.Unlock()
	s.openJournal()
	return s.journal
}

// StateDirRefused returns why the state directory must not be used: others than its user can write to it, or its path
// leads to something else. The error is nil where there is none of this, also if there is no such directory.
func (s *shared) StateDirRefused() (summary string, err error) {
	s.journalMu.Lock()
	defer s.journalMu.Unlock()
	s.openJournal()
	if unsafe := (*journal.UnsafeError)(nil); errors.As(s.noJournal, &unsafe) {
		return "The state directory can be written by others", unsafe
	}
	if not := (*journal.NotFolderError)(nil); errors.As(s.noJournal, &not) {
		return "The state directory is not a directory", not
	}
	return "", nil
}

// keepJournal gives an engine its part of the journal, and notes that this address leads to it.
func (s *shared) keepJournal(e *connection, host string) {
	s.journalMu.Lock()
	defer s.journalMu.Unlock()
	s.openJournal()
	if s.journal == nil {
		e.notJournaled = s.noJournal
		return
	}
	kept, err := s.journal.Engine(e.ID, e.Name)
	if err == nil {
		err = s.journal.Note(host, kept)
	}
	s.warnNoJournal(s.journal.Dir(), err)
	if err != nil {
		e.notJournaled = s.noJournal
		return
	}
	e.journal = kept
}

// note notes that another address leads to an engine, too.
func (s *shared) note(kept *journal.Engine, host string) {
	s.journalMu.Lock()
	defer s.journalMu.Unlock()
	if err := s.journal.Note(host, kept); err != nil {
		s.opts.Logger.Warn("the journal can't be written: failures on the engine are not found by its address", "error", err)
	}
}

func (s *shared) warnNoJournal(dir string, err error) {
	if err != nil {
		s.noJournal = fmt.Errorf("%w: %w", background.ErrNotJournaled, err)
		s.opts.Logger.Warn("no journal is kept: an operation that is interrupted is not known to the next run", "state_dir", dir, "error", err)
	}
}
