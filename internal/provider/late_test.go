// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

func lateFault(kind conductor.Kind, name string, stray bool) conductor.Late {
	return conductor.Late{Kind: kind, Stray: stray, Fault: &fault.Fault{
		Engine: "edge1", Container: name, Operation: "edge1/" + name + "/1", Summary: "Container " + name + " broke",
	}}
}

func TestTellLate(t *testing.T) {
	t.Parallel()
	few := []conductor.Late{
		lateFault(conductor.KindRemove, "gone", true),
		lateFault(conductor.KindCreate, "lost", true),
		lateFault(conductor.KindCreate, "known", false),
	}
	var diags diag.Diagnostics
	told := reportLate(conductor.LateFaults{Newest: few, Count: len(few)}, &diags)
	var summaries []string
	for _, d := range diags {
		summaries = append(summaries, d.Summary())
	}
	want := `The removal of container "gone" on engine "edge1" failed after the last apply, ` +
		`The create of container "lost" on engine "edge1" failed after an apply that was cut off`
	if got := strings.Join(summaries, ", "); got != want || told {
		t.Errorf("told %s\nwant %s\nand of all: %t", got, want, told)
	}
}

// Past ten there is one warning with the names of ten.
func TestTellManyLate(t *testing.T) {
	t.Parallel()
	var newest []conductor.Late
	for i := range 10 {
		newest = append(newest, lateFault(conductor.KindCreate, fmt.Sprintf("c%d", i), false))
	}
	var diags diag.Diagnostics
	if told := reportLate(conductor.LateFaults{Newest: newest, Count: 10_000}, &diags); len(diags) != 1 || !told {
		t.Fatalf("%d warnings, told of all: %t", len(diags), told)
	}
	for _, one := range newest {
		if !strings.Contains(diags[0].Detail(), one.Fault.Subject()+" (create): "+one.Fault.Summary) {
			t.Errorf("not told of %s:\n%s", one.Fault.Container, diags[0].Detail())
		}
	}
	if !strings.Contains(diags[0].Summary(), "10000 operations") || !strings.Contains(diags[0].Detail(), "and 9990 more") || len(diags[0].Detail()) > 2000 {
		t.Errorf("it tells %s: %s", diags[0].Summary(), diags[0].Detail())
	}
}

// What was not counted is said to be more.
func TestTellMoreLateThanCounted(t *testing.T) {
	t.Parallel()
	var diags diag.Diagnostics
	reportLate(conductor.LateFaults{Newest: []conductor.Late{lateFault(conductor.KindCreate, "web", false)}, Count: 1000, More: true}, &diags)
	if len(diags) != 1 || !strings.HasPrefix(diags[0].Summary(), "More than 1000 operations on engine") || !strings.Contains(diags[0].Detail(), "- and more than 999 others\n") {
		t.Errorf("told %v", diags)
	}
}

// However many records can't be read, there is one warning with some of them.
func TestTellUnreadable(t *testing.T) {
	t.Parallel()
	for n, says := range map[int]string{1: "- record 0\n\n", 12: "- record 9\n- and 2 more\n\n"} {
		var problems []error
		for i := range n {
			problems = append(problems, fmt.Errorf("record %d", i))
		}
		var diags diag.Diagnostics
		reportUnreadable(problems[:min(n, 10)], n, &diags)
		if len(diags) != 1 || !strings.Contains(diags[0].Detail(), says) {
			t.Errorf("of %d: %v", n, diags)
		}
	}
	var diags diag.Diagnostics
	reportUnreadable(nil, 0, &diags)
	if len(diags) != 0 {
		t.Errorf("of none: %v", diags)
	}
}

// An update that was not even accepted leaves the operation before it the last one: its failure may
// not have been told.
func TestWhatWasNotAcceptedIsNotTheLastOperation(t *testing.T) {
	t.Parallel()
	m := containerModel{computedModel: computedModel{OperationID: types.StringValue("edge1/web/1")}}
	m.record(conductor.KindUpdate, conductor.Outcome{}, lateFault(conductor.KindUpdate, "web", false).Fault)
	if m.OperationID.ValueString() != "edge1/web/1" || m.Fault.IsNull() {
		t.Errorf("the last operation is %s, with the fault %s", m.OperationID, m.Fault)
	}
	m.record(conductor.KindUpdate, conductor.Outcome{OperationID: "edge1/web/2"}, nil)
	if m.OperationID.ValueString() != "edge1/web/2" || !m.Fault.IsNull() {
		t.Errorf("the last operation is %s, with the fault %s", m.OperationID, m.Fault)
	}
}

// What a plan tells of failures of others is as long for many as for a few more than are named, whatever they are.
func TestWarningsOfManyFailuresEnd(t *testing.T) {
	t.Parallel()
	const host = "unix:///nonexistent/docker.sock"
	const longest = 4000
	broken := &fault.Fault{Kind: fault.Exited, Engine: "edge1", Summary: "Container exited", Log: []string{strings.Repeat("x", 500)}}
	for name, r := range map[string]journal.Record{
		"failed casts":         {Kind: string(conductor.KindCreate), Cast: true, Outcome: journal.Failed, Fault: broken},
		"interrupted casts":    {Kind: string(conductor.KindUpdate), Cast: true},
		"unfinished removals":  {Kind: string(conductor.KindRemove), Cast: true, ContainerID: strings.Repeat("a", 64)},
		"interrupted calls":    {Kind: string(conductor.KindCreate)},
		"failures of networks": {Kind: string(conductor.KindCreate), Object: "network", Cast: true, Outcome: journal.Failed, Fault: broken},
		"damaged records":      {Version: -1},
	} {
		lengths := make(map[int]int)
		for _, count := range []int{12, 120} {
			dir := t.TempDir()
			j, err := journal.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			e, err := j.Engine("ID", "edge1")
			if err == nil {
				err = j.Note(host, e)
			}
			for i := 0; i < count && err == nil; i++ {
				r.Engine, r.Container, r.Accepted = "edge1", fmt.Sprintf("other-%03d", i), time.Now().Add(-time.Hour)
				if r.Version < 0 {
					var folders []string
					folders, err = filepath.Glob(filepath.Join(dir, "engines", "*", "operations"))
					err = errors.Join(err, os.WriteFile(filepath.Join(folders[0], fmt.Sprintf("torn%03d.json", i)), nil, 0o600))
					continue
				}
				err = e.Accept(r, nil, func(string) {})
			}
			if err = errors.Join(err, j.Close(), e.Tidy(time.Minute)); err != nil {
				t.Fatal(err)
			}
			c := conductor.New(conductor.Options{Engine: conductor.EngineOptions{Connection: engine.Connection{Host: host}}, StateDir: dir})
			late := c.LateFaults()
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			var diags diag.Diagnostics
			reportLate(late, &diags)
			reportUnreadable(late.Problems, late.Unreadable, &diags)
			for _, d := range diags {
				lengths[count] += len(d.Summary()) + len(d.Detail())
			}
			if told := lengths[count] > 0; told != (name != "interrupted calls") {
				t.Errorf("%s: told of %d: %t", name, count, told)
			}
		}
		if more := lengths[120] - lengths[12]; lengths[120] > longest || more > 20 {
			t.Errorf("%s: 12 are told of in %d bytes, 120 in %d", name, lengths[12], lengths[120])
		}
	}
}

// A failed update of a container that is gone by now is told of by the refresh that drops it from the state.
func TestFailureOfAGoneContainerIsTold(t *testing.T) {
	t.Parallel()
	failed := lateFault(conductor.KindUpdate, "web", false).Fault
	for _, tt := range []struct {
		name  string
		fault *fault.Fault
		want  int
	}{{"failed", failed, 1}, {"done", nil, 0}} {
		m := containerModel{computedModel: computedModel{ID: types.StringValue("edge1/web")}, baseModel: baseModel{Name: types.StringValue("web")}}
		var diags diag.Diagnostics
		there := m.judge(conductor.Status{Kind: conductor.KindUpdate, Fault: tt.fault}, container.WaitReady, time.Now(), settling{}, &diags)
		if there || diags.WarningsCount() != tt.want {
			t.Errorf("%s: there: %t, %v", tt.name, there, diags)
		}
	}
}
