// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package main

import "os"

// parentGone returns what is closed once the process that started this one has ended. What can't be watched
// counts as there.
func parentGone() <-chan struct{} {
	gone := make(chan struct{})
	parent, err := os.FindProcess(os.Getppid()) // It is open from now on: its ID is nobody else's.
	if err != nil {
		return gone
	}
	go func() {
		// It lives as long as the process does.
		if _, err := parent.Wait(); err == nil {
			close(gone)
		}
	}()
	return gone
}
