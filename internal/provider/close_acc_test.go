// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// crashed are the owners of the state directory that did not end in order, as far as their files tell.
func (r *castRig) crashed() (count int) {
	r.t.Helper()
	owners, err := filepath.Glob(filepath.Join(r.dir, "owners", "*.lock"))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, path := range owners {
		if info, err := os.Stat(path); err == nil && info.Size() == 0 {
			count++
		}
	}
	return count
}

// Terraform waits two seconds for a provider that closes, and kills it. What the provider made belongs to the state
// all the same, its end counts as an orderly one, and another workspace that shares the state directory touches nothing.
func TestAccClosingIsCutOff(t *testing.T) {
	r := newCastRig(t)
	other := r.beside()
	// Somebody holds the records of a name for ever: a call that was cut off, whose end each tidying notes first.
	r.cli.configure(r.config(r.resource("spare")))
	r.killAt(ownedKinds()[0], beforeCreate)
	cutOff := r.journal()[0]
	_, lane, _ := strings.Cut(strings.TrimSuffix(filepath.Base(cutOff.path), ".json"), ".")
	held, err := os.OpenFile(filepath.Join(filepath.Dir(filepath.Dir(cutOff.path)), "lanes", lane+".change"), os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Close() }()
	if err := unix.Flock(int(held.Fd()), unix.LOCK_EX); err != nil { //nolint:gosec // A descriptor is small.
		t.Fatal(err)
	}
	crashed := r.crashed()

	var config, wanted string
	for _, o := range ownedKinds() {
		config, wanted = config+o.config(r, "first"), wanted+o.config(other, "second")
	}
	r.cli.configure(r.config(config))
	r.cli.must("apply", "-auto-approve")
	if now := r.journal()[0]; now.ID != cutOff.ID || now.Outcome != "" {
		t.Errorf("the closing was not cut off: it came to note the end of %+v", now)
	}
	if now := r.crashed(); now != crashed {
		t.Errorf("%d providers count as crashed, before the apply it was %d", now, crashed)
	}
	if err := unix.Flock(int(held.Fd()), unix.LOCK_UN); err != nil { //nolint:gosec // A descriptor is small.
		t.Fatal(err)
	}

	made := make(map[string]string)
	for _, o := range ownedKinds() {
		made[o.kind] = o.label(r)
	}
	untouched := r.untouched(r.Name("web"))
	other.cli.configure(other.config(wanted))
	apply := other.cli.run("apply", "-auto-approve")
	if n := strings.Count(flat(apply.output), "is already in use on engine"); apply.code == 0 || n != len(made) {
		t.Errorf("the other workspace's apply ended with code %d, and tells of %d conflicts:\n%s", apply.code, n, apply.output)
	}
	other.cli.must("destroy", "-auto-approve")
	untouched("after the other workspace's destroy")
	for _, o := range ownedKinds() {
		if now := o.label(r); now != made[o.kind] {
			t.Errorf("the %s of operation %q is of operation %q now", o.kind, made[o.kind], now)
		}
	}
	r.emptyPlan()
	r.cli.must("destroy", "-auto-approve")
}
