// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/registry"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider"
)

// failsBoth is what an apply of both says if the pull fails.
func (r *rig) failsBoth(ref string, says ...string) *regexp.Regexp {
	container := failure{summary: fmt.Sprintf("Unable to pull image %q for container %q", ref, r.Name("web")), line: "image", says: says}.regexp().String()
	image := failure{summary: fmt.Sprintf("Unable to pull image %q on engine %q", ref, r.HostName()), line: "name", says: says}.regexp().String()
	return regexp.MustCompile(container + ".*" + image + "|" + image + ".*" + container)
}

// What a registry can do wrong, for a container and for an image: each has a fault of its own, and
// what can mend itself is tried again.
func TestAccPullFaults(t *testing.T) {
	r := newRig(t)
	const password = "s3cret-password-of-the-registry"
	reg := enginetest.NewRegistry(t, r.Engine)
	reg.RequireAuth("reader", password)
	with := func(password string) string {
		return r.provider(fmt.Sprintf("registry_auth = { %q = { username = \"reader\", password = %q } }", reg.Host, password))
	}
	pushed := func(name string) enginetest.Pushed { return reg.Push(name, enginetest.ImageOptions{Random: 1 << 16}) }
	source := fmt.Sprintf("credentials: registry_auth[%q]", reg.Host)

	wrong, broken, limited, failing, mends := pushed("wrong"), pushed("broken"), pushed("limited"), pushed("failing"), pushed("mends")
	reg.BreakBlob(broken)
	reg.LimitRate(limited, -1, "")
	reg.FailManifest(failing, -1, http.StatusInternalServerError)
	// One after the other, as the tries come.
	reg.LimitRate(mends, 1, "1")
	reg.FailManifest(mends, 1, http.StatusServiceUnavailable)
	fails := func(p enginetest.Pushed, says ...string) resource.TestStep {
		return resource.TestStep{Config: with(password) + r.both(p.Reference), ExpectError: r.failsBoth(p.Reference, says...)}
	}
	denied := fails(wrong, "credentials may read it")
	denied.Config, denied.ExpectError = with("wrong-"+password)+r.both(wrong.Reference), r.failsBoth(wrong.Reference, source, "credentials may read it")
	unreachable := "127.0.0.1:1/acme/app:1"
	r.run(
		denied,
		resource.TestStep{Config: r.provider() + r.both(wrong.Reference), ExpectError: r.failsBoth(wrong.Reference, "credentials: none")},
		fails(broken, "verification failed", "push the image again"),
		fails(limited, "You have reached your pull rate limit", "higher limit"),
		fails(failing, "500", "see the registry's log"),
		resource.TestStep{Config: r.provider() + r.both(unreachable), ExpectError: r.failsBoth(unreachable, "connection refused", "reaches the registry")},
		resource.TestStep{Config: with(password) + r.both(mends.Reference)},
	)
	for name, p := range map[string]enginetest.Pushed{"limited": limited, "failing": failing} {
		if n := len(reg.Requests(http.MethodHead, p.Repository+"/manifests/*")) + reg.Manifests(p); n < 2 {
			t.Errorf("%s: the registry was asked %d times: the pull was not repeated", name, n)
		}
	}
	if n := reg.Blobs(broken); n < 2 {
		t.Errorf("the broken layer was fetched %d times", n)
	}
	if strings.Contains(r.log.String(), password) {
		t.Error("the password is in the log")
	}
}

// A registry that gives no more bytes in the middle of a layer: the operation's own time ends it, and
// the fault says how far it had come.
func TestAccStalledPull(t *testing.T) {
	r := newRig(t)
	reg := enginetest.NewRegistry(t, r.Engine)
	pushed := reg.Push("app", enginetest.ImageOptions{Random: 1 << 20})
	gate := reg.HoldBlob(pushed)
	limit := `timeouts = { create = "5s" }`
	config := r.provider() + r.both(pushed.Reference, limit)
	late := func(what string) string {
		return spaced(what) + `.*?it\s+timed\s+out;\s+the\s+pull\s+had\s+\d+\s+of\s+2\s+layers,\s+\S+\s+of\s+the\s+\S+.*?timeouts\.create`
	}
	container := late(fmt.Sprintf("The create of container %q on engine %q took too long while pulling", r.Name("web"), r.HostName()))
	image := late(fmt.Sprintf("pull image %q on engine %q: it took too long", pushed.Reference, r.HostName()))
	r.run(
		resource.TestStep{Config: config, ExpectError: regexp.MustCompile("(?s)" + container + ".*" + image + "|" + image + ".*" + container)},
		resource.TestStep{
			PreConfig: func() {
				gate.Await() // Else the test would be void.
				r.Proxy.AwaitEnded(http.MethodPost, "/images/create")
				gate.Open()
			},
			Config: r.provider() + r.both(pushed.Reference),
		},
	)
}

// helpers are credential helpers on the PATH of a CLI, and a configuration of the Docker CLI that
// names them.
type helpers struct {
	*cli
	folder string
}

func newHelpers(c *cli) helpers {
	h := helpers{c, c.t.TempDir()}
	c.env = append(c.env, "DOCKER_CONFIG="+h.folder, "PATH="+h.folder+":"+os.Getenv("PATH"))
	return h
}

// add makes a helper of a shell script, which notes that it was asked.
func (h helpers) add(name, script string) {
	h.t.Helper()
	program := filepath.Join(h.folder, "docker-credential-"+name)
	h.write(program, "#!/bin/sh\necho asked >>'"+filepath.Join(h.folder, name+".asked")+"'\n"+script+"\n")
	if err := os.Chmod(program, 0o700); err != nil {
		h.t.Fatal(err)
	}
}

func (h helpers) asked(name string) bool {
	_, err := os.Stat(filepath.Join(h.folder, name+".asked"))
	return err == nil
}

// use writes the configuration of the Docker CLI.
func (h helpers) use(config map[string]any) {
	h.t.Helper()
	content, err := json.Marshal(config)
	if err != nil {
		h.t.Fatal(err)
	}
	h.write(filepath.Join(h.folder, "config.json"), string(content))
}

// Credentials of a helper: its failure names it, the registry's own one comes before the one for all,
// the provider's own come before both. None of it shows anywhere.
func TestAccCredentialHelper(t *testing.T) {
	const password, other = "s3cret-of-the-helper", "s3cret-of-the-provider"
	r := newCastRig(t)
	h := newHelpers(r.cli)
	h.env = append(h.env, "TF_LOG=TRACE")
	byHelper, byProvider := enginetest.NewRegistry(t, r.Engine), enginetest.NewRegistry(t, r.Engine)
	byHelper.RequireAuth("robot", password)
	byProvider.RequireAuth("reader", other)
	first, second := byHelper.Push("first", enginetest.ImageOptions{}), byProvider.Push("second", enginetest.ImageOptions{})
	h.add("sealed", "echo 'the vault is sealed'; exit 1")
	h.add("leaky", fmt.Sprintf(`echo '{"Username":"robot","Secret":%q}'; exit 1`, password))
	h.add("keeps", fmt.Sprintf(`echo '{"ServerURL":"x","Username":"robot","Secret":%q}'`, password))

	auth := fmt.Sprintf("registry_auth = { %q = { username = \"reader\", password = var.password } }", byProvider.Host)
	variable := "variable \"password\" {\n  sensitive = true\n}\n"
	h.write(filepath.Join(h.cli.folder, "terraform.tfvars"), attr("password", other)+"\n")
	config := r.provider(attr("state_dir", r.dir), auth) + variable
	ask := fmt.Sprintf("data \"gantry_registry_image\" \"it\" {\n  name = %q\n}\n", first.Reference)
	var said []string
	apply := func(code int, config string) string {
		t.Helper()
		h.configure(config)
		ended := h.run("apply", "-auto-approve")
		said = append(said, ended.output)
		if ended.code != code {
			t.Fatalf("the apply ended with code %d", ended.code)
		}
		return ended.output
	}
	for name, says := range map[string]string{"gone": "executable file not found", "sealed": "the vault is sealed", "leaky": "withheld"} {
		h.use(map[string]any{"credHelpers": map[string]string{byHelper.Host: name}, "credsStore": "keeps"})
		both := apply(1, config+r.both(first.Reference))
		asked := apply(1, config+ask)
		for what, output := range map[string]string{"pull": both, "data source": asked} {
			want := fmt.Sprintf(`(?s)credential helper "docker-credential-%s".*%s.*What to do: fix the Docker CLI's configuration`, name, says)
			if !regexp.MustCompile(strings.ReplaceAll(want, " ", `[\s│]+`)).MatchString(output) {
				t.Errorf("%s, %s: the error does not name the helper", name, what)
			}
		}
	}
	if h.asked("keeps") {
		t.Error("the helper for all was asked in place of the registry's own")
	}

	h.use(map[string]any{"credHelpers": map[string]string{byHelper.Host: "keeps"}, "credsStore": "sealed"})
	if err := os.Remove(filepath.Join(h.folder, "sealed.asked")); err != nil {
		t.Fatal(err)
	}
	apply(0, config+ask+r.both(first.Reference)+r.cast("second", attr("image", second.Reference)))
	r.idle()
	if !r.Inspect(r.Name("second")).State.Running {
		t.Error("the cast did not pull with the provider's credentials")
	}
	if h.asked("sealed") {
		t.Error("a helper was asked although the provider has credentials of its own")
	}
	state := h.must("state", "pull").output
	said = append(said, state, h.must("destroy", "-auto-approve").output)
	r.idle()
	said = append(said, r.stateFolder()...)

	header := func(c registry.AuthConfig) string {
		encoded, err := registry.EncodeAuthConfig(c)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimRight(encoded, "=")
	}
	for what, secret := range map[string]string{
		"the helper's password": password, "the provider's password": other,
		"the helper's header":     header(registry.AuthConfig{Username: "robot", Password: password, ServerAddress: byHelper.Host}),
		"the provider's header":   header(registry.AuthConfig{Username: "reader", Password: other, ServerAddress: byProvider.Host}),
		"the helper's basic auth": base64.StdEncoding.EncodeToString([]byte("robot:" + password)),
		"the provider's":          base64.StdEncoding.EncodeToString([]byte("reader:" + other)),
	} {
		for _, text := range said {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("%s is in …%s…", what, text[max(0, at-300):min(len(text), at+200)])
			}
		}
	}
}

// An engine that fails once during a refresh takes no resource of any type from the state; and an
// image that somebody uses is kept, with a word about it.
func TestAccRefreshKeepsEverything(t *testing.T) {
	r := newCastRig(t)
	image := r.Engine.Image(enginetest.ImageOptions{Env: map[string]string{"N": "1"}})
	r.cli.configure(r.config(
		r.network(), r.volume(), r.image(image, `pull_policy = "never"`), r.cast("web"), execution(run("exit", "0")),
		"resource \"gantry_barrier\" \"all\" {\n  operations = { web = gantry_container.web.operation_id }\n}\n",
	))
	r.cli.must("apply", "-auto-approve")
	before := r.cli.must("state", "list").output
	for _, kind := range resourceTypes(t) {
		if !strings.Contains(before, kind+".") {
			t.Errorf("the test lacks a %s", kind)
		}
	}
	for _, call := range []string{"/containers/*/json", "/networks/*", "/volumes/*", "/images/*/json"} {
		for _, status := range []int{http.StatusInternalServerError, http.StatusServiceUnavailable} {
			r.Proxy.Clear()
			r.Proxy.Fail(http.MethodGet, call, -1, status, "something broke") // One alone is got over.
			// This command stores what it finds.
			failed := r.cli.run("apply", "-refresh-only", "-auto-approve")
			if failed.code == 0 || !strings.Contains(failed.output, "something broke") {
				t.Errorf("%s with %d: the refresh ended with code %d:\n%s", call, status, failed.code, failed.output)
			}
			if after := r.cli.must("state", "list").output; after != before {
				t.Fatalf("%s with %d: the state has\n%s, before\n%s", call, status, after, before)
			}
		}
	}
	r.Proxy.Clear()
	r.emptyPlan()

	r.Run(r.Name("user"), enginetest.RunOptions{Image: image, CreateOnly: true})
	output := r.cli.must("destroy", "-auto-approve").output
	if !regexp.MustCompile(`(?s)Warning:.*` + regexp.QuoteMeta(r.Name("user"))).MatchString(output) {
		t.Errorf("the destroy does not say who uses the image:\n%s", output)
	}
	if r.imageID(image) == "" {
		t.Error("the image that a container uses was removed")
	}
}

// Somebody took the image away under a running container: there is nothing to do, and only what needs the image
// fails without it.
func TestAccImageTakenAway(t *testing.T) {
	r := newRig(t)
	image := r.Engine.Image(enginetest.ImageOptions{Env: map[string]string{"N": "2"}})
	id := r.imageID(image)
	member := func(image string, lines ...string) string {
		return r.container(append(lines, attr("image", image), attr("pull_policy", "never"))...)
	}
	same := &sameContainer{rig: r}
	r.run(
		resource.TestStep{Config: member(image), ConfigStateChecks: []statecheck.StateCheck{same.is(r.Name("web"))}},
		resource.TestStep{
			PreConfig: func() { r.rmi(image) },
			Config:    member(image), ConfigPlanChecks: plannedNothing(), ConfigStateChecks: []statecheck.StateCheck{same.is(r.Name("web"))},
		},
		resource.TestStep{
			Config: member(image, `user = "1"`),
			ExpectError: failure{
				summary: fmt.Sprintf("Image %q for container %q is not on engine %q", image, r.Name("web"), r.HostName()), line: "image",
				says: []string{"nothing was created", `pull_policy = "missing"`},
			}.regexp(),
		},
		resource.TestStep{Config: member(r.Image, `user = "1"`), ConfigPlanChecks: planned(plancheck.ResourceActionCreate)},
	)
	r.rmi(id) // It has no name by which it would be found.
}

// resourceTypes are the names of all types of resources.
func resourceTypes(t *testing.T) []string {
	t.Helper()
	server := provider.NewServer("test", hclog.NewNullLogger())()
	metadata, err := server.GetMetadata(t.Context(), &tfprotov6.GetMetadataRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range metadata.Resources {
		names = append(names, one.TypeName)
	}
	if len(names) == 0 {
		t.Fatal("the provider has no resources")
	}
	return names
}
