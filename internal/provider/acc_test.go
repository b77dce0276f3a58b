// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider"
)

// web is the address of the container that most acceptance tests are about.
const web = "gantry_container.web"

func TestMain(m *testing.M) {
	// The tests have their own: a configuration of whoever runs them could name mirrors, or
	// another provider in place of this one.
	for _, name := range []string{"TF_CLI_CONFIG_FILE", "TF_LOG", "TF_CLI_ARGS", "TF_DATA_DIR", "TF_WORKSPACE"} {
		if err := os.Unsetenv(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	// The journal of the tests is their own, too, and shared among them: other tests are other runs.
	state, err := os.MkdirTemp("", enginetest.Prefix)
	if err == nil {
		err = os.Setenv("XDG_STATE_HOME", state)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// As in main: the provider works in short bursts.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	code := m.Run()
	if err := errors.Join(built.remove(), os.RemoveAll(state)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// rig is what an acceptance test works with: the real engine, seen by the provider through a
// recording proxy.
type rig struct {
	*enginetest.Engine
	t     *testing.T
	Proxy *enginetest.Proxy
	// Image is on the engine; its program sleeps unless told otherwise.
	Image string

	log syncBuffer
}

// newRig prepares an acceptance test, which runs beside the others.
func newRig(t *testing.T) *rig {
	t.Helper()
	t.Parallel()
	return newRigOn(t, enginetest.New(t))
}

// newRigOn prepares an acceptance test with this engine.
func newRigOn(t *testing.T, engine *enginetest.Engine) *rig {
	t.Helper()
	r := &rig{
		Engine: engine,
		t:      t,
		Proxy:  enginetest.NewProxy(t, engine),
		Image:  engine.Image(enginetest.ImageOptions{}),
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("The provider's log:\n%s", r.log.String())
		}
	})
	return r
}

// run carries out the steps with the provider inside this process, and destroys what they made.
// After each step that applies, the plan must be empty; resource.Test sees to that.
func (r *rig) run(steps ...resource.TestStep) {
	r.t.Helper()
	r.runCase(resource.TestCase{Steps: steps})
}

func (r *rig) runCase(c resource.TestCase) {
	r.t.Helper()
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: &r.log})
	c.ProtoV6ProviderFactories = map[string]func() (tfprotov6.ProviderServer, error){
		"gantry": func() (tfprotov6.ProviderServer, error) { return provider.NewServer("test", logger)(), nil },
	}
	// Whether acceptance tests run was decided when the rig was made.
	c.IsUnitTest = true
	resource.Test(r.t, c)
}

// provider is a configuration for the rig's engine, with further lines inside the provider block.
func (r *rig) provider(lines ...string) string {
	return fmt.Sprintf("provider \"gantry\" {\n  host = %q\n%s}\n", r.Proxy.Host, indent(lines))
}

// container is a whole configuration with one container gantry_container.web of the rig's image,
// called Name("web") unless the lines say otherwise.
func (r *rig) container(lines ...string) string {
	return r.provider() + r.resource("web", lines...)
}

// resource is one container. Its name and image come from the label and the rig unless the lines
// have their own.
func (r *rig) resource(label string, lines ...string) string {
	all := strings.Join(lines, "\n")
	for _, d := range [][2]string{{"image", r.Image}, {"name", r.Name(label)}} {
		if !regexp.MustCompile(`(?m)^\s*` + d[0] + `\s*=`).MatchString(all) {
			lines = append([]string{fmt.Sprintf("%s = %q", d[0], d[1])}, lines...)
		}
	}
	return fmt.Sprintf("resource \"gantry_container\" %q {\n%s}\n", label, indent(lines))
}

func indent(lines []string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.Join(lines, "\n"), "\n") {
		if line != "" {
			b.WriteString("  " + line + "\n")
		}
	}
	return b.String()
}

// attr makes a line of a configuration with a string value.
func attr(name, value string) string { return fmt.Sprintf("%s = %q", name, value) }

// command makes the line that has the test program behave in this way.
func command(args ...string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = fmt.Sprintf("%q", a)
	}
	return "command = [" + strings.Join(quoted, ", ") + "]"
}

// healthcheck makes a health check that runs often.
func healthcheck(probe string, more ...string) string {
	more = append([]string{
		fmt.Sprintf("test = [\"CMD\", %q, %q]", enginetest.Program, probe), `interval = "500ms"`, "retries = 1",
	}, more...)
	return "healthcheck = { " + strings.Join(more, ", ") + " }"
}

// failure describes an error that Terraform prints: "Error: summary", the place in the
// configuration, then the detail.
type failure struct {
	// summary is the beginning of the summary.
	summary string
	// line is what stands in the configuration where the error points: for an attribute its
	// name. Empty is the resource itself.
	line string
	// says are texts in the detail, in any order.
	says []string
}

// regexp returns what resource.TestStep.ExpectError wants. Terraform wraps lines, so a space
// matches any white space.
func (f failure) regexp() *regexp.Regexp {
	line := f.line
	if line == "" {
		line = `resource "gantry_container"`
	}
	return regexp.MustCompile(`(?s)Error: ` + spaced(f.summary) + `.*?\n\s+\d+:[^\n]*` + spaced(line) + `[^\n]*\n.*?` + anyOrder(f.says))
}

// spaced quotes a text, and lets any white space stand for a space.
func spaced(text string) string {
	return strings.ReplaceAll(regexp.QuoteMeta(text), " ", `\s+`)
}

// anyOrder matches a text that holds all of these. There are few, so it spells the orders out.
func anyOrder(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	var orders []string
	for i, first := range texts {
		rest := append(append([]string{}, texts[:i]...), texts[i+1:]...)
		orders = append(orders, spaced(first)+".*?"+anyOrder(rest))
	}
	return "(?:" + strings.Join(orders, "|") + ")"
}

// planned asserts what the plan before the apply does with gantry_container.web.
func planned(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(web, action)}}
}

// plannedNothing asserts that the plan before the apply is empty.
func plannedNothing() resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}
}

// has asserts a value in the state of gantry_container.web.
func has(attribute string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(web, tfjsonpath.New(attribute), value)
}

func text(value string) knownvalue.Check { return knownvalue.StringExact(value) }

// stateCheck and planCheck run a function of the test at that point of a step.
type stateCheck func() error

func (c stateCheck) CheckState(_ context.Context, _ statecheck.CheckStateRequest, resp *statecheck.CheckStateResponse) {
	resp.Error = c()
}

type planCheck func() error

func (c planCheck) CheckPlan(_ context.Context, _ plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	resp.Error = c()
}

// watched is a container that must stay the same through a test: the same ID, never started
// again, still running.
type watched struct {
	*rig
	id, started string
}

func (r *rig) watch(ref string) watched {
	r.t.Helper()
	c := r.Inspect(ref)
	return watched{r, c.ID, c.State.StartedAt}
}

func (w watched) untouched() error {
	if !w.Exists(w.id) {
		return fmt.Errorf("the container %s is gone", w.id[:12])
	}
	c := w.Inspect(w.id)
	if !c.State.Running || c.State.Paused || c.State.StartedAt != w.started {
		return fmt.Errorf("the container %s was touched: it is %s, started %s, before %s", c.Name, c.State.Status, c.State.StartedAt, w.started)
	}
	return nil
}

// sameContainer asserts that a name belongs to the same container whenever it is checked.
type sameContainer struct {
	*rig
	id string
}

func (s *sameContainer) is(name string) stateCheck {
	return func() error {
		c := s.Inspect(name)
		if s.id == "" {
			s.id = c.ID
		}
		if c.ID != s.id {
			return errors.New("the container was replaced")
		}
		return nil
	}
}

// syncBuffer takes what several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
	// more is closed with the next write, if somebody waits for it.
	more chan struct{}
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.more != nil {
		close(s.more)
		s.more = nil
	}
	return s.b.Write(p)
}

// await waits until the text has been written.
func (s *syncBuffer) await(tb testing.TB, text string) {
	tb.Helper()
	patience := time.After(enginetest.Patience)
	for {
		s.mu.Lock()
		there := strings.Contains(s.b.String(), text)
		if s.more == nil {
			s.more = make(chan struct{})
		}
		more := s.more
		s.mu.Unlock()
		if there {
			return
		}
		select {
		case <-more:
		case <-patience:
			tb.Fatalf("%q was not written:\n%s", text, s)
		}
	}
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func path(name string, below ...string) tfjsonpath.Path {
	p := tfjsonpath.New(name)
	for _, key := range below {
		p = p.AtMapKey(key)
	}
	return p
}

// number is a port as the state has it.
func number(port string) knownvalue.Check {
	n, err := strconv.ParseInt(port, 10, 64)
	if err != nil {
		panic(err)
	}
	return knownvalue.Int64Exact(n)
}
