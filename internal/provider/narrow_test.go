// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// newWholeCore is a core whose containers have all their attributes in every request.
func newWholeCore(t testing.TB) *core {
	t.Helper()
	return newCoreOf(t, providerserver.NewProtocol6(newGantry("test", hclog.NewNullLogger(), nil))())
}

// A server that knows only the attributes that a request is about answers as the whole one does.
func TestNarrowedAnswersAreTheSame(t *testing.T) {
	t.Parallel()
	// From each configuration there are changes to others.
	type changes struct {
		from values
		to   []values
	}
	all := map[string]changes{"from the least": {from: minimal()}}
	for name, c := range allChanges() {
		all["change of "+name] = changes{minimal().with(values{name: c.from}), []values{minimal().with(values{name: c.to}), minimal().with(values{name: unknown{}})}}
	}
	for name, s := range spellings() {
		all["spelling of "+name] = changes{minimal().with(s.one), []values{minimal().with(s.other)}}
	}
	for name, config := range representative() {
		least := all["from the least"]
		least.to = append(least.to, config)
		all["from the least"], all["from "+name] = least, changes{config, []values{minimal()}}
	}
	choices := choices()
	for seed := range 10 {
		random := rand.New(rand.NewPCG(uint64(seed), 0))
		some := func() values {
			v := minimal()
			for _, name := range slices.Sorted(maps.Keys(choices)) {
				if random.IntN(8) == 0 {
					v[name] = choices[name][random.IntN(len(choices[name]))]
				}
			}
			return v
		}
		all[fmt.Sprint("random ", seed)] = changes{some(), []values{some()}}
	}
	whole, part := newWholeCore(t), newCore(t)
	for name, c := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, config := range append(c.to, c.from) {
				sameDiagnostics(t, whole.validate(t, config), part.validate(t, config))
			}
			null := tftypes.NewValue(whole.typ, nil)
			created := whole.answer(t, null, c.from)
			sameAnswer(t, created, part.answer(t, null, c.from), whole.typ)
			if len(created.Diagnostics) > 0 {
				return
			}
			maker := part.copy()
			state, made := maker.create(t, c.from, nil)
			state = maker.refresh(t, state, made)
			for _, to := range c.to {
				sameAnswer(t, whole.answer(t, state, to), part.answer(t, state, to), whole.typ)
			}
		})
	}
}

func sameAnswer(t *testing.T, want, got *tfprotov6.PlanResourceChangeResponse, typ tftypes.Type) {
	t.Helper()
	sameDiagnostics(t, want.Diagnostics, got.Diagnostics)
	wanted, err := want.PlannedState.Unmarshal(typ)
	if err != nil {
		t.Fatal(err)
	}
	planned, err := got.PlannedState.Unmarshal(typ)
	if err != nil {
		t.Fatal(err)
	}
	if differs, _ := wanted.Diff(planned); len(differs) > 0 {
		t.Errorf("planned otherwise: %v", differs)
	}
	paths := func(all []*tftypes.AttributePath) []string {
		var names []string
		for _, p := range all {
			names = append(names, p.String())
		}
		slices.Sort(names)
		return names
	}
	if a, b := paths(want.RequiresReplace), paths(got.RequiresReplace); !slices.Equal(a, b) {
		t.Errorf("replaced because of %v, want %v", b, a)
	}
	if !bytes.Equal(want.PlannedPrivate, got.PlannedPrivate) {
		t.Errorf("the private state is %s, want %s", got.PlannedPrivate, want.PlannedPrivate)
	}
}

func sameDiagnostics(t *testing.T, want, got []*tfprotov6.Diagnostic) {
	t.Helper()
	texts := func(all []*tfprotov6.Diagnostic) []string {
		var lines []string
		for _, d := range all {
			lines = append(lines, d.Severity.String()+" at "+d.Attribute.String()+": "+d.Summary+": "+d.Detail)
		}
		slices.Sort(lines)
		return lines
	}
	if a, b := texts(want), texts(got); !slices.Equal(a, b) {
		t.Errorf("diagnostics %q, want %q", b, a)
	}
}

// BenchmarkNarrowedPlan tells what a plan of a container costs, and how much of what it costs with all of
// its attributes.
func BenchmarkNarrowedPlan(b *testing.B) {
	whole, part := newWholeCore(b), newCore(b)
	config := minimal().with(values{"command": []any{"serve"}, "environment": values{"A": "1"}, "networks": values{"front": values{}}})
	null := tftypes.NewValue(whole.typ, nil)
	var all time.Duration
	for b.Loop() {
		part.plan(b, null, config)
		b.StopTimer()
		began := time.Now()
		whole.plan(b, null, config)
		all += time.Since(began)
		b.StartTimer()
	}
	b.ReportMetric(b.Elapsed().Seconds()/all.Seconds(), "narrowed/whole")
}
