// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	tfpath "github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// mountsModel is what is mounted into the container.
type mountsModel struct {
	Mounts      map[string]mountModel `tfsdk:"mounts"`
	VolumesFrom []types.String        `tfsdk:"volumes_from"`
}

type mountModel struct {
	Type        types.String        `tfsdk:"type"`
	Source      types.String        `tfsdk:"source"`
	ReadOnly    types.Bool          `tfsdk:"read_only"`
	Consistency types.String        `tfsdk:"consistency"`
	Bind        *bindOptionsModel   `tfsdk:"bind"`
	Volume      *volumeOptionsModel `tfsdk:"volume"`
	Tmpfs       *tmpfsOptionsModel  `tfsdk:"tmpfs"`
	Image       *imageOptionsModel  `tfsdk:"image"`
}

// mountsBlock is what is mounted into the container.
func mountsBlock() block {
	return block{
		schema:  mountsSchema,
		effects: mountsEffects,
		expand: func(m *containerModel, s *container.Spec) {
			s.Mounts, s.VolumesFrom = expandMounts(m.Mounts), expandList(m.VolumesFrom)
		},
		refresh: func(m *containerModel, o observation) {
			m.Mounts, m.VolumesFrom = flattenMounts(m.Mounts, o.Mounts), refreshList(m.VolumesFrom, o.VolumesFrom)
		},
		imports: func(m *containerModel, o observation) {
			m.Mounts, m.VolumesFrom = importMounts(o.Mounts, o.image.Volumes), listOrNull(o.VolumesFrom)
		},
		validate: validateMounts,
	}
}

func mountsSchema(context.Context) map[string]schema.Attribute {
	return map[string]schema.Attribute{"mounts": mountsAttribute(), "volumes_from": volumesFromAttribute()}
}

func mountsAttribute() schema.Attribute {
	return schema.MapNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Storage that is mounted into the container, by its absolute path there.",
		PlanModifiers:       []planmodifier.Map{keepMounts{}},
		Validators:          []validator.Map{mapvalidator.KeysAre(folderPath{orPipe: true}), mapvalidator.NoNullValues()},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"type": schema.StringAttribute{
				Required: true, MarkdownDescription: "`bind` (a path of the host), `volume`, `tmpfs`, `image` (the content of an image that the engine has; needs Docker 28.0, API 1.48) or `npipe` (a named pipe of an engine on Windows).",
				Validators: []validator.String{stringvalidator.OneOf(string(container.MountBind), string(container.MountVolume), string(container.MountTmpfs),
					string(container.MountImage), string(container.MountPipe))},
			},
			"source": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "The absolute path on the host (`bind`, where it must exist unless `bind.create_host_path` is set), or the name of the volume (`volume`; " +
					"one that does not exist is made, left out it is an anonymous one), the reference or the ID of the image (`image`), or the pipe (`npipe`). A `tmpfs` has none.",
			},
			"read_only": schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether the container may only read there. Default `false`."},
			"consistency": schema.StringAttribute{
				Optional: true, MarkdownDescription: "`consistent`, `cached` or `delegated`, for engines that look at it.",
				Validators: []validator.String{stringvalidator.OneOf("default", "consistent", "cached", "delegated")},
			},
			"bind": bindOptionsAttribute(), "volume": volumeOptionsAttribute(), "tmpfs": tmpfsOptionsAttribute(), "image": imageOptionsAttribute(),
		}},
	}
}

func mountsEffects() map[string]effect {
	return map[string]effect{
		"mounts":                       replaces,
		"mounts.bind.create_host_path": providerOnly, // It decides something only while a container is made.
		"volumes_from":                 replaces,
	}
}

func expandMounts(mounts map[string]mountModel) map[string]container.Mount {
	if mounts == nil {
		return nil
	}
	out := make(map[string]container.Mount, len(mounts))
	for target, m := range mounts {
		out[container.PlainPath(target)] = container.Mount{
			Type: container.MountType(m.Type.ValueString()), Source: m.Source.ValueString(), ReadOnly: m.ReadOnly.ValueBool(),
			Consistency: m.Consistency.ValueString(), Bind: m.Bind.expand(), Volume: m.Volume.expand(), Tmpfs: m.Tmpfs.expand(), Image: m.Image.expand(),
		}
	}
	return out
}

// flattenMounts compares what the prior mounts ask for with what is mounted there. What else is
// mounted is the image's or the engine's, and no drift.
func flattenMounts(prior map[string]mountModel, observed map[string]container.Mount) map[string]mountModel {
	if prior == nil {
		return nil
	}
	asked := expandMounts(prior)
	out := make(map[string]mountModel, len(prior))
	for target, m := range prior {
		at := container.PlainPath(target)
		seen, ok := observed[at]
		switch {
		case !ok: // It is gone: the plan shows it as to be added.
		case sameMount(asked[at], seen):
			out[target] = m
		default:
			out[target] = flattenMount(seen)
		}
	}
	return out
}

// sameMount compares what can be seen in every report. The options of a mount never change while
// its container lives.
func sameMount(asked, seen container.Mount) bool {
	if asked.Type == container.MountVolume && asked.Source == "" {
		asked.Source = seen.Source // An anonymous volume has whatever name the engine gave it.
	}
	plain := func(m container.Mount) container.Mount {
		return container.Mount{Type: m.Type, Source: m.Source, ReadOnly: m.ReadOnly}
	}
	return plain(asked).Same(plain(seen))
}

func flattenMount(m container.Mount) mountModel {
	out := mountModel{Type: types.StringValue(string(m.Type)), Source: stringOrNull(m.Source)}
	if m.Anonymous {
		out.Source = types.StringNull()
	}
	if m.ReadOnly {
		out.ReadOnly = types.BoolValue(true)
	}
	if m.Consistency != "default" {
		out.Consistency = stringOrNull(m.Consistency)
	}
	out.Bind, out.Volume, out.Tmpfs, out.Image = flattenBindOptions(m.Bind), flattenVolumeOptions(m.Volume), flattenTmpfsOptions(m.Tmpfs), flattenImageOptions(m.Image)
	return out
}

// importMounts takes over what is mounted, but for the anonymous volumes that the image asks for.
func importMounts(observed map[string]container.Mount, fromImage []string) map[string]mountModel {
	out := make(map[string]mountModel)
	for target, m := range observed {
		out[target] = flattenMount(m)
	}
	for _, target := range fromImage {
		if observed[target].Anonymous {
			delete(out, target)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// validateMounts checks what depends on the type of a mount.
func validateMounts(ctx context.Context, config tfsdk.Config) diag.Diagnostics {
	var diags diag.Diagnostics
	var mounts map[string]mountModel
	if !known(ctx, config, "mounts", &mounts, &diags) {
		return diags
	}
	volumeName := regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`)
	keys := make(map[string]string)
	for _, target := range slices.Sorted(maps.Keys(mounts)) {
		m, at := mounts[target], container.PlainPath(target)
		if first, ok := keys[at]; ok {
			diags.AddAttributeError(tfpath.Root("mounts"), fmt.Sprintf("Two mounts at %q", at),
				fmt.Sprintf("The keys %q and %q are the same path: remove one of them.", first, target))
		}
		keys[at] = target
		diags.Append(validateMountOptions(target, m)...)
		if wrong := unstartableMount(at, container.MountType(m.Type.ValueString())); wrong != "" {
			diags.AddAttributeError(tfpath.Root("mounts"), fmt.Sprintf("Invalid mount %q", target), wrong)
		}
		source := m.Source.ValueString()
		wrong := ""
		switch container.MountType(m.Type.ValueString()) {
		case container.MountBind:
			if !path.IsAbs(source) && !isWindowsPath(source) {
				wrong = "A bind mount needs an absolute path of the engine's host as its source."
			}
		case container.MountVolume:
			if source != "" && !volumeName.MatchString(source) {
				wrong = `A volume's name has at least two of the characters a-z, A-Z, 0-9, "_", "." and "-". For a path of the host set type = "bind"; leave source out for an anonymous volume.`
			}
		case container.MountImage:
			if source == "" {
				wrong = "An image mount needs the reference or the ID of an image as its source."
			}
		case container.MountPipe:
			if !isPipe(source) || !isPipe(target) {
				wrong = `The source and the target of an npipe are named pipes, for example "\\\\.\\pipe\\docker_engine".`
			}
		case container.MountTmpfs:
			if source != "" {
				wrong = "A tmpfs has no source: leave it out."
			}
		}
		if wrong != "" {
			diags.AddAttributeError(tfpath.Root("mounts"), fmt.Sprintf("Invalid source of the mount %q", target), wrong)
		}
	}
	return diags
}

// isWindowsPath recognises a path of an engine on Windows.
func isWindowsPath(s string) bool { return len(s) > 2 && s[1] == ':' && (s[2] == '\\' || s[2] == '/') }

// isPipe recognises a named pipe of Windows.
func isPipe(s string) bool {
	return strings.HasPrefix(s, `\\.\pipe\`) || strings.HasPrefix(s, "//./pipe/")
}

// keepMounts plans the spelling that the state has where a new one means the same.
type keepMounts struct{}

func (keepMounts) Description(context.Context) string {
	return "another spelling of the same mounts is no change"
}

func (k keepMounts) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

func (keepMounts) PlanModifyMap(ctx context.Context, req planmodifier.MapRequest, resp *planmodifier.MapResponse) {
	var prior, plan map[string]mountModel
	if !bothKnown(ctx, req.StateValue, req.PlanValue) {
		return
	}
	resp.Diagnostics.Append(req.StateValue.ElementsAs(ctx, &prior, false)...)
	resp.Diagnostics.Append(req.PlanValue.ElementsAs(ctx, &plan, false)...)
	// Here a volume with a name is another one than an anonymous volume.
	if !resp.Diagnostics.HasError() && maps.EqualFunc(expandMounts(prior), expandMounts(plan), container.Mount.Same) {
		resp.PlanValue = req.StateValue
	}
}
