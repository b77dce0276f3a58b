// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// filesModel is what is put into the container.
type filesModel struct {
	Files files `tfsdk:"files"`
}

// fileModel is a file that is put into the container.
type fileModel struct {
	Content          types.String `tfsdk:"content"`
	ContentBase64    types.String `tfsdk:"content_base64"`
	Source           types.String `tfsdk:"source"`
	SourceSHA256     types.String `tfsdk:"source_sha256"`
	ContentWO        types.String `tfsdk:"content_wo"`
	ContentWOVersion types.Int64  `tfsdk:"content_wo_version"`
	Mode             types.String `tfsdk:"mode"`
	UID              types.Int64  `tfsdk:"uid"`
	GID              types.Int64  `tfsdk:"gid"`
	RestartOnChange  types.Bool   `tfsdk:"restart_on_change"`
}

// files are the files of a container, by their path in it.
type files map[string]fileModel

// filesBlock is what is put into the container. No engine tells what is in a file, and complete has what only the configuration does.
func filesBlock() block {
	return block{
		schema:   filesSchema,
		effects:  filesEffects,
		defaults: filesDefaults,
		validate: validateFiles,
	}
}

func filesSchema(context.Context) map[string]schema.Attribute {
	return map[string]schema.Attribute{"files": filesAttribute()}
}

func filesAttribute() schema.Attribute {
	contents := path.Expressions{
		path.MatchRelative().AtParent().AtName("content"), path.MatchRelative().AtParent().AtName("content_base64"), path.MatchRelative().AtParent().AtName("source"),
		path.MatchRelative().AtParent().AtName("content_wo"),
	}
	id := func(whose string) schema.Attribute {
		return schema.Int64Attribute{
			Optional: true, MarkdownDescription: fmt.Sprintf("The ID of the %s. Default 0: root.", whose),
			Validators: []validator.Int64{int64validator.Between(0, 1<<32-2)},
		}
	}
	return schema.MapNestedAttribute{
		Optional: true,
		MarkdownDescription: "Files that are put into the container before it starts, by their absolute path there. Directories that are missing are made. Each has exactly one of `content`, `content_base64`, `source` and `content_wo`. " +
			"A file that is added or changed is put into the container as it runs; removing one replaces the container, as only a new one is without it. " +
			"Files are not read back: what somebody changes inside the container is not seen. In a directory that is mounted from a bind or a volume, the file is written there. After an update that failed they are applied again. " +
			"With `read_only` the directory of a file, where nothing is mounted, is a volume of the container's own: it has what the image has there, can be written to, and is removed with the container. " +
			"A file that needs another such directory replaces the container.",
		Validators: []validator.Map{
			mapvalidator.NoNullValues(),
			mapvalidator.KeysAre(absolutePath{}, stringvalidator.RegexMatches(regexp.MustCompile(`^/.`), "must be an absolute path of a file")),
		},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"content": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The content, at most 256 KiB. It is in the state: for a secret use `content_wo`.",
				Validators: []validator.String{stringvalidator.ExactlyOneOf(contents...), stringvalidator.LengthAtMost(mostContent)},
			},
			"content_base64": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The content in base64, at most 256 KiB of it. It is in the state.",
				Validators: []validator.String{base64Text{}},
			},
			"source": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The path of a file on the machine that Terraform runs on, at most 1 MiB of it. The state has only its hash. A file that changed is a change of the container. " +
					"It is read again by the apply: what is put into the container is the file as it is then, so another resource of the same apply may make it.",
				Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"source_sha256": schema.StringAttribute{Computed: true, MarkdownDescription: "The SHA-256 hash of `source`. Known after the apply where the container is created or changed."},
			"content_wo": schema.StringAttribute{
				Optional: true, WriteOnly: true, MarkdownDescription: "The content, at most 256 KiB, in no state and no plan. A change of it alone is not seen: change `content_wo_version`, too. Needs Terraform 1.11.",
				Validators: []validator.String{stringvalidator.LengthAtMost(mostContent)},
			},
			"content_wo_version": schema.Int64Attribute{
				Optional: true, MarkdownDescription: "Any number: when it changes, `content_wo` is put into the container again.",
				Validators: []validator.Int64{int64validator.AlsoRequires(path.MatchRelative().AtParent().AtName("content_wo"))},
			},
			"mode": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The permissions, in octal digits. Default `\"0644\"`.",
				Validators: orLeftOut[validator.String](stringvalidator.RegexMatches(regexp.MustCompile(`^[0-7]{3,4}$`), `must be three or four octal digits, for example "0644"`)),
			},
			"uid":               id("file's owner"),
			"gid":               id("file's group"),
			"restart_on_change": schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether the container is restarted when the file is added or changed. Default `false`."},
		}},
	}
}

func filesEffects() map[string]effect {
	return map[string]effect{
		"files":               inPlace,
		"files.source_sha256": computed,
	}
}

// filesDefaults: they hold what is write-only, which nothing computed can.
func filesDefaults() map[string]leftOut {
	return map[string]leftOut{"files": {nullOnly: true, noSetting: true}}
}

const (
	// mostContent bounds what is in the configuration, and so in the state and in plans.
	mostContent = 256 << 10
	// mostSource bounds a local file: it is held in memory, and sent with its operation.
	mostSource = 1 << 20
	// plainMode is the mode of a file unless the configuration has another.
	plainMode = 0o644
)

func fileMode(m fileModel) int64 {
	if mode, err := strconv.ParseInt(m.Mode.ValueString(), 8, 64); err == nil {
		return mode
	}
	return plainMode
}

// fingerprint stands for what is in the container: two files with the same one need no upload. A
// content that is in no state has its version alone.
func (m fileModel) fingerprint() string {
	content := "version " + m.ContentWOVersion.String()
	switch {
	case !m.Content.IsNull():
		content = hash([]byte(m.Content.ValueString()))
	case !m.ContentBase64.IsNull():
		plain, _ := base64.StdEncoding.DecodeString(m.ContentBase64.ValueString()) // It was validated.
		content = hash(plain)
	case !m.Source.IsNull():
		content = m.SourceSHA256.ValueString()
	}
	return fmt.Sprintf("%s %o %d:%d", content, fileMode(m), m.UID.ValueInt64(), m.GID.ValueInt64())
}

// same reports whether a change from m to other is one of spelling.
func (m fileModel) same(other fileModel) bool {
	return m.Content.Equal(other.Content) && m.ContentBase64.Equal(other.ContentBase64) && m.Source.Equal(other.Source) &&
		m.RestartOnChange.ValueBool() == other.RestartOnChange.ValueBool() && m.fingerprint() == other.fingerprint()
}

func hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// changedFiles lists what has to be uploaded, and says whether one of the files asks for a restart.
func changedFiles(prior, plan files) (paths []string, restart bool) {
	for _, target := range slices.Sorted(maps.Keys(plan)) {
		m := plan[target]
		if before, ok := prior[target]; ok && before.fingerprint() == m.fingerprint() {
			continue
		}
		paths = append(paths, target)
		restart = restart || m.RestartOnChange.ValueBool()
	}
	return paths, restart
}

// without returns the files of a state after an update that failed: what the container has in place of
// those that it was to upload is not known, and the next plan applies them again.
func (f files) without(paths []string) files {
	if f == nil {
		return nil
	}
	left := maps.Clone(f)
	for _, target := range paths {
		delete(left, target)
	}
	return left
}

// expandFiles reads the contents. What is write-only is in the configuration alone. The hash of a source becomes the
// one of what was read.
func expandFiles(plan, config files) (map[string]container.File, diag.Diagnostics) {
	var diags diag.Diagnostics
	var out map[string]container.File
	for _, target := range slices.Sorted(maps.Keys(plan)) {
		m := plan[target]
		f := container.File{Mode: fileMode(m), UID: int(m.UID.ValueInt64()), GID: int(m.GID.ValueInt64())}
		switch {
		case !m.Content.IsNull():
			f.Content = []byte(m.Content.ValueString())
		case !m.ContentBase64.IsNull():
			f.Content, _ = base64.StdEncoding.DecodeString(m.ContentBase64.ValueString()) // It was validated.
		case !m.Source.IsNull():
			content, err := readSource(m.Source.ValueString())
			if err != nil {
				diags.AddAttributeError(sourcePath(target), fmt.Sprintf("Unable to read the source of file %q", target), unreadable(err))
				continue
			}
			m.SourceSHA256 = types.StringValue(hash(content))
			plan[target], f.Content = m, content
		default:
			f.Content, f.WriteOnly = []byte(config[target].ContentWO.ValueString()), true
		}
		if out == nil {
			out = make(map[string]container.File, len(plan))
		}
		out[target] = f
	}
	return out, diags
}

// planFiles completes the plan of the files: the hashes of their sources, the spelling of the state
// where a new one means the same, and the replacement that a removed one needs.
func planFiles(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	at := path.Root("files")
	plan, known := plannedFiles(ctx, req.Plan, resp)
	if !known {
		return
	}
	var prior files
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.GetAttribute(ctx, at, &prior)...)
	}
	for target, m := range plan {
		if m.Source.IsUnknown() {
			m.SourceSHA256 = types.StringUnknown()
			plan[target] = m
			continue
		}
		m.SourceSHA256 = types.StringNull()
		if !m.Source.IsNull() {
			content, err := readSource(m.Source.ValueString())
			switch {
			case errors.Is(err, fs.ErrNotExist):
				m.SourceSHA256 = types.StringUnknown()
				resp.Diagnostics.AddAttributeWarning(sourcePath(target), fmt.Sprintf("The source of file %q does not exist yet", target), notYet(err))
			case err != nil:
				resp.Diagnostics.AddAttributeError(sourcePath(target), fmt.Sprintf("Unable to read the source of file %q", target), sentence(err)+".")
			default:
				m.SourceSHA256 = types.StringValue(hash(content))
			}
		}
		plan[target] = m
	}
	removed := func(target string) bool { _, ok := plan[target]; return !ok }
	if slices.ContainsFunc(slices.Collect(maps.Keys(prior)), removed) || !hasPlaceFor(ctx, plan, prior, req, resp) {
		resp.RequiresReplace = append(resp.RequiresReplace, at)
	}
	if prior != nil && plan != nil && maps.EqualFunc(prior, plan, fileModel.same) {
		plan = prior
	}
	if plan != nil {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, at, plan)...)
	}
}

// planChangedFiles plans an update for files that changed: the framework does not know of a source
// with another content. It says whether the update restarts the container.
func planChangedFiles(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) (restarts bool) {
	if !slices.Contains(changes(req), "files") {
		return false
	}
	planAgain(ctx, resp)
	plan, known := plannedFiles(ctx, req.Plan, resp)
	if !known {
		return true // Perhaps.
	}
	var prior files
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root("files"), &prior)...)
	_, restarts = changedFiles(prior, plan)
	return restarts
}

// plannedFiles reads the planned files, if it is known which there are.
func plannedFiles(ctx context.Context, plan tfsdk.Plan, resp *resource.ModifyPlanResponse) (planned files, known bool) {
	var all types.Map
	resp.Diagnostics.Append(plan.GetAttribute(ctx, path.Root("files"), &all)...)
	if resp.Diagnostics.HasError() || all.IsUnknown() {
		return nil, false
	}
	for _, m := range all.Elements() {
		if m.IsUnknown() {
			return nil, false
		}
	}
	resp.Diagnostics.Append(plan.GetAttribute(ctx, path.Root("files"), &planned)...)
	return planned, !resp.Diagnostics.HasError()
}

// base64Text validates the standard encoding, and how much is in it.
type base64Text struct{}

func (base64Text) Description(context.Context) string {
	return "must be base64 (with padding) of at most 256 KiB"
}

func (v base64Text) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v base64Text) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if plain, err := base64.StdEncoding.DecodeString(req.ConfigValue.ValueString()); err != nil || len(plain) > mostContent {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid content_base64", fmt.Sprintf("It %s.", v.Description(ctx)))
	}
}
