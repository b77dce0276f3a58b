// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build !windows

package main

import (
	"os"
	"time"
)

// parentLook is the pause between two looks at whether the parent is still there. There is no event for that
// on every system, and Linux's own is for the end of the parent's thread.
const parentLook = 500 * time.Millisecond

// parentGone returns what is closed once the process that started this one has ended, and what reports it at
// once: then another one is its parent.
func parentGone() (gone chan struct{}, isGone func() bool) {
	gone = make(chan struct{})
	parent := os.Getppid()
	go func() {
		// It lives as long as the process does.
		for os.Getppid() == parent {
			time.Sleep(parentLook)
		}
		close(gone)
	}()
	return gone, func() bool { return os.Getppid() != parent }
}
