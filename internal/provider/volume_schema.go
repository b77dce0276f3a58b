// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"maps"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// volumeSchema: an engine can't change a volume, so all that is configured replaces it, but for what
// says how gantry works.
func volumeSchema(ctx context.Context) schema.Schema {
	replaced := replaceObject{kind: "volume"}
	s := schema.Schema{
		MarkdownDescription: "A volume on a Docker engine. An engine can't change a volume: what changes here replaces it. " +
			"A volume that holds data is removed (and replaced) only with `force_destroy`. To find out, gantry mounts the volume into a container that is never started and that has an empty image, " +
			"and asks the engine for the first entry: no file of the host is read, and no data is copied. " +
			"A volume of the driver `local` with a `device` in `driver_opts` (a bind, NFS, tmpfs) holds nothing of its own, and can always be removed: what is on the device stays.",
		Attributes: map[string]schema.Attribute{
			"name": schema.StringAttribute{
				Required: true, MarkdownDescription: "The volume's name on its engine.",
				PlanModifiers: []planmodifier.String{replaced},
				Validators: []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`),
					`must begin with a letter or a digit and have at least two of the characters a-z, A-Z, 0-9, "_", "." and "-"`)},
			},
			"driver": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString("local"),
				MarkdownDescription: "The driver: `local` (default), or a plugin's name.",
				PlanModifiers:       []planmodifier.String{replaceObject{kind: "volume", plain: plainVolumeDriver}},
			},
			"driver_opts": schema.MapAttribute{
				Optional: true, Computed: true, ElementType: types.StringType,
				MarkdownDescription: "Options of the driver, for example `type`, `o` and `device` of `local`. They are in the state.",
				PlanModifiers:       []planmodifier.Map{leftToEngine{}, replaceObject{kind: "volume", options: plainVolumeOptions}}, Validators: []validator.Map{mapvalidator.NoNullValues()},
			},
			"labels": schema.MapAttribute{
				Optional: true, Computed: true, ElementType: types.StringType, MarkdownDescription: "Labels. Only the ones named here are compared.",
				PlanModifiers: []planmodifier.Map{leftToEngine{}, replaced},
				Validators:    []validator.Map{mapvalidator.KeysAre(foreignLabel{}), mapvalidator.NoNullValues()},
			},
			"force_destroy": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(false),
				MarkdownDescription: "Whether the volume may be removed with the data in it. Default `false`. A destroy goes by the state: apply a change before the destroy that needs it.",
			},
			"keep_on_destroy": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(false),
				MarkdownDescription: "Whether a destroy leaves the volume on the engine, with the data in it, also with `force_destroy`. Default `false`. " +
					"A destroy goes by the state: apply a change before the destroy that needs it. What would replace a volume that is kept is refused, unless the name changes, too. " +
					"An import manages it again.",
			},
			"timeouts": limited(timeouts.Attributes(ctx, timeouts.Opts{
				Create: true, Read: true, Delete: true,
				CreateDescription: "How long creating may take (`\"2m\"` by default).",
				ReadDescription:   "How long a refresh may take (`\"1m\"` by default).",
				DeleteDescription: "How long removing may take, with the wait for containers that are being removed (`\"10m\"` by default).",
			})),
			"id":         computedStable("`engine/name`, where engine is the host name that the engine reports."),
			"mountpoint": computedStable("The directory on the engine's host, as the driver says."),
			"scope":      computedStable("Where the volume exists: `local` or `global`."),
			"created":    computedStable("When it was created (RFC 3339). Of a volume that gantry did not make, what the engine reported when it was imported."),
		},
	}
	maps.Copy(s.Attributes, placementAttributes("replaces the volume"))
	return s
}
