// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build !windows

package background

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
)

// connectionFile is the descriptor at which a background conductor finds its connection.
const connectionFile = 3

// Run is the main function of a background conductor of this release.
func Run(release string, open Open) error {
	file := os.NewFile(connectionFile, "background")
	conn, err := net.FileConn(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("a background conductor is started by gantry itself: %w", err)
	}
	return Serve(conn, release, open)
}

// startDetached starts a command that outlives this process: in a session of its own, without any
// descriptor of this process but its end of the connection that is returned.
func startDetached(command *exec.Cmd) (net.Conn, error) {
	syscall.ForkLock.RLock()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(pair[0])
		syscall.CloseOnExec(pair[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, err
	}
	mine, theirs := os.NewFile(uintptr(pair[0]), "background"), os.NewFile(uintptr(pair[1]), "background")
	conn, err := net.FileConn(mine)
	if err = errors.Join(err, mine.Close()); err != nil {
		return nil, errors.Join(err, theirs.Close())
	}
	command.Dir = "/"
	command.ExtraFiles = []*os.File{theirs}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = errors.Join(command.Start(), theirs.Close())
	if err == nil {
		err = command.Process.Release()
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}
