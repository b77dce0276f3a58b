// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package main

import "os"

// parentGone returns what is closed once the process that started this one has ended, and what reports it. What
// can't be watched counts as there.
func parentGone() (gone chan struct{}, isGone func() bool) {
	gone = make(chan struct{})
	isGone = func() bool {
		select {
		case <-gone:
			return true
		default:
			return false
		}
	}
	parent, err := os.FindProcess(os.Getppid()) // It is open from now on: its ID is nobody else's.
	if err != nil {
		return gone, isGone
	}
	go func() {
		// It lives as long as the process does.
		if _, err := parent.Wait(); err == nil {
			close(gone)
		}
	}()
	return gone, isGone
}
