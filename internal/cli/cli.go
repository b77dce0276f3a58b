// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package cli is the command line: it starts what Terraform asks for, lists, shows, watches and cancels
// operations for a person, and writes the configuration of containers that are there already. What looks at
// operations knows the state directory alone, and connects to no engine.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"
	"golang.org/x/term"
)

// name is what a person starts.
const name = "terraform-provider-gantry"

// Background is the command that makes the process a background conductor. Nobody types it.
const Background = "background"

// The exit codes.
const (
	exitFine  = 0
	exitError = 1
	exitUsage = 2
)

// Program is what the command line starts and does not know itself.
type Program struct {
	Version string
	// Plugin reports that Terraform started the process: without arguments it serves.
	Plugin bool
	// Serve serves the provider, for a debugger or for Terraform, and returns the exit code.
	Serve func(debug bool) int
	// Background carries out operations that nobody waits for, and returns the exit code.
	Background func() int
	// ImportConfig writes the configuration of containers: of all of the engines at hosts, or of those named. The
	// hosts are by the engines' keys in the provider's configuration; an empty key is the default engine.
	ImportConfig func(ctx context.Context, hosts map[string]string, names []string, out io.Writer) error
}

// Console is where the command line writes to.
type Console struct {
	Out, Err io.Writer
	// Screen returns the size of the terminal that Out is; ok is false if it is none that can be redrawn.
	Screen func() (width, height int, ok bool)
	// Zone is the time zone of the clock that the person sees.
	Zone *time.Location
	// Interruptible returns a context that Ctrl-C ends.
	Interruptible func(context.Context) (context.Context, context.CancelFunc)
}

// NewConsole finds out what out is.
func NewConsole(out, err io.Writer, getenv func(string) string) Console {
	return Console{Out: out, Err: err, Zone: time.Local, Interruptible: interruptible, Screen: func() (int, int, bool) {
		file, isFile := out.(*os.File)
		// Older consoles of Windows don't know the sequences that move the cursor.
		if !isFile || getenv("TERM") == "dumb" || runtime.GOOS == "windows" && getenv("WT_SESSION") == "" || !term.IsTerminal(int(file.Fd())) {
			return 0, 0, false
		}
		width, height, sizeErr := term.GetSize(int(file.Fd()))
		return width, height, sizeErr == nil
	}}
}

// interruptible lets the first Ctrl-C end a command in order, and a second one at once.
func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// usageError is a command that can't be understood.
type usageError struct {
	err error
	// command is the one whose help says how it can be.
	command string
}

func (e *usageError) Error() string { return e.err.Error() }

// exitCodeError ends the process where what ran has said itself why.
type exitCodeError int

func (c exitCodeError) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// exit returns the error for an exit code: none for 0.
func exit(code int) error {
	if code == exitFine {
		return nil
	}
	return exitCodeError(code)
}

// Run carries out a command and returns the exit code: 0 is fine, 1 an error, 2 a command that can't be
// understood.
func Run(ctx context.Context, args []string, program Program, console Console) int {
	err := newRoot(program, console).Run(ctx, append([]string{name}, args...))
	var code exitCodeError
	var usage *usageError
	switch {
	case err == nil:
		return exitFine
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &usage):
		fmt.Fprintf(console.Err, "Error: %v\nSee %s -h.\n", err, usage.command)
		return exitUsage
	default:
		fmt.Fprintf(console.Err, "Error: %v\n", err)
		return exitError
	}
}

const about = `This is a plugin: Terraform (or OpenTofu) starts it when a configuration asks for it:

    terraform {
      required_providers {
        gantry = { source = "gantry-provider/gantry" }
      }
    }

By hand it shows what gantry does on the engines, now or after Terraform has ended, and writes the
configuration of containers that run already:

    terraform-provider-gantry operations list
    terraform-provider-gantry import-config [NAME…]`

// newRoot returns the tree of all commands.
func newRoot(program Program, console Console) *cli.Command {
	var debug, version bool
	root := &cli.Command{
		Name: name, Usage: "manages containers on Docker engines, version " + program.Version, Description: about,
		Writer: console.Out, ErrWriter: console.Err,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "version", Usage: "print the version", Destination: &version, Local: true},
			&cli.BoolFlag{Name: "debug", Usage: "serve for a debugger, and print how Terraform attaches", Destination: &debug, Local: true},
		},
		Commands: []*cli.Command{
			newOperations(console),
			newImportConfig(program, console),
			{Name: Background, Hidden: true, HideHelpCommand: true, Action: func(context.Context, *cli.Command) error { return exit(program.Background()) }},
		},
		EnableShellCompletion:           true,
		ConfigureShellCompletionCommand: func(c *cli.Command) { c.Hidden = false },
		// The exit codes are Run's business.
		ExitErrHandler: func(context.Context, *cli.Command, error) {},
	}
	root.Action = func(_ context.Context, c *cli.Command) error {
		switch {
		case version:
			fmt.Fprintln(console.Out, name, program.Version)
			return nil
		case c.Args().Present() || !debug && !program.Plugin:
			return noCommand(c)
		default:
			return exit(program.Serve(debug))
		}
	}
	_ = root.Walk(func(c *cli.Command) error {
		c.OnUsageError = func(_ context.Context, c *cli.Command, err error, _ bool) error {
			return &usageError{err, c.FullName()}
		}
		return nil
	})
	return root
}

// noCommand shows which commands there are, where none of them was named.
func noCommand(c *cli.Command) error {
	root := c.Root()
	if c.Args().Present() {
		fmt.Fprintf(root.ErrWriter, "Error: there is no command %q\n\n", c.Args().First())
	}
	root.Writer = root.ErrWriter
	if err := cli.ShowSubcommandHelp(c); err != nil {
		return err
	}
	return exitCodeError(exitUsage)
}

// newImportConfig returns the command that writes the configuration of containers that are there already.
func newImportConfig(program Program, console Console) *cli.Command {
	var host string
	var engines []string
	return &cli.Command{
		Name: "import-config", ArgsUsage: "[NAME…]", HideHelpCommand: true,
		Usage: "write the configuration of containers that are there already",
		Description: "Writes import blocks and resources for the containers with these names or IDs, or for all containers of the engine,\n" +
			"to standard output. Applied unchanged, they change nothing. Values of environment variables are written as they\n" +
			"are: move secrets elsewhere. With --engine the containers are of an entry of the provider's engines; with several\n" +
			"of them a name is KEY/NAME.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "host", Usage: "the default engine's `ADDRESS`, as in the provider's configuration", Destination: &host},
			&cli.StringSliceFlag{Name: "engine", Usage: "an engine's key and address in the provider's engines, as `KEY=ADDRESS`; may be repeated", Destination: &engines},
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			hosts, err := hostsByKey(host, engines)
			if err != nil {
				return &usageError{err, c.FullName()}
			}
			ctx, stop := console.Interruptible(ctx)
			defer stop()
			return program.ImportConfig(ctx, hosts, c.Args().Slice(), console.Out)
		},
	}
}

// hostsByKey are the addresses of engines by key. The default engine is among them if it is named, or if no other is.
func hostsByKey(host string, engines []string) (map[string]string, error) {
	hosts := make(map[string]string)
	if host != "" || len(engines) == 0 {
		hosts[""] = host
	}
	for _, text := range engines {
		key, address, ok := strings.Cut(text, "=")
		switch {
		case !ok || key == "" || address == "":
			return nil, fmt.Errorf("--engine takes KEY=ADDRESS, such as edge1=ssh://admin@edge1, not %q", text)
		case hosts[key] != "":
			return nil, fmt.Errorf("--engine has the key %q twice", key)
		}
		hosts[key] = address
	}
	return hosts, nil
}
