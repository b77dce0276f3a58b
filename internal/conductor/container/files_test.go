// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// There is no entry for a directory: one that the container has keeps its owner and permissions.
func TestArchive(t *testing.T) {
	when := time.Unix(1700000000, 0)
	packed, err := Archive(map[string]File{
		"/etc/app.conf": {Content: []byte("a"), Mode: 0o600, UID: 1000, GID: 100}, "/b": {Content: nil, Mode: 0o4755}, "/not": {Content: []byte("x")},
	}, "/", []string{"/b", "/etc/app.conf"}, when)
	if err != nil {
		t.Fatal(err)
	}
	type entry struct {
		name, content string
		mode          int64
		uid, gid      int
	}
	var got []entry
	for r := tar.NewReader(bytes.NewReader(packed)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil || !h.ModTime.Equal(when) || h.Typeflag != tar.TypeReg {
			t.Errorf("%+v: %v", h, err)
		}
		got = append(got, entry{h.Name, string(content), h.Mode, h.Uid, h.Gid})
	}
	want := []entry{{"b", "", 0o4755, 0, 0}, {"etc/app.conf", "a", 0o600, 1000, 100}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(entry{})); diff != "" {
		t.Error(diff)
	}
}

// The upload comes first: what an update starts or restarts finds the new files.
func TestPlanUpload(t *testing.T) {
	start := []Action{{Do: DoStart, Because: "it is exited"}}
	if got := PlanUpload(nil, start); len(got) != 1 {
		t.Errorf("without files: %v", got)
	}
	got := PlanUpload([]string{"/a", "/b"}, start)
	if len(got) != 2 || got[0].String() != "upload files to: changed are /a, /b" || got[1].Do != DoStart {
		t.Errorf("with files: %v", got)
	}
}
