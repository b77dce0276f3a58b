// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// UnsafeError is a state directory that others can write: what they write there would be taken for this
// user's own.
type UnsafeError struct {
	// Dir is the state directory, Path what is wrong: the directory or one below it.
	Dir, Path string
	// Reason says what is wrong with it, Fix what to do.
	Reason, Fix string
}

func (e *UnsafeError) Error() string {
	return fmt.Sprintf("the state directory %s is not safe: %s %s. Records there lead to containers being removed, so a state directory belongs to one user, and nobody else can write to it: %s, "+
		"or name another directory", e.Dir, e.Path, e.Reason, e.Fix)
}

// UnusableError is a state directory that is there and can't be used. What is known there may concern any
// change, so nothing is changed without it.
type UnusableError struct {
	Dir string
	Err error
}

func (e *UnusableError) Error() string {
	return fmt.Sprintf("the state directory %s can't be used: %v", e.Dir, e.Err)
}

func (e *UnusableError) Unwrap() error { return e.Err }

// NotFolderError is a path of the state directory that leads to something else.
type NotFolderError struct{ Dir string }

func (e *NotFolderError) Error() string {
	return fmt.Sprintf("something that is no directory has the path %s, or a part of it: choose the path of a directory, or one where a directory can be made", e.Dir)
}

// make makes the state directory if need be, and checks that it is safe and can be written. The error is
// an *UnsafeError, a *NotFolderError, an *UnusableError, or any other where there is no directory and none can be made.
func (j *Journal) make() error {
	info, err := os.Stat(j.dir)
	if err == nil && !info.IsDir() {
		err = syscall.ENOTDIR // As below, where a part of the path is no directory.
	}
	missing := errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
	if err == nil {
		err = j.safe()
	}
	if unsafe := (*UnsafeError)(nil); errors.As(err, &unsafe) {
		return err
	}
	if missing || err == nil {
		err = os.MkdirAll(j.owners(), folderMode)
	}
	if err == nil {
		err = probe(j.owners())
	}
	switch {
	case err == nil:
		return nil
	case missing && errors.Is(err, syscall.ENOTDIR):
		return &NotFolderError{j.dir}
	case missing:
		return fmt.Errorf("making the state directory: %w", err)
	default:
		return &UnusableError{j.dir, err}
	}
}

// probe checks that a directory can be written.
func probe(folder string) error {
	probe, err := os.CreateTemp(folder, temporary+"*")
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// safe checks that nobody else can write to the state directory or to a directory in it. The error is an
// *UnsafeError, or why a directory can't be read.
func (j *Journal) safe() error {
	folders := []string{j.dir, j.owners(), filepath.Join(j.dir, "hosts"), filepath.Join(j.dir, "engines")}
	engines, err := j.Engines()
	if err != nil {
		return err
	}
	for _, e := range engines {
		folders = append(append(folders, e.dir, e.counters()), e.folders()...)
	}
	for _, folder := range folders {
		info, err := os.Stat(folder)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if reason, fix := unsafe(folder, info); reason != "" {
			return &UnsafeError{j.dir, folder, reason, fix}
		}
	}
	return nil
}
