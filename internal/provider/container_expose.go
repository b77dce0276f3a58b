// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

func exposeAttribute() schema.Attribute {
	return schema.SetAttribute{
		Optional: true, ElementType: types.StringType,
		MarkdownDescription: "Ports that the container exposes without publishing them: `\"80\"`, `\"53/udp\"` or a range such as `\"8000-8010/tcp\"`. They add to the image's; only the ones named here are compared. " +
			"With `publish_all_ports` they are published, too.",
		Validators:    []validator.Set{setvalidator.NoNullValues(), setvalidator.ValueStringsAre(validPorts{withProtocol: true})},
		PlanModifiers: []planmodifier.Set{keepSet{exposedPorts}},
	}
}

// portRange is a range of ports; most have one port.
type portRange struct {
	first, last int
	protocol    string
}

// parsePortRange reads "80", "80/udp" and "8000-8010/tcp". Without a protocol it is tcp.
func parsePortRange(s string) (portRange, error) {
	ports, protocol, named := strings.Cut(s, "/")
	if protocol = strings.ToLower(protocol); !named {
		protocol = defaultProtocol
	}
	if !slices.Contains([]string{"tcp", "udp", "sctp"}, protocol) {
		return portRange{}, fmt.Errorf("the protocol %q is none of tcp, udp and sctp", protocol)
	}
	first, last, isRange := strings.Cut(ports, "-")
	if !isRange {
		last = first
	}
	r := portRange{protocol: protocol}
	var err error
	for _, bound := range []struct {
		text string
		port *int
	}{{first, &r.first}, {last, &r.last}} {
		if *bound.port, err = strconv.Atoi(bound.text); err != nil || *bound.port < 1 || *bound.port > 65535 {
			return portRange{}, fmt.Errorf("%q is no port: ports are 1 to 65535", bound.text)
		}
	}
	if r.last < r.first {
		return portRange{}, fmt.Errorf("the first port of the range %q is to be the lower one", ports)
	}
	return r, nil
}

func (r portRange) count() int { return r.last - r.first + 1 }

// exposedPorts returns the ports that elements of expose mean, in the engine's spelling ("80/tcp"), each
// once and in order. What is not valid means none.
func exposedPorts(elements []types.String) []string {
	var ports []string
	for _, e := range elements {
		r, err := parsePortRange(e.ValueString())
		if err != nil {
			continue
		}
		for port := r.first; port <= r.last; port++ {
			ports = append(ports, strconv.Itoa(port)+"/"+r.protocol)
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// refreshExpose keeps the elements whose ports are all exposed. What else is exposed is the image's, or
// published, and no drift.
func refreshExpose(prior []types.String, observed []string) []types.String {
	if prior == nil {
		return nil
	}
	out := make([]types.String, 0, len(prior))
	for _, e := range prior {
		isMissing := func(port string) bool { return !slices.Contains(observed, port) }
		if !slices.ContainsFunc(exposedPorts([]types.String{e}), isMissing) {
			out = append(out, e)
		}
	}
	return out
}

// importExpose takes over the exposed ports that neither the image exposes nor the container publishes.
func importExpose(observed, image []string, published []container.Port) []types.String {
	known := slices.Concat(image, container.PublishedTargets(published))
	return listOrNull(slices.DeleteFunc(slices.Clone(observed), func(port string) bool { return slices.Contains(known, port) }))
}

// validPorts validates a port or a range of ports, with or without a protocol.
type validPorts struct {
	withProtocol bool
	// orAny takes anyPort, too.
	orAny bool
}

// anyPort has the engine choose a port, as leaving it out does.
const anyPort = "0"

func (v validPorts) Description(context.Context) string {
	if v.withProtocol {
		return `must be a port ("80") or a range of ports ("8000-8010"), and perhaps a protocol ("53/udp")`
	}
	return `must be a port ("8080") or a range of ports ("8080-8090")`
}
func (v validPorts) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }
func (v validPorts) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	s := req.ConfigValue.ValueString()
	_, err := parsePortRange(s)
	if v.orAny && s == anyPort {
		return
	}
	if !v.withProtocol && strings.Contains(s, "/") {
		err = errors.New("the protocol has an attribute of its own")
	}
	if err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid port %q", s), fmt.Sprintf("It %s; %s.", v.Description(ctx), err))
	}
}
