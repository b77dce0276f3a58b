// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	tfpath "github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/meaning"
)

// bindOptionsModel, volumeOptionsModel and tmpfsOptionsModel belong to a mount of that type.
type bindOptionsModel struct {
	Propagation    types.String `tfsdk:"propagation"`
	CreateHostPath types.Bool   `tfsdk:"create_host_path"`
	Recursive      types.String `tfsdk:"recursive"`
}

type volumeOptionsModel struct {
	NoCopy     types.Bool              `tfsdk:"nocopy"`
	Subpath    types.String            `tfsdk:"subpath"`
	Labels     map[string]types.String `tfsdk:"labels"`
	Driver     types.String            `tfsdk:"driver"`
	DriverOpts map[string]types.String `tfsdk:"driver_opts"`
}

type tmpfsOptionsModel struct {
	Size meaning.Value `tfsdk:"size"`
	Mode types.String  `tfsdk:"mode"`
}

func bindOptionsAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true, MarkdownDescription: "Options of a `bind`.",
		Attributes: map[string]schema.Attribute{
			"propagation": schema.StringAttribute{
				Optional: true, MarkdownDescription: "How mounts below it spread: `rprivate` (default), `private`, `rshared`, `shared`, `rslave` or `slave`.",
				Validators: []validator.String{stringvalidator.OneOf("rprivate", "private", "rshared", "shared", "rslave", "slave")},
			},
			"create_host_path": schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether a folder is made on the host where the source does not exist. Default `false`."},
			"recursive": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "What happens to mounts below the source: `enabled` (default: they come along), `disabled`, or with `read_only`: `writable` (they stay writable) or " +
					"`readonly` (a failure where they can't be made read-only). The last two need Docker 25.0 (API 1.44).",
				Validators: []validator.String{stringvalidator.OneOf(string(conductor.RecursiveEnabled), string(conductor.RecursiveDisabled),
					string(conductor.RecursiveWritable), string(conductor.RecursiveReadOnly))},
			},
		},
	}
}

func volumeOptionsAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true, MarkdownDescription: "Options of a `volume`.",
		Attributes: map[string]schema.Attribute{
			"nocopy": schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether a new volume stays empty, without what the image has there. Default `false`."},
			"subpath": schema.StringAttribute{
				Optional: true, MarkdownDescription: "A folder of the volume, relative, that is mounted in its place. It must exist. Needs Docker 26.0 (API 1.45).",
				Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"labels": schema.MapAttribute{
				Optional: true, ElementType: types.StringType, MarkdownDescription: "Labels of a volume that the mount makes.", Validators: []validator.Map{mapvalidator.NoNullValues()},
			},
			"driver": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The driver of a volume that the mount makes.", Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"driver_opts": schema.MapAttribute{
				Optional: true, ElementType: types.StringType, MarkdownDescription: "Options for the driver of a volume that the mount makes.", Validators: []validator.Map{mapvalidator.NoNullValues()},
			},
		},
	}
}

func tmpfsOptionsAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true, MarkdownDescription: "Options of a `tmpfs`.",
		Attributes: map[string]schema.Attribute{
			"size": schema.StringAttribute{
				Optional: true, CustomType: meaning.Type{Kind: meaning.Size}, MarkdownDescription: "How much fits, for example `64m`. Left out, half of the host's memory.",
				PlanModifiers: []planmodifier.String{meaning.KeepSpelling(meaning.Size)},
			},
			"mode": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The permissions of its root, in octal digits. Default `\"1777\"`.",
				Validators: []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^[0-7]{3,4}$`), `must be three or four octal digits, for example "1777"`)},
			},
		},
	}
}

func volumesFromAttribute() schema.Attribute {
	return schema.ListAttribute{
		Optional: true, ElementType: types.StringType,
		MarkdownDescription: "Containers, by name or ID, whose mounts this one has, too; `:ro` at the end makes them read-only. An operation on one of them that was accepted before is waited for.",
		Validators: []validator.List{listvalidator.NoNullValues(), listvalidator.ValueStringsAre(stringvalidator.RegexMatches(
			regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+(:(ro|rw))?$`), `must be a container's name or ID, and perhaps ":ro"`))},
	}
}

// validateMountOptions refuses options that belong to another type, and a part of a volume outside of it.
func validateMountOptions(target string, m mountModel) diag.Diagnostics {
	var diags diag.Diagnostics
	for name, set := range map[conductor.MountType]bool{conductor.MountBind: m.Bind != nil, conductor.MountVolume: m.Volume != nil, conductor.MountTmpfs: m.Tmpfs != nil} {
		if set && m.Type.ValueString() != string(name) {
			diags.AddAttributeError(tfpath.Root("mounts"), fmt.Sprintf("Options of another type at the mount %q", target),
				fmt.Sprintf("It has the type %q, and %s has options for the type %q. Remove them, or correct the type.", m.Type.ValueString(), name, name))
		}
	}
	if m.Volume != nil {
		if p := path.Clean(m.Volume.Subpath.ValueString()); path.IsAbs(p) || p == ".." || strings.HasPrefix(p, "../") {
			diags.AddAttributeError(tfpath.Root("mounts"), fmt.Sprintf("Invalid subpath of the mount %q", target), "It must be a relative path within the volume.")
		}
	}
	if m.Bind != nil && !m.ReadOnly.ValueBool() {
		if r := conductor.Recursive(m.Bind.Recursive.ValueString()); r == conductor.RecursiveWritable || r == conductor.RecursiveReadOnly {
			diags.AddAttributeError(tfpath.Root("mounts"), fmt.Sprintf("bind.recursive = %q without read_only at the mount %q", r, target),
				"It says what a read-only bind does with the mounts below. Set read_only = true, or leave it out.")
		}
	}
	return diags
}

func (m *bindOptionsModel) expand() conductor.BindOptions {
	if m == nil {
		return conductor.BindOptions{}
	}
	return conductor.BindOptions{
		Propagation: m.Propagation.ValueString(), CreateHostPath: m.CreateHostPath.ValueBool(), Recursive: conductor.Recursive(m.Recursive.ValueString()),
	}
}

func flattenBindOptions(o conductor.BindOptions) *bindOptionsModel {
	if o.Propagation == "rprivate" {
		o.Propagation = ""
	}
	if (o == conductor.BindOptions{}) {
		return nil
	}
	return &bindOptionsModel{Propagation: stringOrNull(o.Propagation), CreateHostPath: trueOrNull(o.CreateHostPath), Recursive: stringOrNull(string(o.Recursive))}
}

func (m *volumeOptionsModel) expand() conductor.VolumeOptions {
	if m == nil {
		return conductor.VolumeOptions{}
	}
	return conductor.VolumeOptions{
		NoCopy: m.NoCopy.ValueBool(), Subpath: m.Subpath.ValueString(), Labels: expandMap(m.Labels), Driver: m.Driver.ValueString(), DriverOpts: expandMap(m.DriverOpts),
	}
}

func flattenVolumeOptions(o conductor.VolumeOptions) *volumeOptionsModel {
	if !o.NoCopy && o.Subpath == "" && len(o.Labels) == 0 && o.Driver == "" && len(o.DriverOpts) == 0 {
		return nil
	}
	return &volumeOptionsModel{
		NoCopy: trueOrNull(o.NoCopy), Subpath: stringOrNull(o.Subpath), Labels: mapOrNull(o.Labels), Driver: stringOrNull(o.Driver), DriverOpts: mapOrNull(o.DriverOpts),
	}
}

func (m *tmpfsOptionsModel) expand() conductor.TmpfsOptions {
	if m == nil {
		return conductor.TmpfsOptions{}
	}
	size, _ := meaning.ParseSize(m.Size.ValueString())
	mode, _ := strconv.ParseUint(m.Mode.ValueString(), 8, 32)
	return conductor.TmpfsOptions{Size: size, Mode: uint32(mode)}
}

func flattenTmpfsOptions(o conductor.TmpfsOptions) *tmpfsOptionsModel {
	if (o == conductor.TmpfsOptions{}) {
		return nil
	}
	out := &tmpfsOptionsModel{Size: flattenMemory(meaning.Null(meaning.Size), o.Size)}
	if o.Mode != 0 {
		out.Mode = types.StringValue(fmt.Sprintf("%04o", o.Mode))
	}
	return out
}

func trueOrNull(yes bool) types.Bool {
	if yes {
		return types.BoolValue(true)
	}
	return types.BoolNull()
}
