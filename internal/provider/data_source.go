// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
)

// dataSources are all of them. They look, and take no slot of the pool.
func dataSources() []func() datasource.DataSource {
	return []func() datasource.DataSource{
		newEngineData, newEnginesData, newContainerData, newContainersData, newImageData, newNetworkData, newVolumeData, newLogsData, newRegistryImageData,
	}
}

// lookup is what all data sources share: its name after "gantry_", and the provider's data.
type lookup struct {
	*providerData
	name string
}

func (l *lookup) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + l.name
}

func (l *lookup) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	l.providerData = configured(req.ProviderData, &resp.Diagnostics)
}

// ready returns the engine to ask, and bounds the look; it is nil, with an error, if there is none.
func (l *lookup) ready(ctx context.Context, engine types.String, diags *diag.Diagnostics) (context.Context, context.CancelFunc, *member) {
	one := l.usable(ctx, engine, diags)
	ctx, cancel := context.WithTimeout(ctx, defaultReadTimeout)
	if diags.HasError() {
		return ctx, cancel, nil
	}
	return ctx, cancel, one
}

func engineOfData() schema.Attribute {
	return schema.StringAttribute{
		Optional: true, MarkdownDescription: engineText, Validators: []validator.String{engineKey{}},
	}
}

func computedString(description string) schema.Attribute {
	return schema.StringAttribute{Computed: true, MarkdownDescription: description}
}

// wanted is the name of what is looked for.
func wanted(description string) schema.Attribute {
	return schema.StringAttribute{Required: true, MarkdownDescription: description, Validators: []validator.String{stringvalidator.LengthAtLeast(1)}}
}

func computedInt64(description string) schema.Attribute {
	return schema.Int64Attribute{Computed: true, MarkdownDescription: description}
}

func computedBool(description string) schema.Attribute {
	return schema.BoolAttribute{Computed: true, MarkdownDescription: description}
}

func foundList(description string) schema.Attribute {
	return schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: description}
}

func foundMap(description string) schema.Attribute {
	return schema.MapAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: description}
}

func stringMap(m map[string]string) types.Map {
	out := make(map[string]attr.Value, len(m))
	for key, value := range m {
		out[key] = types.StringValue(value)
	}
	return types.MapValueMust(types.StringType, out)
}

// timeString spells a time; null is one that never was.
func timeString(t time.Time) types.String {
	if t.IsZero() {
		return types.StringNull()
	}
	return types.StringValue(t.UTC().Format(time.RFC3339))
}

// engineData is the data source gantry_engine.
type engineData struct{ lookup }

func newEngineData() datasource.DataSource { return &engineData{lookup{name: "engine"}} }

type engineDataModel struct {
	Engine          types.String `tfsdk:"engine"`
	ID              types.String `tfsdk:"id"`
	Name            types.String `tfsdk:"name"`
	Version         types.String `tfsdk:"version"`
	APIVersion      types.String `tfsdk:"api_version"`
	OperatingSystem types.String `tfsdk:"operating_system"`
	OSType          types.String `tfsdk:"os_type"`
	Architecture    types.String `tfsdk:"architecture"`
	KernelVersion   types.String `tfsdk:"kernel_version"`
	RootDir         types.String `tfsdk:"root_dir"`
	StorageDriver   types.String `tfsdk:"storage_driver"`
	LoggingDriver   types.String `tfsdk:"logging_driver"`
	CgroupDriver    types.String `tfsdk:"cgroup_driver"`
	CgroupVersion   types.String `tfsdk:"cgroup_version"`
	SwarmState      types.String `tfsdk:"swarm_state"`
	CPUs            types.Int64  `tfsdk:"cpus"`
	Memory          types.Int64  `tfsdk:"memory"`
	LiveRestore     types.Bool   `tfsdk:"live_restore"`
	SecurityOptions types.List   `tfsdk:"security_options"`
	Runtimes        types.List   `tfsdk:"runtimes"`
	NetworkDrivers  types.List   `tfsdk:"network_drivers"`
	VolumeDrivers   types.List   `tfsdk:"volume_drivers"`
}

func (d *engineData) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "What the provider's Docker engine says of itself.",
		Attributes: map[string]schema.Attribute{
			"engine": engineOfData(),
			"id":     computedString("The engine's ID."), "name": computedString("The host name that the engine reports: the first part of gantry's IDs."),
			"version": computedString("The engine's version."), "api_version": computedString("The version of the API that gantry and the engine agreed on."),
			"operating_system": computedString("The operating system of the host."), "os_type": computedString("`linux` or `windows`."), "architecture": computedString("The host's architecture."),
			"kernel_version": computedString("The version of the kernel."), "root_dir": computedString("The directory where the engine keeps its data."),
			"storage_driver": computedString("The storage driver."), "logging_driver": computedString("The logging driver of containers that name none."),
			"cgroup_driver": computedString("`cgroupfs` or `systemd`."), "cgroup_version": computedString("`1` or `2`."),
			"swarm_state": computedString("`inactive`, or the state of the engine's node in its swarm."),
			"cpus":        computedInt64("How many CPUs the host has."), "memory": computedInt64("How much memory the host has, in bytes."),
			"live_restore":     computedBool("Whether containers keep running while the engine restarts."),
			"security_options": foundList("Security features that are on, for example `name=seccomp,profile=default`."), "runtimes": foundList("The names of the runtimes."),
			"network_drivers": foundList("The drivers of networks."), "volume_drivers": foundList("The drivers of volumes."),
		},
	}
}

func (d *engineData) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var engine types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("engine"), &engine)...)
	ctx, cancel, one := d.ready(ctx, engine, &resp.Diagnostics)
	defer cancel()
	if one == nil {
		return
	}
	e, err := one.EngineInfo(ctx)
	if err != nil {
		addFault(&resp.Diagnostics, err)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, engineDataModel{
		Engine: engine,
		ID:     types.StringValue(e.ID), Name: types.StringValue(e.Name), Version: types.StringValue(e.Version), APIVersion: types.StringValue(e.APIVersion),
		OperatingSystem: stringOrNull(e.OperatingSystem), OSType: stringOrNull(e.OSType), Architecture: stringOrNull(e.Architecture),
		KernelVersion: stringOrNull(e.KernelVersion), RootDir: stringOrNull(e.RootDir), StorageDriver: stringOrNull(e.StorageDriver),
		LoggingDriver: stringOrNull(e.LoggingDriver), CgroupDriver: stringOrNull(e.CgroupDriver), CgroupVersion: stringOrNull(e.CgroupVersion),
		SwarmState: stringOrNull(e.SwarmState), CPUs: types.Int64Value(int64(e.CPUs)), Memory: types.Int64Value(e.Memory),
		LiveRestore: types.BoolValue(e.LiveRestore), SecurityOptions: stringList(e.SecurityOptions), Runtimes: stringList(e.Runtimes),
		NetworkDrivers: stringList(e.NetworkDrivers), VolumeDrivers: stringList(e.VolumeDrivers),
	})...)
}

// imageData is the data source gantry_image.
type imageData struct{ lookup }

func newImageData() datasource.DataSource { return &imageData{lookup{name: "image"}} }

type imageDataModel struct {
	Engine      types.String `tfsdk:"engine"`
	Name        types.String `tfsdk:"name"`
	ID          types.String `tfsdk:"id"`
	ImageID     types.String `tfsdk:"image_id"`
	Digest      types.String `tfsdk:"digest"`
	RepoTags    types.List   `tfsdk:"repo_tags"`
	RepoDigests types.List   `tfsdk:"repo_digests"`
	Size        types.Int64  `tfsdk:"size"`
	OSPlatform  types.String `tfsdk:"os_platform"`
	Created     types.String `tfsdk:"created"`
	Labels      types.Map    `tfsdk:"labels"`
}

func (d *imageData) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "An image that is on the Docker engine. Nothing is pulled.",
		Attributes: map[string]schema.Attribute{
			"engine": engineOfData(),
			"name":   wanted("The image's name or ID."),
			"id":     computedString("`engine/name`."), "image_id": computedString("The image's ID on the engine (`sha256:…`)."),
			"digest": computedString("The digest at the registry of its name, where the engine knows just one."), "repo_tags": foundList("All names of the image."),
			"repo_digests": foundList("All digests at registries (`name@sha256:…`)."), "size": computedInt64("The size on the engine, in bytes."),
			"os_platform": computedString("The platform that the image is for."), "created": computedString("When the image was made (RFC 3339)."), "labels": foundMap("The image's labels."),
		},
	}
}

func (d *imageData) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m imageDataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	ctx, cancel, one := d.ready(ctx, m.Engine, &resp.Diagnostics)
	defer cancel()
	if one == nil {
		return
	}
	img, err := one.InspectImage(ctx, m.Name.ValueString())
	if err != nil {
		addFault(&resp.Diagnostics, err)
		return
	}
	m.ID, m.ImageID, m.Digest = types.StringValue(img.Engine+"/"+m.Name.ValueString()), types.StringValue(img.ID), stringOrNull(img.Digest)
	m.RepoTags, m.RepoDigests, m.Size = sortedList(img.RepoTags), sortedList(img.RepoDigests), types.Int64Value(img.Size)
	m.OSPlatform, m.Created, m.Labels = stringOrNull(img.Platform), timeString(img.Created), stringMap(img.Labels)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// networkData is the data source gantry_network.
type networkData struct{ lookup }

func newNetworkData() datasource.DataSource { return &networkData{lookup{name: "network"}} }

type networkDataModel struct {
	Engine     types.String `tfsdk:"engine"`
	Name       types.String `tfsdk:"name"`
	ID         types.String `tfsdk:"id"`
	NetworkID  types.String `tfsdk:"network_id"`
	Driver     types.String `tfsdk:"driver"`
	Scope      types.String `tfsdk:"scope"`
	Internal   types.Bool   `tfsdk:"internal"`
	Attachable types.Bool   `tfsdk:"attachable"`
	EnableIPv4 types.Bool   `tfsdk:"enable_ipv4"`
	EnableIPv6 types.Bool   `tfsdk:"enable_ipv6"`
	Options    types.Map    `tfsdk:"options"`
	Labels     types.Map    `tfsdk:"labels"`
	Subnets    types.List   `tfsdk:"subnets"`
	Created    types.String `tfsdk:"created"`
}

func (d *networkData) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A network that is on the Docker engine.",
		Attributes: map[string]schema.Attribute{
			"engine": engineOfData(),
			"name":   wanted("The network's name or ID."),
			"id":     computedString("`engine/name`."), "network_id": computedString("The network's ID."), "driver": computedString("The driver."), "scope": computedString("`local`, `swarm` or `global`."),
			"internal": computedBool("Whether the network has no way outside."), "attachable": computedBool("Whether containers can be connected by hand."),
			"enable_ipv4": computedBool("Whether containers get IPv4 addresses."), "enable_ipv6": computedBool("Whether containers get IPv6 addresses."), "options": foundMap("Options of the driver."), "labels": foundMap("The network's labels."),
			"subnets": schema.ListNestedAttribute{
				Computed: true, MarkdownDescription: "The address ranges.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"subnet": computedString("The subnet."), "gateway": computedString("The gateway."), "ip_range": computedString("The part of the subnet that containers get addresses from."),
				}},
			},
			"created": computedString("When it was created (RFC 3339)."),
		},
	}
}

func (d *networkData) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m networkDataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	ctx, cancel, one := d.ready(ctx, m.Engine, &resp.Diagnostics)
	defer cancel()
	if one == nil {
		return
	}
	n, err := one.InspectNetwork(ctx, m.Name.ValueString())
	if err != nil {
		addFault(&resp.Diagnostics, err)
		return
	}
	m.ID, m.NetworkID = types.StringValue(n.Engine+"/"+n.Name), types.StringValue(n.ID)
	m.Driver, m.Scope, m.Created = stringOrNull(n.Driver), stringOrNull(n.Scope), timeString(n.Created)
	m.Internal, m.Attachable = types.BoolValue(n.Internal), types.BoolValue(n.Attachable)
	m.EnableIPv4, m.EnableIPv6 = types.BoolValue(!n.DisableIPv4), types.BoolValue(n.EnableIPv6)
	m.Options, m.Labels, m.Subnets = stringMap(n.Options), stringMap(n.Labels), flattenSubnets(n)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// volumeData is the data source gantry_volume.
type volumeData struct{ lookup }

func newVolumeData() datasource.DataSource { return &volumeData{lookup{name: "volume"}} }

type volumeDataModel struct {
	Engine     types.String `tfsdk:"engine"`
	Name       types.String `tfsdk:"name"`
	ID         types.String `tfsdk:"id"`
	Driver     types.String `tfsdk:"driver"`
	Mountpoint types.String `tfsdk:"mountpoint"`
	Scope      types.String `tfsdk:"scope"`
	DriverOpts types.Map    `tfsdk:"driver_opts"`
	Labels     types.Map    `tfsdk:"labels"`
	Created    types.String `tfsdk:"created"`
}

func (d *volumeData) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A volume that is on the Docker engine.",
		Attributes: map[string]schema.Attribute{
			"engine": engineOfData(),
			"name":   wanted("The volume's name."),
			"id":     computedString("`engine/name`."), "driver": computedString("The driver."), "mountpoint": computedString("The directory on the engine's host, as the driver says."),
			"scope": computedString("`local` or `global`."), "driver_opts": foundMap("Options of the driver."), "labels": foundMap("The volume's labels."),
			"created": computedString("When it was created (RFC 3339)."),
		},
	}
}

func (d *volumeData) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m volumeDataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	ctx, cancel, one := d.ready(ctx, m.Engine, &resp.Diagnostics)
	defer cancel()
	if one == nil {
		return
	}
	v, err := one.InspectVolume(ctx, m.Name.ValueString())
	if err != nil {
		addFault(&resp.Diagnostics, err)
		return
	}
	m.ID, m.Driver, m.Mountpoint = types.StringValue(v.Engine+"/"+v.Name), stringOrNull(v.Driver), stringOrNull(v.Mountpoint)
	m.Scope, m.DriverOpts, m.Labels, m.Created = stringOrNull(v.Scope), stringMap(v.DriverOpts), stringMap(v.Labels), timeString(v.Created)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// registryImageData is the data source gantry_registry_image.
type registryImageData struct{ lookup }

func newRegistryImageData() datasource.DataSource {
	return &registryImageData{lookup{name: "registry_image"}}
}

type registryImageDataModel struct {
	Name      types.String                     `tfsdk:"name"`
	Digest    types.String                     `tfsdk:"digest"`
	MediaType types.String                     `tfsdk:"media_type"`
	Platforms map[string]registryPlatformModel `tfsdk:"platforms"`
}

type registryPlatformModel struct {
	Digest types.String `tfsdk:"digest"`
	Size   types.Int64  `tfsdk:"size"`
}

func (d *registryImageData) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "An image at its registry: what a tag leads to, without pulling it. The machine that runs Terraform asks the registry, not the engine, " +
			"with the credentials of `registry_auth`, else of the Docker CLI.",
		Attributes: map[string]schema.Attribute{
			"name":   wanted("The image: `[registry/]name[:tag][@digest]`."),
			"digest": computedString("The digest that the reference leads to (`sha256:…`): with `name@digest` a container gets exactly this image."), "media_type": computedString("The media type of what the digest names."),
			"platforms": schema.MapNestedAttribute{
				Computed: true, MarkdownDescription: "The images by platform (`linux/amd64`).",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"digest": computedString("The digest of this platform's image."), "size": computedInt64("How many bytes a pull transfers at most."),
				}},
			},
		},
	}
}

func (d *registryImageData) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m registryImageDataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	ctx, cancel, one := d.ready(ctx, types.StringNull(), &resp.Diagnostics)
	defer cancel()
	if one == nil {
		return
	}
	img, err := one.RegistryImage(ctx, m.Name.ValueString())
	if err != nil {
		addFault(&resp.Diagnostics, err)
		return
	}
	m.Digest, m.MediaType, m.Platforms = types.StringValue(img.Digest), types.StringValue(img.MediaType), make(map[string]registryPlatformModel)
	for _, p := range img.Platforms {
		m.Platforms[p.Platform] = registryPlatformModel{Digest: types.StringValue(p.Digest), Size: types.Int64Value(p.Size)}
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// filterOf says which containers are asked for.
func filterOf(m containersDataModel) engine.Filter {
	return engine.Filter{
		Name: m.Name.ValueString(), Labels: expandMap(m.Labels), Status: expandList(m.Status), Network: m.Network.ValueString(), Volume: m.Volume.ValueString(),
		Image: m.Image.ValueString(), Health: m.Health.ValueString(),
	}
}
