// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package fault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Scope is what all faults of one operation share.
type Scope struct {
	Engine string
	// Object is the kind of what is no container; Container is its name then.
	Object    string
	Container string
	Operation string
	Mask      Mask
	Now       func() time.Time
}

func (s Scope) subject() string { return Subject(s.Object, s.Container) }

// make completes a fault with the scope's facts, the time, and what the error says. The texts in f are
// gantry's own: what they quote of others is masked before.
func (s Scope) make(f Fault, err error) *Fault {
	f.Engine, f.Object, f.Container, f.Operation, f.Time, f.err = Name(s.Engine), s.Object, s.Container, s.Operation, s.Now().UTC(), err
	if err != nil && f.Message == "" {
		f.Message = s.Said(err)
	}
	f.Message, f.Summary = strings.TrimSpace(Printable(f.Message)), Name(f.Summary)
	f.Exists, f.Hint, f.Health = Printable(f.Exists), Printable(f.Hint), strings.TrimSpace(Printable(f.Health))
	return &f
}

// Said is what others say in an error, masked. A fault's own words are masked already.
func (s Scope) Said(err error) string {
	if f := (*Fault)(nil); errors.As(err, &f) {
		return Printable(err.Error())
	}
	// The Docker client's own preamble says nothing that the summary doesn't.
	return strings.TrimSpace(s.Mask.Text(strings.ReplaceAll(err.Error(), "Error response from daemon: ", "")))
}

// Exists says in one sentence what a failed operation left.
type Exists string

// What can be there after a failure.
const (
	NothingCreated    Exists = "nothing was created"
	CreatedNotStarted Exists = "the container was created, but not started; a later apply replaces or removes it"
	KeptForInspection Exists = "the container is kept for inspection, until a later apply replaces or removes it"
	Unchanged         Exists = "the container is as it was before"
	PartlyChanged     Exists = "what was changed before the failure stays; the next plan shows the rest"
	Remains           Exists = "the container is still there, and is yet to be removed"
	StillStopping     Exists = "the engine goes on stopping the container, and kills it when its grace period is over; the next plan shows that"
	Restarted         Exists = "the engine keeps restarting it"
	RestartsOn        Exists = "the engine keeps restarting it; that alone plans no change"
	RunsOn            Exists = "it runs on; that alone plans no change"
	HalfDone          Exists = "what was done before the failure stays"
	PerhapsSignalled  Exists = "whether the container got the signal is not known: the engine did not answer"
	// MadeAndUnclaimed is what a create leaves that must not be answered.
	MadeAndUnclaimed Exists = "it was made, and is in no state; an apply of this workspace that creates it takes it over"
	PerhapsCreated   Exists = "whether the engine made the container is not known: it did not answer"
	PerhapsDone      Exists = "whether the engine has done it is not known: it did not answer"
)

// Pull are the facts of a failed pull.
type Pull struct {
	Image string
	// Credentials names the source of the credentials used, never a value.
	Credentials string
	// Others is how many other operations waited for the same pull.
	Others int
	// SoFar says how far the pull had come, empty if nothing had.
	SoFar string
}

// CredentialsHint is what to do where the credentials for a registry can't be read.
const CredentialsHint = "fix the Docker CLI's configuration or the credential helper that it names (it is looked for in the PATH of Terraform), " +
	"or set registry_auth in the provider's configuration"

// Pull is an image that could not be pulled. Kind says why.
func (s Scope) Pull(kind Kind, p Pull, err error) *Fault {
	hint := fmt.Sprintf("check the reference, or set pull_policy = %q if the image is built on the host", "never")
	switch kind {
	case PullDenied:
		hint = "check that the image exists and that the credentials may read it (registry_auth of the provider, or docker login)"
	case NoCredentials:
		hint = CredentialsHint
	case RateLimited:
		hint = "wait, then apply again, or use credentials with a higher limit; layers that are complete are kept"
	case RegistryError:
		hint = "try again later, or see the registry's log; layers that are complete are kept"
	case ImageCorrupt:
		hint = "the registry, or a proxy before it, gave other bytes than the image's digest promises: push the image again, or empty the proxy's cache"
	case PullStalled:
		hint = "see whether the registry, or what is between it and the engine's host, still answers; then apply again: layers that are complete are kept"
	case PullFailed, RegistryUnreachable:
		hint = "check that the engine's host reaches the registry; the pull can be repeated, layers that are complete are kept"
	}
	message := s.Said(err)
	if p.SoFar != "" {
		message += "; " + p.SoFar
	}
	message += "; credentials: " + p.Credentials
	if p.Others > 0 {
		message += fmt.Sprintf("; %d %s for this image", p.Others, plural(p.Others, "other waits", "others wait"))
	}
	return s.make(Fault{
		Kind: kind, Step: StepPulling, Attribute: []string{"image"}, Message: message,
		Summary: fmt.Sprintf("Unable to pull image %q for container %q", p.Image, s.Container),
		Exists:  string(NothingCreated), Hint: hint,
	}, err)
}

// ImageMissing is an image that is not on the engine and may not be pulled.
func (s Scope) ImageMissing(image string, err error) *Fault {
	attribute := "image"
	if err != nil && strings.Contains(err.Error(), "does not match the specified platform") {
		attribute = "platform" // The engine has it, for another one.
	}
	return s.make(Fault{
		Kind: ImageNotFound, Step: StepCreating, Attribute: []string{attribute},
		Summary: fmt.Sprintf("Image %q for container %q is not on engine %q", image, s.Container, s.Engine),
		Exists:  string(NothingCreated),
		Hint:    fmt.Sprintf("bring the image to the engine, or set pull_policy = %q to pull it", "missing"),
	}, err)
}

// orAnotherName ends the hint of a name conflict.
const orAnotherName = ", or choose another name"

// NameConflict is a name that a stranger has. Whose describes it in one line.
func (s Scope) NameConflict(name, whose string, exists Exists, err error) *Fault {
	return s.make(Fault{
		Kind: NameConflict, Step: StepCreating, Attribute: []string{"name"},
		Summary: fmt.Sprintf("Container name %q is already in use on engine %q", name, s.Engine),
		Message: whose + "; it was not touched",
		Exists:  string(exists),
		Hint:    fmt.Sprintf("import it as \"%s/%s\" to manage it here", s.Engine, name) + orAnotherName,
	}, err)
}

// NameReserved is a name that an engine says is taken, though no container has it: there is nothing to import.
func (s Scope) NameReserved(name string, err error) *Fault {
	f := *s.NameConflict(name, "something that the engine is still making or removing has it", NothingCreated, err)
	f.Hint = "apply again; if the engine keeps the name, restart the engine, or choose another name"
	return &f
}

// NameOfExchange is a name whose container another workspace was exchanging when it was interrupted. Whose describes
// one of its containers in one line.
func (s Scope) NameOfExchange(name, whose string) *Fault {
	return s.make(Fault{
		Kind: NameConflict, Step: StepQueued, Attribute: []string{"name"},
		Summary: fmt.Sprintf("Container name %q is already in use on engine %q", name, s.Engine),
		Message: "an update of it in another Terraform workspace put a new container in the place of the old one, and was interrupted: " + whose + "; it was not touched",
		Exists:  string(NothingCreated),
		Hint:    "apply again in the workspace that manages the container, which ends its update, or choose another name",
	}, nil)
}

// OfOtherWorkspace is a name conflict with what another workspace made or has in its state, as the journal tells: to
// import it would have two states manage it. The journal can't tell another workspace from one whose directory moved.
func (f *Fault) OfOtherWorkspace() *Fault {
	other := *f
	other.Hint = "another Terraform workspace on this machine manages it (or this one did, before its directory or backend changed): choose another name, " +
		"or take it out of the state there first (terraform state rm); if nothing else manages it any more, " + strings.TrimSuffix(f.Hint, orAnotherName)
	return &other
}

// OfCast is a name conflict of a create that was cast: its resource is in the state, where an import can't go.
func (f *Fault) OfCast() *Fault {
	cast := *f
	cast.Hint = f.Hint + "; an import needs terraform state rm of this resource first, since the state has it from the apply that accepted its create"
	return &cast
}

// OfOwnName is a name conflict with a container that the same workspace made, or, if it is not known which one did,
// that gantry made. Whether the state still has it is not known here: if so, to import it would be no help.
func (f *Fault) OfOwnName(known bool) *Fault {
	own := *f
	maker := "this workspace"
	if !known {
		maker = "gantry"
	}
	own.Hint = maker + " made that container; if the state of this workspace has it, and it is to get another name, apply again, and where names are " +
		"exchanged, raise -parallelism above the number of names that change, since Terraform has to ask for all of them at once, " +
		"or give one of them a third name first; if no state has it, " + f.Hint
	return &own
}

// PortTaken is a port of the host that something else has. By says what, in one line.
func (s Scope) PortTaken(port, by string, exists Exists, err error) *Fault {
	return s.make(Fault{
		Kind: PortTaken, Step: StepStarting, Attribute: []string{"ports"},
		Summary: fmt.Sprintf("Unable to start container %q: host port %s is taken", s.Container, port),
		Message: fmt.Sprintf("by %s: %s", by, s.Said(err)),
		Exists:  string(exists),
		Hint:    "free the port, publish another one, or leave published out and let the engine choose",
	}, err)
}

// NoSuchNetwork is a network that the engine doesn't have. Key is its key in networks, or empty.
func (s Scope) NoSuchNetwork(network, key string, step Step, exists Exists, err error) *Fault {
	attribute := []string{"networks"}
	if key != "" {
		attribute = append(attribute, key)
	}
	return s.make(Fault{
		Kind: NoSuchNetwork, Step: step, Attribute: attribute,
		Summary: fmt.Sprintf("Unable to connect container %q: network %q does not exist on engine %q", s.Container, network, s.Engine),
		Exists:  string(exists),
		Hint:    "create the network first, or correct its name",
	}, err)
}

// CommandNotFound is an entrypoint or command that the container can't execute.
func (s Scope) CommandNotFound(attribute string, exists Exists, err error) *Fault {
	return s.make(Fault{
		Kind: CommandNotFound, Step: StepStarting, Attribute: []string{attribute},
		Summary: fmt.Sprintf("Unable to start container %q on engine %q: its command can't be executed", s.Container, s.Engine),
		Exists:  string(exists),
		Hint:    "check entrypoint, command and working_dir against what the image contains",
	}, err)
}

// Exit are the facts of a container that ended when it should not, or not so.
type Exit struct {
	Code  int
	After time.Duration
	OOM   bool
	// Job says that the container was meant to end.
	Job bool
	// Expected are the exit codes that a job may have.
	Expected []int
	Log      []string
	Error    string
	Exists   Exists
}

// Exited is a container that ended.
func (s Scope) Exited(e Exit) *Fault {
	f := Fault{
		Kind: Exited, Step: StepWaiting, Attribute: []string{"desired_state"},
		Summary: fmt.Sprintf("Container %q exited with code %d after %s", s.Container, e.Code, seconds(e.After)),
		Exists:  string(e.Exists),
		Log:     e.Log,
		Hint:    fmt.Sprintf("if it is meant to end, set desired_state = %q", "completed"),
	}
	if e.Job {
		f.Attribute = []string{"expected_exit_codes"}
		f.Hint = fmt.Sprintf("expected exit codes: %s; fix the job, or add the code to expected_exit_codes", codes(e.Expected))
	}
	if e.OOM {
		f.Attribute, f.Message = []string{"memory"}, "it ran out of memory and was killed"
		f.Hint = "raise memory, or make the program use less"
	}
	if e.Error != "" {
		f.Message = strings.TrimPrefix(f.Message+": "+s.Mask.Text(e.Error), ": ")
	}
	return s.make(f, nil)
}

// CrashLoop is a container that its restart policy starts again and again.
func (s Scope) CrashLoop(restarts int, e Exit) *Fault {
	f := s.Exited(e)
	f.Kind = CrashLoop
	f.Summary = fmt.Sprintf("Container %q keeps exiting: code %d, restarted %d %s", s.Container, e.Code, restarts, plural(restarts, "time", "times"))
	return f
}

// UnhealthyFacts are the facts of a container that its health check gave up.
type UnhealthyFacts struct {
	After    time.Duration
	Check    []string
	ExitCode int
	Output   string
	Log      []string
	Exists   Exists
	// Quiet says that neither the check nor what it wrote is told.
	Quiet bool
}

// Unhealthy is a container that its health check gave up.
func (s Scope) Unhealthy(u UnhealthyFacts) *Fault {
	check := "the image's"
	if len(u.Check) > 0 {
		check = fmt.Sprintf("%q", u.Check)
	}
	health := s.Mask.Text(check) + ": " + s.Mask.Text(u.Output)
	if u.Quiet {
		health = ""
	}
	return s.make(Fault{
		Kind: Unhealthy, Step: StepWaiting, Attribute: []string{"healthcheck"},
		Summary: fmt.Sprintf("Container %q is unhealthy after %s", s.Container, seconds(u.After)),
		Message: fmt.Sprintf("its health check failed as often as healthcheck.retries allows; the last run ended with code %d", u.ExitCode),
		Health:  health,
		Log:     u.Log,
		Exists:  string(u.Exists),
		Hint:    "see what the check says; if the start is slow, raise healthcheck.start_period",
	}, nil)
}

// NoHealthcheck is a wait for health where neither configuration nor image has a check.
func (s Scope) NoHealthcheck(exists Exists) *Fault {
	return s.make(Fault{
		Kind: NoHealthcheck, Step: StepWaiting, Attribute: []string{"wait_for"},
		Summary: fmt.Sprintf("Container %q can't become healthy: it has no health check", s.Container),
		Message: "neither healthcheck nor the image defines one",
		Exists:  string(exists),
		Hint:    fmt.Sprintf("add healthcheck, or set wait_for = %q or %q", "ready", "running"),
	}, nil)
}

// Ended is an operation whose context ended: its time was up, or it was cancelled. SoFar says how far
// a pull had come, and is empty otherwise.
func (s Scope) Ended(kind Kind, step Step, operation string, exists Exists, log []string, soFar string, err error) *Fault {
	f := Fault{
		Kind: kind, Step: step, Exists: string(exists), Log: log,
		Summary: fmt.Sprintf("The %s of %s on engine %q was cancelled while %s", operation, s.subject(), s.Engine, step),
		Message: whoCancelled(err),
		Hint:    "apply again to go on",
	}
	if kind == Timeout {
		f.Attribute = []string{"timeouts", operation}
		f.Summary = fmt.Sprintf("The %s of %s on engine %q took too long while %s", operation, s.subject(), s.Engine, step)
		f.Message = "it timed out"
		f.Hint = fmt.Sprintf("raise timeouts.%s if this is to be expected", operation)
	}
	if soFar != "" {
		f.Message += "; " + soFar
	}
	return s.make(f, err)
}

// whoCancelled says what ended the context of an operation before its time was up.
func whoCancelled(cause error) string {
	if cause == nil || errors.Is(cause, context.Canceled) {
		return "the Terraform run that asked for it was interrupted"
	}
	return Printable(cause.Error())
}

// StillUnderWay is an operation that somebody waited for, and that had not come as far when the wait
// was over. The operation itself goes on. So is how far it was: "its create was pulling".
func (s Scope) StillUnderWay(kind Kind, step Step, so string, err error) *Fault {
	f := Fault{
		Kind: kind, Step: step, Attribute: []string{"timeouts"},
		Summary: fmt.Sprintf("The wait for %s on engine %q was cancelled", s.subject(), s.Engine),
		Message: so,
		Exists:  "the wait changed nothing: what is under way goes on",
		Hint:    "apply again to wait again",
	}
	if kind == Timeout {
		f.Summary = fmt.Sprintf("The wait for %s on engine %q took too long", s.subject(), s.Engine)
		f.Hint += ", and raise timeouts if this is to be expected"
	}
	return s.make(f, err)
}

// NotConnected is a connection whose context ended: its time was up, or it was cancelled. The subject
// is what it was for ("container \"web\""); empty is nothing in particular.
func (s Scope) NotConnected(kind Kind, subject string, err error) *Fault {
	f := Fault{Kind: kind, Step: StepConnecting, Summary: "The connection to the engine" + forSubject(subject) + " was cancelled", Message: whoCancelled(err), Hint: "apply again to go on"}
	if kind == Timeout {
		f.Summary, f.Message = "The connection to the engine"+forSubject(subject)+" took too long", "it timed out"
		f.Hint = "check that the engine answers, then apply again"
	}
	return s.make(f, err)
}

func forSubject(subject string) string {
	if subject == "" {
		return ""
	}
	return " for " + subject
}

// Unreachable is an engine that does not answer at an address, which comes from a setting. Name is its key in the
// provider's engines; empty is the default engine. The subject
// is what it is needed for. If the fault of another one explains it already, that is elsewhere, and
// this fault only refers to it.
func (s Scope) Unreachable(name, address, from, subject, elsewhere string, err error) *Fault {
	f := Fault{
		Kind: EngineUnreachable, Step: StepConnecting,
		Summary: fmt.Sprintf("Unable to reach engine %q", cmp.Or(name, address)),
		Message: s.Said(err),
		Hint: fmt.Sprintf("the address comes from %s: check that it is right, that the engine runs there, and that this user may connect "+
			"(docker -H %s version)", from, address),
	}
	if name != "" || elsewhere != "" {
		f.Summary += forSubject(subject)
	}
	if elsewhere != "" {
		f.Message = "the same as for " + elsewhere
		f.Hint = "see that error"
	}
	s.Engine = address
	return s.make(f, err)
}

// Lost is an engine that stopped answering in the middle of an operation.
func (s Scope) Lost(step Step, action string, exists Exists, err error) *Fault {
	return s.make(Fault{
		Kind: EngineUnreachable, Step: step, Exists: string(exists),
		Summary: fmt.Sprintf("Unable to %s container %q: engine %q no longer responds", action, s.Container, s.Engine),
		Hint:    "check the engine, then apply again",
	}, err)
}

// NotFound is a container that is not on the engine.
func (s Scope) NotFound(err error) *Fault {
	return s.make(Fault{
		Kind: NotFound, Step: StepReading,
		Summary: fmt.Sprintf("Container %q does not exist on engine %q", s.Container, s.Engine),
		Hint:    "apply again: the next plan creates it",
	}, err)
}

// Foreign is an operation on a container that merely has the name. Whose describes it in one line.
func (s Scope) Foreign(operation, whose, id string) *Fault {
	return s.make(Fault{
		Kind: NameConflict, Step: StepReading, Attribute: []string{"container"},
		Summary: fmt.Sprintf("The %s of container %q on engine %q was refused: it is not gantry's own", operation, s.Container, s.Engine),
		Message: "gantry did not make the container of this name: " + whose,
		Exists:  string(Unchanged),
		Hint:    fmt.Sprintf("if this very container is meant, name it by its ID: container = %q (of a gantry_container, its container_id)", id),
	}, nil)
}

// ReferenceFailed is an operation that needs another container, whose own operation failed. The failure
// has an error of its own, which is not repeated here; show is the command that shows it.
func (s Scope) ReferenceFailed(operation, ref string, exists Exists, cause *Fault, show string) *Fault {
	return s.make(Fault{
		Kind: Refused, Step: StepQueued,
		Summary: fmt.Sprintf("The %s of container %q on engine %q was refused: container %q, which it refers to, failed", operation, s.Container, s.Engine, ref),
		Message: cause.Summary,
		Exists:  string(exists),
		Hint:    elsewhere(show),
	}, cause)
}

// UnusableReference is another container, which an attribute names, that is not there or can't be joined.
func (s Scope) UnusableReference(step Step, action, attribute, ref string, exists Exists, err error) *Fault {
	return s.make(Fault{
		Kind: Invalid, Step: step, Attribute: []string{attribute}, Exists: string(exists),
		Summary: fmt.Sprintf("Unable to %s container %q on engine %q: it can't use container %q", action, s.Container, s.Engine, ref),
		Hint:    fmt.Sprintf("have that container running before this one (a reference to its resource, or depends_on, has Terraform see to that), or correct %s", attribute),
	}, err)
}

// EngineSaid is everything else that the engine said no to.
func (s Scope) EngineSaid(kind Kind, step Step, action string, attribute []string, exists Exists, err error) *Fault {
	hint := "see the engine's message, and its log for more"
	if kind == Invalid {
		hint = "change the setting that the engine names"
	}
	return s.make(Fault{
		Kind: kind, Step: step, Attribute: attribute, Exists: string(exists), Hint: hint,
		Summary: fmt.Sprintf("Unable to %s container %q on engine %q", action, s.Container, s.Engine),
	}, err)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// seconds spells a duration for a person: "0.4 s".
func seconds(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}

func codes(expected []int) string {
	if len(expected) == 0 {
		return "0"
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(expected), " ", ", "), "[]")
}

// EngineTooOld is a setting that the engine does not know. API is the first version of the Engine API
// that does, docker the first engine that speaks it, spoken what this one speaks.
func (s Scope) EngineTooOld(attribute []string, api, docker, spoken string, exists Exists) *Fault {
	name := strings.Join(attribute, ".")
	return s.make(Fault{
		Kind: Invalid, Step: StepConnecting, Attribute: attribute,
		Summary: fmt.Sprintf("Engine %q is too old for %s of %s", s.Engine, name, s.subject()),
		Message: fmt.Sprintf("%s needs Docker %s (API %s); the engine speaks API %s", name, docker, api, spoken),
		Exists:  string(exists),
		Hint:    fmt.Sprintf("leave %s out, or bring the engine to Docker %s or newer", name, docker),
	}, nil)
}
