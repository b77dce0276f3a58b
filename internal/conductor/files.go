// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
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

// archive packs files as the engine unpacks them at a folder of a container, where it makes the folders that are
// missing. It is pure.
func archive(files map[string]File, into string, paths []string, modified time.Time) ([]byte, error) {
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

// upload puts files of the specification into the container: all with one request, or with one for each mount where
// the root is read-only. The caller holds a slot of the pool.
func (o *operation) upload(ctx context.Context, paths []string) error {
	parts := map[string][]string{"/": paths}
	if o.Spec.ReadOnly {
		c, err := o.engine.inspect(ctx, o.containerID)
		if err != nil {
			return err
		}
		parts = byMount(paths, c.writable())
	}
	for _, into := range slices.Sorted(maps.Keys(parts)) {
		packed, err := archive(o.Spec.Files, into, parts[into], o.accepted)
		if err != nil {
			return err
		}
		err = o.engine.api.CopyToContainer(ctx, o.containerID, into, bytes.NewReader(packed), container.CopyToContainerOptions{})
		if err != nil {
			return fmt.Errorf("uploading files %s: %w", strings.Join(parts[into], ", "), err)
		}
	}
	return nil
}

// uploadAll puts all files of the specification into a container that was just created.
func (o *operation) uploadAll(ctx context.Context) error {
	if len(o.Spec.Files) == 0 {
		return nil
	}
	return o.change(ctx, func(ctx context.Context) error { return o.upload(ctx, slices.Sorted(maps.Keys(o.Spec.Files))) })
}

// planUpload puts the upload before everything else that an update does: what restarts finds the
// new files. It is pure.
func planUpload(paths []string, actions []action) []action {
	if len(paths) == 0 {
		return actions
	}
	return append([]action{{do: doUpload, because: "changed are " + strings.Join(paths, ", ")}}, actions...)
}
