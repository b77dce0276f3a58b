// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// The checksum is of what the engine was sent, and one that was promised for an archive is held, or nothing is left of
// the load.
func TestChecksumOfAnArchive(t *testing.T) {
	const archive = "sha256:2 web:1"
	path := filepath.Join(t.TempDir(), "archive.tar")
	if err := os.WriteFile(path, []byte(archive), 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(archive))
	right := hex.EncodeToString(sum[:])
	for promised, want := range map[string]string{"": "sha256:2", right: "sha256:2", hex.EncodeToString(make([]byte, 32)): "sha256:1"} {
		f := &archiveEngine{fakeEngine: newFake(), parents: map[string]string{"sha256:1": ""}, tags: map[string]string{"web:1": "sha256:1"}}
		out, err := f.conductor(t).EnsureImage(t.Context(), ImageRequest{Spec: ImageSpec{Name: "web:1", Archive: path, ArchiveSHA256: promised}})
		if got := f.tags["web:1"]; got != want {
			t.Errorf("%q: the name is that of %s, want %s", promised, got, want)
		}
		if want == "sha256:1" {
			faultOf(t, err, fault.Invalid)
			continue
		}
		if err != nil || out.ArchiveSHA256 != right {
			t.Errorf("%q: the checksum is %q, want %q: %v", promised, out.ArchiveSHA256, right, err)
		}
	}
}

// An engine answers when it has seen the end of the archive, and a file may go on after that.
func TestChecksumBeyondTheAnswer(t *testing.T) {
	const text = "read by the engine, and not read"
	s := &summed{from: strings.NewReader(text), sum: sha256.New()}
	if _, err := io.ReadFull(s, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	want := sha256.Sum256([]byte(text))
	if got, err := s.rest(); err != nil || got != hex.EncodeToString(want[:]) {
		t.Errorf("the checksum is %s: %v", got, err)
	}
	if n, err := s.Read(make([]byte, 5)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("after the end %d bytes are read: %v", n, err)
	}
}
