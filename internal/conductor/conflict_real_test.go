// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor_test

import (
	"strings"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// What a conflict says first of whose the other object is: each is followed by the import.
const (
	hintOthers = "another Terraform workspace on this machine manages it"
	hintOwn    = "this workspace made"
	hintGantry = "gantry made that container; if the state of this workspace has it"
)

// wantConflict asserts that an error is a conflict whose hint begins so, and names the import.
func wantConflict(t *testing.T, b *bench, err error, hint, name string) {
	t.Helper()
	f := wantFault(t, err, fault.NameConflict, "name")
	imports := `import it as "` + b.HostName() + "/" + name + `"`
	if hint == "" {
		hint = imports
	}
	if !strings.HasPrefix(f.Hint, hint) || !strings.Contains(f.Hint, imports) {
		t.Errorf("the hint does not begin with %q, or does not name the import:\n%s", hint, f.Hint)
	}
	if others := hint == hintOthers; others != strings.Contains(f.Hint, "terraform state rm") {
		t.Errorf("whether the other state has to give it up first: want %t:\n%s", others, f.Hint)
	}
}

// A conflict offers nobody a container that another workspace manages: whose it is tells the state that was seen last
// to name it, else the operation that made it.
func TestConflictWithAnotherWorkspace(t *testing.T) {
	t.Parallel()
	engine := enginetest.New(t)
	image := engine.Image(enginetest.ImageOptions{})
	const own, others = "own", "others"
	for name, tt := range map[string]struct {
		maker string
		// apart has the maker use a state directory of its own.
		apart bool
		seen  []string
		hint  string
	}{
		"made there":               {maker: others, hint: hintOthers},
		"made there, not known":    {maker: others, apart: true, hint: hintGantry},
		"made here":                {maker: own, hint: hintOwn},
		"made here, imported":      {maker: own, seen: []string{own, others}, hint: hintOthers},
		"made there, handed over":  {maker: others, seen: []string{own}, hint: hintOwn},
		"made elsewhere, imported": {maker: "third", apart: true, seen: []string{others}, hint: hintOthers},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			b := &bench{Engine: engine, t: t}
			makersDir := dir
			if tt.apart {
				makersDir = t.TempDir()
			}
			suffix := strings.NewReplacer(" ", "-", ",", "").Replace(name)
			maker := b.process(tt.maker, makersDir)
			out, err := maker.create(maker.spec(suffix, image, "sleep"))
			if err != nil {
				t.Fatal(err)
			}
			for _, scope := range tt.seen {
				refreshed(scope)(t, b, dir, out.Container, "")
			}
			_, err = b.process(own, dir).create(b.spec(suffix, image, "sleep"))
			wantConflict(t, b, err, tt.hint, out.Container.Name)
		})
	}
}

// The label of a create that an image handed down makes nothing another workspace's.
func TestConflictWithAnInheritedLabel(t *testing.T) {
	t.Parallel()
	b := &bench{Engine: enginetest.New(t), t: t}
	dir := t.TempDir()
	maker := b.process("others", dir)
	out, err := maker.create(maker.spec("db", b.Image(enginetest.ImageOptions{}), "sleep"))
	if err != nil {
		t.Fatal(err)
	}
	image := b.Image(enginetest.ImageOptions{Labels: map[string]string{container.LabelOperation: out.OperationID}})
	name := b.Name("web")
	b.Run(name, enginetest.RunOptions{Image: image})
	_, err = b.process("own", dir).create(b.spec("web", image, "sleep"))
	wantConflict(t, b, err, "", name)
}

// Networks and volumes are told apart by the operation that made them.
func TestConflictOfObjects(t *testing.T) {
	t.Parallel()
	b := &bench{Engine: enginetest.New(t), t: t}
	dir := t.TempDir()
	maker := b.process("others", dir)
	network, volume := b.Name("front"), b.Name("data")
	if _, _, err := maker.CreateNetwork(t.Context(), conductor.NetworkSpec{Name: network, Driver: "bridge"}); err != nil {
		t.Fatal(err)
	}
	if _, err := maker.CreateVolume(t.Context(), conductor.VolumeSpec{Name: volume, Driver: "local"}); err != nil {
		t.Fatal(err)
	}
	for scope, hint := range map[string]string{"own": hintOthers, "others": hintOwn} {
		c := b.process(scope, dir)
		_, _, err := c.CreateNetwork(t.Context(), conductor.NetworkSpec{Name: network, Driver: "bridge"})
		wantConflict(t, b, err, hint, network)
		_, err = c.CreateVolume(t.Context(), conductor.VolumeSpec{Name: volume, Driver: "local"})
		wantConflict(t, b, err, hint, volume)
	}
	c := b.process("own", t.TempDir())
	_, _, err := c.CreateNetwork(t.Context(), conductor.NetworkSpec{Name: network, Driver: "bridge"})
	wantConflict(t, b, err, "", network)
}
