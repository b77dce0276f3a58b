// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// writeTraces has the tests write what they compare with: GANTRY_TRACES=write.
var writeTraces = os.Getenv("GANTRY_TRACES") == "write"

// What each change of a configuration asks the engine to do, request by request, is kept in
// testdata/traces: how the code is laid out must not show there.
func TestAccTraces(t *testing.T) {
	t.Parallel()
	health := healthcheck("health")
	for name, story := range map[string]func(r *castRig) []chapter{
		"container": func(r *castRig) []chapter {
			first, second := r.Network("first"), r.Network("second")
			networks := func(keys ...string) string { return "networks = { " + strings.Join(keys, ", ") + " }" }
			a, b := fmt.Sprintf("a = { network = %q }", first), fmt.Sprintf("b = { network = %q, aliases = [\"api\"] }", second)
			files := func(content string) string {
				return fmt.Sprintf("files = { \"/etc/app.conf\" = { content = %q } }", content)
			}
			settled := func(lines ...string) string {
				lines = append(lines, health, networks(a), files("2"), attr("name", r.Name("site")), `memory = "64m"`, `restart = "on-failure"`)
				return r.resource("web", lines...)
			}
			return []chapter{
				{"create", []string{r.resource("web", health, networks(a), files("1"))}},
				{"connect", []string{r.resource("web", health, networks(a, b), files("1"))}},
				{"reconnect", []string{r.resource("web", health, networks(a, strings.ReplaceAll(b, "api", "rest")), files("1"))}},
				{"upload", []string{r.resource("web", health, networks(a), files("2"))}},
				{"rename, limit, restart policy", []string{settled()}},
				{"restart", []string{settled(`restart_triggers = { a = "1" }`)}},
				{"restart again", []string{settled(`restart_triggers = { a = "2" }`)}},
				{"pause", []string{settled(`desired_state = "paused"`)}},
				{"stop", []string{settled(`desired_state = "stopped"`)}},
				{"replace", []string{r.resource("web", command("serve"))}},
				{"remove", nil},
			}
		},
		"exchange": func(r *castRig) []chapter {
			net := fmt.Sprintf("networks = { net = { network = %q } }", r.Network("net"))
			return []chapter{
				{"create", []string{r.exchanged("start-first", "1", net, health)}},
				{"start first", []string{r.exchanged("start-first", "2", net, health)}},
				{"stop first", []string{r.exchanged("stop-first", "3", net, health)}},
				{"remove", nil},
			}
		},
		"job": func(r *castRig) []chapter {
			job := func(lines ...string) string {
				return r.resource("web", append(lines, command("exit", "0"), `desired_state = "completed"`)...)
			}
			return []chapter{
				{"run", []string{job(`restart_triggers = { a = "1" }`)}},
				{"run again", []string{job(`restart_triggers = { a = "2" }`)}},
				{"remove", nil},
			}
		},
		"cast": func(r *castRig) []chapter {
			barrier := "resource \"gantry_barrier\" \"all\" {\n  operations = { web = gantry_container.web.operation_id }\n}\n"
			return []chapter{
				{"create", []string{r.cast("web", health), barrier}},
				{"update", []string{r.cast("web", health, `memory = "64m"`), barrier}},
				{"remove", []string{r.cast("web", health, `memory = "64m"`, "wait_for_removal = false")}},
				{"removed", nil},
			}
		},
		"around": func(r *castRig) []chapter {
			network := func(lines ...string) string {
				return fmt.Sprintf("resource \"gantry_network\" \"net\" {\n  name = %q\n%s}\n", r.Name("net"), indent(lines))
			}
			// Terraform takes what does not depend on each other in any order.
			volume := fmt.Sprintf("resource \"gantry_volume\" \"data\" {\n  name       = %q\n  depends_on = [gantry_network.net]\n}\n", r.Name("data"))
			user := r.resource("web", "networks = { net = { network = gantry_network.net.name } }", "mounts = { \"/data\" = { type = \"volume\", source = gantry_volume.data.name } }")
			return []chapter{
				{"create", []string{network(), volume, user}},
				{"replace the network", []string{network("internal = true"), volume, user}},
				{"remove the user", []string{network("internal = true"), volume}},
				{"remove", nil},
			}
		},
		"image": func(r *castRig) []chapter {
			ref := r.Name("image") + ":1"
			r.Load(ref, enginetest.ImageOptions{})
			image := func(lines ...string) string { return r.image(ref, lines...) }
			return []chapter{
				{"take over", []string{image(`pull_policy = "missing"`)}},
				{"tag", []string{image(`pull_policy = "missing"`, fmt.Sprintf("tags = [%q]", r.Name("image")+":more"))}},
				{"untag", []string{image(`pull_policy = "missing"`)}},
				{"remove", nil},
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newCastRig(t)
			trace := r.trace(story(r))
			kept := filepath.Join("testdata", "traces", name+".txt")
			if writeTraces {
				if err := os.WriteFile(kept, []byte(trace), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(kept)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(trace, "\n")); diff != "" {
				t.Errorf("the engine is asked for something else (GANTRY_TRACES=write keeps it):\n%s", diff)
			}
		})
	}
}

// chapter is a configuration that is applied; no resources are a destroy.
type chapter struct {
	title     string
	resources []string
}

// trace applies one configuration after the other, and returns what the engine was asked to change.
func (r *castRig) trace(chapters []chapter) string {
	r.t.Helper()
	var b strings.Builder
	names := &placeholders{rig: r.rig, ids: map[string]string{}}
	for _, c := range chapters {
		r.Proxy.Reset()
		if c.resources == nil {
			r.cli.must("destroy", "-auto-approve", "-parallelism=1")
		} else {
			r.cli.configure(r.config(c.resources...))
			r.cli.must("apply", "-auto-approve", "-parallelism=1")
		}
		r.idle()
		fmt.Fprintf(&b, "# %s\n", c.title)
		for _, call := range r.Proxy.Calls("", "") {
			if call.Method != http.MethodGet && call.Method != http.MethodHead {
				b.WriteString(names.replace(asked(r.t, call)) + "\n")
			}
		}
		b.WriteString("\n")
		if c.resources != nil {
			r.emptyPlan()
		}
	}
	return strings.TrimSpace(b.String()) + "\n"
}

// asked is what a call asks for: what is zero is left out, since clients differ in what they spell out.
func asked(t *testing.T, call enginetest.Call) string {
	t.Helper()
	line := call.Method + " " + call.Path
	if len(call.Query) > 0 {
		line += "?" + call.Query.Encode()
	}
	if len(call.Body) == 0 {
		return line
	}
	var body any
	if err := json.Unmarshal(call.Body, &body); err != nil {
		t.Fatalf("%s: %v in %s", line, err, call.Body)
	}
	text, err := json.Marshal(withoutZeros(body))
	if err != nil {
		t.Fatal(err)
	}
	return line + " " + string(text)
}

// withoutZeros drops what is zero or empty; what remains of a list keeps its place.
func withoutZeros(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			value = withoutZeros(value)
			v[key] = value
			if value == nil {
				delete(v, key)
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		if len(v) == 0 {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	case float64:
		if v == 0 {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return v
}

// placeholders replace what differs from run to run.
type placeholders struct {
	*rig
	ids map[string]string
}

var (
	traceID        = regexp.MustCompile(`\b[0-9a-f]{64}\b`)
	traceOperation = regexp.MustCompile(`(<engine>/[\w:.-]+/)[\w.-]+`)
	traceTime      = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d(:|%3A)\d\d(:|%3A)\d\dZ`)
	traceTemporary = regexp.MustCompile(`\b[0-9a-f]{12}\b|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]+`)
)

func (p *placeholders) replace(line string) string {
	for _, known := range [][2]string{{p.Image, "<image>"}, {p.Name(""), ""}, {p.HostName(), "<engine>"}} {
		line = strings.ReplaceAll(line, known[0], known[1])
	}
	line = traceID.ReplaceAllStringFunc(line, p.id)
	line = traceOperation.ReplaceAllString(line, "${1}<operation>")
	for _, id := range slices.Sorted(maps.Keys(p.ids)) {
		line = strings.ReplaceAll(line, id[:12], p.ids[id])
	}
	line = traceTime.ReplaceAllString(line, "<time>")
	return traceTemporary.ReplaceAllString(line, "<temporary>")
}

// id is the ID's number in the order in which the IDs come up.
func (p *placeholders) id(id string) string {
	if p.ids[id] == "" {
		p.ids[id] = fmt.Sprintf("<id %d>", len(p.ids)+1)
	}
	return p.ids[id]
}
