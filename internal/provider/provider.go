// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package provider is what Terraform sees of gantry: schemas, models, mapping and plan logic. The
// work is the conductor's.
package provider

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/faulttext"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/pruned"
)

var (
	_ provider.Provider                   = (*gantry)(nil)
	_ provider.ProviderWithValidateConfig = (*gantry)(nil)
)

// Option changes how the provider works in its process.
type Option func(*gantry)

// WithBackground names the command that starts a background conductor. Without it casts complete
// before they return.
func WithBackground(command ...string) Option { return func(p *gantry) { p.background = command } }

// WithOrphaned has conductors ask whether the Terraform that started this process is gone.
func WithOrphaned(orphaned func() bool) Option { return func(p *gantry) { p.orphaned = orphaned } }

// WithRegister has every conductor that a configuration makes handed to register, so that the
// process can close it when it ends: Terraform has no call for that.
func WithRegister(register func(io.Closer)) Option {
	return func(p *gantry) { p.register = register }
}

func newGantry(version string, logger hclog.Logger, options []Option) *gantry {
	p := &gantry{version: version, logger: logger, register: func(io.Closer) {}}
	for _, option := range options {
		option(p)
	}
	return p
}

// NewServer returns a constructor of the provider's server, in which containers are narrowed to the
// attributes that a request is about. The logger is the conductor's.
func NewServer(version string, logger hclog.Logger, options ...Option) func() tfprotov6.ProviderServer {
	return func() tfprotov6.ProviderServer {
		return newActionServer(readable{newKeyChecker(pruned.NewServer(context.Background(), newGantry(version, logger, options), "gantry_container",
			func() pruned.Resource { return &containerResource{} }, pruned.Attributes{Read: readByOthers(), Nullable: attributesWithZero(context.Background())}))})
	}
}

// readByOthers are the attributes of a container that validators and plan modifiers of others read.
func readByOthers() []string {
	return []string{"environment_wo", "ipc", "pid", "ports", "privileged", "update_order"}
}

type gantry struct {
	version    string
	logger     hclog.Logger
	background []string
	orphaned   func() bool
	register   func(io.Closer)
	data       atomic.Pointer[providerData]
}

// providerData is what a configured provider hands to its resources.
type providerData struct {
	// members are its engines.
	*members
	// unkept warns once that the journal does not have the operations.
	unkept sync.Once
	// completes warns once that casts complete before they return.
	completes sync.Once
	// ci says that this is a CI run; cutOff warns once what that means for casts.
	ci     bool
	cutOff sync.Once
	// told are the late failures that the configuration told of all at
	// once, so that their resources need not.
	told conductor.LateFaults
	// settles is how a failure that was made up for is told no more.
	settles settling
	// outages counts the containers that were told of as not what they were left as.
	outages atomic.Int32
	// wait is the default of the resources' wait_for; empty if there is none.
	wait container.Wait
	// digests are what replacements are to pull.
	digests digests
}

type providerModel struct {
	connectionModel
	MaxParallel      types.Int64  `tfsdk:"max_parallel"`
	MaxParallelPulls types.Int64  `tfsdk:"max_parallel_pulls"`
	WaitFor          types.String `tfsdk:"wait_for"`
	RegistryAuth     types.Map    `tfsdk:"registry_auth"`
	Registries       types.Map    `tfsdk:"registries"`
	StateDir         types.String `tfsdk:"state_dir"`
	Background       types.String `tfsdk:"background"`
	WhenSaturated    types.String `tfsdk:"when_saturated"`
	DefaultLabels    types.Map    `tfsdk:"default_labels"`
	Engines          types.Map    `tfsdk:"engines"`
	OnUnreachable    types.String `tfsdk:"on_unreachable"`
}

func (p *gantry) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName, resp.Version = "gantry", p.version
}

func (p *gantry) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Manages containers on Docker engines, and never blocks on them.",
		Attributes: map[string]schema.Attribute{
			"wait_for": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The default of the containers' `wait_for`, for those whose `desired_state` it fits.",
				Validators: orLeftOut[validator.String](validWaits()),
			},
			"state_dir": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The directory of the journal and of the locks, an absolute path on the machine that runs Terraform. " +
					"Default: `gantry` in the XDG state directory (`~/.local/state/gantry`). It belongs to one user: a directory that is another user's, or that others can write, is refused, and so is a path that is no directory.",
				Validators: orLeftOut[validator.String](folderPath{}),
			},
			"background": schema.StringAttribute{
				Optional: true, MarkdownDescription: "`on` (default): casts (`wait_for = \"none\"`) are carried out by a background conductor, a process that outlives the apply. " +
					"`off`: there is no second process, and a cast completes before it returns.",
				Validators: orLeftOut[validator.String](stringvalidator.OneOf("on", "off")),
			},
			"when_saturated": schema.StringAttribute{
				Optional: true, MarkdownDescription: "What a cast does when `max_parallel` operations occupy the engine: `queue` (default): it is accepted and waits in the background. " +
					"`inline`: it returns when its turn has come, so that the apply feels the back-pressure.",
				Validators: orLeftOut[validator.String](stringvalidator.OneOf("queue", "inline")),
			},
			"default_labels": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Labels of all containers, below their own `labels`. A change replaces the containers, but for imported ones that lack them.",
				Validators:          []validator.Map{mapvalidator.KeysAre(foreignLabel{}), mapvalidator.NoNullValues()},
			},
			"registry_auth":  registryAuthAttribute("Credentials by registry (`ghcr.io`, `127.0.0.1:5000`, `docker.io`). For other registries the Docker CLI's configuration and its credential helpers are asked."),
			"registries":     registriesAttribute(),
			"engines":        enginesAttribute(),
			"on_unreachable": onUnreachableAttribute("Default: `error`. An entry of `engines` can have its own."),
		},
	}
	maps.Copy(resp.Schema.Attributes, limitsOfEngine())
	maps.Copy(resp.Schema.Attributes, connectionAttributes("Default: `DOCKER_HOST`, else the Docker CLI's current context, else the local socket."))
}

// ValidateConfig checks what concerns more than one attribute of a connection.
func (p *gantry) ValidateConfig(ctx context.Context, req provider.ValidateConfigRequest, resp *provider.ValidateConfigResponse) {
	var config providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	config.connectionModel.validate(ctx, path.Empty(), false, &resp.Diagnostics)
	config.validateEngines(ctx, &resp.Diagnostics)
}

func (p *gantry) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	data := &providerData{members: &members{}}
	resp.ResourceData, resp.DataSourceData, resp.ActionData = data, data, data
	p.data.Store(data)
	labels := readDefaultLabels(ctx, req, &resp.Diagnostics)
	var config providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	credentials, registries := credentialsOf(ctx, config.RegistryAuth, &resp.Diagnostics), config.trusted(ctx, &resp.Diagnostics)
	engines, byName, open := config.engines(ctx, credentials, labels, &resp.Diagnostics)
	byName[""] = &member{keeps: keepsUnreachable(types.StringNull(), config.OnUnreachable), labels: labels}
	data.members.byName, data.members.open = byName, open
	if !config.engineUnknown(ctx, &resp.Diagnostics) {
		engines[""] = conductor.EngineOptions{
			Connection: config.expand(ctx, &resp.Diagnostics), MaxParallel: int(config.MaxParallel.ValueInt64()), MaxParallelPulls: int(config.MaxParallelPulls.ValueInt64()),
			Credentials: credentials,
		}
	}
	if resp.Diagnostics.HasError() || config.StateDir.IsUnknown() {
		return
	}
	data.ci = !slices.Contains([]string{"", "0", "false"}, os.Getenv("CI")) // All CI systems set it to true.
	data.wait = container.Wait(config.WaitFor.ValueString())
	background := p.background
	if config.Background.ValueString() == "off" {
		background = nil
	}
	data.members = p.join(conductor.Options{
		Text:     faulttext.Of,
		StateDir: cleanFolder(config.StateDir.ValueString()), Background: background, Inline: config.WhenSaturated.ValueString() == "inline",
		Registries: registries, Release: p.version, Scope: workspaceScope(os.Getenv), Orphaned: p.orphaned, Logger: p.logger,
	}, engines, byName, open)
	data.members.warnOfUnknown(&resp.Diagnostics)
	data.settles = settling{cleanFolder(config.StateDir.ValueString())}
	p.register(data.fleet)
	if summary, err := data.fleet.StateDirRefused(); err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("state_dir"), summary, sentence(err)+".")
		return
	}
	late := data.fleet.LateFaults()
	if reportLate(late, &resp.Diagnostics) {
		data.told = late
	}
	reportUnreadable(late.Problems, late.Unreadable, &resp.Diagnostics)
}

// cleanFolder returns the one spelling of a directory; empty stays empty.
func cleanFolder(folder string) string {
	if folder == "" {
		return ""
	}
	return filepath.Clean(folder)
}

// ResourceData returns what Configure handed to the resources; nil as long as it has not run.
func (p *gantry) ResourceData() any {
	if data := p.data.Load(); data != nil {
		return data
	}
	return nil
}

func (p *gantry) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{newContainerResource, newBarrierResource, newNetworkResource, newVolumeResource, newImageResource, newExecResource}
}

func (p *gantry) DataSources(context.Context) []func() datasource.DataSource { return dataSources() }

// engineUnknown reports whether a plan can't ask the engine, since what leads to it depends on what is not
// known yet, and warns of it: the resources then keep what the state says. What else is not known yet concerns
// an apply, in which all is known.
func (m *providerModel) engineUnknown(ctx context.Context, diags *diag.Diagnostics) bool {
	name := m.connectionModel.unknown(ctx)
	if m.StateDir.IsUnknown() {
		name = "state_dir"
	}
	if name != "" {
		diags.AddAttributeWarning(path.Root(name), fmt.Sprintf("Nothing is compared with the engine: %s is not known yet", name), notComparedYet)
		return true
	}
	return false
}

// hostAddress validates the form of an engine's address.
type hostAddress struct{}

func (hostAddress) Description(context.Context) string {
	return `must be an address such as "unix:///var/run/docker.sock", "tcp://edge1:2376" or "ssh://user@edge1"`
}
func (v hostAddress) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }
func (v hostAddress) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := engine.CheckHost(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid host %q", engine.Redacted(req.ConfigValue.ValueString())), fmt.Sprintf("It %s.", v.Description(ctx)))
	}
}
