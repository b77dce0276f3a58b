// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/faulttext"
)

// computedModel is what gantry tells of the container, and of its last operation.
type computedModel struct {
	ID             types.String `tfsdk:"id"`
	ContainerID    types.String `tfsdk:"container_id"`
	ImageID        types.String `tfsdk:"image_id"`
	ImageDigest    types.String `tfsdk:"image_digest"`
	Status         types.String `tfsdk:"status"`
	StartedAt      types.String `tfsdk:"started_at"`
	Health         types.String `tfsdk:"health"`
	ExitCode       types.Int64  `tfsdk:"exit_code"`
	OperationID    types.String `tfsdk:"operation_id"`
	Fault          types.Object `tfsdk:"fault"`
	Addresses      types.Map    `tfsdk:"addresses"`
	IPv6Addresses  types.Map    `tfsdk:"ipv6_addresses"`
	PublishedPorts types.Map    `tfsdk:"published_ports"`
}

// computedBlock is what no configuration can have.
func computedBlock() block {
	return block{
		schema:  computedSchema,
		effects: computedEffects,
		refresh: func(m *containerModel, o observation) { m.compute(o.Container) },
		imports: func(m *containerModel, o observation) { m.compute(o.Container) },
	}
}

func computedSchema(context.Context) map[string]schema.Attribute {
	computedStable := func(description string) schema.Attribute {
		return schema.StringAttribute{
			Computed: true, MarkdownDescription: description,
			PlanModifiers: []planmodifier.String{stringplanmodifier.UseNonNullStateForUnknown()},
		}
	}
	changing := func(description string) schema.Attribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	return map[string]schema.Attribute{
		"engine_id":    engineIDAttribute(),
		"id":           changing("`engine/name`, where engine is the host name that the engine reports. Changes in place with the name."),
		"container_id": computedStable("The container's ID: 64 hexadecimal digits."),
		"image_id":     computedStable("The ID of the image that the container was made from."),
		"image_digest": computedStable("The image's digest at its registry, where the reference names it or a pull brought it."),
		"status":       changing("`create_in_progress` or `update_in_progress` while a cast is under way; else the engine's word: `created`, `running`, `paused`, `restarting`, `exited` or `dead`; without a container `create_failed` or `interrupted`."),
		"health":       changing("`starting`, `healthy` or `unhealthy`; null without a health check."),
		"started_at":   computedStable("When the container was last started (RFC 3339); null if it never was. Not known in a plan that starts it again: in the `restart_triggers` of a container that shares its name spaces it has that restarted, too."),
		"exit_code": schema.Int64Attribute{
			Computed: true, MarkdownDescription: "The exit code of a container that has run and ended.",
		},
		"operation_id": changing("The ID of the last operation: `engine/name/unique`."),
		"fault":        faultAttribute("`create`, `update`, `exchange` or `delete`"),
		"addresses": schema.MapAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "The container's address in each network, by its key in `networks`, else by the network's name; only while it runs.",
			PlanModifiers:       []planmodifier.Map{mapplanmodifier.UseNonNullStateForUnknown()},
		},
		"ipv6_addresses": schema.MapAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "The container's IPv6 address in each network that has any, by its key in `networks`, else by the network's name; only while it runs.",
			PlanModifiers:       []planmodifier.Map{mapplanmodifier.UseNonNullStateForUnknown()},
		},
		"published_ports": schema.MapAttribute{
			Computed: true, ElementType: types.Int64Type,
			MarkdownDescription: "The port of the host that leads to a port of the container, by `\"80/tcp\"`; the lowest one where there are several; only while it runs.",
			PlanModifiers:       []planmodifier.Map{mapplanmodifier.UseNonNullStateForUnknown()},
		},
	}
}

func computedEffects() map[string]effect {
	return map[string]effect{
		"engine_id":       computed,
		"id":              computed,
		"container_id":    computed,
		"image_id":        computed,
		"image_digest":    computed,
		"status":          computed,
		"started_at":      computed,
		"health":          computed,
		"exit_code":       computed,
		"operation_id":    computed,
		"fault":           computed,
		"addresses":       computed,
		"ipv6_addresses":  computed,
		"published_ports": computed,
	}
}

// compute fills in the computed attributes but the operation's.
func (m *containerModel) compute(c *container.Container) {
	m.ID = types.StringValue(c.Engine + "/" + c.Name)
	m.ContainerID = types.StringValue(c.ID)
	if c.ImageDigest != "" || m.ImageID.ValueString() != c.ImageID {
		m.ImageDigest = stringOrNull(c.ImageDigest)
	}
	m.ImageID = types.StringValue(c.ImageID)
	m.Status = types.StringValue(c.State.Status)
	m.StartedAt = types.StringNull()
	if !c.State.StartedAt.IsZero() {
		m.StartedAt = types.StringValue(c.State.StartedAt.UTC().Format(time.RFC3339Nano))
	}
	m.Health = stringOrNull(c.State.Health)
	m.ExitCode = types.Int64Null()
	if c.State.Ended() {
		m.ExitCode = types.Int64Value(int64(c.State.ExitCode))
	}
	m.Addresses, m.IPv6Addresses = addresses(m.Networks, c), addressesIPv6(m.Networks, c)
	m.PublishedPorts = publishedPorts(c)
}

// keepPromises gives back what the plan said was known: Terraform refuses anything else, and the
// next refresh shows what is different by now.
func (m *containerModel) keepPromises(plan containerModel) {
	for _, v := range []struct{ value, planned *types.String }{
		{&m.ID, &plan.ID}, {&m.ContainerID, &plan.ContainerID}, {&m.ImageID, &plan.ImageID}, {&m.ImageDigest, &plan.ImageDigest},
		{&m.StartedAt, &plan.StartedAt},
	} {
		if !v.planned.IsUnknown() {
			*v.value = *v.planned
		}
	}
	if !plan.Addresses.IsUnknown() {
		m.Addresses = plan.Addresses
	}
	if !plan.IPv6Addresses.IsUnknown() {
		m.IPv6Addresses = plan.IPv6Addresses
	}
	if !plan.PublishedPorts.IsUnknown() {
		m.PublishedPorts = plan.PublishedPorts
	}
}

// settle makes null of the computed values that are still unknown: an operation that failed early
// never learned them.
func (m *containerModel) settle() {
	for _, v := range []*types.String{&m.ID, &m.ContainerID, &m.ImageID, &m.ImageDigest, &m.AvailableDigest, &m.Status, &m.StartedAt, &m.Health, &m.OperationID} {
		if v.IsUnknown() {
			*v = types.StringNull()
		}
	}
	if m.ExitCode.IsUnknown() {
		m.ExitCode = types.Int64Null()
	}
	if m.Addresses.IsUnknown() {
		m.Addresses = types.MapNull(types.StringType)
	}
	if m.IPv6Addresses.IsUnknown() {
		m.IPv6Addresses = types.MapNull(types.StringType)
	}
	if m.PublishedPorts.IsUnknown() {
		m.PublishedPorts = types.MapNull(types.Int64Type)
	}
	if m.EffectiveLabels.IsUnknown() {
		m.EffectiveLabels = types.MapNull(types.StringType)
	}
}

func publishedPorts(c *container.Container) types.Map {
	out := make(map[string]attr.Value)
	for port, n := range c.PublishedPorts {
		out[port] = types.Int64Value(int64(n))
	}
	return types.MapValueMust(types.Int64Type, out)
}

func faultTypes() map[string]attr.Type {
	return map[string]attr.Type{
		"operation": types.StringType, "kind": types.StringType, "step": types.StringType, "summary": types.StringType,
		"message": types.StringType, "hint": types.StringType, "time": types.StringType,
	}
}

// faultAttribute is how the last operation failed. Operations lists what that can have been.
func faultAttribute(operations string) schema.Attribute {
	text := func(description string) schema.Attribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	return schema.SingleNestedAttribute{
		Computed: true, MarkdownDescription: "The failure of the last operation; null if it succeeded.",
		Attributes: map[string]schema.Attribute{
			"operation": text("What was to be done: " + operations + "."),
			"kind":      text("What failed, as a word for programs."),
			"step":      text("Where the operation was."),
			"summary":   text("One line for a person."),
			"message":   text("The engine's own words."),
			"hint":      text("What to do."),
			"time":      text("When it was (RFC 3339); of an interrupted operation, when that was accepted."),
		},
	}
}

// flattenFault keeps what a later reader of the state needs; the diagnostic has it all.
func flattenFault(operation string, f *fault.Fault) types.Object {
	if f == nil {
		return types.ObjectNull(faultTypes())
	}
	f = faulttext.Of(f)
	return types.ObjectValueMust(faultTypes(), map[string]attr.Value{
		"operation": types.StringValue(operation), "kind": types.StringValue(string(f.Kind)), "step": types.StringValue(string(f.Step)), "summary": types.StringValue(f.Summary),
		"message": stringOrNull(f.Message), "hint": stringOrNull(f.Hint), "time": types.StringValue(f.Time.UTC().Format(time.RFC3339)),
	})
}
