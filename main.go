// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Command terraform-provider-gantry is the plugin that Terraform and OpenTofu start.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/gantry-provider/terraform-provider-gantry/internal/cli"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/faulttext"
)

// address is the provider's place in the registry; configurations name it without the host.
const address = "registry.terraform.io/gantry-provider/gantry"

// cookieKey is the variable that tells a plugin that Terraform started it, and not a person. Its
// value is checked while serving (terraform-plugin-go, tfprotov6/tf6server).
const cookieKey = "TF_PLUGIN_MAGIC_COOKIE"

// sdkLevelKey sets the level of the log that the plugin SDK writes itself (terraform-plugin-go).
const sdkLevelKey = "TF_LOG_SDK"

// version is what the release build sets with -ldflags "-X main.version=1.2.3": the linker can
// only set a package variable.
var version string

// gcPercent lets the heap grow to five times what is in use before it is collected, where Go's own
// choice is twice: a provider's heap is small, and collecting it was a fifth of the CPU time of a
// plan. GOGC has precedence.
const gcPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if err := limitSDKLog(os.Getenv, os.Setenv); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(run(os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// run is main with its surroundings as arguments; it returns the exit code. stderr must be the
// one that the process was started with: Terraform reads the log there, and serving replaces
// os.Stderr by a pipe of its own.
func run(args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	program := cli.Program{
		Version:      buildVersion(),
		Plugin:       getenv(cookieKey) != "",
		Serve:        func(debug bool) int { return serve(debug, getenv, stderr) },
		Background:   func() int { return background(stderr) },
		ImportConfig: importConfig,
	}
	return cli.Run(context.Background(), args, program, cli.NewConsole(stdout, stderr, getenv))
}

// serve is the plugin, for Terraform or for a debugger.
func serve(debugging bool, getenv func(string) string, stderr io.Writer) int {
	var conductors closers
	defer conductors.close()
	options := []provider.Option{provider.WithRegister(conductors.add)}
	if self, err := os.Executable(); err == nil {
		options = append(options, provider.WithBackground(self, cli.Background))
	}
	var serving []tf6server.ServeOpt
	if debugging { // A person started it, and ends it.
		serving = append(serving, tf6server.WithManagedDebug())
	} else {
		gone, isGone := parentGone()
		options = append(options, provider.WithOrphaned(isGone))
		go conductors.endWithTerraform(gone)
	}
	if err := tf6server.Serve(address, provider.NewServer(buildVersion(), newLogger(getenv, stderr), options...), serving...); err != nil {
		fmt.Fprintln(stderr, "Unable to serve the provider:", err)
		return 1
	}
	return 0
}

// background carries out operations that nobody waits for.
func background(stderr io.Writer) int {
	if err := conductor.RunBackground(buildVersion(), faulttext.Of); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

// importConfig writes the configuration of the containers that are named, or of all of the engines.
func importConfig(ctx context.Context, hosts map[string]string, names []string, out io.Writer) error {
	options := make(map[string]conductor.EngineOptions)
	for key, host := range hosts {
		one := conductor.EngineOptions{Connection: engine.Connection{Host: host}}
		if key != "" {
			one.From = "--engine " + key
		}
		options[key] = one
	}
	fleet := conductor.NewFleet(conductor.Options{Text: faulttext.Of}, options)
	fleet.Meet(ctx)
	var engines []provider.ImportEngine
	for _, key := range slices.Sorted(maps.Keys(hosts)) {
		engines = append(engines, provider.ImportEngine{Conductor: fleet.Engine(key), Key: key, Host: hosts[key]})
	}
	return errors.Join(provider.ImportConfig(ctx, engines, names, out), fleet.Close())
}

// closers are the conductors of this process. Terraform has no call that closes a provider: they are
// closed when the server has returned, before the process ends.
type closers struct {
	mu   sync.Mutex
	list []io.Closer
}

func (c *closers) add(closer io.Closer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, closer)
}

// close closes each conductor once, whoever else closes them at the same moment.
func (c *closers) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, closer := range c.list {
		_ = closer.Close() // It has logged what is wrong; there is nobody else to tell.
	}
	c.list = nil
}

// buildVersion is the version of the release, or else what the Go toolchain recorded.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "dev"
}

// newLogger makes the conductor's logger. Terraform takes lines of JSON on the plugin's stderr
// into its own log.
func newLogger(getenv func(string) string, stderr io.Writer) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{
		Name:       "gantry",
		Level:      logLevel(getenv),
		Output:     stderr,
		JSONFormat: true,
	})
}

// limitSDKLog returns the SDK the level that Terraform asks for. On its own it writes every step of
// every request, for Terraform to read and to throw away: that is half the CPU time of a plan.
func limitSDKLog(getenv func(string) string, setenv func(key, value string) error) error {
	if getenv(sdkLevelKey) != "" {
		return nil
	}
	return setenv(sdkLevelKey, logLevel(getenv).String())
}

// logLevel reads the level as Terraform does: the most specific variable wins, a level that is
// no level means everything, and so does "JSON", which asks for a format.
func logLevel(getenv func(string) string) hclog.Level {
	for _, key := range []string{"TF_LOG_PROVIDER_GANTRY", "TF_LOG_PROVIDER", "TF_LOG"} {
		value := getenv(key)
		if value == "" {
			continue
		}
		if level := hclog.LevelFromString(value); level != hclog.NoLevel {
			return level
		}
		return hclog.Trace
	}
	return hclog.Off
}
