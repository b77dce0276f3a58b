// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// smallDisk is a file system of a few pages, with a state directory on it.
type smallDisk struct {
	t *testing.T
	// path is where it is mounted.
	path string
}

// onSmallDisk puts the rig's state directory on a file system of its own.
func (r *castRig) onSmallDisk() *smallDisk {
	r.t.Helper()
	d := &smallDisk{r.t, r.dir}
	if err := unix.Mount("tmpfs", d.path, "tmpfs", 0, "size=1m,mode=700"); err != nil {
		r.t.Fatalf("Unable to mount a file system: %v", err)
	}
	r.t.Cleanup(func() {
		if err := unix.Unmount(d.path, unix.MNT_DETACH); err != nil {
			r.t.Errorf("Unable to unmount %s: %v", d.path, err)
		}
	})
	return d
}

func (d *smallDisk) filler() string { return filepath.Join(d.path, "filler") }

// leave fills the disk but for a number of pages: each file takes one at least.
func (d *smallDisk) leave(pages int) {
	d.t.Helper()
	d.empty()
	var s unix.Statfs_t
	if err := unix.Statfs(d.path, &s); err != nil {
		d.t.Fatal(err)
	}
	content := make([]byte, s.Bsize)
	file, err := os.OpenFile(d.filler(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	for free := int(s.Bavail); err == nil && free > pages; free-- { //nolint:gosec // It is a small disk.
		_, err = file.Write(content)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		d.t.Fatalf("Unable to fill the disk: %v", err)
	}
}

// empty makes room again.
func (d *smallDisk) empty() {
	d.t.Helper()
	if err := os.Remove(d.filler()); err != nil && !os.IsNotExist(err) {
		d.t.Fatal(err)
	}
}

// readOnly has the file system refuse every change, as it does after an error of its disk, or takes changes again.
func (d *smallDisk) readOnly(readOnly bool) {
	d.t.Helper()
	flags := uintptr(unix.MS_REMOUNT)
	if readOnly {
		flags |= unix.MS_RDONLY
	}
	if err := unix.Mount("tmpfs", d.path, "tmpfs", flags, ""); err != nil {
		d.t.Fatalf("Unable to mount the file system again: %v", err)
	}
}

// The disk of the state directory that two workspaces share is full, from the first file that a create writes there
// to the last. Whatever can't be written, nothing of the other workspace's is touched, the state has what the
// create made or the create is told to have failed, and once there is room the workspace converges.
func TestAccFullDisk(t *testing.T) {
	t.Parallel()
	for _, o := range ownedKinds() {
		t.Run(o.kind, func(t *testing.T) {
			r := newCastRig(t)
			disk := r.onSmallDisk()
			other := r.beside()
			r.cli.configure(r.config(o.config(r, "first")))
			other.cli.configure(other.config(o.config(other, "second")))
			r.cli.must("apply", "-auto-approve") // The directories are there from now on.
			r.cli.must("destroy", "-auto-approve")

			seen := make(map[string]bool)
			for pages := 0; !seen["nothing is missing"]; pages++ {
				marks := r.openMarks()
				disk.leave(pages)
				r.Proxy.Reset()
				apply := r.cli.run("apply", "-auto-approve")
				asked := r.Proxy.Count(http.MethodPost, o.create) > 0
				disk.empty()
				what := r.fullDisk(o, apply, asked, marks)
				t.Logf("%d pages are left: %s", pages, what)
				seen[what] = true
				r.endsOne(other, o)
				if t.Failed() || pages > 20 {
					t.Fatalf("the apply with %d pages left ended with code %d:\n%s", pages, apply.code, apply.output)
				}
			}
			for _, what := range []string{"refused", "told of"} {
				if !seen[what] {
					t.Errorf("no apply was %s: %v", what, seen)
				}
			}
		})
	}
}

// fullDisk judges an apply whose state directory had not enough room. There were as many open marks before it.
func (r *castRig) fullDisk(o owned, apply result, asked bool, marks int) (what string) {
	r.t.Helper()
	made, has := o.label(r) != "", r.cli.attributes(o.address) != nil
	said := flat(apply.output)
	told := strings.Contains(said, "no space left on device") && strings.Contains(said, r.dir)
	switch {
	case apply.code != 0 && asked:
		r.t.Error("the engine was asked, and the create failed")
	case apply.code != 0 && (made || has || !told):
		r.t.Errorf("the create was refused: it made the object %t, the state has it %t, it is told why %t", made, has, told)
	case apply.code == 0 && (!made || !has):
		r.t.Errorf("the create succeeded: it made the object %t, the state has it %t", made, has)
	}
	if now := r.openMarks(); now > marks {
		r.t.Errorf("of %d open marks there are %d", marks, now)
	}
	switch {
	case apply.code != 0:
		return "refused"
	case told:
		return "told of"
	default:
		return "nothing is missing"
	}
}

// endsOne has the first workspace converge, with the object that it has if it has one, and the second get a
// conflict; then the first destroys.
func (r *castRig) endsOne(other *castRig, o owned) {
	r.t.Helper()
	made := o.label(r)
	if made != "" {
		other.conflicts(o, made)
	}
	r.cli.must("apply", "-auto-approve")
	r.emptyPlan()
	if now := o.label(r); made != "" && now != made {
		r.t.Errorf("the object of operation %q was made anew: now it is %q", made, now)
	}
	other.conflicts(o, o.label(r))
	r.cli.must("destroy", "-auto-approve")
}

// The file system of the state directory becomes read-only while an object is made: its mark can't go, so the answer
// carries no state. The workspace takes it up as soon as it can, and nobody else does.
func TestAccStateFolderReadOnlyInTheMiddle(t *testing.T) {
	t.Parallel()
	for _, o := range ownedKinds() {
		t.Run(o.kind, func(t *testing.T) {
			r := newCastRig(t)
			disk := r.onSmallDisk()
			other := r.beside()
			r.cli.configure(r.config(o.config(r, "first")))
			other.cli.configure(other.config(o.config(other, "second")))
			gate := r.Proxy.Hold(http.MethodPost, o.create)
			apply := r.cli.start("apply", "-auto-approve")
			gate.Await()
			disk.readOnly(true)
			gate.Open()
			ended := apply.wait()
			for _, says := range []string{"read-only file system", r.dir} {
				if ended.code == 0 || !strings.Contains(flat(ended.output), says) {
					t.Errorf("the apply ended with code %d, and does not say %q:\n%s", ended.code, says, ended.output)
				}
			}
			if o.label(r) == "" || r.cli.attributes(o.address) != nil {
				t.Errorf("the object is of operation %q, and the state has %v", o.label(r), r.cli.attributes(o.address))
			}
			disk.readOnly(false)
			r.endsOne(other, o)
		})
	}
}
