// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// engines returns the parts of the journal, those of the engine that is wanted if one is. A state directory that is not
// there yet has none.
func (s *session) engines() ([]*journal.Engine, error) {
	if s.journal == nil {
		j, err := journal.Look(s.dir)
		if errors.Is(err, fs.ErrNotExist) {
			s.warn(fmt.Errorf("there is no state directory %s: no operation was begun with it yet", s.dir))
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		s.journal = j
	}
	if s.engine != "" {
		return s.journal.EnginesAt(s.engine)
	}
	return s.journal.Engines()
}

// newest returns the newest operations as far as they are looked at, with the failures that nobody has dealt with, the
// newest last, and reports whether there are others. What can't be read is warned of.
func (s *session) newest() (found []operation, more bool, err error) {
	found, err = s.read(func(e *journal.Engine) (records []journal.Record, problems []error) {
		switch {
		case s.container != "":
			return e.Lane(s.container)
		case s.inProgress && !s.failed:
			return e.Open() // What is in progress is nowhere else.
		case s.all:
			return e.Records()
		}
		records, older, problems := e.Newest(s.limit)
		more = more || older
		late, err := e.Late(s.limit, -time.Second)
		if err != nil {
			problems = append(problems, err)
		}
		return append(records, late.Records...), problems
	})
	return found, more, err
}

// openSince returns the operations that are in progress or have just ended, with the failures of what was accepted
// since a time: a cast that failed at once was never seen in progress.
func (s *session) openSince(began time.Time) ([]operation, error) {
	return s.read(func(e *journal.Engine) (records []journal.Record, problems []error) {
		records, problems = e.Open()
		failed, more := e.LateSince(began)
		return append(records, failed...), append(problems, more...)
	})
}

// meant returns the operations that a person may mean by the ID, or by what stands in its place.
func (s *session) meant() ([]operation, error) {
	if _, _, ticket, err := journal.SplitID(s.id); err == nil && ticket != "" {
		found, err := s.read(func(e *journal.Engine) ([]journal.Record, []error) {
			r, err := e.Find(s.id)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil, nil
			case err != nil:
				return nil, []error{err}
			}
			return []journal.Record{r}, nil
		})
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	names := []string{s.id}
	if _, name, named := strings.Cut(s.id, "/"); named {
		names = append(names, name)
	}
	return s.read(func(e *journal.Engine) (records []journal.Record, problems []error) {
		if len(s.id) >= shortest {
			records, problems = e.ByTicket(s.id)
		}
		for _, name := range names {
			for _, kind := range []string{"", "image", "network", "volume"} {
				named, more := e.Lane(journal.Lane(kind, name))
				records, problems = append(records, named...), append(problems, more...)
			}
		}
		return records, problems
	})
}

// read returns the operations that are read of each part of the journal, the newest last, each once. What can't be
// read is warned of.
func (s *session) read(of func(*journal.Engine) ([]journal.Record, []error)) ([]operation, error) {
	engines, err := s.engines()
	if err != nil {
		return nil, err
	}
	now, all := time.Now(), []operation{}
	for _, e := range engines {
		records, problems := of(e)
		s.warn(problems...)
		for _, r := range records {
			all = append(all, look(e, r, now))
		}
	}
	slices.SortStableFunc(all, byTime)
	return slices.CompactFunc(all, func(a, b operation) bool { return a.ID == b.ID }), nil
}
