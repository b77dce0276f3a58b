// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// What a plan does not know of the provider's configuration keeps it from nothing but what needs that: a container
// that is gone is noticed, and only the registry whose credentials are not known is not asked.
func TestAccPartlyUnknownProvider(t *testing.T) {
	r := newRig(t)
	pushed := enginetest.NewRegistry(t, r.Engine).Push("app", enginetest.ImageOptions{Random: 1 << 10})
	registry, _, _ := strings.Cut(pushed.Reference, "/")
	config := func(value string, lines ...string) string {
		return fmt.Sprintf("resource \"terraform_data\" \"it\" {\n  input = %s\n}\n", value) + r.provider(lines...) +
			r.resource("web", attr("image", pushed.Reference), `pull_policy = "always"`)
	}
	const asks = "Unable to find out whether there is a newer image"
	for name, one := range map[string]struct {
		before, after, line string
		// says is what the plan says, and silent what it does not.
		says, silent string
		// again says that a second apply brings what the first could not plan.
		again bool
	}{
		"password": {
			before: `"a"`, after: `"b"`, line: fmt.Sprintf("registry_auth = { %q = { username = \"u\", password = terraform_data.it.output } }", registry),
			says: fmt.Sprintf("The credentials in registry_auth[%q] are not known before the apply", registry),
		},
		"password of another registry": {
			before: `"a"`, after: `"b"`, line: `registry_auth = { "ghcr.io" = { username = "u", password = terraform_data.it.output } }`, silent: asks,
		},
		"all credentials": {
			before: `{ "ghcr.io" = { username = "u", password = "a" } }`, after: `{ "ghcr.io" = { username = "u", password = "b" } }`, line: "registry_auth = terraform_data.it.output",
			says: "The credentials in registry_auth are not known before the apply",
		},
		"labels":       {before: `"a"`, after: `"b"`, line: "default_labels = { a = terraform_data.it.output }", says: "The default labels are not known yet", again: true},
		"max_parallel": {before: "1", after: "2", line: "max_parallel = terraform_data.it.output", silent: asks},
		"wait_for":     {before: `"ready"`, after: `"running"`, line: "wait_for = terraform_data.it.output", silent: asks},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCLI(t)
			apply := func(value string) {
				c.configure(config(value, one.line))
				c.must("apply", "-auto-approve")
			}
			apply(one.before)
			c.configure(config(one.after, one.line))
			plan := flat(c.must("plan").output)
			if !strings.Contains(plan, one.says) || one.silent != "" && strings.Contains(plan, one.silent) || strings.Contains(plan, "Nothing is compared") {
				t.Errorf("the plan is:\n%s", plan)
			}
			r.Remove(r.Name("web"))
			if !strings.Contains(flat(c.must("plan").output), web+" will be created") {
				t.Error("the plan does not notice that the container is gone")
			}
			apply(one.before)
			apply(one.after)
			if one.again {
				c.must("apply", "-auto-approve")
			}
			c.converges()
			c.must("destroy", "-auto-approve")
		})
	}
}

// Where even the engine is not known nothing can be compared, and the plan says so.
func TestAccUnknownEngine(t *testing.T) {
	r := newRig(t)
	c := newCLI(t)
	config := func(host string) string {
		return fmt.Sprintf("resource \"terraform_data\" \"it\" {\n  input = %q\n}\n", host) + "provider \"gantry\" {\n  host = terraform_data.it.output\n}\n" + r.resource("web")
	}
	c.configure(config(r.Proxy.Host))
	c.must("apply", "-auto-approve")
	c.converges()
	c.configure(config(r.Host))
	got := c.must("plan").output
	if strings.Count(got, "Nothing is compared with the engine: host is not known yet") != 1 {
		t.Errorf("the plan is:\n%s", got)
	}
	c.must("apply", "-auto-approve")
	c.converges()
	c.must("destroy", "-auto-approve")
}
