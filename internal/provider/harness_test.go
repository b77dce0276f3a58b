// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// values are a configuration by the names of its attributes. Its Go values become Terraform's:
// nil is null, unknown{} is unknown, a slice is a list or a set, values are an object or a map.
type values map[string]any

type unknown struct{}

// with is v with changes; v stays as it is.
func (v values) with(changes values) values {
	out := maps.Clone(v)
	maps.Copy(out, changes)
	return out
}

// value makes a Terraform value of this type.
func value(t testing.TB, typ tftypes.Type, v any) tftypes.Value {
	t.Helper()
	switch v := v.(type) {
	case nil:
		return tftypes.NewValue(typ, nil)
	case unknown:
		return tftypes.NewValue(typ, tftypes.UnknownValue)
	case int:
		if typ.Is(tftypes.String) { // As Terraform converts it.
			return tftypes.NewValue(typ, strconv.Itoa(v))
		}
		return tftypes.NewValue(typ, big.NewFloat(float64(v)))
	case float64:
		return tftypes.NewValue(typ, big.NewFloat(v))
	case []any:
		element, ok := elementType(typ)
		if !ok {
			t.Fatalf("%s has no elements", typ)
		}
		list := make([]tftypes.Value, 0, len(v))
		for _, e := range v {
			list = append(list, value(t, element, e))
		}
		return tftypes.NewValue(typ, list)
	case values:
		out := make(map[string]tftypes.Value)
		if object, ok := typ.(tftypes.Object); ok {
			for name, attribute := range object.AttributeTypes {
				out[name] = value(t, attribute, v[name])
			}
			return tftypes.NewValue(typ, out)
		}
		element, ok := elementType(typ)
		if !ok {
			t.Fatalf("%s has no elements", typ)
		}
		for key, e := range v {
			out[key] = value(t, element, e)
		}
		return tftypes.NewValue(typ, out)
	default:
		return tftypes.NewValue(typ, v)
	}
}

func elementType(typ tftypes.Type) (tftypes.Type, bool) {
	switch typ := typ.(type) {
	case tftypes.List:
		return typ.ElementType, true
	case tftypes.Set:
		return typ.ElementType, true
	case tftypes.Map:
		return typ.ElementType, true
	}
	return nil, false
}

// core plays Terraform's part against the real provider, without an engine: planning and
// validating need none.
type core struct {
	server   tfprotov6.ProviderServer
	provider *tfprotov6.Schema
	// name, schema and typ are those of the resource that is planned.
	name   string
	schema *tfprotov6.Schema
	typ    tftypes.Type
	// private is the private state of what is planned.
	private []byte
}

func newCore(t testing.TB) *core {
	t.Helper()
	return newCoreOf(t, NewServer("test", hclog.NewNullLogger())())
}

// copy is a core with the same server, for a test beside others.
func (c *core) copy() *core {
	own := *c
	return &own
}

func newCoreOf(t testing.TB, server tfprotov6.ProviderServer) *core {
	t.Helper()
	c := &core{server: server, name: "gantry_container"}
	schemas, err := c.server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	fatalDiagnostics(t, schemas.Diagnostics)
	c.provider = schemas.Provider
	c.schema = schemas.ResourceSchemas[c.name]
	c.typ = c.schema.ValueType()
	return c
}

func fatalDiagnostics(t testing.TB, diags []*tfprotov6.Diagnostic) {
	t.Helper()
	for _, d := range diags {
		t.Errorf("%s at %s: %s: %s", d.Severity, d.Attribute, d.Summary, d.Detail)
	}
	if t.Failed() {
		t.FailNow()
	}
}

func (c *core) dynamic(t testing.TB, v tftypes.Value) *tfprotov6.DynamicValue {
	t.Helper()
	d, err := tfprotov6.NewDynamicValue(c.typ, v)
	if err != nil {
		t.Fatal(err)
	}
	return &d
}

func (c *core) validate(t testing.TB, config values) []*tfprotov6.Diagnostic {
	t.Helper()
	resp, err := c.server.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{
		TypeName: c.name, Config: c.dynamic(t, value(t, c.typ, config)),
		ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return resp.Diagnostics
}

// planned is what the provider answers to a plan.
type planned struct {
	value tftypes.Value
	// replace are the attributes that need a replacement because they differ: Terraform looks at
	// no others.
	replace []string
	// changed are the attributes that differ from the prior state, unknown ones included.
	changed []string
}

// answer asks for the plan of a change.
func (c *core) answer(t testing.TB, prior tftypes.Value, config values) *tfprotov6.PlanResourceChangeResponse {
	t.Helper()
	asked := value(t, c.typ, config)
	resp, err := c.server.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: c.name, PriorState: c.dynamic(t, prior), Config: c.dynamic(t, asked),
		ProposedNewState: c.dynamic(t, c.propose(t, prior, asked)), PriorPrivate: c.private,
	})
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func (c *core) plan(t testing.TB, prior tftypes.Value, config values) planned {
	t.Helper()
	resp := c.answer(t, prior, config)
	fatalDiagnostics(t, slices.DeleteFunc(resp.Diagnostics, func(d *tfprotov6.Diagnostic) bool {
		return d.Severity == tfprotov6.DiagnosticSeverityWarning && strings.Contains(d.Summary, "may lose settings")
	}))
	v, err := resp.PlannedState.Unmarshal(c.typ)
	if err != nil {
		t.Fatal(err)
	}
	p := planned{value: v}
	if prior.IsNull() {
		return p
	}
	before, after := attributesOf(t, prior), attributesOf(t, v)
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if !before[name].Equal(after[name]) {
			p.changed = append(p.changed, name)
		}
	}
	for _, path := range resp.RequiresReplace {
		root, ok := path.Steps()[0].(tftypes.AttributeName)
		name := string(root)
		if !ok {
			t.Fatalf("%s does not begin with an attribute", path)
		}
		if slices.Contains(p.changed, name) && !slices.Contains(p.replace, name) {
			p.replace = append(p.replace, name)
		}
	}
	slices.Sort(p.replace)
	return p
}

// propose merges as Terraform does: what is computed and not configured keeps its prior value.
func (c *core) propose(t testing.TB, prior, config tftypes.Value) tftypes.Value {
	t.Helper()
	asked := attributesOf(t, config)
	for _, a := range c.schema.Block.Attributes {
		if !a.Computed || !asked[a.Name].IsNull() {
			continue
		}
		asked[a.Name] = tftypes.NewValue(a.ValueType(), tftypes.UnknownValue)
		if !prior.IsNull() {
			asked[a.Name] = attributesOf(t, prior)[a.Name]
		}
	}
	return tftypes.NewValue(c.typ, asked)
}

func attributesOf(t testing.TB, v tftypes.Value) map[string]tftypes.Value {
	t.Helper()
	out := make(map[string]tftypes.Value)
	if err := v.As(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// schemaOfContainer is the schema of gantry_container, built once for all tests: it is only read.
var schemaOfContainer = sync.OnceValue(func() schema.Schema { return containerSchema(context.Background()) })

// modelOf reads a value as the resource does.
func modelOf(t testing.TB, v tftypes.Value) containerModel {
	t.Helper()
	var m containerModel
	if diags := (tfsdk.State{Raw: v, Schema: schemaOfContainer()}).Get(t.Context(), &m); diags.HasError() {
		t.Fatal(diags)
	}
	return m
}

// raw writes a model as the resource does.
func (c *core) raw(t testing.TB, m containerModel) tftypes.Value {
	t.Helper()
	state := tfsdk.State{Raw: tftypes.NewValue(c.typ, nil), Schema: schemaOfContainer()}
	if diags := state.Set(t.Context(), m); diags.HasError() {
		t.Fatal(diags)
	}
	return state.Raw
}

// create returns the state after a create that went well, and the container that it made.
func (c *core) create(t testing.TB, config values, image *container.ImageDefaults) (tftypes.Value, *container.Container) {
	t.Helper()
	state := modelOf(t, c.plan(t, tftypes.NewValue(c.typ, nil), config).value)
	made := report(state.expand(), image)
	if _, diags := expandFiles(state.Files, state.Files); diags.HasError() {
		t.Fatal(diags)
	}
	state.record(conductor.KindCreate, conductor.Outcome{OperationID: "edge1/web/0190b5a6-0000-7000-8000-000000000000"}, nil)
	state.compute(made)
	return c.raw(t, state), made
}

// refresh returns the state after the engine was looked at.
func (c *core) refresh(t testing.TB, state tftypes.Value, made *container.Container) tftypes.Value {
	t.Helper()
	m := modelOf(t, state)
	m.refresh(made)
	c.look(t, &m, made, nil)
	return c.raw(t, m)
}

// imported returns the state after an import of a container.
func (c *core) imported(t testing.TB, made *container.Container, image *container.ImageDefaults) tftypes.Value {
	t.Helper()
	state := tfsdk.State{Schema: schemaOfContainer(), Raw: tftypes.NewValue(c.typ, nil)}
	diags := state.SetAttribute(t.Context(), path.Root("id"), made.Engine+"/"+made.Name) // An object of nulls.
	m := modelOf(t, state.Raw)
	m.importFrom(made, image)
	c.look(t, &m, made, image)
	m.settle()
	m.Fault = flattenFault("", nil)
	diags.Append(state.Set(t.Context(), m)...)
	diags.Append(writeZeros(t.Context(), &state)...)
	if diags.HasError() {
		t.Fatal(diags)
	}
	return state.Raw
}

// look notes what a refresh does: what leaving out means to a container.
func (c *core) look(t testing.TB, m *containerModel, made *container.Container, image *container.ImageDefaults) {
	t.Helper()
	private := make(keptPrivately)
	if c.private != nil {
		if err := json.Unmarshal(c.private, &private); err != nil {
			t.Fatal(err)
		}
	}
	var diags diag.Diagnostics
	keepForce(t.Context(), private, m, made, image, &diags)
	var err error
	if c.private, err = json.Marshal(private); err != nil || diags.HasError() {
		t.Fatal(diags, err)
	}
}

// keptPrivately is a private state, in the form in which the framework sends it.
type keptPrivately map[string][]byte

func (p keptPrivately) GetKey(_ context.Context, key string) ([]byte, diag.Diagnostics) {
	return p[key], nil
}

func (p keptPrivately) SetKey(_ context.Context, key string, value []byte) diag.Diagnostics {
	p[key] = value
	return nil
}

const (
	containerID = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	networkID   = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
)

// inherits is what an engine makes of a health check: what is left out is the image's.
func inherits(asked, image *container.Healthcheck) *container.Healthcheck {
	if asked == nil || image == nil || asked.Disabled() {
		return cmp.Or(asked, image)
	}
	h := *asked
	if len(h.Test) == 0 {
		h.Test = image.Test
	}
	h.Interval, h.Timeout = cmp.Or(h.Interval, image.Interval), cmp.Or(h.Timeout, image.Timeout)
	h.StartPeriod, h.StartInterval = cmp.Or(h.StartPeriod, image.StartPeriod), cmp.Or(h.StartInterval, image.StartInterval)
	h.Retries = cmp.Or(h.Retries, image.Retries)
	return &h
}

// report is how an engine reports a container that was made from spec: with what the image and
// the engine bring. Conductor's tests against a real engine say that it does.
func report(spec container.Spec, image *container.ImageDefaults) *container.Container {
	if image == nil {
		image = &container.ImageDefaults{}
	}
	s := spec.Settings
	if len(s.Entrypoint) == 0 { // As in the engine's merge of the two.
		if len(s.Command) == 0 {
			s.Command = image.Command
		}
		if s.Entrypoint == nil {
			s.Entrypoint = image.Entrypoint
		}
	}
	s.Environment = merged(image.Environment, s.Environment)
	maps.DeleteFunc(s.Environment, func(key, _ string) bool { return slices.Contains(s.Unset, key) })
	s.Expose = slices.Concat(image.Expose, s.Expose, container.PublishedTargets(s.Ports))
	slices.Sort(s.Expose)
	s.Expose = slices.Compact(s.Expose)
	s.Labels = merged(merged(image.Labels, s.Labels), map[string]string{container.LabelOperation: "edge1/web/1"})
	s.Mounts = maps.Clone(s.Mounts)
	if s.Mounts == nil {
		s.Mounts = make(map[string]container.Mount)
	}
	for _, target := range image.Volumes {
		if _, ok := s.Mounts[target]; !ok {
			s.Mounts[target] = container.Mount{Type: container.MountVolume}
		}
	}
	for target, m := range s.Mounts {
		if m.Type == container.MountVolume && m.Source == "" {
			m.Source, m.Anonymous = strings.Repeat("ab", 32), true
			s.Mounts[target] = m
		}
	}
	s.Healthcheck = inherits(s.Healthcheck, image.Healthcheck)
	if s.User == "" {
		s.User = image.User
	}
	if s.WorkingDir == "" {
		s.WorkingDir = image.WorkingDir
	}
	if s.StopSignal == "" {
		s.StopSignal = image.StopSignal
	}
	if s.Hostname == "" {
		s.Hostname = containerID[:12]
	}
	s = engineAdds(s)
	for i, link := range s.Links {
		s.Links[i] = container.PlainLink(link)
	}
	attached := make(map[string]container.AttachedNetwork)
	for _, n := range s.Networks {
		if strings.HasPrefix(networkID, n.Network) {
			attached["by-id"] = container.AttachedNetwork{ID: networkID, Address: "10.0.1.2", EndpointOptions: n.EndpointOptions}
			continue
		}
		attached[n.Network] = container.AttachedNetwork{ID: strings.Repeat("c", 64), Address: "10.0.0.2", EndpointOptions: n.EndpointOptions}
	}
	if s.Networks == nil {
		attached[defaultNetwork] = container.AttachedNetwork{ID: strings.Repeat("d", 64), Address: "172.17.0.2"}
	}
	s.Networks, s.Platform = nil, ""
	slices.Reverse(s.Ports)
	c := &container.Container{
		Engine: "edge1", ID: containerID, Name: spec.Name, Settings: s, ImageID: "sha256:" + containerID, Attached: attached,
		State:          container.State{Status: "running", StartedAt: time.Unix(1700000000, 0)},
		PublishedPorts: map[string]int{},
		Defaults:       container.EngineDefaults{LogDriver: "json-file", Runtime: "runc", Cgroup: "host"},
	}
	switch spec.DesiredState {
	case container.DesiredStopped:
		c.State = container.State{Status: "created"}
	case container.DesiredPaused:
		c.State.Status = "paused"
	case container.DesiredCompleted:
		c.State.Status, c.State.FinishedAt = "exited", time.Unix(1700000001, 0)
		if len(spec.ExpectedExitCodes) > 0 {
			c.State.ExitCode = spec.ExpectedExitCodes[0]
		}
	}
	return c
}

// engineAdds has what an engine reports of what nobody asked for, and its own spelling of what
// somebody did.
func engineAdds(s container.Settings) container.Settings {
	if s.MemorySwap == 0 {
		s.MemorySwap = 2 * s.Memory
	}
	if s.ShmSize == 0 {
		s.ShmSize = 64 << 20
	}
	s.CapAdd, s.CapDrop, s.SecurityOpt = slices.Clone(s.CapAdd), slices.Clone(s.CapDrop), slices.Clone(s.SecurityOpt)
	slices.Reverse(s.SecurityOpt)
	for _, list := range [][]string{s.CapAdd, s.CapDrop} { // As the Docker CLI and newer engines do.
		for i, capability := range list {
			list[i] = container.PlainCapability(capability)
		}
		slices.Sort(list)
	}
	if s.Privileged || s.IPC == "host" || s.PID == "host" {
		s.SecurityOpt = append(s.SecurityOpt, "label=disable")
	}
	s.IPC, s.Cgroup, s.Runtime = cmp.Or(s.IPC, "private"), cmp.Or(s.Cgroup, "host"), cmp.Or(s.Runtime, "runc")
	logging := container.Logging{Driver: "json-file", Options: map[string]string{}}
	if s.Logging != nil {
		logging.Driver = cmp.Or(s.Logging.Driver, logging.Driver)
		maps.Copy(logging.Options, s.Logging.Options)
	}
	s.Logging = &logging
	s.Devices.Devices = maps.Clone(s.Devices.Devices)
	for target, device := range s.Devices.Devices {
		device.Permissions = cmp.Or(device.Permissions, "rwm")
		s.Devices.Devices[target] = device
	}
	if s.PidsLimit < 0 {
		s.PidsLimit = 0
	}
	return s
}

func merged(under, over map[string]string) map[string]string {
	out := make(map[string]string)
	maps.Copy(out, under)
	maps.Copy(out, over)
	return out
}
