// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	tfpath "github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
)

// tmpfsOptionsModel belongs to a mount of the type tmpfs.
type tmpfsOptionsModel struct {
	Size    customtypes.Value `tfsdk:"size"`
	Mode    types.String      `tfsdk:"mode"`
	UID     types.Int64       `tfsdk:"uid"`
	GID     types.Int64       `tfsdk:"gid"`
	Exec    types.Bool        `tfsdk:"exec"`
	Options []types.String    `tfsdk:"options"`
}

func tmpfsOptionsAttribute() schema.Attribute {
	owner := func(description string) schema.Attribute {
		return schema.Int64Attribute{
			Optional: true, MarkdownDescription: description + " Default `0`.", Validators: []validator.Int64{int64validator.Between(0, 1<<32-2)},
		}
	}
	return schema.SingleNestedAttribute{
		Optional: true, MarkdownDescription: "Options of a `tmpfs`.",
		Attributes: map[string]schema.Attribute{
			"size": schema.StringAttribute{
				Optional: true, CustomType: customtypes.Type{Kind: customtypes.Size}, MarkdownDescription: "How much fits, for example `64m`. Left out, half of the host's memory.",
				PlanModifiers: []planmodifier.String{customtypes.KeepSpelling(customtypes.Size)},
			},
			"mode": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The permissions of its root, in octal digits. Default `\"1777\"`.",
				Validators: []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^[0-7]{3,4}$`), `must be three or four octal digits, for example "1777"`)},
			},
			"uid":  owner("The user that owns its root, by number."),
			"gid":  owner("The group of its root, by number."),
			"exec": schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether what is in it can be executed. Default `false`."},
			"options": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Further mount options, as `docker run --tmpfs` takes them: for example `suid`, `dev`, `noatime`, `nr_inodes=4k` or `size=50%`. By default a tmpfs is `nosuid` and `nodev`.",
				Validators:          []validator.Set{setvalidator.NoNullValues()},
			},
		},
	}
}

// validateTmpfsOptions refuses what an engine refuses when the container starts, and what an attribute
// says.
func validateTmpfsOptions(target string, m *tmpfsOptionsModel) diag.Diagnostics {
	var diags diag.Diagnostics
	if m == nil {
		return diags
	}
	attributes := map[string]string{
		"size": "tmpfs.size", "mode": "tmpfs.mode", "uid": "tmpfs.uid", "gid": "tmpfs.gid", "exec": "tmpfs.exec", "noexec": "tmpfs.exec", "ro": "read_only", "rw": "read_only",
	}
	flags := strings.Fields("defaults suid nosuid dev nodev sync async dirsync mand nomand atime noatime diratime nodiratime relatime norelatime strictatime nostrictatime")
	for _, option := range m.Options {
		name, value, hasValue := strings.Cut(option.ValueString(), "=")
		isShare := name == "size" && regexp.MustCompile(`^\d+%$`).MatchString(value)
		switch own, ok := attributes[name]; {
		case isShare && m.expand().Size != 0:
			diags.AddAttributeError(tfpath.Root("mounts"), fmt.Sprintf("The tmpfs %q has two sizes", target), fmt.Sprintf("Leave tmpfs.size out, or %q of tmpfs.options.", option.ValueString()))
		case isShare:
		case ok:
			diags.AddAttributeError(tfpath.Root("mounts"), fmt.Sprintf("Option %q of the tmpfs %q has an attribute of its own", option.ValueString(), target), fmt.Sprintf("Set %s, and remove it from tmpfs.options.", own))
		case hasValue && slices.Contains([]string{"nr_inodes", "nr_blocks", "mpol"}, name), !hasValue && slices.Contains(flags, name):
		default:
			diags.AddAttributeError(tfpath.Root("mounts"), fmt.Sprintf("Invalid option %q of the tmpfs %q", option.ValueString(), target),
				fmt.Sprintf("Engines know nr_inodes=, nr_blocks= and mpol=, a share of the memory such as size=50%%, and %s.", strings.Join(flags, ", ")))
		}
	}
	return diags
}

func (m *tmpfsOptionsModel) expand() container.TmpfsOptions {
	if m == nil {
		return container.TmpfsOptions{}
	}
	size, _ := customtypes.ParseSize(m.Size.ValueString())
	mode, _ := strconv.ParseUint(m.Mode.ValueString(), 8, 32)
	return container.TmpfsOptions{
		Size: size, Mode: uint32(mode), UID: m.UID.ValueInt64(), GID: m.GID.ValueInt64(), Exec: m.Exec.ValueBool(), Options: expandList(m.Options),
	}
}

func flattenTmpfsOptions(o container.TmpfsOptions) *tmpfsOptionsModel {
	if o.Size == 0 && o.Mode == 0 && o.UID == 0 && o.GID == 0 && !o.Exec && len(o.Options) == 0 {
		return nil
	}
	out := &tmpfsOptionsModel{
		Size: flattenMemory(customtypes.Null(customtypes.Size), o.Size), UID: int64OrNull(o.UID), GID: int64OrNull(o.GID), Exec: trueOrNull(o.Exec), Options: listOrNull(o.Options),
	}
	if o.Mode != 0 {
		out.Mode = types.StringValue(fmt.Sprintf("%04o", o.Mode))
	}
	return out
}
