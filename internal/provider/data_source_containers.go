// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
)

// containerData is the data source gantry_container.
type containerData struct{ lookup }

func newContainerData() datasource.DataSource { return &containerData{lookup{name: "container"}} }

type containerDataModel struct {
	Engine         types.String `tfsdk:"engine"`
	Name           types.String `tfsdk:"name"`
	ID             types.String `tfsdk:"id"`
	ContainerID    types.String `tfsdk:"container_id"`
	Image          types.String `tfsdk:"image"`
	ImageID        types.String `tfsdk:"image_id"`
	Status         types.String `tfsdk:"status"`
	Health         types.String `tfsdk:"health"`
	ExitCode       types.Int64  `tfsdk:"exit_code"`
	RestartCount   types.Int64  `tfsdk:"restart_count"`
	Labels         types.Map    `tfsdk:"labels"`
	Addresses      types.Map    `tfsdk:"addresses"`
	IPv6Addresses  types.Map    `tfsdk:"ipv6_addresses"`
	PublishedPorts types.Map    `tfsdk:"published_ports"`
	Created        types.String `tfsdk:"created"`
	Started        types.String `tfsdk:"started"`
	Finished       types.String `tfsdk:"finished"`
}

func (d *containerData) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A container that is on the Docker engine, whoever made it. Its environment is left out: it may hold secrets.",
		Attributes: map[string]schema.Attribute{
			"engine": engineOfData(),
			"name":   wanted("The container's name or ID."),
			"id":     computedString("`engine/name`."), "container_id": computedString("The container's ID."), "image": computedString("The image that it was created from, as it was named."),
			"image_id": computedString("The ID of that image."), "status": computedString("The engine's word: `created`, `running`, `paused`, `restarting`, `exited` or `dead`."),
			"health":    computedString("`starting`, `healthy` or `unhealthy`; null without a health check."),
			"exit_code": computedInt64("The exit code of a container that has run and ended."), "restart_count": computedInt64("How often the engine has restarted it."),
			"labels": foundMap("Its labels, with those of its image."), "addresses": foundMap("Its address in each network, by the network's name; only while it runs."),
			"ipv6_addresses":  foundMap("Its IPv6 address in each network that has any, by the network's name; only while it runs."),
			"published_ports": schema.MapAttribute{Computed: true, ElementType: types.Int64Type, MarkdownDescription: "The host's port for each published port, by `\"80/tcp\"`; only while it runs."},
			"created":         computedString("When it was created (RFC 3339)."), "started": computedString("When it was last started."), "finished": computedString("When it last ended."),
		},
	}
}

func (d *containerData) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m containerDataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	ctx, cancel, one := d.ready(ctx, m.Engine, &resp.Diagnostics)
	defer cancel()
	if one == nil {
		return
	}
	c, err := one.Inspect(ctx, m.Name.ValueString())
	if err != nil {
		addFault(&resp.Diagnostics, err)
		return
	}
	m.ID, m.ContainerID = types.StringValue(c.Engine+"/"+c.Name), types.StringValue(c.ID)
	m.Image, m.ImageID, m.Status, m.Health = stringOrNull(c.Image), types.StringValue(c.ImageID), types.StringValue(c.State.Status), stringOrNull(c.State.Health)
	m.ExitCode, m.RestartCount = types.Int64Null(), types.Int64Value(int64(c.State.RestartCount))
	if c.State.Ended() {
		m.ExitCode = types.Int64Value(int64(c.State.ExitCode))
	}
	m.Labels, m.Addresses, m.IPv6Addresses, m.PublishedPorts = stringMap(c.Labels), addresses(nil, c), addressesIPv6(nil, c), publishedPorts(c)
	m.Created, m.Started, m.Finished = timeString(c.Created), timeString(c.State.StartedAt), timeString(c.State.FinishedAt)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// containersData is the data source gantry_containers.
type containersData struct{ lookup }

func newContainersData() datasource.DataSource { return &containersData{lookup{name: "containers"}} }

type containersDataModel struct {
	Engine     types.String               `tfsdk:"engine"`
	Name       types.String               `tfsdk:"name"`
	Labels     map[string]types.String    `tfsdk:"labels"`
	Status     []types.String             `tfsdk:"status"`
	Health     types.String               `tfsdk:"health"`
	Network    types.String               `tfsdk:"network"`
	Volume     types.String               `tfsdk:"volume"`
	Image      types.String               `tfsdk:"image"`
	Containers map[string]containerListed `tfsdk:"containers"`
}

type containerListed struct {
	ContainerID types.String `tfsdk:"container_id"`
	Image       types.String `tfsdk:"image"`
	ImageID     types.String `tfsdk:"image_id"`
	Status      types.String `tfsdk:"status"`
	Labels      types.Map    `tfsdk:"labels"`
	Created     types.String `tfsdk:"created"`
}

func (d *containersData) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	optional := func(description string) schema.Attribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "The containers on the Docker engine that meet all of these filters, running or not, whoever made them.",
		Attributes: map[string]schema.Attribute{
			"engine": engineOfData(),
			"name":   optional("A part of the name."),
			"labels": schema.MapAttribute{Optional: true, ElementType: types.StringType, MarkdownDescription: "Labels that it has. An empty value stands for any."},
			"status": schema.SetAttribute{
				Optional: true, ElementType: types.StringType, MarkdownDescription: "The engine's words for its power state; one of them is enough.",
				Validators: []validator.Set{setvalidator.NoNullValues(), setvalidator.ValueStringsAre(stringvalidator.OneOf("created", "running", "paused", "restarting", "removing", "exited", "dead"))},
			},
			"health": schema.StringAttribute{
				Optional: true, MarkdownDescription: "`starting`, `healthy`, `unhealthy`, or `none` for those without a health check.",
				Validators: orLeftOut[validator.String](stringvalidator.OneOf("starting", "healthy", "unhealthy", "none")),
			},
			"network": optional("The name or ID of a network that it is connected to."),
			"volume":  optional("The name of a volume that it uses, or a path where it has one."),
			"image":   optional("The image that it was made from, or from one that was made from that."),
			"containers": schema.MapNestedAttribute{
				Computed: true, MarkdownDescription: "The containers by name.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"container_id": computedString("The container's ID."), "image": computedString("Its image, as it was named."), "image_id": computedString("The image's ID."),
					"status": computedString("The engine's word for its power state."), "labels": foundMap("Its labels."), "created": computedString("When it was created (RFC 3339)."),
				}},
			},
		},
	}
}

func (d *containersData) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m containersDataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	ctx, cancel, one := d.ready(ctx, m.Engine, &resp.Diagnostics)
	defer cancel()
	if one == nil {
		return
	}
	list, err := one.List(ctx, filterOf(m))
	if err != nil {
		addFault(&resp.Diagnostics, err)
		return
	}
	m.Containers = make(map[string]containerListed, len(list))
	for _, c := range list {
		m.Containers[c.Name] = containerListed{
			ContainerID: types.StringValue(c.ID), Image: types.StringValue(c.Image), ImageID: types.StringValue(c.ImageID), Status: types.StringValue(c.Status),
			Labels: stringMap(c.Labels), Created: timeString(c.Created),
		}
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// logsData is the data source gantry_logs.
type logsData struct{ lookup }

func newLogsData() datasource.DataSource { return &logsData{lookup{name: "logs"}} }

// defaultTail is how many lines are read if nobody says.
const defaultTail = 100

type logsDataModel struct {
	Engine     types.String `tfsdk:"engine"`
	Container  types.String `tfsdk:"container"`
	Tail       types.Int64  `tfsdk:"tail"`
	Since      types.String `tfsdk:"since"`
	Until      types.String `tfsdk:"until"`
	Timestamps types.Bool   `tfsdk:"timestamps"`
	Stdout     types.String `tfsdk:"stdout"`
	Stderr     types.String `tfsdk:"stderr"`
	Truncated  types.Bool   `tfsdk:"truncated"`
}

func (d *logsData) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The log of a container, whether it runs or not. Of each stream at most the last megabyte is kept. It is in the state: a program that prints secrets puts them there.",
		Attributes: map[string]schema.Attribute{
			"engine":    engineOfData(),
			"container": wanted("The container's name or ID."),
			"tail": schema.Int64Attribute{
				Optional: true, MarkdownDescription: "How many lines from the end. Default: 100; `-1` is all of them.", Validators: []validator.Int64{int64validator.AtLeast(-1)},
			},
			"since":      schema.StringAttribute{Optional: true, MarkdownDescription: "Only what was written after this time (RFC 3339), or in this last while (`10m`)."},
			"until":      schema.StringAttribute{Optional: true, MarkdownDescription: "Only what was written before this time."},
			"timestamps": schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether each line begins with its time. Default `false`."},
			"stdout":     computedString("What was written on standard output; all of it, where the container has a terminal."), "stderr": computedString("What was written on standard error."),
			"truncated": computedBool("Whether there was more than is kept: the beginning is missing then."),
		},
	}
}

func (d *logsData) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m logsDataModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	ctx, cancel, one := d.ready(ctx, m.Engine, &resp.Diagnostics)
	defer cancel()
	if one == nil {
		return
	}
	tail := int64(defaultTail)
	if !m.Tail.IsNull() {
		tail = m.Tail.ValueInt64()
	}
	log, err := one.Logs(ctx, m.Container.ValueString(), conductor.LogOptions{
		Tail: int(tail), Since: m.Since.ValueString(), Until: m.Until.ValueString(), Timestamps: m.Timestamps.ValueBool(),
	})
	if err != nil {
		addFault(&resp.Diagnostics, err)
		return
	}
	m.Stdout, m.Stderr, m.Truncated = types.StringValue(log.Stdout), types.StringValue(log.Stderr), types.BoolValue(log.Truncated)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}
