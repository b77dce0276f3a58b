// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/pkg/jsonmessage"
	"github.com/google/uuid"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
)

const (
	// probePath is where the volume is in the container that is only looked through.
	probePath = "/volume"
	// probeCleanup bounds how long its removal, and that of its image, may take.
	probeCleanup = 30 * time.Second
	// probeTakes is how long a look may take: what is there later was left by a process that died.
	probeTakes = 10 * time.Minute
	// labelProbe says of a container that is only looked through, and of its image, when that is over
	// (RFC 3339).
	labelProbe = container.LabelPrefix + "probe"
	// probeName and probeMessage are how the names of such containers, and the messages of their images, begin.
	probeName    = "gantry-probe-"
	probeMessage = "gantry probe "
)

// pastProbe reports whether labels are those of a look that is over, on whatever machine it was. Whatever is made from
// what a look left has its labels, too: they alone prove nothing. It is pure.
func pastProbe(labels map[string]string, now time.Time) bool {
	over, err := time.Parse(time.RFC3339, labels[labelProbe])
	return err == nil && now.After(over.Add(engine.ClockSkew))
}

// leftProbe reports whether a container is one that a look left which is over. It is pure.
func leftProbe(s containertypes.Summary, now time.Time) bool {
	mounts := func(m containertypes.MountPoint) bool { return m.Destination == probePath && !m.RW }
	return pastProbe(s.Labels, now) && s.State == containertypes.StateCreated &&
		strings.HasPrefix(engine.OwnName(s), probeName) && len(s.Mounts) == 1 && slices.ContainsFunc(s.Mounts, mounts)
}

// clearProbes removes what looks into the volume left whose process died, and the images of such looks
// into any volume.
func (o *volumeRemoval) clearProbes(ctx context.Context, name string) error {
	probes, err := engine.Retrying(ctx, func() ([]containertypes.Summary, error) {
		return o.API.ContainerList(ctx, containertypes.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("volume", name), filters.Arg("label", labelProbe))})
	})
	for _, probe := range probes {
		if leftProbe(probe, time.Now()) {
			o.logger.Info("removing what an interrupted look into a volume left", "volume", name, "container_id", probe.ID)
			err = errors.Join(err, o.change(ctx, func(ctx context.Context) error {
				return engine.IgnoreNotFound(o.API.ContainerRemove(ctx, probe.ID, containertypes.RemoveOptions{Force: true}))
			}))
		}
	}
	images, listErr := engine.Retrying(ctx, func() ([]image.Summary, error) {
		return o.API.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(filters.Arg("dangling", "true"), filters.Arg("label", labelProbe))})
	})
	for _, img := range images {
		if pastProbe(img.Labels, time.Now()) {
			listErr = errors.Join(listErr, o.clearProbeImage(ctx, img.ID))
		}
	}
	return errors.Join(err, listErr)
}

// clearProbeImage removes an image that a look left. One that was made from it has another message.
func (o *volumeRemoval) clearProbeImage(ctx context.Context, id string) error {
	return o.change(ctx, func(ctx context.Context) error {
		img, err := o.API.ImageInspect(ctx, id)
		if err != nil || !strings.HasPrefix(img.Comment, probeMessage) {
			return engine.IgnoreNotFound(err)
		}
		_, err = o.API.ImageRemove(ctx, id, image.RemoveOptions{})
		if errdefs.IsConflict(err) {
			return nil // Its container belongs to another volume.
		}
		return engine.IgnoreNotFound(err)
	})
}

// firstEntry returns the name of something in a volume, empty if there is nothing. The engine's own
// figures would cost it a walk through all volumes of the host, know only the driver "local", and
// count empty files as nothing. Instead the volume is mounted into a container that is never started,
// made from an empty image, and the engine's archive of the volume is read up to the first entry: that
// costs the same for any amount of data.
func (o *volumeRemoval) firstEntry(ctx context.Context, name string) (first string, err error) {
	until := time.Now().Add(probeTakes + probeCleanup).UTC().Format(time.RFC3339)
	img, err := o.emptyImage(ctx, until)
	if err != nil {
		return "", fmt.Errorf("making an empty image: %w", err)
	}
	defer func() {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeCleanup)
		defer cancel()
		_, removeErr := o.API.ImageRemove(cleanup, img, image.RemoveOptions{})
		err = errors.Join(err, engine.IgnoreNotFound(removeErr))
	}()
	ctx, cancel := context.WithTimeout(ctx, probeTakes)
	defer cancel()
	probe := probeName + uuid.NewString()
	labels := map[string]string{labelProbe: until}
	_, err = o.API.ContainerCreate(ctx, &containertypes.Config{Image: img, Cmd: []string{"none"}, Labels: labels}, &containertypes.HostConfig{
		NetworkMode: containertypes.NetworkMode("none"),
		Mounts: []mount.Mount{{
			Type: mount.TypeVolume, Source: name, Target: probePath, ReadOnly: true, VolumeOptions: &mount.VolumeOptions{NoCopy: true},
		}},
	}, nil, nil, probe)
	defer func() {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeCleanup)
		defer cancel()
		removeErr := o.API.ContainerRemove(cleanup, probe, containertypes.RemoveOptions{Force: true})
		err = errors.Join(err, engine.IgnoreNotFound(removeErr))
	}()
	if err != nil {
		return "", fmt.Errorf("mounting it: %w", err)
	}
	archive, _, err := o.API.CopyFromContainer(ctx, probe, probePath)
	if err != nil {
		return "", fmt.Errorf("reading it: %w", err)
	}
	defer archive.Close()
	entries := tar.NewReader(archive)
	for {
		header, err := entries.Next()
		switch {
		case errors.Is(err, io.EOF):
			return "", nil
		case err != nil:
			return "", fmt.Errorf("reading it: %w", err)
		}
		// The directory itself comes first.
		if _, below, _ := strings.Cut(strings.Trim(header.Name, "/"), "/"); below != "" {
			return below, nil
		}
	}
}

// emptyImage brings an image without a file to the engine, and returns its ID. Until is when whoever made
// it is done with it.
func (o *volumeRemoval) emptyImage(ctx context.Context, until string) (string, error) {
	var empty bytes.Buffer
	if err := tar.NewWriter(&empty).Close(); err != nil {
		return "", err
	}
	// The message makes it an image of its own: another probe removes only its own.
	stream, err := o.API.ImageImport(ctx, image.ImportSource{Source: &empty, SourceName: "-"}, "", image.ImportOptions{
		Message: probeMessage + uuid.NewString(), Changes: []string{fmt.Sprintf("LABEL %s=%q", labelProbe, until)},
	})
	if err != nil {
		return "", err
	}
	defer stream.Close()
	id := ""
	for decoder := json.NewDecoder(stream); ; {
		var m jsonmessage.JSONMessage
		switch err := decoder.Decode(&m); {
		case errors.Is(err, io.EOF) && id != "":
			return id, nil
		case err != nil:
			return "", err
		case m.Error != nil:
			return "", m.Error
		case strings.HasPrefix(m.Status, "sha256:"):
			id = m.Status
		}
	}
}
