// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"archive/tar"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// uploaded is a file as it is in a container.
type uploaded struct {
	content  string
	mode     int64
	uid, gid int
}

// file reads a file of a container.
func (r *rig) file(ref, path string) (uploaded, error) {
	stream, _, err := r.Docker.CopyFromContainer(r.t.Context(), ref, path)
	if err != nil {
		return uploaded{}, err
	}
	archive := tar.NewReader(stream)
	header, err := archive.Next()
	if err != nil {
		return uploaded{}, errors.Join(err, stream.Close())
	}
	content, err := io.ReadAll(archive)
	return uploaded{string(content), header.Mode & 0o7777, header.Uid, header.Gid}, errors.Join(err, stream.Close())
}

// hasFiles asserts what is in files of the container that most tests are about.
func (r *rig) hasFiles(want map[string]uploaded) stateCheck {
	return func() error {
		for path, file := range want {
			got, err := r.file(r.Name("web"), path)
			if err != nil {
				return err
			}
			if got != file {
				return fmt.Errorf("%s is %+v, want %+v", path, got, file)
			}
		}
		return nil
	}
}

// Files are there before the container starts, change in place, and restart it where they shall.
func TestAccFiles(t *testing.T) {
	r := newRig(t)
	source := filepath.Join(t.TempDir(), "source")
	write := func(content string) {
		if err := os.WriteFile(source, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	lines := func(content, restart string) string {
		return r.container(fmt.Sprintf(`files = {
  "/made/for/it/plain" = { content = %q, mode = "0600", uid = 1000, gid = 100 }
  "/data/base64"       = { content_base64 = "AAE=" }
  "/source"            = { source = %q }
  "/secret"            = { content_wo = "hush-%s", content_wo_version = %d }
  "/restart"           = { content = %q, restart_on_change = true }
}
mounts = { "/data" = { type = "volume" } }
healthcheck = { test = ["CMD", %q, "health-file", "/made/for/it/plain"], interval = "500ms", retries = 1 }`,
			content, source, content, len(content), restart, enginetest.Program))
	}
	kept := sameContainer{rig: r}
	var started string
	same := func(restarted bool) stateCheck {
		return func() error {
			now := r.Inspect(r.Name("web")).State.StartedAt
			if started != "" && (now != started) != restarted {
				return fmt.Errorf("it started at %s, and before at %s", now, started)
			}
			started = now
			return kept.is(r.Name("web"))()
		}
	}
	files := func(plain, source, restart string) stateCheck {
		return r.hasFiles(map[string]uploaded{
			"/made/for/it/plain": {plain, 0o600, 1000, 100}, "/data/base64": {"\x00\x01", 0o644, 0, 0}, "/source": {source, 0o644, 0, 0},
			"/secret": {"hush-" + plain, 0o644, 0, 0}, "/restart": {restart, 0o644, 0, 0},
		})
	}
	r.run(
		resource.TestStep{Config: lines("a", "x"), ConfigStateChecks: []statecheck.StateCheck{same(false), files("a", "one", "x"), stateCheck(func() error {
			if uploads := r.Proxy.Count("PUT", "/containers/*/archive"); uploads != 1 {
				return fmt.Errorf("%d uploads, want 1", uploads)
			}
			return nil
		})}},
		resource.TestStep{
			Config: lines("ab", "x"), ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{changesOnly{"files"}}},
			ConfigStateChecks: []statecheck.StateCheck{same(false), files("ab", "one", "x")},
		},
		resource.TestStep{
			PreConfig: func() { write("two") }, Config: lines("ab", "x"),
			ConfigPlanChecks:  resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{changesOnly{"files"}}},
			ConfigStateChecks: []statecheck.StateCheck{same(false), files("ab", "two", "x")},
		},
		resource.TestStep{
			Config: lines("ab", "y"), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{same(true), files("ab", "two", "y")},
		},
		resource.TestStep{
			Config: r.container(`files = { "/source" = { content = "one" } }`), ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate),
			ConfigStateChecks: []statecheck.StateCheck{r.hasFiles(map[string]uploaded{"/source": {"one", 0o644, 0, 0}})},
		},
	)
}

// After an update that failed halfway its files are applied again, although nobody can read them back.
func TestAccFilesAfterAFailedUpdate(t *testing.T) {
	r := newRig(t)
	config := func(content string, more ...string) string {
		return r.container(append(more, fmt.Sprintf(`files = { "/a" = { content = %q } }`, content))...)
	}
	is := func(content string) []statecheck.StateCheck {
		return []statecheck.StateCheck{r.hasFiles(map[string]uploaded{"/a": {content, 0o644, 0, 0}})}
	}
	r.run(
		resource.TestStep{Config: config("1"), ConfigStateChecks: is("1")},
		resource.TestStep{
			Config:      config("2", fmt.Sprintf(`networks = { gone = { network = %q } }`, r.Name("gone"))),
			ExpectError: failure{summary: "Unable to connect container", line: "networks"}.regexp(),
		},
		resource.TestStep{Config: config("1"), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate), ConfigStateChecks: is("1")},
	)
}

// Secrets that are write-only reach the container, called and cast, and no state, plan, journal or
// log; the log of a container that prints them is masked.
func TestAccWriteOnly(t *testing.T) {
	r := newCastRig(t)
	const variable, inFile, printed = "wo-variable-5f1c", "wo-file-8d2e", "wo-printed-77aa"
	r.cli.env = append(r.cli.env, "TF_LOG=TRACE", "TF_LOG_PATH="+filepath.Join(r.cli.folder, "trace.log"),
		"TF_VAR_variable="+variable, "TF_VAR_file="+inFile, "TF_VAR_printed="+printed)
	secrets := func(version int) string {
		return fmt.Sprintf(`environment_wo = { SECRET = var.variable, PRINTED = var.printed }
environment_wo_version = %d
files = { "/run/secret" = { content_wo = var.file, content_wo_version = %d } }`, version, version)
	}
	config := func(version int) string {
		return r.config(r.resource("web", secrets(version)), r.cast("cast", secrets(version)),
			r.cast("crash", secrets(version), command("exit", "3", "100ms", "the secret is $PRINTED"))) +
			"variable \"variable\" {\n  ephemeral = true\n}\nvariable \"file\" {\n  ephemeral = true\n}\nvariable \"printed\" {\n  ephemeral = true\n}\n"
	}
	check := func() {
		for _, label := range []string{"web", "cast"} {
			c := r.Inspect(r.Name(label))
			if !strings.Contains(strings.Join(c.Config.Env, " "), "SECRET="+variable) {
				t.Errorf("%s has the environment %v", label, c.Config.Env)
			}
			if got, err := r.file(r.Name(label), "/run/secret"); err != nil || got.content != inFile {
				t.Errorf("%s: the file is %+v: %v", label, got, err)
			}
		}
	}
	r.cli.configure(config(1))
	plan := r.cli.must("plan", "-out=plan")
	shown := r.cli.must("show", "-json", "plan")
	r.cli.must("apply", "plan")
	r.idle()
	check()
	after := r.cli.run("plan", "-detailed-exitcode")
	if strings.Contains(after.output, "gantry_container.web ") || strings.Contains(after.output, "gantry_container.cast ") {
		t.Errorf("the plan after it is not empty:\n%s", after.output)
	}
	before := r.Inspect(r.Name("web")).ID
	r.cli.configure(config(2))
	r.cli.must("apply", "-auto-approve")
	r.idle()
	check()
	if r.Inspect(r.Name("web")).ID == before {
		t.Error("another version did not replace the container")
	}
	failed := r.cli.run("plan")
	if !strings.Contains(failed.output, "the secret is (masked)") {
		t.Errorf("the container's log is not told:\n%s", failed.output)
	}
	r.cli.must("destroy", "-auto-approve")
	r.idle()
	for _, text := range []string{plan.output, shown.output, after.output, failed.output} {
		leaks(t, "an output", text, variable, inFile, printed)
	}
	for _, folder := range []string{r.dir, r.cli.folder} {
		err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			content, err := os.ReadFile(path)
			leaks(t, path, string(content), variable, inFile, printed)
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func leaks(t *testing.T, where, text string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))} {
			if at := strings.Index(text, form); at >= 0 {
				t.Errorf("%s has %q: …%s…", where, secret, text[max(0, at-200):min(len(text), at+100)])
			}
		}
	}
}
