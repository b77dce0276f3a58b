// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine/sshlink"
)

// connectionModel is how an engine is reached: the default one, or one of engines.
type connectionModel struct {
	Host    types.String `tfsdk:"host"`
	Context types.String `tfsdk:"context"`
	TLS     types.Object `tfsdk:"tls"`
	SSH     types.Object `tfsdk:"ssh"`
}

type tlsModel struct {
	CA          types.String `tfsdk:"ca"`
	Certificate types.String `tfsdk:"certificate"`
	Key         types.String `tfsdk:"key"`
	ServerName  types.String `tfsdk:"server_name"`
	Insecure    types.Bool   `tfsdk:"insecure"`
}

type sshModel struct {
	User       types.String   `tfsdk:"user"`
	Port       types.Int64    `tfsdk:"port"`
	Key        types.String   `tfsdk:"key"`
	KnownHosts types.String   `tfsdk:"known_hosts"`
	ConfigFile types.String   `tfsdk:"config_file"`
	Command    []types.String `tfsdk:"command"`
	Socket     types.String   `tfsdk:"socket"`
}

// connectionAttributes are those of the provider and of an entry of engines. ByDefault is what leaving out the address
// means.
func connectionAttributes(byDefault string) map[string]schema.Attribute {
	text := func(description string) schema.Attribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: description}
	}
	return map[string]schema.Attribute{
		"host": schema.StringAttribute{
			Optional: true, MarkdownDescription: "The engine's address (`unix://`, `tcp://`, `https://`, `ssh://`, `npipe://`). " + byDefault,
			Validators: orLeftOut[validator.String](hostAddress{}),
		},
		"context": text("The name of a Docker context, in place of `host`: its address and TLS settings are used."),
		"tls": schema.SingleNestedAttribute{
			Optional:            true,
			MarkdownDescription: "TLS for a `tcp://` or `https://` address. The engine's certificate is verified unless `insecure` is set. Left out, `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH` apply, or what the context has.",
			Attributes: map[string]schema.Attribute{
				"ca":          text("The CA that signed the engine's certificate: a file, or its content in PEM form. Left out, the system's."),
				"certificate": text("The certificate that is presented to the engine: a file, or its content in PEM form."),
				"key":         schema.StringAttribute{Optional: true, Sensitive: true, MarkdownDescription: "The key of `certificate`: a file, or its content in PEM form."},
				"server_name": text("The name that the engine's certificate has to be for. Left out, that of the address."),
				"insecure":    schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether any certificate is accepted. Default `false`."},
			},
		},
		"ssh": schema.SingleNestedAttribute{
			Optional: true,
			MarkdownDescription: "SSH for an `ssh://` address, on top of what the address, the agent and OpenSSH's own configuration (`~/.ssh/config`, aliases and `ProxyJump` included) say. " +
				"One connection carries everything for an engine, and the remote host needs no docker command. A host whose key is not in `known_hosts` is refused.",
			Attributes: map[string]schema.Attribute{
				"user": text("The user to log in as."),
				"port": schema.Int64Attribute{Optional: true, MarkdownDescription: "The port of the SSH server.", Validators: []validator.Int64{int64validator.Between(0, 65535)}},
				"key": schema.StringAttribute{
					Optional: true, Sensitive: true, MarkdownDescription: "The private key: a file, or its content. With it no other key is offered. One with a passphrase has to be in the agent.",
				},
				"known_hosts": text("The host keys that are trusted: a `known_hosts` file, or its lines. Left out, OpenSSH's files."),
				"config_file": text("OpenSSH's configuration file. Left out, the user's and the system's."),
				"command": schema.ListAttribute{
					Optional: true, ElementType: types.StringType,
					MarkdownDescription: "The system's program, for what gantry can't do itself (`[\"ssh\"]`: security keys, Kerberos, `ProxyCommand`), with arguments of its own: one process for each engine. Not on Windows.",
					Validators:          []validator.List{listvalidator.ValueStringsAre(stringvalidator.LengthAtLeast(1))},
				},
				"socket": text("The path of the engine's socket on the remote host, such as that of a rootless engine. Default: `/var/run/docker.sock`."),
			},
		},
	}
}

// unknown returns the attribute that leads to the engine and is not known yet; empty if all are.
func (m *connectionModel) unknown(ctx context.Context) string {
	for _, one := range []struct {
		name  string
		value attr.Value
	}{{"host", m.Host}, {"context", m.Context}, {"tls", m.TLS}, {"ssh", m.SSH}} {
		if raw, err := one.value.ToTerraformValue(ctx); err != nil || !raw.IsFullyKnown() {
			return one.name
		}
	}
	return ""
}

// expand is the connection that is configured, where all of it is known.
func (m *connectionModel) expand(ctx context.Context, diags *diag.Diagnostics) engine.Connection {
	c := engine.Connection{Host: m.Host.ValueString(), Context: m.Context.ValueString()}
	if !m.TLS.IsNull() {
		var t tlsModel
		diags.Append(m.TLS.As(ctx, &t, basetypes.ObjectAsOptions{})...)
		c.TLS = &engine.TLS{CA: t.CA.ValueString(), Certificate: t.Certificate.ValueString(), Key: t.Key.ValueString(), ServerName: t.ServerName.ValueString(), Insecure: t.Insecure.ValueBool()}
	}
	if !m.SSH.IsNull() {
		var s sshModel
		diags.Append(m.SSH.As(ctx, &s, basetypes.ObjectAsOptions{})...)
		c.SSH = &sshlink.Settings{
			User: s.User.ValueString(), Key: s.Key.ValueString(), KnownHosts: s.KnownHosts.ValueString(), ConfigFile: s.ConfigFile.ValueString(),
			Command: expandList(s.Command), Socket: s.Socket.ValueString(),
		}
		if s.Port.ValueInt64() != 0 {
			c.SSH.Port = strconv.FormatInt(s.Port.ValueInt64(), 10)
		}
	}
	return c
}

// validate refuses what contradicts itself. Required says that there has to be an address.
func (m *connectionModel) validate(ctx context.Context, at path.Path, required bool, diags *diag.Diagnostics) {
	in := func(name string) path.Path {
		if at.Equal(path.Empty()) {
			return path.Root(name)
		}
		return at.AtName(name)
	}
	host, dockerContext := m.Host.ValueString(), m.Context.ValueString()
	addressed := host != "" || m.Host.IsUnknown() || dockerContext != "" || m.Context.IsUnknown()
	scheme, _, _ := strings.Cut(host, "://")
	switch {
	case host != "" && dockerContext != "":
		diags.AddAttributeError(in("context"), "Both host and context", "A Docker context has an address of its own. Remove one of the two.")
	case required && !addressed:
		diags.AddAttributeError(at, "An engine without an address", "An entry of engines needs host (\"ssh://deploy@edge1\") or context, the name of a Docker context.")
	}
	if scheme != "" && !m.TLS.IsNull() && scheme != "tcp" && scheme != "https" {
		diags.AddAttributeError(in("tls"), fmt.Sprintf("TLS with %s://", scheme), "tls is for an address with tcp:// or https://. Remove it, or change host.")
	}
	if scheme != "" && !m.SSH.IsNull() && scheme != "ssh" {
		diags.AddAttributeError(in("ssh"), fmt.Sprintf("SSH settings with %s://", scheme), "ssh is for an address with ssh://. Remove it, or change host.")
	}
	if m.unknown(ctx) != "" || diags.HasError() {
		return
	}
	c := m.expand(ctx, diags)
	if c.TLS == nil {
		return
	}
	switch {
	case c.TLS.Certificate != "" && c.TLS.Key == "":
		diags.AddAttributeError(in("tls").AtName("certificate"), "A certificate without a key", "The engine asks for a proof that the certificate is this client's: set tls.key, too.")
	case c.TLS.Key != "" && c.TLS.Certificate == "":
		diags.AddAttributeError(in("tls").AtName("key"), "A key without a certificate", "Set tls.certificate, too, or remove tls.key.")
	default:
		if err := c.TLS.Check(); err != nil {
			diags.AddAttributeError(in("tls"), "Unable to use the TLS settings", sentence(err)+".")
		}
	}
}
