// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build !windows

package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// syncFolder makes a rename durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// retried does something with a file once: here nobody's reading keeps a file from being replaced.
func retried[T any](do func() (T, error)) (T, error) { return do() }

// unsafe returns why a directory is not this user's alone, and what to do about it; nothing if it is. As
// ssh has it for keys, root's directories are safe, and root uses no other's.
func unsafe(path string, info fs.FileInfo) (reason, fix string) {
	owner, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return "", ""
	}
	return unsafeFor(os.Geteuid(), int(owner.Uid), info.Mode(), path)
}

func unsafeFor(user, owner int, mode fs.FileMode, path string) (reason, fix string) {
	const othersWrite = 0o022
	switch {
	case owner != user && owner != 0:
		return fmt.Sprintf("belongs to the user with ID %d, and Terraform runs as the one with ID %d", owner, user), "run Terraform as the user whose directory it is"
	case mode.Perm()&othersWrite != 0:
		return fmt.Sprintf("can be written by others than its owner (its mode is %#o)", mode.Perm()), fmt.Sprintf("run \"chmod 0700 %s\"", path)
	default:
		return "", ""
	}
}
