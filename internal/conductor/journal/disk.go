// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
)

// disk is how the journal reaches its files. It counts what is read, so that a test can tell what a
// look costs.
type disk struct {
	opened, listed atomic.Int64
	// remove is os.Remove, but for tests of systems that keep a file that is open.
	remove func(path string) error
	// sync makes the content of a file durable, and rename gives it its name.
	sync   func(file *os.File) error
	rename func(from, to string) error
}

func newDisk() *disk { return &disk{remove: os.Remove, sync: (*os.File).Sync, rename: rename} }

// open reads a file.
func (d *disk) open(path string) ([]byte, error) {
	d.opened.Add(1)
	return retried(func() ([]byte, error) { return readOwn(path) })
}

// readOwn reads a file that this user or root wrote, and that nobody else can write. A directory that is safe by now
// may have what others put there before.
func readOwn(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if reason, _ := unsafe(path, info); reason != "" {
		return nil, fmt.Errorf("the file %s %s: what it says is not believed; delete it, or give it back to its owner", path, reason)
	}
	return io.ReadAll(file)
}

// list returns the entries of a directory, sorted by name. A missing directory has none.
func (d *disk) list(path string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(path)
	d.listed.Add(int64(len(entries)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

// some returns the names of some entries of a directory, at most so many, and reports whether there are more. A missing
// directory has none.
func (d *disk) some(path string, most int) (names []string, more bool, err error) {
	folder, err := os.Open(path)
	if err != nil {
		return nil, false, ignoreMissing(err)
	}
	defer func() { _ = folder.Close() }()
	names, err = folder.Readdirnames(most + 1)
	d.listed.Add(int64(len(names)))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	return names[:min(len(names), most)], len(names) > most, nil
}

// temporary begins the name of a file that has not got its own yet.
const temporary = ".new-"

// replace replaces a file: a reader sees the old content or the new one, and if it is durable, there
// is one of them after a crash of the machine. What is not durable must never take the place of what is.
func (d *disk) replace(path string, content []byte, durable bool) (err error) {
	fresh, err := os.CreateTemp(filepath.Dir(path), temporary+"*") // Its mode is 0600.
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(fresh.Name())
		}
	}()
	_, err = fresh.Write(content)
	if err == nil && durable {
		err = d.sync(fresh)
	}
	err = errors.Join(err, fresh.Close())
	if err != nil {
		return err
	}
	if err := d.rename(fresh.Name(), path); err != nil || !durable {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// rename renames a file, also over another one.
func rename(from, to string) error {
	_, err := retried(func() (struct{}, error) { return struct{}{}, os.Rename(from, to) })
	return err
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
