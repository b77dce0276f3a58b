// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

type portsModel struct {
	Ports []portModel `tfsdk:"ports"`
}

type portModel struct {
	Target    types.String `tfsdk:"target"`
	Published types.String `tfsdk:"published"`
	HostIP    types.String `tfsdk:"host_ip"`
	Protocol  types.String `tfsdk:"protocol"`
}

// portsBlock is the ports that are published.
func portsBlock() block {
	return block{
		schema:   portsSchema,
		effects:  portsEffects,
		expand:   func(m *containerModel, s *container.Spec) { s.Ports = expandPorts(m.Ports) },
		refresh:  func(m *containerModel, o observation) { m.Ports = flattenPorts(m.Ports, o.Ports) },
		imports:  func(m *containerModel, o observation) { m.Ports = flattenPorts(nil, o.Ports) },
		validate: validatePorts,
	}
}

const defaultProtocol = "tcp"

func portsSchema(context.Context) map[string]schema.Attribute {
	return map[string]schema.Attribute{"ports": portsAttribute()}
}

func portsAttribute() schema.Attribute {
	return schema.SetNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Ports of the container that are published on its host. What the engine chose is in `published_ports`.",
		Validators:          []validator.Set{setvalidator.NoNullValues()},
		PlanModifiers:       []planmodifier.Set{keepPorts{}},
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"target": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "The port in the container, or a range of ports such as `8000-8010`: then `published` is a range of as many ports, each of which leads to one of them, or is left out.",
				Validators:          []validator.String{validPorts{}},
			},
			"published": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "The port on the host, or a range such as `8080-8090` from which the engine chooses. Left out, or `0`, the engine chooses any free port.",
				Validators:          []validator.String{validPorts{orAny: true}},
			},
			"host_ip": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The address of the host to bind to. Left out, every address.",
				Validators: []validator.String{ipAddress{}},
			},
			"protocol": schema.StringAttribute{
				Optional: true, MarkdownDescription: "`tcp` (default), `udp` or `sctp`.",
				Validators: []validator.String{stringvalidator.OneOfCaseInsensitive("tcp", "udp", "sctp")},
			},
		}},
	}
}

func portsEffects() map[string]effect {
	return map[string]effect{
		"ports": replaces,
	}
}

// expandPorts has one port for each port of a range in the container. What is not valid is left out.
func expandPorts(ports []portModel) []container.Port {
	var list []container.Port
	for _, p := range ports {
		target, err := parsePortRange(p.Target.ValueString())
		if err != nil {
			continue
		}
		one := container.Port{Published: p.Published.ValueString(), HostIP: p.HostIP.ValueString(), Protocol: cmp.Or(strings.ToLower(p.Protocol.ValueString()), defaultProtocol)}
		if one.Published == anyPort {
			one.Published = ""
		}
		published, err := parsePortRange(one.Published)
		pairs := err == nil && target.count() > 1
		for i := range target.count() {
			one.Target = target.first + i
			if pairs {
				one.Published = strconv.Itoa(published.first + i)
			}
			list = append(list, one)
		}
	}
	return list
}

// flattenPorts keeps the prior ports, with their spelling, if the engine publishes the same.
func flattenPorts(prior []portModel, observed []container.Port) []portModel {
	if samePorts(expandPorts(prior), observed) {
		return prior
	}
	var ports []portModel
	for _, p := range observed {
		m := portModel{Target: types.StringValue(strconv.Itoa(p.Target)), Published: stringOrNull(p.Published), HostIP: stringOrNull(p.HostIP)}
		if p.Protocol != defaultProtocol {
			m.Protocol = types.StringValue(p.Protocol)
		}
		ports = append(ports, m)
	}
	return ports
}

// validatePorts checks what concerns more than one port.
func validatePorts(ctx context.Context, config tfsdk.Config) diag.Diagnostics {
	var diags diag.Diagnostics
	var ports []portModel
	if known(ctx, config, "ports", &ports, &diags) {
		diags.Append(validateRanges(ports)...)
		diags.Append(validateHostPorts(ports)...)
	}
	return diags
}

// validateRanges checks that a range of published ports leads to one of as many ports.
func validateRanges(ports []portModel) diag.Diagnostics {
	var diags diag.Diagnostics
	for _, p := range ports {
		target, invalid := parsePortRange(p.Target.ValueString())
		published, unusable := parsePortRange(p.Published.ValueString())
		if invalid != nil || unusable != nil || target.count() == 1 || published.count() == target.count() {
			continue // What is not valid has an error of its own.
		}
		diags.AddAttributeError(path.Root("ports"), fmt.Sprintf("Ports %s can't lead to ports %s", p.Published.ValueString(), p.Target.ValueString()),
			fmt.Sprintf("The published range has %d ports, and the target range has %d: each published port leads to one of the container. "+
				"Make the ranges equally long, or leave published out to let the engine choose the ports.", published.count(), target.count()))
	}
	return diags
}

// samePorts compares by meaning.
func samePorts(a, b []container.Port) bool {
	return slices.Equal(container.PlainPorts(a), container.PlainPorts(b))
}

// keepPorts plans the spelling that the state has where a new one means the same.
type keepPorts struct{}

func (keepPorts) Description(context.Context) string {
	return "another spelling of the same ports is no change"
}

func (k keepPorts) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

func (keepPorts) PlanModifySet(ctx context.Context, req planmodifier.SetRequest, resp *planmodifier.SetResponse) {
	var prior, plan []portModel
	if !bothKnown(ctx, req.StateValue, req.PlanValue) {
		return
	}
	resp.Diagnostics.Append(req.StateValue.ElementsAs(ctx, &prior, false)...)
	resp.Diagnostics.Append(req.PlanValue.ElementsAs(ctx, &plan, false)...)
	if !resp.Diagnostics.HasError() && samePorts(expandPorts(prior), expandPorts(plan)) {
		resp.PlanValue = req.StateValue
	}
}
