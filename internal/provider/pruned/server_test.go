// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package pruned_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/pruned"
)

// shop is a provider with one wide resource and a plain one of the same kind.
type shop struct{ seen *seen }

// seen is what the resources noticed.
type seen struct {
	configured bool
	data       any
	// inside are the attributes that the resource found in the plan it was to create.
	inside []string
}

func (s shop) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "shop"
}
func (shop) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}
func (s shop) Configure(_ context.Context, _ provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	s.seen.configured, resp.ResourceData = true, "open"
}

func (s shop) ResourceData() any {
	if !s.seen.configured {
		return nil
	}
	return "open"
}

func (s shop) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		func() resource.Resource { return &item{name: "wide", seen: s.seen} },
		func() resource.Resource { return &item{name: "plain", seen: s.seen} },
	}
}
func (shop) DataSources(context.Context) []func() datasource.DataSource { return nil }

type item struct {
	name string
	seen *seen
}

type itemModel struct {
	ID     types.String `tfsdk:"id"`
	Name   types.String `tfsdk:"name"`
	Colour types.String `tfsdk:"colour"`
	Size   types.String `tfsdk:"size"`
	Read   types.String `tfsdk:"read"`
}

func (i *item) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + i.name
}

func (i *item) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id":     schema.StringAttribute{Computed: true},
		"name":   schema.StringAttribute{Required: true},
		"colour": schema.StringAttribute{Optional: true},
		"size":   schema.StringAttribute{Optional: true},
		"read":   schema.StringAttribute{Optional: true},
	}}
}

func (i *item) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{"name": identityschema.StringAttribute{RequiredForImport: true}}}
}

func (i *item) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	i.seen.data = req.ProviderData
}

func (i *item) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var size types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("size"), &size)...)
	if size.ValueString() == "none" {
		resp.Diagnostics.AddAttributeError(path.Root("size"), "No size", "Take one.")
	}
}

func (i *item) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || req.State.Raw.IsNull() {
		return
	}
	var before, after itemModel
	resp.Diagnostics.Append(req.State.Get(ctx, &before)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &after)...)
	if !before.Colour.Equal(after.Colour) {
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("colour"))
	}
}

// Create paints an item named "surprise", which nobody planned.
func (i *item) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m itemModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	for name := range req.Plan.Schema.GetAttributes() {
		i.seen.inside = append(i.seen.inside, name)
	}
	m.ID = types.StringValue("1")
	if m.Name.ValueString() == "surprise" {
		m.Colour = types.StringValue("red")
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, struct {
		Name types.String `tfsdk:"name"`
	}{m.Name})...)
}

// Read finds that somebody has painted every item blue, but for one named "gone".
func (*item) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m itemModel
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, struct {
		Name types.String `tfsdk:"name"`
	}{m.Name})...)
	if m.Name.ValueString() == "gone" {
		resp.State.RemoveResource(ctx)
		return
	}
	m.Colour = types.StringValue("blue")
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}
func (*item) Update(_ context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	resp.State.Raw = req.Plan.Raw
}
func (*item) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

type bench struct {
	*testing.T
	*pruned.Server
	seen *seen
	typ  tftypes.Object
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, seen: new(seen), typ: tftypes.Object{AttributeTypes: map[string]tftypes.Type{}}}
	for _, name := range []string{"id", "name", "colour", "size", "read"} {
		b.typ.AttributeTypes[name] = tftypes.String
	}
	p := shop{b.seen}
	b.Server = pruned.NewServer(t.Context(), p, "shop_wide", func() pruned.Resource { return &item{name: "wide", seen: b.seen} }, pruned.Attributes{Read: []string{"read"}})
	config := b.value(tftypes.Object{}, map[string]any{})
	if _, err := b.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: config}); err != nil {
		t.Fatal(err)
	}
	return b
}

// value makes an object of strings; nil is none.
func (b *bench) value(typ tftypes.Object, v map[string]any) *tfprotov6.DynamicValue {
	b.Helper()
	raw := tftypes.NewValue(typ, nil)
	if v != nil {
		attributes := map[string]tftypes.Value{}
		for name, t := range typ.AttributeTypes {
			attributes[name] = tftypes.NewValue(t, v[name])
		}
		raw = tftypes.NewValue(typ, attributes)
	}
	d, err := tfprotov6.NewDynamicValue(typ, raw)
	if err != nil {
		b.Fatal(err)
	}
	return &d
}

func (b *bench) read(v *tfprotov6.DynamicValue) map[string]string {
	b.Helper()
	raw, err := v.Unmarshal(b.typ)
	if err != nil {
		b.Fatal(err)
	}
	attributes, out := map[string]tftypes.Value{}, map[string]string{}
	if err := raw.As(&attributes); err != nil {
		b.Fatal(err)
	}
	for name, v := range attributes {
		var s *string
		if v.IsKnown() && v.As(&s) == nil && s != nil {
			out[name] = *s
		}
	}
	return out
}

func (b *bench) create(typeName string, config map[string]any) *tfprotov6.ApplyResourceChangeResponse {
	b.Helper()
	planned := map[string]any{"id": tftypes.UnknownValue}
	for name, v := range config {
		planned[name] = v
	}
	resp, err := b.ApplyResourceChange(b.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: typeName, Config: b.value(b.typ, config), PriorState: b.value(b.typ, nil), PlannedState: b.value(b.typ, planned),
	})
	if err != nil {
		b.Fatal(err)
	}
	return resp
}

// The resource sees every attribute, and Terraform gets every attribute.
func TestCreate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	resp := b.create("shop_wide", map[string]any{"name": "a", "size": "big"})
	if len(resp.Diagnostics) > 0 {
		t.Fatal(resp.Diagnostics[0].Detail)
	}
	if got := b.read(resp.NewState); got["id"] != "1" || got["name"] != "a" || got["size"] != "big" || len(got) != 3 {
		t.Errorf("the state is %v", got)
	}
	slices.Sort(b.seen.inside)
	if want := []string{"colour", "id", "name", "read", "size"}; !slices.Equal(b.seen.inside, want) {
		t.Errorf("the resource sees %v, want %v", b.seen.inside, want)
	}
	if b.seen.data != "open" {
		t.Errorf("the resource is configured with %v", b.seen.data)
	}
}

// A value that nobody planned is not lost without a word.
func TestUnplannedValue(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	resp := b.create("shop_wide", map[string]any{"name": "surprise"})
	if len(resp.Diagnostics) != 1 || !strings.Contains(resp.Diagnostics[0].Detail, "colour") {
		t.Errorf("diagnostics: %v", resp.Diagnostics)
	}
	if got := b.read(resp.NewState); got["id"] != "1" {
		t.Errorf("the state is %v", got)
	}
}

// What a read finds is in the state, though the request knew nothing of it.
func TestRead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, want := range map[string]string{"a": "blue", "gone": ""} {
		resp, err := b.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{TypeName: "shop_wide", CurrentState: b.value(b.typ, map[string]any{"id": "1", "name": name})})
		if err != nil || len(resp.Diagnostics) > 0 {
			t.Fatal(err, resp.Diagnostics)
		}
		if raw, err := resp.NewState.Unmarshal(b.typ); err != nil || raw.IsNull() != (want == "") {
			t.Errorf("%s: read %v, %v", name, raw, err)
		} else if want != "" && b.read(resp.NewState)["colour"] != want {
			t.Errorf("%s: read %v", name, b.read(resp.NewState))
		}
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	prior := map[string]any{"id": "1", "name": "a", "colour": "red"}
	config := map[string]any{"name": "a", "colour": "blue"}
	resp, err := b.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: "shop_wide", Config: b.value(b.typ, config), PriorState: b.value(b.typ, prior),
		ProposedNewState: b.value(b.typ, map[string]any{"id": "1", "name": "a", "colour": "blue"}),
	})
	if err != nil || len(resp.Diagnostics) > 0 {
		t.Fatal(err, resp.Diagnostics)
	}
	if got := b.read(resp.PlannedState); got["colour"] != "blue" {
		t.Errorf("planned: %v", got)
	}
	if len(resp.RequiresReplace) != 1 {
		t.Errorf("replaced because of %v", resp.RequiresReplace)
	}
}

func TestDestroy(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	prior := b.value(b.typ, map[string]any{"id": "1", "name": "a", "colour": "red"})
	none := b.value(b.typ, nil)
	planned, err := b.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{TypeName: "shop_wide", Config: none, PriorState: prior, ProposedNewState: none})
	if err != nil || len(planned.Diagnostics) > 0 {
		t.Fatal(err, planned.Diagnostics)
	}
	applied, err := b.ApplyResourceChange(t.Context(), &tfprotov6.ApplyResourceChangeRequest{TypeName: "shop_wide", Config: none, PriorState: prior, PlannedState: planned.PlannedState})
	if err != nil || len(applied.Diagnostics) > 0 {
		t.Fatal(err, applied.Diagnostics)
	}
	if raw, err := applied.NewState.Unmarshal(b.typ); err != nil || !raw.IsNull() {
		t.Errorf("left: %v, %v", raw, err)
	}
}

// What the resource says of an attribute reaches Terraform, in the wide resource and beside it.
func TestValidate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, name := range []string{"shop_wide", "shop_plain"} {
		resp, err := b.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{TypeName: name, Config: b.value(b.typ, map[string]any{"name": "a", "size": "none"})})
		if err != nil {
			t.Fatal(err)
		}
		if len(resp.Diagnostics) != 1 || resp.Diagnostics[0].Attribute.String() != `AttributeName("size")` {
			t.Errorf("%s: %v", name, resp.Diagnostics)
		}
	}
}

// An object that is no container is for the framework to refuse.
func TestOtherShape(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	typ := tftypes.Object{AttributeTypes: map[string]tftypes.Type{"name": tftypes.Bool}}
	resp, err := b.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{TypeName: "shop_wide", Config: b.value(typ, map[string]any{"name": true})})
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.Diagnostics) == 0 {
		t.Error("accepted")
	}
}
