// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A state directory that is none can hold no journal, wherever on its path the file is.
func TestAccStateDirThatIsAFile(t *testing.T) {
	r := newRig(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := newCLI(t)
	for _, path := range []string{file, filepath.Join(file, "state")} {
		c.configure(r.provider(attr("state_dir", path)) + r.resource("web"))
		plan := c.run("plan")
		if plan.code == 0 {
			t.Errorf("%s is accepted:\n%s", path, plan.output)
		}
		for _, says := range []string{"The state directory is not a directory", "state_dir", path} {
			if !strings.Contains(flat(plan.output), says) {
				t.Errorf("the error does not say %q:\n%s", says, plan.output)
			}
		}
	}
}

// What others can write must not lead gantry: the directory is refused before anything is done, and goes on
// once it is mended.
func TestAccStateDirThatOthersCanWrite(t *testing.T) {
	r := newCastRig(t)
	r.cli.configure(r.config(r.resource("web")))
	r.cli.must("apply", "-auto-approve")
	journal, err := filepath.Glob(filepath.Join(r.dir, "engines", "*", "operations"))
	if err != nil || len(journal) != 1 {
		t.Fatalf("the journal is %v, %v", journal, err)
	}
	for what, spoil := range map[string]func(path string) error{
		"can be written by others than its owner (its mode is 0777)": func(path string) error { return os.Chmod(path, 0o777) },    //nolint:gosec // That is the case.
		"belongs to the user with ID 1234":                           func(path string) error { return os.Chown(path, 1234, -1) }, // Root doesn't use it either.
	} {
		for _, path := range []string{r.dir, journal[0]} {
			if err := spoil(path); err != nil {
				t.Fatal(err)
			}
			for _, command := range [][]string{{"plan"}, {"apply", "-auto-approve"}, {"destroy", "-auto-approve"}} {
				failed := r.cli.run(command...)
				if failed.code == 0 {
					t.Errorf("%s goes on with %s", command[0], path)
				}
				for _, says := range []string{"The state directory can be written by others", "state_dir", path, what} {
					if !strings.Contains(flat(failed.output), says) {
						t.Errorf("%s of %s: it does not say %q:\n%s", command[0], path, says, failed.output)
					}
				}
			}
			if err := os.Chown(path, os.Getuid(), -1); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, 0o700); err != nil { //nolint:gosec // A folder.
				t.Fatal(err)
			}
		}
	}
	r.emptyPlan()
	r.destroyed(r.cli)
}
