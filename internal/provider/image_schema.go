// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
)

func imageSchema(ctx context.Context) schema.Schema {
	changing := func(description string) schema.Attribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	s := schema.Schema{
		MarkdownDescription: "An image on a Docker engine: pulled, or loaded from an archive. Pulls are shared with those of the containers, and count for `max_parallel_pulls`. " +
			"A destroy takes the image's names away, and with the last one the image; an image that a container uses is kept, with a warning.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Required: true, CustomType: customtypes.Type{Kind: customtypes.Reference},
				MarkdownDescription: "The image: `[registry/]name[:tag][@digest]`. With `archive`, the name that the image gets.",
				PlanModifiers:       []planmodifier.String{customtypes.KeepSpelling(customtypes.Reference), stringplanmodifier.RequiresReplace()},
			},
			"pull_policy": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString(string(container.PullMissing)),
				MarkdownDescription: "When the image is pulled: `missing` (default: when the engine does not have it), `never` (it must be there), or `always`: a refresh asks the registry, " +
					"and when the tag has moved, the plan pulls it anew.",
				PlanModifiers: []planmodifier.String{keepDefault{string(container.PullMissing)}},
				Validators:    orLeftOut[validator.String](stringvalidator.OneOf(string(container.PullMissing), string(container.PullAlways), string(container.PullNever))),
			},
			"platform": schema.StringAttribute{
				Optional: true, Computed: true, CustomType: customtypes.Type{Kind: customtypes.Platform},
				MarkdownDescription: "The platform to pull: `os/architecture[/variant]`. Left out, the engine's own.",
				PlanModifiers:       []planmodifier.String{leftToEngine{}, customtypes.KeepSpelling(customtypes.Platform), replacePlatform{}},
			},
			"archive": schema.StringAttribute{
				Optional: true, Computed: true,
				MarkdownDescription: "A file on the machine that runs Terraform, as `docker save` writes it. When its content changes, it is loaded again, in place. It holds one image, or one with this name. " +
					"It is read again by the apply: what is loaded is the file as it is then, so another resource of the same apply may make it.",
				PlanModifiers: []planmodifier.String{leftToEngine{}}, Validators: []validator.String{archiveWithoutPlatform{}},
			},
			"tags": schema.SetAttribute{
				Optional: true, Computed: true, ElementType: types.StringType, MarkdownDescription: "Further names of the image on this engine. Changes in place.",
				PlanModifiers: []planmodifier.Set{leftToEngine{}, keepSet{oneByOne(customtypes.Reference.Plain)}},
				Validators:    []validator.Set{setvalidator.NoNullValues(), setvalidator.ValueStringsAre(taggedReference{})},
			},
			"keep_on_destroy": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(false),
				MarkdownDescription: "Whether a destroy leaves the image on the engine. Default `false`.",
			},
			"wait_for": schema.StringAttribute{
				Optional: true, Computed: true,
				MarkdownDescription: "What a pull or a load waits for: `ready` (default: the image is there), or `none`: it is accepted and left to the background conductor. " +
					"What the image is is not known then until a refresh, or until a `gantry_barrier` gathers its `operation_id`: refer to the barrier's `results`, or only to `name`. The provider's `wait_for` does not count here.",
				PlanModifiers: []planmodifier.String{leftToEngine{}, keepDefault{string(container.WaitReady)}},
				Validators:    orLeftOut[validator.String](stringvalidator.OneOf(string(container.WaitReady), string(container.WaitNone))),
			},
			"timeouts": limited(timeouts.Attributes(ctx, timeouts.Opts{
				Create: true, Read: true, Update: true, Delete: true,
				CreateDescription: "How long pulling or loading may take (`\"20m\"` by default).",
				ReadDescription:   "How long a refresh may take (`\"1m\"` by default).",
				UpdateDescription: "How long pulling or loading anew may take (`\"20m\"` by default).",
				DeleteDescription: "How long removing may take, with the wait for containers that are being removed (`\"10m\"` by default).",
			})),
			"id":               computedStable("`engine/name`, where engine is the host name that the engine reports."),
			"image_id":         changing("The image's ID on the engine (`sha256:…`). A container that names this as its `image` is replaced when the image changes."),
			"digest":           changing("The image's digest at its registry, where the reference names it, a pull brought it, or the engine knows just one."),
			"available_digest": changing("With `pull_policy = \"always\"`: the digest that the tag has at its registry, as of the last refresh."),
			"archive_sha256":   changing("The SHA-256 checksum of the archive; null without one. Known after the apply where the archive is loaded."),
			"repo_tags":        schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "All names of the image on the engine."},
			"repo_digests":     schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "All digests at registries that the engine knows (`name@sha256:…`)."},
			"size":             schema.Int64Attribute{Computed: true, MarkdownDescription: "The size on the engine, in bytes."},
			"os_platform":      changing("The platform that the image is for."),
			"created":          changing("When the image was made (RFC 3339)."),
			"status": changing("`present`, or `create_in_progress` or `update_in_progress` while a pull or a load is under way that nobody waits for, or how that ended: " +
				"`create_failed`, `update_failed` or `interrupted`."),
			"operation_id": changing("The ID of the last operation: `engine/image:name/unique`, with the slashes of the name as `%2F`."),
			"fault":        faultAttribute("`create` or `update`"),
		},
	}
	maps.Copy(s.Attributes, placementAttributes("replaces the image"))
	return s
}
