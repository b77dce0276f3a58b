// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
)

// isOwnLabel recognises the labels that gantry sets for itself.
func isOwnLabel(key string) bool { return strings.HasPrefix(key, container.LabelPrefix) }

// containerSchema is completed by containerTable, which knows what a change of each attribute does.
func containerSchema(ctx context.Context) schema.Schema {
	attributes := map[string]schema.Attribute{
		"name": schema.StringAttribute{
			Required:            true,
			MarkdownDescription: "The container's name on its engine.",
			Validators: []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`),
				`must begin with a letter or a digit and have at least two of the characters a-z, A-Z, 0-9, "_", "." and "-"`)},
		},
		"image": schema.StringAttribute{
			Required: true, CustomType: customtypes.Type{Kind: customtypes.Reference},
			MarkdownDescription: "The image to create the container from: `[registry/]name[:tag][@digest]`.",
			PlanModifiers:       []planmodifier.String{customtypes.KeepSpelling(customtypes.Reference)},
		},
		"pull_policy": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(string(container.PullMissing)),
			MarkdownDescription: "When a create pulls the image: `missing` (default: when the engine does not have it), `always` or `never`.",
			PlanModifiers:       []planmodifier.String{keepDefault{string(container.PullMissing)}},
			Validators:          orLeftOut[validator.String](stringvalidator.OneOf(string(container.PullMissing), string(container.PullAlways), string(container.PullNever))),
		},
		"platform": schema.StringAttribute{
			Optional: true, CustomType: customtypes.Type{Kind: customtypes.Platform},
			MarkdownDescription: "The platform of the image: `os/architecture[/variant]`. Left out, the engine's own.",
			PlanModifiers:       []planmodifier.String{customtypes.KeepSpelling(customtypes.Platform)},
		},
		"entrypoint": schema.ListAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "The program and its first arguments. Left out, the image's.",
			Validators:          []validator.List{listvalidator.NoNullValues()},
		},
		"command": schema.ListAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "The arguments after the entrypoint. Left out, the image's.",
			Validators:          []validator.List{listvalidator.NoNullValues()},
		},
		"environment": schema.MapAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "Environment variables. They add to the image's; only the ones named here are compared. A variable that is `null` is not set in the container, even if the image sets it (`docker run --env NAME`): where a value may be missing, as an optional variable of a module, " +
				"and the image's own is to stay, leave the key out: `{ for k, v in var.environment : k => v if v != null }`. Their values are in the state.",
			Validators: []validator.Map{mapvalidator.KeysAre(variableName())},
		},
		"labels": schema.MapAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "Labels. They add to the image's; only the ones named here are compared.",
			Validators:          []validator.Map{mapvalidator.KeysAre(foreignLabel{}), mapvalidator.NoNullValues()},
		},
		"ports":        portsAttribute(),
		"mounts":       mountsAttribute(),
		"networks":     networksAttribute(),
		"volumes_from": volumesFromAttribute(),
		"files":        filesAttribute(),
		"healthcheck":  healthcheckAttribute(),
		"restart": schema.StringAttribute{
			Optional: true, Computed: true, CustomType: customtypes.Type{Kind: customtypes.Restart}, Default: stringdefault.StaticString("no"),
			MarkdownDescription: "When the engine restarts the container: `no` (default), `always`, `unless-stopped`, `on-failure` or `on-failure:N` with at most N restarts.",
			PlanModifiers:       []planmodifier.String{customtypes.KeepSpelling(customtypes.Restart)},
		},
		"user": schema.StringAttribute{
			Optional: true, MarkdownDescription: "The user (and group) to run as: `name`, `uid`, `uid:gid`. Left out, the image's.",
			Validators: []validator.String{userName{}},
		},
		"working_dir": schema.StringAttribute{
			Optional: true, MarkdownDescription: "The working directory in the container, an absolute path. Left out, the image's.",
			Validators: []validator.String{folderPath{}},
		},
		"hostname": schema.StringAttribute{
			Optional: true, MarkdownDescription: "The host name in the container. Left out, the first digits of its ID.",
			Validators: []validator.String{stringvalidator.RegexMatches(
				regexp.MustCompile(`^[a-zA-Z0-9._-]{1,64}$`), "must be a host name of at most 64 letters, digits, dots, hyphens and underscores")},
		},
		"stop_signal": schema.StringAttribute{
			Optional: true, MarkdownDescription: "The signal that asks the container to end, for example `SIGINT`. Left out, the image's, else `SIGTERM`.",
			Validators: []validator.String{signalName{}},
		},
		"stop_grace_period": schema.StringAttribute{
			Optional: true, CustomType: customtypes.Type{Kind: customtypes.Duration},
			MarkdownDescription: "How long a stop waits before it kills, in whole seconds, for example `30s`. Left out, the engine's default (10 seconds).",
			Validators:          []validator.String{wholeSeconds{}},
			PlanModifiers:       []planmodifier.String{customtypes.KeepSpelling(customtypes.Duration)},
		},
		"desired_state": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString(string(container.DesiredRunning)),
			MarkdownDescription: "The power state to have: `running` (default), `stopped`, `paused`, or `completed` for a job that runs once and ends with an expected exit code.",
			PlanModifiers:       []planmodifier.String{keepDefault{string(container.DesiredRunning)}},
			Validators: orLeftOut[validator.String](stringvalidator.OneOf(string(container.DesiredRunning), string(container.DesiredStopped),
				string(container.DesiredPaused), string(container.DesiredCompleted))),
		},
		"expected_exit_codes": schema.SetAttribute{
			Optional: true, ElementType: types.Int64Type,
			MarkdownDescription: "The exit codes that count as the success of a job. Default: 0 alone.",
			PlanModifiers:       []planmodifier.Set{keepExitCodes{}},
			Validators:          []validator.Set{setvalidator.NoNullValues(), setvalidator.ValueInt64sAre(int64validator.Between(0, 255))},
		},
		"wait_for": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "What a create or a start waits for: `ready` (what `desired_state` and the health check imply), `healthy`, or `running` " +
				"(still running, without a restart, 500 ms after the start), or `none`: the operation is accepted and left to the background conductor. Default: the provider's `wait_for` where it fits `desired_state`, else `ready`.",
			Validators: []validator.String{validWaits()},
		},
		"remove_volumes": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(true),
			MarkdownDescription: "Whether the container's anonymous volumes are removed with it. Default `true`.",
		},
		"restart_triggers": schema.MapAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "Any values: when they change, the container is restarted in place. Adding the first ones restarts nothing.",
		},
		"wait_for_removal": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(true),
			MarkdownDescription: "Whether a destroy waits until the container is removed. Default `true`; with `false` the removal is accepted and left to the background conductor, " +
				"which tries it again until `timeouts.delete` is over, unless it fails for a reason that stays. The next runs then report the failure, and a later background conductor, or the next operation on a container of that name, takes the removal up.",
		},
		"timeouts": limited(timeouts.Attributes(ctx, timeouts.Opts{
			Create: true, Read: true, Update: true, Delete: true,
			CreateDescription: "How long creating may take, pull and wait included (`\"20m\"` by default).",
			ReadDescription:   "How long a refresh may take (`\"1m\"` by default).",
			UpdateDescription: "How long an update may take (`\"20m\"` by default).",
			DeleteDescription: "How long stopping and removing may take (`\"10m\"` by default).",
		})),
	}
	for _, family := range []map[string]schema.Attribute{
		networkingAttributes(), secretsAttributes(), exchangeAttributes(),
		limitsAttributes(), securityAttributes(), devicesAttributes(), namespacesAttributes(), processAttributes(), computedAttributes(),
	} {
		maps.Copy(attributes, family)
	}
	return schema.Schema{
		MarkdownDescription: "A container on a Docker engine. Creating it waits until it is ready, and fails as soon as it can't become so, with the reason and the container's last log lines.",
		Attributes:          withEffects(attributes),
	}
}

func validWaits() validator.String {
	return stringvalidator.OneOf(string(container.WaitReady), string(container.WaitHealthy), string(container.WaitRunning), string(container.WaitNone))
}

func computedAttributes() map[string]schema.Attribute {
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
		"available_digest": schema.StringAttribute{
			Computed: true,
			MarkdownDescription: "With `pull_policy = \"always\"`, the digest to which the image's tag led at its registry at the last refresh. If it is another one than `image_digest`, " +
				"the plan replaces the container, or exchanges it with `update_order`.",
			PlanModifiers: []planmodifier.String{stringplanmodifier.UseNonNullStateForUnknown()},
		},
		"effective_labels": schema.MapAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "The container's `labels` with the provider's `default_labels`; null for an imported container that lacks one of those. A change replaces the container.",
		},
		"published_ports": schema.MapAttribute{
			Computed: true, ElementType: types.Int64Type,
			MarkdownDescription: "The port of the host that leads to a port of the container, by `\"80/tcp\"`; the lowest one where there are several; only while it runs.",
			PlanModifiers:       []planmodifier.Map{mapplanmodifier.UseNonNullStateForUnknown()},
		},
	}
}

func faultTypes() map[string]attr.Type {
	return map[string]attr.Type{
		"operation": types.StringType, "kind": types.StringType, "step": types.StringType, "summary": types.StringType,
		"message": types.StringType, "hint": types.StringType, "time": types.StringType,
	}
}

func publishedPorts(c *container.Container) types.Map {
	out := make(map[string]attr.Value)
	for port, n := range c.PublishedPorts {
		out[port] = types.Int64Value(int64(n))
	}
	return types.MapValueMust(types.Int64Type, out)
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
