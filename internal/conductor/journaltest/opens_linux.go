// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package journaltest shows what a look at a state directory costs that has much in it.
package journaltest

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Opens is what the kernel tells of the files below a directory that are opened, whoever opens them and how.
type Opens struct {
	fd   int
	dirs map[int32]string
}

// Watch begins to watch a directory, and those that are in it by now.
func Watch(t testing.TB, dir string) *Opens {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	o := &Opens{fd: fd, dirs: make(map[int32]string)}
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		watch, err := unix.InotifyAddWatch(fd, path, unix.IN_OPEN)
		o.dirs[int32(watch)], _ = filepath.Rel(dir, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	o.Told(t) // Of the walk itself.
	return o
}

// next reads what has come in.
func (o *Opens) next() ([]byte, error) {
	buffer := make([]byte, 1<<20)
	n, err := unix.Read(o.fd, buffer)
	return buffer[:max(n, 0)], err
}

// Told returns the files that were opened since, and how often each directory was listed.
func (o *Opens) Told(t testing.TB) (files, lists map[string]int) {
	t.Helper()
	files, lists = make(map[string]int), make(map[string]int)
	for {
		events, err := o.next()
		if errors.Is(err, unix.EAGAIN) {
			return files, lists
		}
		if err != nil {
			t.Fatal(err)
		}
		for len(events) > 0 {
			event := (*unix.InotifyEvent)(unsafe.Pointer(&events[0]))
			end := unix.SizeofInotifyEvent + int(event.Len)
			name := string(bytes.TrimRight(events[unix.SizeofInotifyEvent:end], "\x00"))
			events = events[end:]
			switch {
			case event.Mask&unix.IN_Q_OVERFLOW != 0:
				t.Fatal("more files were opened than the kernel tells of")
			case event.Mask&unix.IN_ISDIR == 0:
				files[filepath.Join(o.dirs[event.Wd], name)]++
			case name == "": // Of the directory itself; that above it tells of it, too.
				lists[o.dirs[event.Wd]]++
			}
		}
	}
}
