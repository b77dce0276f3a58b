// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"

	"github.com/docker/docker/api/types/image"
)

// stock is what images an engine has.
type Stock struct {
	// names are the IDs by tag; ids are those of all images, also of what has no tag.
	Names map[string]string
	Ids   map[string]bool
}

func (e *Engine) Stock(ctx context.Context) (Stock, error) {
	list, err := Retrying(ctx, func() ([]image.Summary, error) { return e.Api.ImageList(ctx, image.ListOptions{All: true}) })
	if err != nil {
		return Stock{}, err
	}
	s := Stock{make(map[string]string), make(map[string]bool)}
	for _, img := range list {
		s.Ids[img.ID] = true
		for _, tag := range img.RepoTags {
			s.Names[tag] = img.ID
		}
	}
	return s, nil
}
