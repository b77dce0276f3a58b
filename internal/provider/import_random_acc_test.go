// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// request is a create request, as some client sends it.
type request struct {
	Config     container.Config
	Host       container.HostConfig
	Networking network.NetworkingConfig
}

// Random containers, made by whatever client with whatever the engine takes, are imported with the
// configuration that import-config writes: it is valid, nothing changes, and nothing is left to be changed.
// GANTRY_SEED repeats a run, GANTRY_IMPORTS says how many containers it has.
func TestAccImportConfigOfRandomContainers(t *testing.T) {
	seed, number := rand.Uint64(), 60
	if text := os.Getenv("GANTRY_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	if text := os.Getenv("GANTRY_IMPORTS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		number = n
	}
	t.Logf("GANTRY_SEED=%d GANTRY_IMPORTS=%d", seed, number)
	random := rand.New(rand.NewPCG(seed, 0))

	r := newRig(t)
	rich := r.Engine.Image(enginetest.ImageOptions{
		Command: []string{"serve", "9000"}, Env: map[string]string{"FROM_IMAGE": "yes", "OTHER": "1"}, Labels: map[string]string{"from": "image"},
		Expose: []string{"9000/tcp"}, Volumes: []string{"/from/image"}, Health: []string{enginetest.Program, "health"}, User: "1000",
	})
	r.Run(r.Name("helper"), enginetest.RunOptions{Image: r.Image, Volumes: []string{r.Volume("helper") + ":/of/helper"}})
	subnet, prefix := r.subnet("subnet")
	places := places{images: []string{r.Image, rich}, helper: r.Name("helper"), volume: r.Volume("data"), networks: []string{r.Network("one"), r.Network("two")}, subnet: subnet, prefix: prefix}
	made, refused := make(map[string]request), 0
	var names []string
	for len(names) < number {
		request, name := places.request(random, len(names)), r.Name(fmt.Sprintf("c%d", len(names)))
		if _, err := r.Docker.ContainerCreate(t.Context(), &request.Config, &request.Host, &request.Networking, nil, name); err != nil {
			refused++
			if refused > 20+3*number {
				t.Fatalf("the engine refuses too much of what is made up: %v", err)
			}
			continue
		}
		r.Leaves(name)
		if random.IntN(8) == 0 {
			if mode := request.Host.NetworkMode; mode.IsBridge() || mode.IsDefault() || mode.IsUserDefined() {
				// It may be in there already.
				_ = r.Docker.NetworkConnect(t.Context(), places.networks[1], name, &network.EndpointSettings{Aliases: []string{"later"}})
			}
		}
		names = append(names, name)
		made[name] = request
	}
	t.Logf("the engine took %d and refused %d", number, refused)

	c := newCLI(t)
	config := importConfig(t, r, c, names)
	c.configure(r.provider(attr("state_dir", t.TempDir())) + config)
	plan := c.run("plan", "-no-color", "-out="+filepath.Join(c.folder, "plan"))
	want := fmt.Sprintf("Plan: %d to import, 0 to add, 0 to change, 0 to destroy.", number)
	if plan.code != 0 || !strings.Contains(plan.output, want) || strings.Contains(plan.output, "no argument for") {
		t.Fatalf("the plan ended with code %d, and does not say just %q:\n%s", plan.code, want, explained(plan.output, config, made))
	}
	c.must("apply", filepath.Join(c.folder, "plan"))
	if again := c.run("plan", "-no-color", "-detailed-exitcode"); again.code != 0 {
		t.Errorf("the plan after the import ended with code %d:\n%s", again.code, explained(again.output, config, made))
	}
}

// explained leaves of a plan what is not merely imported, and adds how the containers were made.
func explained(output, config string, made map[string]request) string {
	var text strings.Builder
	mentioned := make(map[string]bool)
	for part := range strings.SplitSeq(output, "\n\n") {
		labels := regexp.MustCompile(`gantry_container\.(\S+?),? (?:will be (?:updated|replaced|created)|must be)|with gantry_container\.(\S+),|in resource "gantry_container" "([^"]+)"`).FindAllStringSubmatch(part, -1)
		if len(labels) > 0 || strings.Contains(part, "Error") || strings.Contains(part, "Warning") {
			text.WriteString(part + "\n")
		}
		for _, label := range labels {
			mentioned[label[1]+label[2]+label[3]] = true
		}
	}
	for name, request := range made {
		if mentioned[name] {
			encoded, err := json.Marshal(request)
			fmt.Fprintf(&text, "\n%s was made as %s (%v) and written as\n", name, encoded, err)
			if _, block, ok := strings.Cut(config, fmt.Sprintf("resource \"gantry_container\" %q {", name)); ok {
				block, _, _ = strings.Cut(block, "\nimport {")
				text.WriteString(block)
			}
		}
	}
	return text.String()
}
