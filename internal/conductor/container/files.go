// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"archive/tar"
	"bytes"
	"fmt"
	"strings"
	"time"
)

// File is put into a container before it starts. Its content can be a secret: it never reaches a
// disk of gantry's, or a log. It can't be read back.
type File struct {
	Content []byte `json:"content"`
	// Mode has the permission bits.
	Mode int64 `json:"mode"`
	UID  int   `json:"uid,omitempty"`
	GID  int   `json:"gid,omitempty"`
	// WriteOnly says that the content is in no state and no plan.
	WriteOnly bool `json:"write_only,omitempty"`
}

// Archive packs files as the engine unpacks them at a directory of a container, where it makes the directories that are
// missing. It is pure.
func Archive(files map[string]File, into string, paths []string, modified time.Time) ([]byte, error) {
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	for _, target := range paths {
		f := files[target]
		name := strings.TrimPrefix(strings.TrimPrefix(target, into), "/")
		err := w.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg, Name: name, Size: int64(len(f.Content)), Mode: f.Mode, Uid: f.UID, Gid: f.GID, ModTime: modified,
		})
		if err == nil {
			_, err = w.Write(f.Content)
		}
		if err != nil {
			return nil, fmt.Errorf("packing %s: %w", target, err)
		}
	}
	err := w.Close()
	return packed.Bytes(), err
}

// PlanUpload puts the upload before everything else that an update does: what restarts finds the
// new files. It is pure.
func PlanUpload(paths []string, actions []Action) []Action {
	if len(paths) == 0 {
		return actions
	}
	return append([]Action{{Do: DoUpload, Because: "changed are " + strings.Join(paths, ", ")}}, actions...)
}
