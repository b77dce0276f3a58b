// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// identityModel is what tells a container from all others, for Terraform 1.12 and later. It changes
// with the name.
type identityModel struct {
	Engine types.String `tfsdk:"engine"`
	Name   types.String `tfsdk:"name"`
}

// IdentitySchema says what an import block may have in identity.
func (r *containerResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"engine": identityschema.StringAttribute{OptionalForImport: true, Description: "The host name that the engine reports. Left out, the engine that the provider is configured for."},
		"name":   identityschema.StringAttribute{RequiredForImport: true, Description: "The container's name on its engine."},
	}}
}

// identify tells Terraform the identity that the state has. It is nil where nobody asks for it.
func (m *containerModel) identify(ctx context.Context, identity *tfsdk.ResourceIdentity, diags *diag.Diagnostics) {
	if identity == nil {
		return
	}
	engine, name, ok := strings.Cut(m.ID.ValueString(), "/")
	if !ok {
		engine, name = "", m.Name.ValueString()
	}
	diags.Append(identity.Set(ctx, identityModel{Engine: types.StringValue(engine), Name: types.StringValue(name)})...)
}

// importReference returns what an import names: an ID as the command line has it, or an identity.
func importReference(ctx context.Context, req resource.ImportStateRequest, diags *diag.Diagnostics) string {
	if req.ID != "" || req.Identity == nil || req.Identity.Raw.IsNull() {
		return req.ID
	}
	var wanted identityModel
	diags.Append(req.Identity.Get(ctx, &wanted)...)
	if wanted.Engine.ValueString() == "" {
		return wanted.Name.ValueString()
	}
	return wanted.Engine.ValueString() + "/" + wanted.Name.ValueString()
}
