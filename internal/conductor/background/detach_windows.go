// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package background

import (
	"errors"
	"net"
	"os/exec"
)

// Run is the main function of a background conductor.
func Run(string, Open) error { return errors.New("there is no background conductor on Windows") }

// startDetached does not detach here: casts complete before they return.
func startDetached(*exec.Cmd) (net.Conn, error) {
	return nil, errors.New("a process can't be detached on Windows")
}
