// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/versions"
	gocmp "github.com/google/go-cmp/cmp"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider"
)

// without is after the two values: the attribute is removed from the configuration.
const without = 2

// trial has a container for each attribute.
type trial struct {
	*rig
	rows    map[string]provider.AttributeRow
	effects map[string]provider.Effect
	// ids are the containers by attribute.
	ids map[string]string
}

// trial takes those of the rows that it says. What others are nested in has no value of its own.
func (r *rig) trial(rows map[string]provider.AttributeRow, takes func(name string, row provider.AttributeRow) bool) *trial {
	t := &trial{rig: r, rows: maps.Clone(rows), effects: provider.ContainerAttributes(r.t.Context()), ids: make(map[string]string)}
	maps.DeleteFunc(t.rows, func(name string, row provider.AttributeRow) bool { return row.Seen == nil || !takes(name, row) })
	for name, row := range t.rows {
		if row.Replaces {
			t.effects[name] = provider.Replaces
		}
	}
	return t
}

// Each attribute by itself: the engine has what is set, and the plan is empty; a change is in place or
// replaces, as the table says, and the engine has it; what somebody changes outside shows in the plan as
// that attribute alone, and is mended; and what the engine can't take away replaces when it is removed.
func TestAccAttributes(t *testing.T) {
	r := newRig(t)
	all := r.trial(provider.AttributeRows(r.fixtures()), func(_ string, row provider.AttributeRow) bool { return !r.tooOld(row) && r.refusal(row) == "" })
	outside := func(name string) bool { return all.rows[name].Outside != nil }
	removed := func(name string) bool { return all.rows[name].Without != "" }
	// The others are done with after the second step.
	left := r.trial(all.rows, func(name string, _ provider.AttributeRow) bool { return outside(name) || removed(name) })
	left.ids = all.ids
	second := func(name string, row provider.AttributeRow) string { return row.Line(name, 1) }
	r.run(
		resource.TestStep{
			Config:            all.config(func(name string, row provider.AttributeRow) string { return row.Line(name, 0) }),
			ConfigStateChecks: []statecheck.StateCheck{all.has(0, func(string) bool { return false })},
		},
		resource.TestStep{
			Config: all.config(second),
			ConfigPlanChecks: all.plans(func(name string, row provider.AttributeRow, change *tfjson.Change) error {
				return checkChange(row, all.effects[name], change)
			}),
			ConfigStateChecks: []statecheck.StateCheck{all.has(1, func(name string) bool { return all.effects[name] == provider.Replaces && !all.rows[name].Nothing })},
		},
		resource.TestStep{
			PreConfig: func() { left.change(outside) },
			Config:    left.config(second),
			ConfigPlanChecks: left.plans(func(name string, row provider.AttributeRow, change *tfjson.Change) error {
				return checkDrift(row, name, outside(name), change)
			}),
			ConfigStateChecks: []statecheck.StateCheck{left.has(1, func(string) bool { return false })},
		},
		resource.TestStep{
			Config: left.config(func(name string, row provider.AttributeRow) string {
				if removed(name) {
					return row.Around("")
				}
				return row.Line(name, 1)
			}),
			ConfigPlanChecks: left.plans(func(name string, row provider.AttributeRow, change *tfjson.Change) error {
				return checkRemoval(row, left.effects[name], change)
			}),
			ConfigStateChecks: []statecheck.StateCheck{left.has(without, func(name string) bool { return left.effects[name] == provider.InPlaceUnlessRemoved })},
		},
	)
}

// What this engine is too old for is refused by the plan, and what it refuses itself is an error of the
// apply: each time on that attribute, and with the reason.
func TestAccRefusedAttributes(t *testing.T) {
	r := newRig(t)
	rows := provider.AttributeRows(r.fixtures())
	old := r.trial(rows, func(_ string, row provider.AttributeRow) bool { return r.tooOld(row) })
	refused := r.trial(rows, func(_ string, row provider.AttributeRow) bool { return !r.tooOld(row) && r.refusal(row) != "" })
	for _, one := range []*trial{old, refused} {
		if len(one.rows) == 0 {
			continue
		}
		failed := r.fails(one.config(func(name string, row provider.AttributeRow) string { return row.Line(name, 1) }))
		for _, name := range slices.Sorted(maps.Keys(one.rows)) {
			root, _, _ := strings.Cut(name, ".")
			want := failure{summary: "Unable to create container " + strconv.Quote(r.Name(label(name))), line: root + " =", says: []string{r.refusal(one.rows[name])}}
			if one == old {
				want = failure{summary: fmt.Sprintf("Engine %q is too old for ", r.HostName()), line: root + " =", says: []string{one.rows[name].API}}
			}
			if got := failed[label(name)]; !want.regexp().MatchString(got) {
				t.Errorf("%s: the error is %s, want %s", name, got, want.regexp())
			}
		}
	}
	if left := r.Containers(); len(left) > 1 { // The fixtures' own.
		t.Errorf("left over: %v", left)
	}
}

// label names the resource that an attribute is tested with.
func label(attribute string) string { return strings.ReplaceAll(attribute, ".", "-") }

// config has every container, with what line says.
func (t *trial) config(line func(name string, row provider.AttributeRow) string) string {
	var b strings.Builder
	b.WriteString(t.provider())
	for _, name := range slices.Sorted(maps.Keys(t.rows)) {
		lines := []string{line(name, t.rows[name])}
		if !t.rows[name].Runs {
			lines = append(lines, `desired_state = "stopped"`)
		}
		b.WriteString(t.resource(label(name), lines...))
	}
	return b.String()
}

// change has each of these attributes changed outside.
func (t *trial) change(which func(name string) bool) {
	for name, row := range t.rows {
		if !which(name) {
			continue
		}
		if err := row.Outside(t.t.Context(), t.Docker, t.ids[name]); err != nil {
			t.t.Fatalf("Unable to change %s outside: %v", name, err)
		}
	}
}

// plans checks the plan of each container.
func (t *trial) plans(check func(name string, row provider.AttributeRow, change *tfjson.Change) error) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{trialPlan{t, check}}}
}

type trialPlan struct {
	*trial
	check func(name string, row provider.AttributeRow, change *tfjson.Change) error
}

func (p trialPlan) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	changes := make(map[string]*tfjson.Change)
	for _, rc := range req.Plan.ResourceChanges {
		changes[rc.Name] = rc.Change
	}
	var failures []error
	for _, name := range slices.Sorted(maps.Keys(p.rows)) {
		if change, ok := changes[label(name)]; !ok {
			failures = append(failures, fmt.Errorf("%s is not in the plan", name))
		} else if err := p.check(name, p.rows[name], change); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", name, err))
		}
	}
	resp.Error = errors.Join(failures...)
}

// checkChange reports whether a plan does with the second value what the table says.
func checkChange(row provider.AttributeRow, effect provider.Effect, change *tfjson.Change) error {
	if row.Nothing {
		if !change.Actions.NoOp() {
			return fmt.Errorf("the plan is to %v, want nothing", change.Actions)
		}
		return nil
	}
	if replaces := effect == provider.Replaces; change.Actions.Replace() != replaces || change.Actions.Update() == replaces {
		return fmt.Errorf("the plan is to %v, and the table says that it replaces: %t", change.Actions, replaces)
	}
	return nil
}

// checkRemoval reports whether a plan takes away what can be, and replaces where it can't.
func checkRemoval(row provider.AttributeRow, effect provider.Effect, change *tfjson.Change) error {
	replaces := effect == provider.InPlaceUnlessRemoved
	if row.Without == "" && change.Actions.NoOp() || row.Without != "" && change.Actions.Replace() == replaces && change.Actions.Update() != replaces {
		return nil
	}
	return fmt.Errorf("removed: %t, the plan is to %v, and the table says that this replaces: %t", row.Without != "", change.Actions, replaces)
}

// checkDrift reports whether a plan shows what was changed outside, and that alone.
func checkDrift(row provider.AttributeRow, name string, changed bool, change *tfjson.Change) error {
	if !changed {
		if !change.Actions.NoOp() {
			return fmt.Errorf("nobody changed it outside, and the plan is to %v", change.Actions)
		}
		return nil
	}
	before, _ := change.Before.(map[string]any)
	after, _ := change.After.(map[string]any)
	root, _, _ := strings.Cut(name, ".")
	want := row.Shows
	if want == nil {
		want = []string{root}
	}
	if got := drifted(before, after); !slices.Equal(got, want) || !change.Actions.Update() {
		return fmt.Errorf("changed outside, the plan is to %v %v, want an update of %v", change.Actions, got, want)
	}
	return nil
}

// has checks that the engine has one of the two values of each attribute, or is without it, in the same
// container as before or in another one.
func (t *trial) has(value int, replaced func(name string) bool) statecheck.StateCheck {
	return wholeState(func(state *tfjson.State) error {
		ids := make(map[string]string)
		for _, r := range state.Values.RootModule.Resources {
			ids[r.Name], _ = r.AttributeValues["container_id"].(string)
		}
		var failures []error
		for _, name := range slices.Sorted(maps.Keys(t.rows)) {
			id := ids[label(name)]
			if before, ok := t.ids[name]; ok && (before != id) != replaced(name) {
				failures = append(failures, fmt.Errorf("%s: the container was replaced: %t", name, before != id))
			}
			t.ids[name] = id
			if err := t.compare(name, id, value); err != nil {
				failures = append(failures, fmt.Errorf("%s: %w", name, err))
			}
		}
		return errors.Join(failures...)
	})
}

type wholeState func(*tfjson.State) error

func (c wholeState) CheckState(_ context.Context, req statecheck.CheckStateRequest, resp *statecheck.CheckStateResponse) {
	resp.Error = c(req.State)
}

func (t *trial) compare(name, id string, value int) error {
	row, l := t.rows[name], t.look(name, id)
	want := cmp.Or(row.Without, row.Want[1])
	if value != without {
		want = row.Want[value]
	}
	diff, err := sameJSON(want, row.Seen(l))
	if err == nil && diff != "" && row.Discards != "" {
		l.Discarded = true
		diff, err = sameJSON(want, row.Seen(l))
		t.t.Logf("%s was only asked for: the host has %s", name, row.Discards)
	}
	if err == nil && diff != "" {
		err = fmt.Errorf("the engine has something else:\n%s", diff)
	}
	return err
}

func sameJSON(want string, seen any) (diff string, err error) {
	text, err := json.Marshal(seen)
	if err != nil {
		return "", err
	}
	var a, b any
	if err := errors.Join(json.Unmarshal([]byte(want), &a), json.Unmarshal(text, &b)); err != nil {
		return "", err
	}
	return gocmp.Diff(a, b), nil
}

// look returns what there is of a container.
func (t *trial) look(name, id string) provider.Look {
	return provider.Look{
		InspectResponse: t.Inspect(id), Asked: t.asked(name, id), Starts: t.Proxy.Count("POST", "/containers/"+id+"/start"),
		File: func(path string) (provider.Uploaded, error) {
			f, err := t.file(id, path)
			return provider.Uploaded{Content: f.content, Mode: f.mode, UID: f.uid, GID: f.gid}, err
		},
	}
}

// asked returns the request that made a container, and the updates of it since.
func (r *rig) asked(name, id string) []enginetest.Call {
	var asked []enginetest.Call
	for _, call := range r.Proxy.Calls("POST", "/containers/*") {
		if call.Query.Get("name") == r.Name(label(name)) {
			asked = []enginetest.Call{call}
		}
	}
	return append(asked, r.Proxy.Calls("POST", "/containers/"+id+"/update")...)
}

// tooOld reports whether the engine is too old for an attribute.
func (r *rig) tooOld(row provider.AttributeRow) bool {
	return row.API != "" && versions.LessThan(r.Docker.ClientVersion(), row.API)
}

// refusal returns the engine's words about an attribute that it doesn't take on this host, and nothing if
// it does.
func (r *rig) refusal(row provider.AttributeRow) string {
	r.t.Helper()
	if row.Refuses == nil {
		return ""
	}
	var host container.HostConfig
	row.Refuses(&host)
	made, err := r.Docker.ContainerCreate(r.t.Context(), &container.Config{Image: r.Image}, &host, nil, nil, r.Name("probe"))
	if err != nil {
		words := strings.TrimPrefix(err.Error(), "Error response from daemon: ")
		r.t.Logf("The engine refuses: %s", words)
		return words
	}
	r.Leaves(made.ID)
	r.Remove(made.ID)
	return ""
}

// fixtures makes what the rows need.
func (r *rig) fixtures() provider.Fixtures {
	r.t.Helper()
	folder := r.t.TempDir()
	f := provider.Fixtures{
		Image: r.Image, OtherImage: r.Engine.Image(enginetest.ImageOptions{Labels: map[string]string{"other": "yes"}}), Donor: r.Name("donor"),
		Volume: r.Volume("volume"), OtherVolume: r.Volume("other-volume"), Source: filepath.Join(folder, "one"), OtherSource: filepath.Join(folder, "two"),
		Directory: folder, Ports: [2]string{r.FreePort(), r.FreePort()}, Name: r.Name, Back: r.Network("back"),
	}
	f.Front, f.V4, f.V6 = r.dualStack("front")
	r.Run(f.Donor, enginetest.RunOptions{Image: r.Image, Volumes: []string{f.Volume + ":/donated"}, CreateOnly: true})
	for path, content := range map[string]string{f.Source: "one", f.OtherSource: "two"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	return f
}

// dualStack makes a network with subnets of its own, where addresses can be chosen, and gives its name
// and the beginnings of its addresses.
func (r *rig) dualStack(suffix string) (name, v4, v6 string) {
	r.t.Helper()
	name = r.Name(suffix)
	sum := fnv.New32()
	_, _ = sum.Write([]byte(name))
	v4, v6 = fmt.Sprintf("10.%d.%d.", 130+sum.Sum32()%100, sum.Sum32()/100%256), fmt.Sprintf("fd00:9a:%x:%x::", sum.Sum32()>>16, sum.Sum32()&0xffff)
	yes := true
	_, err := r.Docker.NetworkCreate(r.t.Context(), name, network.CreateOptions{
		EnableIPv6: &yes, IPAM: &network.IPAM{Config: []network.IPAMConfig{{Subnet: v4 + "0/24"}, {Subnet: v6 + "/64"}}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return name, v4, v6
}
