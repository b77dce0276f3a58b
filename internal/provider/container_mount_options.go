// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	tfpath "github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// bindOptionsModel, volumeOptionsModel and imageOptionsModel belong to a mount of that type.
type bindOptionsModel struct {
	Propagation    types.String `tfsdk:"propagation"`
	CreateHostPath types.Bool   `tfsdk:"create_host_path"`
	Recursive      types.String `tfsdk:"recursive"`
	SELinux        types.String `tfsdk:"selinux"`
}

type volumeOptionsModel struct {
	NoCopy     types.Bool              `tfsdk:"nocopy"`
	Subpath    types.String            `tfsdk:"subpath"`
	Labels     map[string]types.String `tfsdk:"labels"`
	Driver     types.String            `tfsdk:"driver"`
	DriverOpts map[string]types.String `tfsdk:"driver_opts"`
	SELinux    types.String            `tfsdk:"selinux"`
}

type imageOptionsModel struct {
	Subpath types.String `tfsdk:"subpath"`
}

func selinuxAttribute(description string) schema.Attribute {
	return schema.StringAttribute{
		Optional: true, MarkdownDescription: description,
		Validators: []validator.String{stringvalidator.OneOf(string(container.SELinuxShared), string(container.SELinuxPrivate))},
	}
}

func imageOptionsAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true, MarkdownDescription: "Options of an `image`.",
		Attributes: map[string]schema.Attribute{
			"subpath": schema.StringAttribute{
				Optional: true, MarkdownDescription: "A directory of the image, relative, that is mounted in its place. It must exist.",
				Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
		},
	}
}

func bindOptionsAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true, MarkdownDescription: "Options of a `bind`.",
		Attributes: map[string]schema.Attribute{
			"propagation": schema.StringAttribute{
				Optional: true, MarkdownDescription: "How mounts below it spread: `rprivate` (default), `private`, `rshared`, `shared`, `rslave` or `slave`.",
				Validators: []validator.String{stringvalidator.OneOf("rprivate", "private", "rshared", "shared", "rslave", "slave")},
			},
			"create_host_path": schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether a directory is made on the host where the source does not exist. Default `false`."},
			"recursive": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "What happens to mounts below the source: `enabled` (default: they come along), `disabled`, or with `read_only`: `writable` (they stay writable) or " +
					"`readonly` (a failure where they can't be made read-only). The last two need Docker 25.0 (API 1.44).",
				Validators: []validator.String{stringvalidator.OneOf(string(container.RecursiveEnabled), string(container.RecursiveDisabled),
					string(container.RecursiveWritable), string(container.RecursiveReadOnly))},
			},
			"selinux": selinuxAttribute("On hosts with SELinux, `z` relabels the source so that several containers can use it, `Z` for this one alone. " +
				"Engines then make a directory where the source does not exist, as with `create_host_path`."),
		},
	}
}

func volumeOptionsAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true, MarkdownDescription: "Options of a `volume`.",
		Attributes: map[string]schema.Attribute{
			"nocopy": schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether a new volume stays empty, without what the image has there. Default `false`."},
			"subpath": schema.StringAttribute{
				Optional: true, MarkdownDescription: "A directory of the volume, relative, that is mounted in its place. It must exist. Needs Docker 26.0 (API 1.45).",
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
			"selinux": selinuxAttribute("On hosts with SELinux, `z` relabels the volume so that several containers can use it, `Z` for this one alone. It needs a `source`, and of the other options goes only with `nocopy`."),
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
	for name, set := range map[container.MountType]bool{
		container.MountBind: m.Bind != nil, container.MountVolume: m.Volume != nil, container.MountTmpfs: m.Tmpfs != nil, container.MountImage: m.Image != nil,
	} {
		if set && m.Type.ValueString() != string(name) {
			diags.AddAttributeError(tfpath.Root("mounts"), fmt.Sprintf("Options of another type at the mount %q", target),
				fmt.Sprintf("It has the type %q, and %s has options for the type %q. Remove them, or correct the type.", m.Type.ValueString(), name, name))
		}
	}
	subpath := m.Volume.expand().Subpath + m.Image.expand().Subpath
	if p := path.Clean(subpath); path.IsAbs(p) || p == ".." || strings.HasPrefix(p, "../") {
		diags.AddAttributeError(tfpath.Root("mounts"), fmt.Sprintf("Invalid subpath of the mount %q", target), fmt.Sprintf("It must be a relative path within the %s.", m.Type.ValueString()))
	}
	if without := m.unlabelled(); without != "" {
		diags.AddAttributeError(tfpath.Root("mounts"), fmt.Sprintf("%s with selinux at the mount %q", without, target),
			"Engines relabel only what is mounted in the form of docker run --volume, which does not have it. Leave one of the two out.")
	}
	if m.Volume != nil && m.Volume.SELinux.ValueString() != "" && !m.Source.IsUnknown() && m.Source.ValueString() == "" {
		diags.AddAttributeError(tfpath.Root("mounts"), fmt.Sprintf("selinux without a source at the mount %q", target),
			"Engines label an anonymous volume themselves. Set source to the name of a volume, or leave selinux out.")
	}
	diags.Append(validateTmpfsOptions(target, m.Tmpfs)...)
	if m.Bind != nil && !m.ReadOnly.ValueBool() {
		if r := container.Recursive(m.Bind.Recursive.ValueString()); r == container.RecursiveWritable || r == container.RecursiveReadOnly {
			diags.AddAttributeError(tfpath.Root("mounts"), fmt.Sprintf("bind.recursive = %q without read_only at the mount %q", r, target),
				"It says what a read-only bind does with the mounts below. Set read_only = true, or leave it out.")
		}
	}
	return diags
}

// unlabelled returns the setting that an engine can't have together with selinux; empty if there is none.
func (m mountModel) unlabelled() string {
	if m.Bind != nil && m.Bind.SELinux.ValueString() != "" {
		recursive := m.Bind.expand().Recursive
		switch {
		case !m.Bind.CreateHostPath.IsNull() && !m.Bind.CreateHostPath.ValueBool():
			return "bind.create_host_path = false"
		case recursive != "" && recursive != container.RecursiveEnabled:
			return fmt.Sprintf("bind.recursive = %q", recursive)
		}
	}
	if m.Volume != nil && m.Volume.SELinux.ValueString() != "" {
		for name, set := range map[string]bool{
			"volume.subpath": m.Volume.Subpath.ValueString() != "", "volume.labels": len(m.Volume.Labels) > 0, "volume.driver": m.Volume.Driver.ValueString() != "", "volume.driver_opts": len(m.Volume.DriverOpts) > 0,
		} {
			if set {
				return name
			}
		}
	}
	return ""
}

func (m *bindOptionsModel) expand() container.BindOptions {
	if m == nil {
		return container.BindOptions{}
	}
	return container.BindOptions{
		Propagation: m.Propagation.ValueString(), CreateHostPath: m.CreateHostPath.ValueBool(), Recursive: container.Recursive(m.Recursive.ValueString()),
		SELinux: container.SELinux(m.SELinux.ValueString()),
	}
}

func flattenBindOptions(o container.BindOptions) *bindOptionsModel {
	if o.Propagation == "rprivate" {
		o.Propagation = ""
	}
	if (o == container.BindOptions{}) {
		return nil
	}
	return &bindOptionsModel{
		Propagation: stringOrNull(o.Propagation), CreateHostPath: trueOrNull(o.CreateHostPath), Recursive: stringOrNull(string(o.Recursive)),
		SELinux: stringOrNull(string(o.SELinux)),
	}
}

func (m *volumeOptionsModel) expand() container.VolumeOptions {
	if m == nil {
		return container.VolumeOptions{}
	}
	return container.VolumeOptions{
		NoCopy: m.NoCopy.ValueBool(), Subpath: m.Subpath.ValueString(), Labels: expandMap(m.Labels), Driver: m.Driver.ValueString(), DriverOpts: expandMap(m.DriverOpts),
		SELinux: container.SELinux(m.SELinux.ValueString()),
	}
}

func flattenVolumeOptions(o container.VolumeOptions) *volumeOptionsModel {
	if !o.NoCopy && o.Subpath == "" && len(o.Labels) == 0 && o.Driver == "" && len(o.DriverOpts) == 0 && o.SELinux == "" {
		return nil
	}
	return &volumeOptionsModel{
		NoCopy: trueOrNull(o.NoCopy), Subpath: stringOrNull(o.Subpath), Labels: mapOrNull(o.Labels), Driver: stringOrNull(o.Driver), DriverOpts: mapOrNull(o.DriverOpts),
		SELinux: stringOrNull(string(o.SELinux)),
	}
}

func (m *imageOptionsModel) expand() container.ImageOptions {
	if m == nil {
		return container.ImageOptions{}
	}
	return container.ImageOptions{Subpath: m.Subpath.ValueString()}
}

func flattenImageOptions(o container.ImageOptions) *imageOptionsModel {
	if (o == container.ImageOptions{}) {
		return nil
	}
	return &imageOptionsModel{Subpath: stringOrNull(o.Subpath)}
}

func trueOrNull(yes bool) types.Bool {
	if yes {
		return types.BoolValue(true)
	}
	return types.BoolNull()
}
