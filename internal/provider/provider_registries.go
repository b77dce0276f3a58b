// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
)

type credentialModel struct {
	Username  types.String `tfsdk:"username"`
	Password  types.String `tfsdk:"password"`
	Anonymous types.Bool   `tfsdk:"anonymous"`
}

type trustModel struct {
	CAFile   types.String `tfsdk:"ca_file"`
	Insecure types.Bool   `tfsdk:"insecure"`
}

func registryAuthAttribute(description string) schema.Attribute {
	return schema.MapNestedAttribute{
		Optional:            true,
		MarkdownDescription: description,
		Validators:          []validator.Map{mapvalidator.KeysAre(stringvalidator.LengthAtLeast(1)), mapvalidator.NoNullValues()},
		NestedObject: schema.NestedAttributeObject{
			Validators: []validator.Object{wholeCredential{}},
			Attributes: map[string]schema.Attribute{
				"username": schema.StringAttribute{Optional: true, MarkdownDescription: "The user's name. Required unless `anonymous` is set."},
				"password": schema.StringAttribute{Optional: true, Sensitive: true, MarkdownDescription: "The password or token. Required unless `anonymous` is set."},
				"anonymous": schema.BoolAttribute{
					Optional: true, MarkdownDescription: "Whether this registry is asked without credentials, whatever the Docker CLI's configuration has for it. Default `false`.",
				},
			},
		},
	}
}

func registriesAttribute() schema.Attribute {
	return schema.MapNestedAttribute{
		Optional: true,
		MarkdownDescription: "How gantry trusts registries that it asks itself, by registry: for `gantry_registry_image`, which this machine asks. Pulls, and `available_digest`, are the engine's: there its own configuration counts " +
			"(`/etc/docker/certs.d`, `insecure-registries`). Certificates in this machine's `/etc/docker/certs.d/REGISTRY`, and in `certs.d` of the Docker CLI's configuration directory, are used as Docker uses them.",
		Validators: []validator.Map{
			mapvalidator.NoNullValues(),
			mapvalidator.KeysAre(stringvalidator.RegexMatches(regexp.MustCompile(`^[^\s/@]+$`), `must be a registry as references name it ("registry.example.com:5000"), without a scheme or a path`)),
		},
		NestedObject: schema.NestedAttributeObject{Validators: []validator.Object{oneTrust{}}, Attributes: map[string]schema.Attribute{
			"ca_file": schema.StringAttribute{
				Optional: true, MarkdownDescription: "A file with certificates in PEM form that are trusted besides the system's, on the machine that runs Terraform.",
			},
			"insecure": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether any certificate is taken, and plain HTTP where there is no HTTPS: credentials can then be read on the way. Without it only this machine's own addresses are asked in plain HTTP. " +
					"What the registry refers to, such as a server that gives tokens, has an entry of its own. Default `false`.",
			},
		}},
	}
}

// credentialsOf are what registry_auth says. What is not known yet is only missed by what asks that registry.
func credentialsOf(ctx context.Context, registryAuth types.Map, diags *diag.Diagnostics) map[string]engine.Credential {
	if registryAuth.IsUnknown() {
		return map[string]engine.Credential{engine.AnyRegistry: {Unknown: true}}
	}
	var models map[string]types.Object
	diags.Append(registryAuth.ElementsAs(ctx, &models, false)...)
	credentials := make(map[string]engine.Credential, len(models))
	for registry, object := range models {
		var one credentialModel
		if !object.IsUnknown() {
			diags.Append(object.As(ctx, &one, basetypes.ObjectAsOptions{})...)
		}
		credentials[registry] = engine.Credential{
			Username: one.Username.ValueString(), Password: one.Password.ValueString(), Anonymous: one.Anonymous.ValueBool(),
			Unknown: object.IsUnknown() || one.Username.IsUnknown() || one.Password.IsUnknown() || one.Anonymous.IsUnknown(),
		}
	}
	return credentials
}

// trusted is what registries says. What is not known yet is only missed by what asks that registry.
func (m *providerModel) trusted(ctx context.Context, diags *diag.Diagnostics) map[string]conductor.RegistryTrust {
	if m.Registries.IsUnknown() {
		return map[string]conductor.RegistryTrust{engine.AnyRegistry: {Unknown: true}}
	}
	var models map[string]types.Object
	diags.Append(m.Registries.ElementsAs(ctx, &models, false)...)
	trusted := make(map[string]conductor.RegistryTrust, len(models))
	for _, registry := range slices.Sorted(maps.Keys(models)) {
		var one trustModel
		if !models[registry].IsUnknown() {
			diags.Append(models[registry].As(ctx, &one, basetypes.ObjectAsOptions{})...)
		}
		trust := conductor.RegistryTrust{
			CAFile: one.CAFile.ValueString(), Insecure: one.Insecure.ValueBool(), Unknown: models[registry].IsUnknown() || one.CAFile.IsUnknown() || one.Insecure.IsUnknown(),
		}
		if err := trust.Check(); err != nil {
			diags.AddAttributeError(path.Root("registries").AtMapKey(registry).AtName("ca_file"), fmt.Sprintf("Unable to use the certificates for registry %q", registry), sentence(err)+".")
		}
		trusted[registry] = trust
	}
	return trusted
}

// wholeCredential validates that there is a name and a password, or neither where none is wanted.
type wholeCredential struct{}

func (wholeCredential) Description(context.Context) string {
	return "must have username and password, or anonymous = true"
}
func (v wholeCredential) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }
func (v wholeCredential) ValidateObject(ctx context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	given := req.ConfigValue.Attributes()
	anonymous, ok := given["anonymous"].(types.Bool)
	if !ok || anonymous.IsUnknown() {
		return
	}
	for _, name := range []string{"username", "password"} {
		if given[name].IsUnknown() || isLeftOut(ctx, given[name]) == anonymous.ValueBool() {
			continue
		}
		resp.Diagnostics.AddAttributeError(req.Path.AtName(name), "Incomplete credentials", fmt.Sprintf("An entry of registry_auth %s.", v.Description(ctx)))
	}
}

// oneTrust refuses certificates to trust where any is taken.
type oneTrust struct{}

func (oneTrust) Description(context.Context) string {
	return "has either ca_file or insecure: with insecure any certificate is taken"
}
func (v oneTrust) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }
func (v oneTrust) ValidateObject(ctx context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	given := req.ConfigValue.Attributes()
	if insecure, ok := given["insecure"].(types.Bool); ok && insecure.ValueBool() && !isLeftOut(ctx, given["ca_file"]) {
		resp.Diagnostics.AddAttributeError(req.Path.AtName("insecure"), "A registry that is both insecure and trusted by a CA", fmt.Sprintf("An entry of registries %s. Remove one of the two.", v.Description(ctx)))
	}
}
