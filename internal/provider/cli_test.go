// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-version"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// built is the provider's binary, built at most once in a run of the tests.
var built binary

// binary is the provider as users get it: a program that Terraform starts.
type binary struct {
	once   sync.Once
	folder string
	err    error
}

// path builds the binary, stripped as a release is, if that has not been done yet.
func (b *binary) path(tb testing.TB) string {
	tb.Helper()
	b.once.Do(func() {
		b.folder, b.err = os.MkdirTemp("", enginetest.Prefix)
		if b.err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*enginetest.Patience)
		defer cancel()
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w",
			"-o", filepath.Join(b.folder, "terraform-provider-gantry"), "../..")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if output, err := build.CombinedOutput(); err != nil {
			b.err = fmt.Errorf("go build: %w\n%s", err, output)
		}
	})
	if b.err != nil {
		tb.Fatalf("Unable to build the provider: %v", b.err)
	}
	return filepath.Join(b.folder, "terraform-provider-gantry")
}

func (b *binary) remove() error {
	if b.folder == "" {
		return nil
	}
	return os.RemoveAll(b.folder)
}

// program is the Terraform that the tests run: also an OpenTofu, or a newer Terraform than the one on
// the PATH.
func program() string { return cmp.Or(os.Getenv("TF_ACC_TERRAFORM_PATH"), "terraform") }

// needsTerraform skips a test of what Terraform has since a version ("1.14.0"), and OpenTofu has not.
func needsTerraform(tb testing.TB, what, since string) {
	tb.Helper()
	enginetest.Acceptance(tb)
	output, err := exec.CommandContext(tb.Context(), program(), "version").Output()
	if err != nil {
		tb.Fatalf("Unable to ask for Terraform's version: %v", err)
	}
	first, _, _ := strings.Cut(string(output), "\n")
	number, isTerraform := strings.CutPrefix(first, "Terraform v")
	if isTerraform {
		if v, err := version.NewVersion(number); err != nil || v.Core().LessThan(version.Must(version.NewVersion(since))) {
			isTerraform = false
		}
	}
	if !isTerraform {
		tb.Skipf("%s: Terraform has it since %s, and this is %s", what, since, first)
	}
}

// cli runs the real Terraform CLI with the real provider binary, in a directory of its own.
type cli struct {
	t      testing.TB
	folder string
	// binary is this CLI's own link to the provider, so that its processes can be told from others'.
	binary string
	env    []string
	// within is a command that runs Terraform (unshare and its options); nil runs it plainly.
	within []string
}

// newPlainCLI is for configurations without gantry: no provider is started.
func newPlainCLI(tb testing.TB) *cli {
	tb.Helper()
	enginetest.Acceptance(tb)
	c := &cli{t: tb, folder: tb.TempDir()}
	c.env = append(os.Environ(), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
	return c
}

func newCLI(tb testing.TB) *cli {
	tb.Helper()
	c := newPlainCLI(tb)
	original := built.path(tb)
	c.binary = filepath.Join(filepath.Dir(original), filepath.Base(filepath.Dir(c.folder))+"-"+filepath.Base(c.folder), filepath.Base(original))
	if err := errors.Join(os.Mkdir(filepath.Dir(c.binary), 0o700), os.Link(original, c.binary)); err != nil {
		tb.Fatal(err)
	}
	settings := filepath.Join(c.folder, "terraform.rc")
	c.write(settings, fmt.Sprintf(`provider_installation {
  dev_overrides {
    "registry.terraform.io/gantry-provider/gantry" = %[1]q
    "registry.opentofu.org/gantry-provider/gantry" = %[1]q
  }
  direct {}
}
`, filepath.Dir(c.binary)))
	c.env = append(c.env, "TF_CLI_CONFIG_FILE="+settings)
	c.write(filepath.Join(c.folder, "versions.tf"), `terraform {
  required_providers {
    gantry = { source = "gantry-provider/gantry" }
  }
}
`)
	return c
}

// configure replaces the configuration.
func (c *cli) configure(config string) {
	c.t.Helper()
	c.write(filepath.Join(c.folder, "main.tf"), config)
}

func (c *cli) write(path, content string) {
	c.t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// result is how a command of the CLI ended.
type result struct {
	// output is standard output and standard error.
	output string
	code   int
	took   time.Duration
	// cpu is the processor time of Terraform and the providers that it started.
	cpu time.Duration
}

// run runs a command to its end.
func (c *cli) run(args ...string) result {
	c.t.Helper()
	return c.start(args...).wait()
}

// must runs a command that is to succeed.
func (c *cli) must(args ...string) result {
	c.t.Helper()
	r := c.run(args...)
	if r.code != 0 {
		c.t.Fatalf("terraform %v ended with code %d:\n%s", args, r.code, r.output)
	}
	return r
}

// process is a command of the CLI in progress.
type process struct {
	t       testing.TB
	args    []string
	command *exec.Cmd
	output  *syncBuffer
	began   time.Time
}

// start begins a command in a process group of its own, as a shell with a terminal does.
func (c *cli) start(args ...string) *process {
	c.t.Helper()
	return c.startTo(nil, args...)
}

// startTo is start with another place for the output; nil is the process's own.
func (c *cli) startTo(output *os.File, args ...string) *process {
	c.t.Helper()
	p := &process{t: c.t, args: args, output: &syncBuffer{}, began: time.Now()}
	line := slices.Concat(c.within, []string{program()}, args, []string{"-no-color"})
	p.command = exec.Command(line[0], line[1:]...)
	p.command.Dir, p.command.Env = c.folder, c.env
	p.command.Stdout, p.command.Stderr = p.output, p.output
	if output != nil {
		p.command.Stdout, p.command.Stderr = output, output
	}
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.command.Start(); err != nil {
		c.t.Fatalf("Unable to start terraform: %v", err)
	}
	return p
}

// interrupt does what Ctrl-C in a terminal does: the whole process group gets the signal.
func (p *process) interrupt() {
	p.t.Helper()
	if err := syscall.Kill(-p.command.Process.Pid, syscall.SIGINT); err != nil {
		p.t.Fatalf("Unable to interrupt terraform: %v", err)
	}
}

// wait waits for the end. A command that does not end is killed, and fails the test.
func (p *process) wait() result {
	p.t.Helper()
	stuck := time.AfterFunc(enginetest.Patience, func() {
		p.t.Errorf("terraform %v did not end.", p.args)
		if err := syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL); err != nil {
			p.t.Errorf("Unable to kill terraform: %v", err)
		}
	})
	defer stuck.Stop()
	err := p.command.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		p.t.Fatalf("terraform %v: %v", p.args, err)
	}
	state := p.command.ProcessState
	return result{output: p.output.String(), code: state.ExitCode(), took: time.Since(p.began), cpu: state.UserTime() + state.SystemTime()}
}

// flat is what Terraform said, without the frame and the line breaks of its messages.
func flat(output string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(output, "│ ", "")), " ")
}

// diagnostic returns the one error that begins so, without line breaks.
func (r result) diagnostic(tb testing.TB, summary string) string {
	tb.Helper()
	var found []string
	for _, one := range strings.Split(flat(r.output), "Error: ")[1:] {
		if strings.HasPrefix(one, summary) {
			found = append(found, one)
		}
	}
	if len(found) != 1 {
		tb.Errorf("%d errors begin with %q:\n%s", len(found), summary, r.output)
		return ""
	}
	return found[0]
}
