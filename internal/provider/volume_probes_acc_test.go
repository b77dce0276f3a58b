// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"regexp"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// emptyImage brings an image to the engine as a look into a volume does, and returns its ID.
func (r *rig) emptyImage(label string) string {
	r.t.Helper()
	var empty bytes.Buffer
	if err := tar.NewWriter(&empty).Close(); err != nil {
		r.t.Fatal(err)
	}
	stream, err := r.Docker.ImageImport(r.t.Context(), image.ImportSource{Source: &empty, SourceName: "-"}, "", image.ImportOptions{
		Message: "gantry probe " + uuid.NewString(), Changes: []string{fmt.Sprintf("LABEL io.github.gantry-provider.probe=%q", label)},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	defer stream.Close()
	text, err := io.ReadAll(stream)
	id := regexp.MustCompile(`sha256:[0-9a-f]{64}`).FindString(string(text))
	if err != nil || id == "" {
		r.t.Fatalf("%v: %s", err, text)
	}
	return id
}

// What a look into the volume left whose process was killed does not keep it. One that is under way does, and so
// does whatever somebody made from what a look left, which has its labels.
func TestAccVolumeWithProbes(t *testing.T) {
	t.Parallel()
	// Whoever removes a volume of an engine ends what looks left there: beside other tests nothing would stay.
	r := newRigOn(t, enginetest.NewOwn(t).Engine)
	past, future := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	img, lone := r.emptyImage(past), r.emptyImage(past)
	probe := func(name, image, until string) func() {
		return func() {
			r.Leaves(name)
			r.Run(name, enginetest.RunOptions{
				Image: image, Command: []string{"none"}, Volumes: []string{r.Name("data") + ":/volume:ro"}, CreateOnly: true,
				Labels: map[string]string{"io.github.gantry-provider.probe": until},
			})
		}
	}
	underWay, left := "gantry-probe-"+r.Name("under-way"), "gantry-probe-"+r.Name("left")
	keeps := func(name string) resource.TestStep {
		return resource.TestStep{Config: r.provider(), ExpectError: regexp.MustCompile(`(?s)Unable to remove volume.*it is in use.*` + name)}
	}
	used, somebodys := keeps(underWay), keeps(r.Name("somebodys"))
	used.PreConfig = probe(underWay, img, future)
	committed := ""
	somebodys.PreConfig = func() {
		r.Remove(underWay)
		probe(left, img, past)()
		made, err := r.Docker.ContainerCommit(t.Context(), left, container.CommitOptions{})
		if err != nil {
			t.Fatal(err)
		}
		committed = made.ID
		probe(r.Name("somebodys"), committed, past)()
	}
	r.run(
		resource.TestStep{Config: r.provider() + r.volume()},
		used,
		somebodys,
		resource.TestStep{PreConfig: func() {
			if r.Exists(left) || !r.Exists(r.Name("somebodys")) {
				t.Errorf("what a look left is there: %t, what somebody made of it: %t", r.Exists(left), r.Exists(r.Name("somebodys")))
			}
			r.Remove(r.Name("somebodys"))
		}, Config: r.provider()},
	)
	if r.VolumeExists(r.Name("data")) || r.Exists(left) {
		t.Errorf("left over: the volume: %t, a look: %t", r.VolumeExists(r.Name("data")), r.Exists(left))
	}
	if r.imageID(committed) == "" {
		t.Error("the image that somebody made from what a look left is gone")
	}
	if r.imageID(lone) != "" {
		t.Error("the image of a look is left over")
	}
	r.rmi(committed)
	if r.imageID(img) != "" {
		r.rmi(img) // It was the parent of the other one, as long as that was there.
	}
}
