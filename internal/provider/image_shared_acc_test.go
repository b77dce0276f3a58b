// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/image"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// Two workspaces have one image: under the same name, and one of them under the tag of the other. What one gives up
// the other keeps; with the last one it goes.
func TestAccImageOfTwoWorkspaces(t *testing.T) {
	r := newCastRig(t)
	pushed := enginetest.NewRegistry(t, r.Engine).Push("app", enginetest.ImageOptions{Random: 1 << 10})
	tag := r.Name("shared") + ":1"
	named := fmt.Sprintf("resource \"gantry_image\" \"named\" {\n  name = %q\n  pull_policy = \"never\"\n}\n", tag)
	other := r.beside()
	r.cli.configure(r.config(r.image(pushed.Reference, fmt.Sprintf("tags = [%q]", tag))))
	r.settled()
	other.cli.configure(other.config(other.image(pushed.Reference), named))
	other.settled()
	id := r.imageID(pushed.Reference)

	r.cli.configure(r.config(r.image(pushed.Reference)))
	r.settled()
	if r.imageID(tag) != id {
		t.Error("the name of the other workspace's image is gone")
	}
	other.emptyPlan()

	destroyed := r.cli.must("destroy", "-auto-approve")
	if !strings.Contains(flat(destroyed.output), "was kept: it is in use") || r.imageID(pushed.Reference) != id {
		t.Errorf("the other workspace's image is gone, or the destroy does not tell that it stays:\n%s", destroyed.output)
	}
	other.emptyPlan()

	destroyed = other.cli.must("destroy", "-auto-approve")
	if strings.Contains(destroyed.output, "was kept") || r.imageID(pushed.Reference) != "" || r.imageID(tag) != "" {
		t.Errorf("the image is left:\n%s", destroyed.output)
	}
}

// A container was made from a tag of its image that is not gantry's: a destroy takes gantry's tag away, and the image
// stays under the other one. A container that was made from gantry's tag keeps it.
func TestAccImageWithAnotherTag(t *testing.T) {
	r := newCastRig(t)
	tag := r.Name("second") + ":1"
	id := r.imageID(r.Image)
	r.Run(r.Name("web"), enginetest.RunOptions{Image: r.Image})
	if err := r.Docker.ImageTag(t.Context(), r.Image, tag); err != nil {
		t.Fatal(err)
	}
	config := r.config(fmt.Sprintf("resource \"gantry_image\" \"second\" {\n  name = %q\n  pull_policy = \"never\"\n}\n", tag))
	r.cli.configure(config)
	r.settled()
	destroyed := r.cli.must("destroy", "-auto-approve")
	if strings.Contains(destroyed.output, "was kept") || r.imageID(tag) != "" || r.imageID(r.Image) != id {
		t.Errorf("the tag is left, or the image is gone:\n%s", destroyed.output)
	}

	if err := r.Docker.ImageTag(t.Context(), r.Image, tag); err != nil {
		t.Fatal(err)
	}
	r.cli.must("apply", "-auto-approve")
	r.Run(r.Name("user"), enginetest.RunOptions{Image: tag})
	destroyed = r.cli.must("destroy", "-auto-approve")
	if !strings.Contains(flat(destroyed.output), "was kept: it is in use") || r.imageID(tag) != id {
		t.Errorf("the tag that a container was made from is gone, or the destroy does not tell that it stays:\n%s", destroyed.output)
	}
	if _, err := r.Docker.ImageRemove(t.Context(), tag, image.RemoveOptions{}); err != nil {
		t.Error(err)
	}
}
