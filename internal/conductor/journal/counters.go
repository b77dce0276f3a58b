// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/metrics"
)

// Counters are what one process counted on one engine.
type Counters struct {
	Version int    `json:"version"`
	Owner   string `json:"owner"`
	// Engine is the host name that the engine reports.
	Engine string `json:"engine"`
	// Began is when the process connected to the engine, Written the time of the last count.
	Began   time.Time `json:"began"`
	Written time.Time `json:"written"`
	// MaxParallel and MaxParallelPulls are the bounds that applied.
	MaxParallel      int `json:"max_parallel"`
	MaxParallelPulls int `json:"max_parallel_pulls"`
	metrics.Counters
}

func (e *Engine) counters() string { return filepath.Join(e.dir, "counters") }

// Count replaces the counters of this process.
func (e *Engine) Count(c Counters) error {
	c.Version, c.Owner = recordVersion, e.journal.owner
	content, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(e.counters(), folderMode); err != nil {
		return fmt.Errorf("making the directory of the counters: %w", err)
	}
	path := filepath.Join(e.counters(), c.Owner+".json")
	if err := e.journal.disk.replace(path, append(content, '\n'), true); err != nil {
		return fmt.Errorf("writing the counters %s: %w", path, err)
	}
	return nil
}

// Counters returns the counters of all processes, oldest first, and apart from them what can't be
// read.
func (e *Engine) Counters() ([]Counters, []error) {
	paths, err := e.counted()
	if err != nil {
		return nil, []error{err}
	}
	var all []Counters
	var problems []error
	for _, path := range paths {
		var c Counters
		switch _, err := e.journal.disk.read(path, &c); {
		case errors.Is(err, fs.ErrNotExist): // Pruned meanwhile.
		case err != nil && empty(path): // An older gantry was counting when the machine crashed.
		case err != nil:
			problems = append(problems, err)
		default:
			all = append(all, c)
		}
	}
	return all, problems
}

func empty(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() == 0
}

// counted returns the files of the counters, oldest first: owners sort by time.
func (e *Engine) counted() ([]string, error) {
	entries, err := e.journal.disk.list(e.counters())
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, ".json") {
			paths = append(paths, filepath.Join(e.counters(), name))
		}
	}
	return paths, nil
}

// pruneCounters drops the counters that were written before a time, and the oldest beyond a number.
func (e *Engine) pruneCounters(before time.Time, most int) error {
	paths, err := e.counted()
	failures := []error{err}
	for i, path := range paths {
		info, err := os.Stat(path)
		if err != nil || !info.ModTime().Before(before) && i >= len(paths)-most {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}
