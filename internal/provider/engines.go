// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// member is an engine of the provider's configuration.
type member struct {
	// Conductor is nil as long as it is not known how the engine is reached.
	*conductor.Conductor
	// name is its key in engines; empty is the default engine.
	name string
	// keeps says that a refresh keeps the state while the engine can't be reached, and kept that it has said so.
	keeps bool
	kept  atomic.Bool
	// labels are the default labels of its containers.
	labels defaultLabels
}

// unknown reports whether it depends on what is not known yet how the engine is reached.
func (m *member) unknown() bool { return m.Conductor == nil }

// members are the engines of a provider's configuration.
type members struct {
	fleet  *conductor.Fleet
	byName map[string]*member
	// open says that there may be more: which there are is not known yet.
	open bool
	// twins are the pairs of names of one engine that were warned of.
	twins sync.Map
}

// placement is where an object is.
type placement struct {
	Engine   types.String `tfsdk:"engine"`
	EngineID types.String `tfsdk:"engine_id"`
}

const engineText = "The engine: a key of the provider's `engines`. Left out, the provider's default engine."

// placementBlock is the engine of a container.
func placementBlock() block {
	return block{
		schema: func(context.Context) map[string]schema.Attribute {
			return map[string]schema.Attribute{"engine": engineAttribute()}
		},
		effects:  func() map[string]effect { return map[string]effect{"engine": places} },
		defaults: func() map[string]leftOut { return map[string]leftOut{"engine": {nullOnly: true}} },
	}
}

// engineKey refuses an empty name of an engine: the default engine has none.
type engineKey struct{}

func (engineKey) Description(context.Context) string {
	return "must be a key of the provider's engines; for the default engine leave it out, or set it to null"
}
func (v engineKey) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString validates a value that is known.
func (v engineKey) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if !req.ConfigValue.IsNull() && !req.ConfigValue.IsUnknown() && req.ConfigValue.ValueString() == "" {
		resp.Diagnostics.AddAttributeError(req.Path, "An empty name of an engine", fmt.Sprintf("engine %s.", v.Description(ctx)))
	}
}

// placementAttributes are those of every resource that is on an engine. Moves is what another engine does to it.
func placementAttributes(moves string) map[string]schema.Attribute {
	engine := engineAttribute()
	engine.MarkdownDescription += fmt.Sprintf(" Another engine %s; another key of the same engine changes nothing.", moves)
	return map[string]schema.Attribute{"engine": engine, "engine_id": engineIDAttribute()}
}

func engineAttribute() schema.StringAttribute {
	return schema.StringAttribute{Optional: true, MarkdownDescription: engineText, Validators: []validator.String{engineKey{}}}
}

func engineIDAttribute() schema.Attribute {
	return schema.StringAttribute{
		Computed: true, MarkdownDescription: "The ID that the engine reports: by it the engine is found when its key in `engines` has changed.",
		PlanModifiers: []planmodifier.String{stringplanmodifier.UseNonNullStateForUnknown()},
	}
}

// named returns the engine that a configuration or a plan names. It is nil, with an error, if there is none.
func (m *members) named(ctx context.Context, name types.String, diags *diag.Diagnostics) *member {
	if one := m.byName[name.ValueString()]; one != nil && !name.IsUnknown() {
		m.meet(ctx)
		return one
	}
	if m.open || name.IsUnknown() || m.byName == nil {
		return &member{name: name.ValueString()}
	}
	diags.AddAttributeError(path.Root("engine"), fmt.Sprintf("Unknown engine %q", name.ValueString()),
		fmt.Sprintf("%s. Use one of these keys, add an entry to the provider's engines, or leave engine out for the default engine.", m.known()))
	return nil
}

// checkEngine refuses an engine that is not configured, while Terraform plans what takes place on one.
func (m *members) checkEngine(ctx context.Context, from interface {
	GetAttribute(ctx context.Context, at path.Path, target any) diag.Diagnostics
}, diags *diag.Diagnostics) {
	var engine types.String
	diags.Append(from.GetAttribute(ctx, path.Root("engine"), &engine)...)
	if !diags.HasError() {
		m.named(ctx, engine, diags)
	}
}

// known lists the engines, for messages.
func (m *members) known() string {
	names := slices.Sorted(maps.Keys(m.byName))
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	if len(names) == 0 {
		return "The provider's engines has no entries"
	}
	return "The provider's engines are: " + strings.Join(names, ", ")
}

// meet has all engines dialled side by side, so that those that are away cost one timeout together.
func (m *members) meet(ctx context.Context) {
	if m.fleet != nil && len(m.byName) > 1 {
		m.fleet.Meet(ctx)
	}
}

// usable returns the engine that a configuration or a plan names, for who has to ask it now.
func (m *members) usable(ctx context.Context, name types.String, diags *diag.Diagnostics) *member {
	one := m.named(ctx, name, diags)
	if one != nil && one.unknown() {
		diags.AddError(fmt.Sprintf("Unable to use %s before the provider is configured", engineWords(one.name)),
			"How the engine is reached depends on values that are not known yet. Apply what they depend on first (terraform apply -target=...); a data source waits for it with depends_on.")
		return nil
	}
	return one
}

// holding returns the engine that an object of a state is on: the one with the name if it is still the same engine, else
// the one with the ID, whose name it notes. Object names the object in messages. It is nil, with an error, if no
// entry leads to the engine.
func (m *members) holding(ctx context.Context, at *placement, object string, diags *diag.Diagnostics) *member {
	one, id := m.byName[at.Engine.ValueString()], at.EngineID.ValueString()
	if one != nil {
		m.meet(ctx)
	}
	if one != nil && (id == "" || one.unknown()) || one == nil && (m.open || m.byName == nil) {
		if one == nil {
			one = &member{name: at.Engine.ValueString()}
		}
		return one
	}
	if one != nil {
		if found, err := one.EngineID(ctx); err != nil || found == id {
			return one
		}
	}
	other, unsure := m.withID(ctx, id)
	switch {
	case other != nil:
		at.Engine = stringOrNull(other.name)
		return other
	case one != nil && len(unsure) == 0:
		return one // It leads to another engine now, and the one that was there is gone.
	}
	detail := fmt.Sprintf("The state has it on engine %q (ID %s), and no entry of the provider's engines leads there. %s.", at.Engine.ValueString(), id, m.known())
	if len(unsure) > 0 {
		detail += fmt.Sprintf(" Not reached, and so perhaps it, but with another key: %s.", strings.Join(unsure, ", "))
	}
	diags.AddAttributeError(path.Root("engine"), fmt.Sprintf("The engine of %s is not configured any more", object),
		detail+"\n\nWhat to do: keep the entry in engines until what is on the engine is destroyed, or have it forgotten, and left on the engine, with a block removed { from = ... lifecycle { destroy = false } }.")
	return nil
}

// withID returns the engine with an ID. All are asked at the same time; unsure are those that could not be.
func (m *members) withID(ctx context.Context, id string) (found *member, unsure []string) {
	m.meet(ctx)
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, name := range slices.Sorted(maps.Keys(m.byName)) {
		one := m.byName[name]
		if one.unknown() {
			unsure = append(unsure, shownName(name))
			continue
		}
		asking.Go(func() {
			got, err := one.EngineID(ctx)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				unsure = append(unsure, shownName(name))
			case got == id && (found == nil || name < found.name):
				found = one
			}
		})
	}
	asking.Wait()
	slices.Sort(unsure)
	return found, unsure
}

// at returns the engines that an import ID can mean: the one with the key, else those whose hosts report the name.
func (m *members) at(ctx context.Context, name string) []*member {
	if one := m.byName[name]; one != nil && name != "" {
		return []*member{one}
	}
	m.meet(ctx)
	var mu sync.Mutex
	var asking sync.WaitGroup
	var found []*member
	for _, one := range m.byName {
		if one.unknown() {
			continue
		}
		asking.Go(func() {
			if got, err := one.Conductor.Engine(ctx); err == nil && got == name {
				mu.Lock()
				defer mu.Unlock()
				found = append(found, one)
			}
		})
	}
	asking.Wait()
	slices.SortFunc(found, func(a, b *member) int { return strings.Compare(a.name, b.name) })
	return found
}

// ready reports whether the engine can be asked, and says so if not: while Terraform only plans that is no mistake.
func (m *member) ready(diags *diag.Diagnostics) bool {
	if m.unknown() {
		diags.AddError(fmt.Sprintf("%s can't be used: how it is reached is not known", upper(engineWords(m.name))), "Apply what its settings in the provider's configuration depend on first.")
		return false
	}
	return true
}

// shownName is an engine's name in messages.
func shownName(name string) string {
	if name == "" {
		return "the default engine"
	}
	return fmt.Sprintf("%q", name)
}

// on notes the engine that an object is on, and warns once if it has two names.
func (m *members) on(ctx context.Context, one *member, at *placement, diags *diag.Diagnostics) {
	id, err := one.EngineID(ctx)
	if err != nil { // Whoever asked it for something else has said so.
		if at.EngineID.IsUnknown() {
			at.EngineID = types.StringNull()
		}
		return
	}
	at.EngineID = stringOrNull(id)
	other, twice := m.fleet.Twin(one.Conductor)
	if !twice {
		return
	}
	names := []string{shownName(one.name), shownName(other)}
	slices.Sort(names)
	if _, said := m.twins.LoadOrStore(strings.Join(names, " "), true); !said {
		diags.AddWarning(fmt.Sprintf("%s and %s are one engine", upper(names[0]), names[1]),
			"Both lead to the same daemon: what is created by both names is in one place, one after the other, within the limits of the name that was used first.")
	}
}

// keepsWithout reports whether a refresh keeps the state because the engine can't be reached, and says so once for each engine.
func (m *member) keepsWithout(err error, diags *diag.Diagnostics) bool {
	f := faultOf(err)
	if f == nil || f.Kind != fault.EngineUnreachable || !m.keeps {
		return false
	}
	if !m.kept.Swap(true) {
		diags.AddWarning(fmt.Sprintf("%s can't be reached: its objects are left as the state has them", upper(engineWords(m.name))),
			f.Detail()+"\n\non_unreachable is \"warn\": what changed there is not seen, and changes of these objects fail when they are applied.")
	}
	return true
}

// engineWords names an engine at the beginning of a sentence or in it.
func engineWords(name string) string {
	if name == "" {
		return "the default engine"
	}
	return fmt.Sprintf("engine %q", name)
}

// planPlacement decides whether another engine is planned: then the object is replaced. Another name of the engine
// that the object is on changes nothing but the name.
// It returns the engine that is planned; nil where there is none, or an error.
func (m *members) planPlacement(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) *member {
	if req.Plan.Raw.IsNull() || resp.Diagnostics.HasError() {
		return nil
	}
	var planned, prior, id types.String
	diags := &resp.Diagnostics
	diags.Append(req.Plan.GetAttribute(ctx, path.Root("engine"), &planned)...)
	next := m.named(ctx, planned, diags)
	if next == nil || diags.HasError() || req.State.Raw.IsNull() {
		return next
	}
	diags.Append(req.State.GetAttribute(ctx, path.Root("engine"), &prior)...)
	diags.Append(req.State.GetAttribute(ctx, path.Root("engine_id"), &id)...)
	if diags.HasError() || !planned.IsUnknown() && planned.ValueString() == prior.ValueString() {
		return next
	}
	if planned.IsUnknown() {
		diags.AddAttributeError(path.Root("engine"), "The engine of what exists must be known in the plan",
			"Whether it stays or moves to another engine is decided by the plan. Apply what engine depends on first (terraform apply -target=...), or use a value that is known.")
		return nil
	}
	if !next.unknown() {
		found, err := next.EngineID(ctx)
		switch {
		case err == nil && !id.IsNull() && found == id.ValueString():
			return next
		case err != nil && !next.keeps:
			addFault(diags, err)
			return nil
		}
	}
	diags.Append(resp.Plan.SetAttribute(ctx, path.Root("engine_id"), types.StringUnknown())...)
	resp.RequiresReplace = append(resp.RequiresReplace, path.Root("engine"))
	return next
}
