// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"errors"
	"io/fs"
	"time"

	"golang.org/x/sys/windows"
)

// syncFolder does nothing: a directory can't be synchronised there, and NTFS journals renames.
func syncFolder(string) error { return nil }

const (
	// sharingTakes bounds the wait for somebody who has a file open, which keeps it from being
	// replaced, or who replaces it, which keeps it from being opened.
	sharingTakes = 2 * time.Second
	sharingPoll  = time.Millisecond
)

// retried does something with a file again as long as somebody else is at it.
func retried[T any](do func() (T, error)) (T, error) {
	for giveUp := time.Now().Add(sharingTakes); ; time.Sleep(sharingPoll) {
		result, err := do()
		if !errors.Is(err, windows.ERROR_SHARING_VIOLATION) && !errors.Is(err, windows.ERROR_ACCESS_DENIED) || time.Now().After(giveUp) {
			return result, err
		}
	}
}

// unsafe checks nothing: access lists say there who may do what, not the mode.
func unsafe(string, fs.FileInfo) (reason, fix string) { return "", "" }
