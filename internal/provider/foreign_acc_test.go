// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// looks is what a container is to whoever has it: what gantry must not change.
func (r *rig) looks(id string) string {
	c := r.Inspect(id)
	return fmt.Sprintf("%s %s %s since %s, networks %v", c.ID, c.Name, c.State.Status, c.State.StartedAt, slices.Sorted(maps.Keys(c.NetworkSettings.Networks)))
}

// untouched returns an assertion that containers look as they do now.
func (r *rig) untouched(ids ...string) (check func(after string)) {
	before := make(map[string]string)
	for _, id := range ids {
		before[id] = r.looks(id)
	}
	return func(after string) {
		r.t.Helper()
		for id, was := range before {
			if !r.Exists(id) {
				r.t.Fatalf("%s: the container is gone: %s", after, was)
			}
			if now := r.looks(id); now != was {
				r.t.Errorf("%s: the container was\n%s, and is\n%s", after, was, now)
			}
		}
	}
}

// forge writes a record into the state directory that says of a failed cast what the changes say, as that of a
// container's create says the rest. Lane is the name of the container that it is about.
func (r *castRig) forge(like record, lane string, changes map[string]any) (path string) {
	r.t.Helper()
	content, err := os.ReadFile(like.path)
	if err != nil {
		r.t.Fatal(err)
	}
	var forged map[string]any
	if err := json.Unmarshal(content, &forged); err != nil {
		r.t.Fatal(err)
	}
	ticket := uuid.Must(uuid.NewV7()).String()
	maps.Copy(forged, map[string]any{
		"id": r.HostName() + "/" + lane + "/" + ticket, "container": lane, "cast": true, "outcome": "failed", "settled": false, "accepted": time.Now().UTC(),
		"fault": map[string]any{"kind": "engine_error", "summary": "forged", "message": "forged"},
	})
	maps.Copy(forged, changes)
	if content, err = json.Marshal(forged); err != nil {
		r.t.Fatal(err)
	}
	folders, err := filepath.Glob(filepath.Join(r.dir, "engines", "*"))
	if err != nil || len(folders) != 1 {
		r.t.Fatalf("the directories of engines are %v, %v", folders, err)
	}
	short := sha256.Sum256([]byte(lane))
	file := ticket + "." + hex.EncodeToString(short[:8]) + ".json"
	path = filepath.Join(folders[0], "operations", file)
	r.cli.write(path, string(content))
	r.cli.write(filepath.Join(folders[0], "late", file), "")
	return path
}

// What a record says removes, starts and renames nothing: the container that it names has to be the one that it is
// about. And what somebody else wrote is not read, also where the directory is safe by now.
func TestAccForgedRecord(t *testing.T) {
	r := newCastRig(t)
	config := func(memory string) string {
		return r.config(r.resource("web", attr("memory", memory)), r.cast("other", attr("memory", memory)))
	}
	r.cli.configure(config("32m"))
	r.settled()
	like := r.journal()[0]
	running := r.Run(r.Name("running"), enginetest.RunOptions{Image: r.Image})
	stopped := r.Run(r.Name("stopped"), enginetest.RunOptions{Image: r.Image, CreateOnly: true})
	check := r.untouched(running, stopped)

	for _, lane := range []string{r.Name("web"), r.Name("other")} {
		r.forge(like, lane, map[string]any{"kind": "remove", "container_id": running})
		r.forge(like, lane, map[string]any{
			"kind": "exchange", "container_id": stopped, "exchange": map[string]any{"order": "stop-first", "predecessor": stopped, "was": "running"},
		})
		r.forge(like, lane, map[string]any{
			"kind": "exchange", "container_id": running, "exchange": map[string]any{"order": "stop-first", "predecessor": running, "was": "running", "ready": true},
		})
	}
	r.cli.configure(config("64m"))
	r.cli.must("apply", "-auto-approve")
	r.idle()
	check("after an update")

	// This one is believable, but for who wrote it.
	path := r.forge(like, r.Name("running"), map[string]any{"kind": "remove", "container_id": running})
	if err := os.Chown(path, 1234, -1); err != nil {
		t.Fatal(err)
	}
	r.cli.configure(config("64m") + r.cast("third") + r.resource("running"))
	apply := r.cli.run("apply", "-auto-approve")
	r.idle()
	for _, says := range []string{"is already in use on engine", "records that can't be read", path, "belongs to the user with ID 1234"} {
		if apply.code == 0 || !strings.Contains(flat(apply.output), says) {
			t.Errorf("the apply ended with code %d, and does not say %q:\n%s", apply.code, says, apply.output)
		}
	}
	check("after a conflict")
	r.cli.must("destroy", "-auto-approve")
	r.idle()
	check("after a destroy")
}

// A container that somebody runs from an image that was committed from one of gantry's has its label, and is
// nobody's but theirs: with the journal that knows the one of gantry's, and on a machine that has none.
func TestAccCommittedImage(t *testing.T) {
	t.Parallel()
	for name, sameMachine := range map[string]bool{"the same machine": true, "another machine": false} {
		t.Run(name, func(t *testing.T) {
			r := newCastRig(t)
			image := r.Name("committed") + ":1"
			config := func(tier string, resources ...string) string {
				return r.config(append(resources, r.network(fmt.Sprintf("labels = { tier = %q }", tier)), r.volume(),
					r.resource("web", `networks = { front = { network = gantry_network.front.name } }`, `mounts = { "/d" = { type = "volume", source = gantry_volume.data.name } }`))...)
			}
			r.cli.configure(config("front"))
			r.settled()
			r.Commit(r.Name("web"), image)
			stranger := r.Run(r.Name("stranger"), enginetest.RunOptions{Image: image, Volumes: []string{r.Name("data") + ":/d"}})
			if err := r.Docker.NetworkConnect(t.Context(), r.Name("front"), stranger, nil); err != nil {
				t.Fatal(err)
			}
			check := r.untouched(stranger)
			refused := func(what string, apply result, says ...string) {
				t.Helper()
				r.idle()
				check(what)
				for _, text := range says {
					if apply.code == 0 || !strings.Contains(flat(apply.output), text) {
						t.Errorf("%s: it ended with code %d, and does not say %q:\n%s", what, apply.code, text, apply.output)
					}
				}
			}
			if !sameMachine {
				r.dir = t.TempDir()
			}
			uses := fmt.Sprintf("container %q", r.Name("stranger"))

			r.cli.configure(config("back"))
			refused("after the network's replacement", r.cli.run("apply", "-auto-approve"), "Unable to remove network", uses)

			r.cli.configure(config("front", r.resource("stranger")))
			apply := r.cli.run("apply", "-auto-approve")
			refused("after a create of its name", apply, "is already in use on engine", r.Name("stranger"))
			if strings.Contains(apply.output, "made by gantry's operation") {
				t.Errorf("the apply takes it for gantry's:\n%s", apply.output)
			}

			refused("after a destroy", r.cli.run("destroy", "-auto-approve"), "Unable to remove network", "Unable to remove volume", uses)
			if r.Exists(r.Name("web")) {
				t.Error("gantry's own container is left")
			}

			r.Remove(stranger)
			r.cli.must("destroy", "-auto-approve")
		})
	}
}

// What somebody makes of a container whose create was cut off is not what the create left.
func TestAccCommittedFromACutOffCreate(t *testing.T) {
	r := newCastRig(t)
	image := r.Name("committed") + ":1"
	r.cli.configure(r.config(r.resource("web")))
	r.killedAt("/containers/create")
	r.Commit(r.Name("web"), image)
	r.Remove(r.Name("web"))
	stranger := r.Run(r.Name("web"), enginetest.RunOptions{Image: image})
	check := r.untouched(stranger)
	for _, user := range []string{"0", "1"} {
		r.cli.configure(r.config(r.resource("web", attr("user", user))))
		if apply := r.cli.run("apply", "-auto-approve"); apply.code == 0 || !strings.Contains(apply.output, "is already in use on engine") {
			t.Errorf("the apply ended with code %d, and does not tell of the conflict:\n%s", apply.code, apply.output)
		}
		check("after an apply")
	}
	r.cli.must("destroy", "-auto-approve")
	check("after a destroy")
	r.Remove(stranger)
}
