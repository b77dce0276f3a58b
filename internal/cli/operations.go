// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

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

// aboutID is what may stand for an ID.
const aboutID = "The ID may be whole, its last part, the beginning or the end of that, or the name\nof a container or an image, which means its "

// newOperations returns the commands that look at operations.
func newOperations(console Console) *cli.Command {
	var o options
	one := func(run func(context.Context, *session) error) cli.ActionFunc {
		return func(ctx context.Context, c *cli.Command) error {
			if c.NArg() != 1 {
				return &usageError{fmt.Errorf("%s takes one ID, not %d", c.Name, c.NArg()), c.FullName()}
			}
			return o.start(ctx, c.Args().First(), console, run)
		}
	}
	none := func(run func(context.Context, *session) error) cli.ActionFunc {
		return func(ctx context.Context, c *cli.Command) error {
			if c.Args().Present() {
				return &usageError{fmt.Errorf("%s takes no argument, not %q", c.Name, c.Args().First()), c.FullName()}
			}
			return o.start(ctx, "", console, run)
		}
	}
	engine := &cli.StringFlag{Name: "engine", Usage: "only those of the engine with this host `NAME`", Destination: &o.engine}
	container := &cli.StringFlag{Name: "container", Usage: "only those of containers with this `NAME`", Destination: &o.container}
	return &cli.Command{
		Name: "operations", Usage: "show, cancel and settle what gantry does on the engines",
		Description: "Looks at operations on containers, and on what is around them, in the journal of the state directory.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "state-dir", Usage: "the state `DIRECTORY`, if the provider's configuration names one", Destination: &o.stateDir},
			&cli.BoolFlag{Name: "json", Usage: "write JSON, for programs", Destination: &o.json},
		},
		Action: func(_ context.Context, c *cli.Command) error { return noCommand(c) },
		Commands: []*cli.Command{
			{
				Name: "list", HideHelpCommand: true, Action: none(list),
				Usage: "list the newest operations of all engines, the newest last, and failures that nobody has dealt with",
				Flags: []cli.Flag{
					engine, container,
					&cli.BoolFlag{Name: "in-progress", Usage: "only those in progress", Destination: &o.inProgress},
					&cli.BoolFlag{Name: "failed", Usage: "only those that failed or were interrupted", Destination: &o.failed},
					&cli.IntFlag{Name: "limit", Usage: "look at this `NUMBER` of the newest operations of each engine", Value: usualLimit, Destination: &o.limit},
					&cli.BoolFlag{Name: "all", Usage: "look at all of them, which takes long where there are many", Destination: &o.all},
				},
			},
			{
				Name: "show", ArgsUsage: "ID", HideHelpCommand: true, Action: one(show),
				Usage: "show everything about one operation", Description: aboutID + "last operation.",
			},
			{
				Name: "watch", HideHelpCommand: true, Action: none(watch),
				Usage: "watch operations until none is in progress: in a terminal live, else with a line for each change",
				Flags: []cli.Flag{
					engine, container,
					&cli.BoolFlag{Name: "follow", Usage: "go on when none is in progress, and wait for new ones", Destination: &o.follow},
				},
			},
			{
				Name: "cancel", ArgsUsage: "ID", HideHelpCommand: true, Action: one(cancel),
				Usage:       "ask whoever carries out an operation to cancel it, and wait for what becomes of it",
				Description: aboutID + "operation in progress. A removal can't be cancelled.",
			},
			{
				Name: "settle", ArgsUsage: "ID", HideHelpCommand: true, Action: one(settle),
				Usage:       "note that a failure was dealt with: plans tell of it no more, and an unfinished removal is not resumed",
				Description: aboutID + "last failure.",
			},
			{
				Name: "counters", HideHelpCommand: true, Action: none(counters),
				Usage: "show how often and how long operations waited, and what became of them: whether max_parallel and max_parallel_pulls fit",
				Flags: []cli.Flag{
					engine,
					&cli.DurationFlag{Name: "since", Usage: "only processes that worked in this last `TIME`, such as 24h", Destination: &o.since},
				},
			},
		},
	}
}

// start carries out a command that looks at operations.
func (o *options) start(ctx context.Context, id string, console Console, run func(context.Context, *session) error) error {
	s, err := newSession(*o, console)
	if err != nil {
		return err
	}
	s.id = id
	ctx, stop := console.Interruptible(ctx)
	defer stop()
	return run(ctx, s)
}

// session is one command at work.
type session struct {
	options
	Console
	// id is what the person named.
	id string
	// dir is the state directory; journal is nil as long as there is none.
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
