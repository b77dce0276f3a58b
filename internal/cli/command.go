// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package cli is the command line with which a person looks at operations: it lists, shows,
// watches and cancels them. It knows the state folder alone, and connects to no engine.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// program is how a person starts it.
const program = "terraform-provider-gantry operations"

// The exit codes.
const (
	exitFine  = 0
	exitError = 1
	exitUsage = 2
)

// Console is where the command line writes to.
type Console struct {
	Out, Err io.Writer
	// Screen gives the size of the terminal that Out is; ok is false if it is none that can be
	// redrawn.
	Screen func() (width, height int, ok bool)
	// Zone is the time zone of the clock that the person sees.
	Zone *time.Location
}

// NewConsole finds out what out is.
func NewConsole(out, err io.Writer, getenv func(string) string) Console {
	return Console{Out: out, Err: err, Zone: time.Local, Screen: func() (int, int, bool) {
		file, isFile := out.(*os.File)
		// Older consoles of Windows don't know the sequences that move the cursor.
		if !isFile || getenv("TERM") == "dumb" || runtime.GOOS == "windows" && getenv("WT_SESSION") == "" || !term.IsTerminal(int(file.Fd())) {
			return 0, 0, false
		}
		width, height, sizeErr := term.GetSize(int(file.Fd()))
		return width, height, sizeErr == nil
	}}
}

// usageError is a command that can't be understood.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }

// command is one command and its flags.
type command struct {
	// name and args are how it is called, about what it does.
	name, args, about string
	// flags are what it takes beside --state-dir and --json.
	flags func(*flag.FlagSet, *options)
	run   func(context.Context, *session) error
}

// options are the values of the flags of all commands.
type options struct {
	stateDir string
	json     bool
	filter
	follow bool
	since  time.Duration
	// limit is how many of the newest operations are looked at, unless all are.
	limit int
	all   bool
}

// usualLimit is how many of the newest operations are listed where nobody says how many.
const usualLimit = 200

func commands() []command {
	narrow := func(flags *flag.FlagSet, o *options) {
		flags.StringVar(&o.engine, "engine", "", "only those of the engine with this host `name`")
		flags.StringVar(&o.container, "container", "", "only those of containers with this `name`")
	}
	return []command{
		{
			name: "list", about: "List the newest operations of all engines, the newest last, and failures that nobody has dealt with.", run: list,
			flags: func(flags *flag.FlagSet, o *options) {
				narrow(flags, o)
				flags.BoolVar(&o.inProgress, "in-progress", false, "only those in progress")
				flags.BoolVar(&o.failed, "failed", false, "only those that failed or were interrupted")
				flags.IntVar(&o.limit, "limit", usualLimit, "look at this `number` of the newest operations of each engine")
				flags.BoolVar(&o.all, "all", false, "look at all of them: that takes long where there are many")
			},
		},
		{
			name: "show", args: "ID", run: show,
			about: "Show everything about one operation. " + aboutID + " of a container or an image, which means its last operation.",
		},
		{
			name: "watch", run: watch,
			about: "Watch operations until none is in progress: in a terminal live, else with a line for each change.",
			flags: func(flags *flag.FlagSet, o *options) {
				narrow(flags, o)
				flags.BoolVar(&o.follow, "follow", false, "go on when none is in progress, and wait for new ones")
			},
		},
		{
			name: "cancel", args: "ID", run: cancel,
			about: "Ask whoever carries out an operation to cancel it, and wait for what becomes of it. " + aboutID +
				" of a container or an image, which means its operation in progress. A removal can't be cancelled.",
		},
		{
			name: "settle", args: "ID", run: settle,
			about: "Note that a failure was dealt with: no plan tells of it any more, and an unfinished removal is not resumed. " + aboutID +
				" of a container or an image, which means its last failure.",
		},
		{
			name: "counters", run: counters,
			about: "Show how often and how long operations waited, and what became of them: whether max_parallel and max_parallel_pulls fit.",
			flags: func(flags *flag.FlagSet, o *options) {
				flags.StringVar(&o.engine, "engine", "", "only those of the engine with this host `name`")
				flags.DurationVar(&o.since, "since", 0, "only processes that worked in this last `time`, such as 24h")
			},
		},
	}
}

const aboutID = "The ID may be whole, its last part, the beginning or the end of that, or the name"

// Run carries out a command and gives the exit code: 0 is fine, 1 an error, 2 a command that can't be
// understood. The end of ctx is Ctrl-C.
func Run(ctx context.Context, args []string, console Console) int {
	all := commands()
	if len(args) == 0 {
		fmt.Fprint(console.Err, overview(all))
		return exitUsage
	}
	if slices.Contains([]string{"-h", "-help", "--help", "help"}, args[0]) {
		fmt.Fprint(console.Out, overview(all))
		return exitFine
	}
	i := slices.IndexFunc(all, func(c command) bool { return c.name == args[0] })
	if i < 0 {
		fmt.Fprintf(console.Err, "Error: there is no command %q\n\n%s", args[0], overview(all))
		return exitUsage
	}
	err := all[i].start(ctx, args[1:], console)
	var usage *usageError
	switch {
	case err == nil:
		return exitFine
	case errors.As(err, &usage):
		fmt.Fprintf(console.Err, "Error: %v\nSee %s %s -h.\n", err, program, all[i].name)
		return exitUsage
	default:
		fmt.Fprintf(console.Err, "Error: %v\n", err)
		return exitError
	}
}

// start reads the command's arguments and carries it out.
func (c command) start(ctx context.Context, args []string, console Console) error {
	var o options
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.stateDir, "state-dir", "", "the state `folder`, if the provider's configuration names one")
	flags.BoolVar(&o.json, "json", false, "write JSON, for programs")
	if c.flags != nil {
		c.flags(flags, &o)
	}
	var named []string
	// Flags may stand behind the ID, too.
	for len(args) > 0 {
		switch err := flags.Parse(args); {
		case errors.Is(err, flag.ErrHelp):
			fmt.Fprint(console.Out, c.help(flags))
			return nil
		case err != nil:
			return &usageError{err}
		}
		if args = flags.Args(); len(args) > 0 {
			named, args = append(named, args[0]), args[1:]
		}
	}
	switch {
	case c.args == "" && len(named) > 0:
		return &usageError{fmt.Errorf("%s takes no argument, not %q", c.name, named[0])}
	case c.args != "" && len(named) != 1:
		return &usageError{fmt.Errorf("%s takes one %s, not %d", c.name, c.args, len(named))}
	}
	s, err := newSession(o, console)
	if err != nil {
		return err
	}
	if c.args != "" {
		s.id = named[0]
	}
	return c.run(ctx, s)
}

func overview(all []command) string {
	rows := make([][]string, 0, len(all))
	for _, c := range all {
		first, _, _ := strings.Cut(c.about, ". ")
		rows = append(rows, []string{"  " + strings.TrimSpace(c.name+" "+c.args), strings.TrimSuffix(first, ".")})
	}
	return fmt.Sprintf("Usage: %s COMMAND\n\nLooks at operations on containers, and on what is around them, in the journal of the state folder.\n\n%s\n\n%s COMMAND -h tells more.\n",
		program, strings.Join(table(rows), "\n"), program)
}

func (c command) help(flags *flag.FlagSet) string {
	var rows [][]string
	flags.VisitAll(func(f *flag.Flag) {
		value, about := flag.UnquoteUsage(f)
		rows = append(rows, []string{"  " + strings.TrimSpace("--"+f.Name+" "+value), about})
	})
	return fmt.Sprintf("Usage: %s\n\n%s\n\n%s\n", strings.Join(slices.DeleteFunc([]string{program, c.name, "[FLAGS]", c.args}, func(s string) bool { return s == "" }), " "),
		c.about, strings.Join(table(rows), "\n"))
}

// session is one command at work.
type session struct {
	options
	Console
	// id is what the person named.
	id string
	// dir is the state folder; journal is nil as long as there is none.
	dir     string
	journal *journal.Journal
	// warned are the problems that were told.
	warned map[string]bool
}

func newSession(o options, console Console) (*session, error) {
	s := &session{options: o, Console: console, dir: o.stateDir, warned: make(map[string]bool)}
	if s.dir == "" {
		dir, err := journal.DefaultDir()
		if err != nil {
			return nil, err
		}
		s.dir = dir
	}
	return s, nil
}

// warn tells each problem once.
func (s *session) warn(problems ...error) {
	for _, problem := range problems {
		if text := problem.Error(); !s.warned[text] {
			s.warned[text] = true
			fmt.Fprintln(s.Err, "Warning:", fault.Printable(text))
		}
	}
}

// print writes lines for a person.
func (s *session) print(lines ...string) {
	for _, line := range lines {
		// What engines reported is in the records of every gantry: a terminal must not obey it.
		fmt.Fprintln(s.Out, fault.Printable(line))
	}
}

// encode writes a value for a program.
func (s *session) encode(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.Out, escaped(string(text)))
	return err
}

// escaped spells what a terminal would obey as JSON does: JSON itself escapes only some of it.
func escaped(text string) string {
	var out strings.Builder
	for _, r := range text {
		if r != '\n' && fault.Printable(string(r)) == "" {
			fmt.Fprintf(&out, `\u%04x`, r)
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}
