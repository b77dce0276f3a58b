// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// watchEvery is the pause between two looks at the journal: files are all that tells.
const watchEvery = 500 * time.Millisecond

func watch(ctx context.Context, s *session) error {
	_, _, live := s.Screen()
	w := &watcher{session: s, live: live && !s.json, stages: make(map[string]string)}
	began := time.Now().Truncate(time.Millisecond) // A ticket tells no more.
	for first := true; ; first = false {
		all, err := s.openSince(began)
		if err != nil {
			return err
		}
		watched := w.take(pick(all, s.filter), first)
		if len(watched) == 0 && !s.follow {
			if !s.json {
				s.print("Nothing is in progress.")
			}
			return nil
		}
		if err := w.tell(watched); err != nil {
			return err
		}
		if len(pick(watched, filter{inProgress: true})) == 0 && !s.follow {
			return nil
		}
		timer := time.NewTimer(watchEvery)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
	}
}

// watcher is a watch at work.
type watcher struct {
	*session
	// live says that a terminal is redrawn, in place of a line for each change.
	live bool
	// before are the operations that had ended when the watch began.
	before map[string]bool
	// watched are those that were seen since.
	watched []operation
	// stages are what was told of each operation.
	stages map[string]string
	// drawn is how many lines of the terminal are the watch's.
	drawn int
}

// take leaves out what had ended before the watch began, and keeps what has left the open operations since.
func (w *watcher) take(all []operation, first bool) []operation {
	if first {
		w.before = make(map[string]bool)
		for _, o := range all {
			w.before[o.ID] = o.State != inProgress
		}
	}
	there := make(map[string]bool)
	for _, o := range all {
		there[o.ID] = true
	}
	watched := slices.DeleteFunc(w.watched, func(o operation) bool { return there[o.ID] })
	for i, o := range watched {
		if r, err := o.engine.Find(o.ID); o.State == inProgress && err == nil {
			watched[i] = look(o.engine, r, time.Now())
		}
	}
	for _, o := range all {
		if !w.before[o.ID] {
			watched = append(watched, o)
		}
	}
	slices.SortFunc(watched, byTime)
	w.watched = slices.Clone(watched)
	return watched
}

// tell shows what changed.
func (w *watcher) tell(watched []operation) error {
	if w.live {
		width, height, _ := w.Screen()
		w.draw(screen(watched, w.Zone, width, height))
		return nil
	}
	for _, o := range changed(w.stages, watched) {
		if !w.json {
			w.print(changeLine(o, time.Now(), w.Zone))
			continue
		}
		text, err := json.Marshal(o)
		if err == nil {
			_, err = fmt.Fprintln(w.Out, escaped(string(text))) // One line each.
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// draw puts lines in the place of those drawn before.
func (w *watcher) draw(lines []string) {
	text := ""
	if w.drawn > 0 {
		text = fmt.Sprintf("\x1b[%dA", w.drawn) // Up.
	}
	for _, line := range lines {
		text += fault.Printable(line) + "\x1b[K\n" // Without what was right of it.
	}
	fmt.Fprint(w.Out, text+"\x1b[J") // Without what was below.
	w.drawn = len(lines)
}

// screen is what a terminal of this size shows: what is in progress as far as there is room, and
// before it what ended since the watch began, the newest last.
func screen(watched []operation, zone *time.Location, width, height int) []string {
	running, ended := pick(watched, filter{inProgress: true}), make([]operation, 0, len(watched))
	failed := 0
	for _, o := range watched {
		if o.State != inProgress {
			ended = append(ended, o)
		}
		if o.failed() {
			failed++
		}
	}
	// Heading, summary, and the cursor's line.
	room := max(height-3, 1)
	hidden := max(len(running)-room, 0)
	running = running[:len(running)-hidden]
	ended = ended[max(len(ended)-(room-len(running)), 0):]

	lines := listed(append(ended, running...), zone)
	summary := fmt.Sprintf("%d in progress, %d ended", len(running)+hidden, len(watched)-len(running)-hidden)
	if failed > 0 {
		summary += fmt.Sprintf(", %d of them failed", failed)
	}
	if hidden > 0 {
		summary += fmt.Sprintf(" (%d in progress are not shown: the terminal is too low)", hidden)
	}
	lines = append(lines, summary)
	for i, line := range lines {
		lines[i] = cut(line, width)
	}
	return lines
}

// stage is what has to change for a line: the step, the outcome, and each tenth of a pull.
func stage(o operation) string {
	text := fmt.Sprint(o.State, o.Step, o.CancelAsked)
	if o.State == inProgress && o.Step == fault.StepPulling && o.Pull != nil {
		text += fmt.Sprint(tenths(*o.Pull), o.Pull.Complete)
	}
	return text
}

func tenths(p journal.Pull) int64 {
	if p.Total <= 0 {
		return 0
	}
	return 10 * p.Done / p.Total
}

// changed returns the operations that reached another stage, and notes it.
func changed(stages map[string]string, watched []operation) []operation {
	var news []operation
	for _, o := range watched {
		if now := stage(o); stages[o.ID] != now {
			stages[o.ID] = now
			news = append(news, o)
		}
	}
	return news
}

// changeLine tells what an operation came to.
func changeLine(o operation, now time.Time, zone *time.Location) string {
	line := fmt.Sprintf("%s  %s/%s  %s  %s", moment(now, zone), o.Engine, o.label(), o.Kind, o.status())
	if o.State != inProgress && o.Elapsed != nil {
		line += " after " + o.took()
	}
	line += "  " + o.short()
	if o.State != inProgress && o.Fault != nil {
		line += "  " + o.Fault.Summary
	}
	return line
}
