// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"io"

	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
)

// Stock is what images an engine has.
type Stock struct {
	// Names are the IDs by tag; IDs are those of all images, also of what has no tag.
	Names map[string]string
	IDs   map[string]bool
}

// Stock lists the images of the engine.
func (e *Engine) Stock(ctx context.Context) (Stock, error) {
	list, err := Retrying(ctx, func() ([]image.Summary, error) { return e.API.ImageList(ctx, image.ListOptions{All: true}) })
	if err != nil {
		return Stock{}, err
	}
	s := Stock{make(map[string]string), make(map[string]bool)}
	for _, img := range list {
		s.IDs[img.ID] = true
		for _, tag := range img.RepoTags {
			s.Names[tag] = img.ID
		}
	}
	return s, nil
}

// LoadImage sends an archive of images. The caller reads and closes the body of the answer.
func (e *Engine) LoadImage(ctx context.Context, archive io.Reader) (image.LoadResponse, error) {
	return e.API.ImageLoad(ctx, archive, client.ImageLoadWithQuiet(true))
}
