// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
)

type checkModel struct {
	Healthcheck *healthcheckModel `tfsdk:"healthcheck"`
}

type healthcheckModel struct {
	Test          []types.String    `tfsdk:"test"`
	Disable       types.Bool        `tfsdk:"disable"`
	Interval      customtypes.Value `tfsdk:"interval"`
	Timeout       customtypes.Value `tfsdk:"timeout"`
	StartPeriod   customtypes.Value `tfsdk:"start_period"`
	StartInterval customtypes.Value `tfsdk:"start_interval"`
	Retries       types.Int64       `tfsdk:"retries"`
}

// healthcheckBlock is how the engine finds out whether the container is healthy.
func healthcheckBlock() block {
	return block{
		schema:  healthcheckSchema,
		effects: healthcheckEffects,
		expand:  func(m *containerModel, s *container.Spec) { s.Healthcheck = expandHealthcheck(m.Healthcheck) },
		refresh: func(m *containerModel, o observation) {
			m.Healthcheck = flattenHealthcheck(m.Healthcheck, o.Healthcheck)
		},
		imports: func(m *containerModel, o observation) {
			m.Healthcheck = importHealthcheck(o.Healthcheck, o.image.Healthcheck)
		},
		validate: validateHealthcheck,
	}
}

func healthcheckSchema(context.Context) map[string]schema.Attribute {
	return map[string]schema.Attribute{"healthcheck": healthcheckAttribute()}
}

func healthcheckAttribute() schema.Attribute {
	duration := func(description string) schema.Attribute {
		return schema.StringAttribute{
			Optional: true, CustomType: customtypes.Type{Kind: customtypes.Duration},
			MarkdownDescription: description + " Left out, the image's or the engine's default.",
			PlanModifiers:       []planmodifier.String{customtypes.KeepSpelling(customtypes.Duration)},
		}
	}
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "How the engine finds out whether the container is healthy. With a health check, `wait_for = \"ready\"` waits for it. " +
			"Left out, the image's.",
		Attributes: map[string]schema.Attribute{
			"test": schema.ListAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "`[\"CMD\", program, argument, …]`, or `[\"CMD-SHELL\", command]` for the image's shell. Left out, the image's: what is set beside it changes how that is run, and an image without a health check is an error when the container is made.",
				Validators:          []validator.List{healthTest{}, listvalidator.NoNullValues()},
			},
			"disable":        schema.BoolAttribute{Optional: true, MarkdownDescription: "Whether the image's health check is taken away. With it nothing else is set here. Default `false`."},
			"interval":       duration("Time between two runs (`\"30s\"`)."),
			"timeout":        duration("How long one run may take."),
			"start_period":   duration("Time after the start in which failures don't count."),
			"start_interval": duration("Time between two runs within the start period. Needs Docker 25.0 (API 1.44)."),
			"retries": schema.Int64Attribute{
				Optional: true, MarkdownDescription: "How many failures in a row mean unhealthy. Left out, the image's or the engine's default.",
				Validators: []validator.Int64{int64validator.AtLeast(1)},
			},
		},
	}
}

func healthcheckEffects() map[string]effect {
	return map[string]effect{
		"healthcheck": replaces,
	}
}

func expandHealthcheck(h *healthcheckModel) *container.Healthcheck {
	if h == nil {
		return nil
	}
	if h.Disable.ValueBool() {
		return &container.Healthcheck{Test: []string{"NONE"}}
	}
	if h.isEmpty() {
		return nil
	}
	return &container.Healthcheck{
		Test: expandList(h.Test), StartInterval: durationOf(h.StartInterval), Interval: durationOf(h.Interval), Timeout: durationOf(h.Timeout), StartPeriod: durationOf(h.StartPeriod),
		Retries: int(h.Retries.ValueInt64()),
	}
}

// isEmpty reports whether it asks for nothing: then the check is the image's, if that has one.
func (h *healthcheckModel) isEmpty() bool {
	durations := durationOf(h.Interval) + durationOf(h.Timeout) + durationOf(h.StartPeriod) + durationOf(h.StartInterval)
	return len(h.Test) == 0 && durations == 0 && h.Retries.ValueInt64() == 0 && !h.Disable.ValueBool()
}

// flattenHealthcheck compares what is set; what is not is the image's or the engine's.
func flattenHealthcheck(prior *healthcheckModel, observed *container.Healthcheck) *healthcheckModel {
	if prior != nil && prior.isEmpty() && !observed.Disabled() {
		return prior
	}
	if prior == nil || observed == nil {
		return nil
	}
	duration := func(prior customtypes.Value, d time.Duration) customtypes.Value {
		if durationOf(prior) == 0 {
			return prior
		}
		return prior.Or(customtypes.FormatDuration(d))
	}
	out := &healthcheckModel{
		Test: prior.Test, Interval: duration(prior.Interval, observed.Interval), Timeout: duration(prior.Timeout, observed.Timeout),
		StartPeriod: duration(prior.StartPeriod, observed.StartPeriod), StartInterval: duration(prior.StartInterval, observed.StartInterval),
		Retries: prior.Retries, Disable: prior.Disable,
	}
	if observed.Disabled() || prior.Disable.ValueBool() {
		return importHealthcheck(observed, nil)
	}
	if len(prior.Test) > 0 && !slices.Equal(expandList(prior.Test), observed.Test) {
		out.Test = flattenList(observed.Test)
	}
	if prior.Retries.ValueInt64() != 0 {
		out.Retries = types.Int64Value(int64(observed.Retries))
	}
	return out
}

// importHealthcheck takes over what differs from the image's check.
func importHealthcheck(observed, image *container.Healthcheck) *healthcheckModel {
	if observed == nil {
		return nil
	}
	if observed.Disabled() {
		if image.Disabled() {
			return nil
		}
		null := customtypes.Null(customtypes.Duration)
		return &healthcheckModel{Disable: types.BoolValue(true), Interval: null, Timeout: null, StartPeriod: null, StartInterval: null}
	}
	if image == nil {
		image = &container.Healthcheck{}
	}
	duration := func(seen, inherited time.Duration) customtypes.Value {
		if seen == inherited || seen == 0 {
			return customtypes.Null(customtypes.Duration)
		}
		return customtypes.New(customtypes.Duration, customtypes.FormatDuration(seen))
	}
	out := &healthcheckModel{
		Interval: duration(observed.Interval, image.Interval), Timeout: duration(observed.Timeout, image.Timeout),
		StartPeriod: duration(observed.StartPeriod, image.StartPeriod), StartInterval: duration(observed.StartInterval, image.StartInterval),
	}
	if !slices.Equal(observed.Test, image.Test) {
		out.Test = flattenList(observed.Test)
	}
	if observed.Retries != image.Retries && observed.Retries != 0 {
		out.Retries = types.Int64Value(int64(observed.Retries))
	}
	if out.isEmpty() {
		return nil
	}
	return out
}

func validateHealthcheck(ctx context.Context, config tfsdk.Config) diag.Diagnostics {
	var diags diag.Diagnostics
	var h *healthcheckModel
	if !known(ctx, config, "healthcheck", &h, &diags) {
		return diags
	}
	if h == nil {
		return diags
	}
	at := path.Root("healthcheck")
	if h.Disable.ValueBool() {
		if alone := (healthcheckModel{
			Test: h.Test, Interval: h.Interval, Timeout: h.Timeout, StartPeriod: h.StartPeriod, StartInterval: h.StartInterval, Retries: h.Retries,
		}); !alone.isEmpty() {
			diags.AddAttributeError(at, "A health check that is disabled has no settings", "Remove disable, or everything else in healthcheck.")
		}
		return diags
	}
	for name, v := range map[string]customtypes.Value{"interval": h.Interval, "timeout": h.Timeout, "start_period": h.StartPeriod, "start_interval": h.StartInterval} {
		// The engine's rule: 0 is the default, anything else at least 1 ms.
		if d := durationOf(v); d != 0 && d < time.Millisecond {
			diags.AddAttributeError(at, fmt.Sprintf("healthcheck.%s is too short", name), "It must be at least \"1ms\".")
		}
	}
	return diags
}

// healthTest validates what a health check runs.
type healthTest struct{}

func (healthTest) Description(context.Context) string {
	return `must be "CMD", a program and its arguments, or "CMD-SHELL" and one command for the image's shell`
}

func (v healthTest) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v healthTest) ValidateList(ctx context.Context, req validator.ListRequest, resp *validator.ListResponse) {
	words := req.ConfigValue.Elements()
	if req.ConfigValue.IsNull() || len(words) == 0 || words[0].IsUnknown() {
		return
	}
	first := ""
	if word, ok := words[0].(types.String); ok {
		first = word.ValueString()
	}
	switch {
	case first == "NONE":
		resp.Diagnostics.AddAttributeError(req.Path, "A health check that is taken away has no test",
			"Write disable = true instead of test = [\"NONE\"].")
	case first != "CMD" && first != "CMD-SHELL":
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid first word %q of the health check", first), fmt.Sprintf("It %s.", v.Description(ctx)))
	case len(words) == 1:
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("A health check of %q alone", first), fmt.Sprintf("It %s.", v.Description(ctx)))
	case first == "CMD-SHELL" && len(words) > 2:
		resp.Diagnostics.AddAttributeWarning(req.Path, "Further words after \"CMD-SHELL\" are no part of the command",
			"The shell runs the first word alone, and has the others as $0, $1 and so on. If they are meant as one command, write it as one word, or use \"CMD\".")
	}
}
