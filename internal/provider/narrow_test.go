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
	type pair struct{ from, to values }
	pairs := make(map[string]pair)
	for name, c := range allChanges() {
		pairs["change of "+name] = pair{minimal().with(values{name: c.from}), minimal().with(values{name: c.to})}
		pairs["unknown "+name] = pair{minimal().with(values{name: c.from}), minimal().with(values{name: unknown{}})}
	}
	for name, s := range spellings() {
		pairs["spelling of "+name] = pair{minimal().with(s.one), minimal().with(s.other)}
	}
	for name, config := range representative() {
		pairs["to "+name] = pair{minimal(), config}
		pairs["from "+name] = pair{config, minimal()}
	}
	all := choices()
	for seed := range 10 {
		random := rand.New(rand.NewPCG(uint64(seed), 0))
		some := func() values {
			v := minimal()
			for _, name := range slices.Sorted(maps.Keys(all)) {
				if random.IntN(8) == 0 {
					v[name] = all[name][random.IntN(len(all[name]))]
				}
			}
			return v
		}
		pairs[fmt.Sprint("random ", seed)] = pair{some(), some()}
	}
	whole, part := newWholeCore(t), newCore(t)
	for name, p := range pairs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, config := range []values{p.from, p.to} {
				sameDiagnostics(t, whole.validate(t, config), part.validate(t, config))
			}
			null := tftypes.NewValue(whole.typ, nil)
			created := whole.answer(t, null, p.from)
			sameAnswer(t, created, part.answer(t, null, p.from), whole.typ)
			if len(created.Diagnostics) > 0 {
				return
			}
			maker := newCore(t)
			state, made := maker.create(t, p.from, nil)
			state = maker.refresh(t, state, made)
			sameAnswer(t, whole.answer(t, state, p.to), part.answer(t, state, p.to), whole.typ)
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
