// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package faulttext_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/faulttext"
)

var update = flag.Bool("update", false, "write the golden file anew")

const golden = "testdata/texts.golden"

// row is one fault, under the name of the function that made it.
type row struct {
	by string
	*fault.Fault
}

// rows are faults of every function that makes one, with every branch of its text.
func rows() []row {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := func() time.Time { return at }
	mask := fault.NewMask("hunter22")
	s := fault.Scope{Engine: "edge1", Container: "web", Operation: "edge1/web/1", Mask: mask, Now: now}
	image := fault.Scope{Engine: "edge1", Object: "image", Container: "app:1", Operation: "edge1/web/1", Mask: mask, Now: now}
	o := fault.Object{Kind: "volume", Name: "data", Engine: "edge1", Operation: "edge1/volume/1", Mask: mask, Now: now}
	network := func(name string) fault.Object {
		return fault.Object{Kind: "network", Name: name, Engine: "edge1", Mask: mask, Now: now}
	}
	err := errors.New("Error response from daemon: said hunter22")
	cause := s.NoHealthcheck(fault.KeptForInspection)
	log := []string{"boom", "bang"}

	var all []row
	add := func(by string, faults ...*fault.Fault) {
		for _, f := range faults {
			all = append(all, row{by, faulttext.Of(f)})
		}
	}
	for _, kind := range []fault.Kind{
		fault.ImageNotFound, fault.PullDenied, fault.NoCredentials, fault.RateLimited, fault.RegistryError,
		fault.ImageCorrupt, fault.PullStalled, fault.PullFailed, fault.RegistryUnreachable,
	} {
		add("Scope.Pull", s.Pull(kind, fault.Pull{Image: "app:1", Credentials: "none"}, err))
	}
	add("Scope.Pull", s.Pull(fault.PullFailed, fault.Pull{Image: "app:1", Credentials: "none", Others: 1, SoFar: "2 of 3 layers"}, err),
		s.Pull(fault.PullFailed, fault.Pull{Image: "app:1", Credentials: "none", Others: 2}, err))
	add("Object.Pull", o.Pull(fault.PullDenied, fault.Pull{Image: "app:1", Credentials: "none"}, err))
	add("Scope.ImageMissing", s.ImageMissing("app:1", err), s.ImageMissing("app:1", errors.New("does not match the specified platform")))
	taken := s.NameConflict("web", "container 0123 has it", fault.NothingCreated, err)
	add("Scope.NameConflict", taken, taken.OfOwner(fault.OwnerOther), taken.OfCast(), taken.OfOwner(fault.OwnerWorkspace), taken.OfOwner(fault.OwnerGantry))
	add("Scope.NameReserved", s.NameReserved("web", err))
	add("Scope.NameOfExchange", s.NameOfExchange("web", "container 0123 has it"))
	add("Object.Taken", o.Taken("somebody has it", err), o.Taken("somebody has it", err).OfOwner(fault.OwnerWorkspace), o.Taken("somebody has it", err).OfOwner(fault.OwnerOther), o.Taken("somebody has it", err).OfCast())
	add("Scope.PortTaken", s.PortTaken("80/tcp", `container "db" (image "pg")`, fault.CreatedNotStarted, err))
	add("Scope.NoSuchNetwork", s.NoSuchNetwork("front", "f", fault.StepStarting, fault.CreatedNotStarted, err), s.NoSuchNetwork("front", "", fault.StepCreating, fault.NothingCreated, err))
	add("Scope.CommandNotFound", s.CommandNotFound("command", fault.CreatedNotStarted, err))
	for _, e := range []fault.Exit{
		{Code: 3, After: 400 * time.Millisecond, Log: log, Exists: fault.KeptForInspection},
		{Code: 3, After: time.Minute, Job: true, Error: "hunter22"},
		{Code: 3, Job: true, Expected: []int{0, 2}},
		{Code: 137, OOM: true, Error: "hunter22"},
	} {
		add("Scope.Exited", s.Exited(e))
		add("Scope.CrashLoop", s.CrashLoop(1, e), s.CrashLoop(2, e))
	}
	add("Scope.Unhealthy", s.Unhealthy(fault.UnhealthyFacts{After: 15 * time.Second, Check: []string{"CMD", "probe"}, ExitCode: 1, Output: "hunter22 refused\n", Log: log, Exists: fault.KeptForInspection}),
		s.Unhealthy(fault.UnhealthyFacts{ExitCode: 1, Output: "no"}), s.Unhealthy(fault.UnhealthyFacts{ExitCode: 1, Output: "no", Quiet: true}))
	add("Scope.NoHealthcheck", cause)
	add("Scope.NoTestToInherit", s.NoTestToInherit("app:1", fault.NothingCreated))
	for _, scope := range []fault.Scope{s, image} {
		for _, cause := range []error{nil, context.Canceled, errors.New("a person cancelled it")} {
			add("Scope.Ended", scope.Ended(fault.Cancelled, fault.StepPulling, "create", fault.NothingCreated, log, "2 of 3 layers", cause))
			add("Scope.NotConnected", scope.NotConnected(fault.Cancelled, `container "web"`, cause))
			add("Object.Ended", o.Ended(fault.Cancelled, fault.StepRemoving, "remove", "delete", fault.StillThere, "2 of 3 layers", cause))
		}
		add("Scope.Ended", scope.Ended(fault.Timeout, fault.StepWaiting, "update", fault.PartlyChanged, nil, "", context.DeadlineExceeded))
		add("Scope.NotConnected", scope.NotConnected(fault.Timeout, "", context.DeadlineExceeded))
		add("Scope.StillUnderWay", scope.StillUnderWay(fault.Cancelled, fault.StepPulling, "its create was pulling", err), scope.StillUnderWay(fault.Timeout, fault.StepPulling, "its create was pulling", err))
	}
	add("Object.Ended", o.Ended(fault.Timeout, fault.StepRemoving, "remove", "delete", "", "", err))
	add("Scope.Unreachable", s.Unreachable("", "ssh://a", "host", "", "", err), s.Unreachable("", "ssh://a", "host", `container "web"`, `container "db"`, err), s.Unreachable("edge1", "ssh://a", "engines", `container "web"`, "", err))
	add("Scope.Lost", s.Lost(fault.StepStarting, "start", fault.PerhapsDone, err))
	add("Object.Lost", o.Lost(fault.StepRemoving, "remove", "", err))
	add("Scope.NotFound", s.NotFound(err), s.NotFound(nil))
	add("Object.NotFound", o.NotFound(err))
	add("Scope.Foreign", s.Foreign("restart", "container 0123", "0123"))
	add("Scope.ReferenceFailed", s.ReferenceFailed("create", "db", fault.NothingCreated, cause, ""))
	add("Scope.RefusedBehind", s.RefusedBehind("update", cause, "show it"))
	add("Scope.UnusableReference", s.UnusableReference(fault.StepStarting, "start", "pid", "db", fault.CreatedNotStarted, err))
	for _, kind := range []fault.Kind{fault.Invalid, fault.EngineError} {
		add("Scope.EngineSaid", s.EngineSaid(kind, fault.StepCreating, "create", []string{"ports"}, fault.NothingCreated, err))
		add("Object.Said", o.Said(kind, fault.StepCreating, "create", []string{"driver"}, fault.NothingCreated, err))
	}
	add("Scope.EngineTooOld", s.EngineTooOld([]string{"mounts", "image"}, "1.48", "28.0", "1.41", fault.NothingCreated))
	for _, exists := range []fault.Exists{fault.Unchanged, fault.Remains} {
		full := errors.New("no space left on device")
		add("Scope.StateFolder", s.StateFolder("create", exists, full), image.StateFolder("delete", exists, full))
	}
	add("Scope.Background", s.Background("create", fault.NothingCreated, err))
	add("Scope.Interrupted", s.Interrupted("create", fault.StepPulling, at))
	add("Scope.HalfRemoved", s.HalfRemoved([]string{"a", "b"}, at))
	add("Scope.Vanished", s.Vanished("create", at.Add(-time.Hour), at.Add(time.Hour)), s.Vanished("create", at.Add(-time.Hour), at))
	add("Scope.Mistaken", s.Mistaken("container 0123 has it", false), s.Mistaken("container 0123 has it", true))
	add("Scope.UnknownKind", s.UnknownKind("paint"))
	add("Scope.Busy", s.Busy("stop", "edge1/web/2"))
	add("Scope.Address", s.Address("10.0.0.2", "front", "f", "it is the gateway's", fault.StepStarting, fault.CreatedNotStarted, err), s.Address("10.0.0.2", "front", "f", "it is the gateway's", fault.StepStarting, fault.CreatedNotStarted, nil))
	add("Scope.OwnAddress", s.OwnAddress("bridge", "b"))
	add("Object.Predefined", network("host").Predefined(), network("bridge").Predefined())
	add("Object.InUse", o.InUse(`container "web"`, fault.AdviceRemoveUsers, err))
	add("Object.HoldsData", o.HoldsData("it is not empty", nil))
	add("Object.Registry", o.Registry(fault.PullDenied, fault.Facts{Credentials: "none"}, err))
	add("Object.Moved", network("front").Moved("web", true, err), network("front").Moved("web", false, err))
	exists := []fault.Exists{fault.OldKept, fault.NewKept, fault.NoneExchanged, fault.OldStopping, fault.HalfExchanged}
	for _, exists := range exists {
		add("Scope.NoHealthcheck", cause.Exchanged("start_first", exists, ""))
	}
	for _, exists := range []fault.Exists{
		fault.NothingCreated, fault.CreatedNotStarted, fault.KeptForInspection, fault.Unchanged, fault.PartlyChanged, fault.Remains, fault.StillStopping, fault.Restarting,
		fault.RestartsOn, fault.RunsOn, fault.HalfDone, fault.PerhapsSignalled, fault.MadeAndUnclaimed, fault.PerhapsCreated, fault.PerhapsDone,
	} {
		add("Scope.Lost", s.Lost(fault.StepStopping, "stop", exists, err))
	}
	for _, facts := range []fault.Facts{
		{Stopped: at, Desired: "running", Resting: true}, {Stopped: at, Desired: "running", Restarted: at}, {Besides: "its limits are as they were before"}, {Quiet: true, Said: "no"},
	} {
		f := s.Exited(fault.Exit{Code: 3, Exists: fault.Stopped})
		f.Facts = facts
		add("Scope.Exited", f)
	}
	for _, f := range []*fault.Fault{
		s.Ended(fault.Timeout, fault.StepWaiting, "restart", fault.HalfDone, nil, "", context.DeadlineExceeded), s.NotFound(nil), s.Exited(fault.Exit{Code: 3}),
		s.Exited(fault.Exit{Code: 3, Job: true}), s.Exited(fault.Exit{Code: 137, OOM: true}), s.NoHealthcheck(fault.HalfDone), s.Lost(fault.StepStopping, "kill", fault.PerhapsSignalled, err),
	} {
		f.Facts.ByAction = true
		add("ByAction", f)
	}
	for _, advice := range []fault.Advice{
		fault.AdviceAgain, fault.AdviceRemoveMembers, fault.AdviceMembersOfGantry, fault.AdviceTrustCA, fault.AdvicePlainRegistry, fault.AdviceReachRegistry,
		fault.AdviceRunningContainer, fault.AdviceDriver, fault.AdviceDriverOptions, fault.AdviceFreeSubnets, fault.AdviceOtherName, fault.AdviceOtherSubnet,
	} {
		f := o.Said(fault.Invalid, fault.StepCreating, "create", nil, "", err)
		f.Facts.Advice, f.Facts.Registry, f.Facts.Trust = advice, "ghcr.io", "/etc/docker/certs.d/ghcr.io"
		add("Advice", f)
	}
	return all
}

// What users read changes with the golden file alone, and whoever changes it sees which texts are others.
func TestGoldenTexts(t *testing.T) {
	var got strings.Builder
	for _, r := range rows() {
		text := r.Summary + "\n" + r.Detail()
		fmt.Fprintf(&got, "== %s: %s while %s, of %q by %s\n%s\n", r.by, r.Kind, r.Step, r.Field, r.Operation, text)
		if strings.Contains(text, "hunter22") {
			t.Errorf("%s tells a secret: %s", r.by, text)
		}
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	lines, wanted := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(lines), len(wanted)) {
		if i >= len(lines) || i >= len(wanted) || lines[i] != wanted[i] {
			t.Fatalf("line %d of %s:\n%s\nwant\n%s", i+1, golden, strings.Join(lines[min(i, len(lines)):min(i+3, len(lines))], "\n"), strings.Join(wanted[min(i, len(wanted)):min(i+3, len(wanted))], "\n"))
		}
	}
}

// A function that makes faults and has no text in the golden file would be one whose text nobody looks at.
func TestGoldenTextsAreAll(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows() {
		seen[r.by] = true
	}
	for _, maker := range []reflect.Type{reflect.TypeFor[fault.Scope](), reflect.TypeFor[fault.Object]()} {
		for i := range maker.NumMethod() {
			m := maker.Method(i)
			if m.Type.NumOut() == 1 && m.Type.Out(0) == reflect.TypeFor[*fault.Fault]() && !seen[maker.Name()+"."+m.Name] {
				t.Errorf("no row has a fault by %s.%s", maker.Name(), m.Name)
			}
		}
	}
}
