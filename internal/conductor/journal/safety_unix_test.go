// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build !windows

package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUnsafeFor(t *testing.T) {
	t.Parallel()
	const root, me, other = 0, 1000, 1001
	tests := []struct {
		user, owner int
		mode        fs.FileMode
		reason      string
	}{
		{me, me, 0o700, ""},
		{me, me, 0o755, ""},
		{me, me, 0o770, "by others"},
		{me, me, 0o702, "by others"},
		{me, root, 0o755, ""},
		{me, root, 0o777, "by others"},
		{me, root, 0o777 | fs.ModeSticky, "by others"},
		{me, other, 0o700, "the user with ID 1001"},
		{root, root, 0o700, ""},
		{root, me, 0o700, "the user with ID 1000"}, // No file of root's may end up there.
	}
	for _, test := range tests {
		reason, fix := unsafeFor(test.user, test.owner, test.mode, "/state")
		if !strings.Contains(reason, test.reason) || (reason == "") != (test.reason == "") || (fix == "") != (reason == "") {
			t.Errorf("%+v: %q, %q", test, reason, fix)
		}
	}
}

func TestFolderThatOthersCanWriteIsRefused(t *testing.T) {
	t.Parallel()
	for _, below := range []string{".", "owners", "hosts", "engines", "engines/*", "engines/*/operations", "engines/*/lanes", "engines/*/progress", "engines/*/counters"} {
		dir := filepath.Join(t.TempDir(), "state")
		e := inside(t, dir)
		if err := errors.Join(e.journal.Note("unix:///sock", e), e.Count(Counters{})); err != nil {
			t.Fatal(err)
		}
		paths, err := filepath.Glob(filepath.Join(dir, below))
		if err != nil || len(paths) != 1 {
			t.Fatalf("%s is %v, %v", below, paths, err)
		}
		if err := os.Chmod(paths[0], 0o770); err != nil { //nolint:gosec // That is the case.
			t.Fatal(err)
		}
		_, opened := Open(dir)
		_, looked := Look(dir)
		for _, err := range []error{opened, looked} {
			var unsafe *UnsafeError
			if !errors.As(err, &unsafe) || unsafe.Dir != dir || unsafe.Path != filepath.Clean(paths[0]) || !strings.Contains(err.Error(), "chmod 0700 "+unsafe.Path) {
				t.Errorf("%s: %v", below, err)
			}
		}
		if err := os.Chmod(paths[0], folderMode); err != nil {
			t.Fatal(err)
		}
		if j, err := Open(dir); err != nil || j.Close() != nil {
			t.Errorf("%s, mended: %v", below, err)
		}
	}
}
