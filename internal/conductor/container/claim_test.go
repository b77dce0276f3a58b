// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import "testing"

// What was cut off may have been asked for with more than is asked for now.
func TestAddsNothing(t *testing.T) {
	t.Parallel()
	image := &ImageDefaults{Settings: Settings{
		Entrypoint: []string{"/app"}, Command: []string{"serve"}, Environment: map[string]string{"A": "1"}, Labels: map[string]string{"of": "image"}, User: "app",
	}}
	plain := func() *Container {
		return &Container{Settings: Settings{
			Entrypoint: []string{"/app"}, Command: []string{"serve"}, Environment: map[string]string{"A": "1"}, Labels: map[string]string{"of": "image", LabelOperation: "x"}, User: "app",
		}}
	}
	for _, tt := range []struct {
		name   string
		change func(s *Spec, c *Container)
		want   bool
	}{
		{"all of the image", func(*Spec, *Container) {}, true},
		{"a command", func(_ *Spec, c *Container) { c.Command = []string{"other"} }, false},
		{"the command that is asked for", func(s *Spec, c *Container) { s.Command, c.Command = []string{"other"}, []string{"other"} }, true},
		{"an entrypoint, without the image's command", func(s *Spec, c *Container) { s.Entrypoint, c.Command = []string{"/app"}, nil }, true},
		{"an entrypoint", func(_ *Spec, c *Container) { c.Entrypoint = []string{"/sh"} }, false},
		{"a health check", func(_ *Spec, c *Container) { c.Healthcheck = &Healthcheck{Test: []string{"CMD", "x"}} }, false},
		{"a user", func(_ *Spec, c *Container) { c.User = "root" }, false},
		{"a variable", func(_ *Spec, c *Container) { c.Environment["B"] = "2" }, false},
		{"a variable that is unset", func(_ *Spec, c *Container) { delete(c.Environment, "A"); c.Unset = []string{"A"} }, false},
		{"a variable that is to be unset", func(s *Spec, c *Container) {
			delete(c.Environment, "A")
			s.Unset, c.Unset = []string{"A"}, []string{"A"}
		}, true},
		{"a label", func(_ *Spec, c *Container) { c.Labels["b"] = "2" }, false},
		{"a stop signal", func(_ *Spec, c *Container) { c.StopSignal = "SIGUSR1" }, false},
	} {
		var s Spec
		c := plain()
		tt.change(&s, c)
		if got := s.AddsNothing(c, image); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}
