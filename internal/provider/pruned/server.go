// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package pruned has the plugin framework work on as much of a resource as a request is about.
//
// What the framework does for one resource grows with the square of the number of its attributes:
// for each it goes through the whole object and copies the schema's map of attributes (fwserver's
// SchemaModifyPlan in terraform-plugin-framework 1.19: 12 ms of CPU time for a plan with 92
// attributes, 1.3 ms with 20). Nearly all of the attributes of nearly all containers are null. So a
// request goes to a server that does not know those: what is null everywhere in it stays null, unless
// the provider computes it, or a read finds it.
//
// The resource itself does not notice: it sees whole objects.
package pruned

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// Resource is what a resource has to be.
type Resource interface {
	resource.ResourceWithConfigure
	resource.ResourceWithValidateConfig
	resource.ResourceWithModifyPlan
	resource.ResourceWithIdentity
}

// Provider is what a provider has to be.
type Provider interface {
	provider.Provider
	// ResourceData gives what Configure handed to the resources; nil as long as it has not run.
	ResourceData() any
}

// framework is what the framework's server can do.
type framework interface {
	tfprotov6.ProviderServer
	tfprotov6.ActionServer
}

// Server serves a provider. It is the framework's, but for the requests that validate, read, plan and
// apply its one wide resource.
type Server struct {
	framework

	provider Provider
	name     string
	wide     func() Resource
	whole    shape
	// always are the attributes that no request can go without.
	always map[string]bool
	// nullable are the computed attributes that are null where the configuration and the prior state
	// have null, though Terraform proposes that they become known.
	nullable map[string]bool

	mu sync.Mutex
	// variants are the servers by the attributes that they know beyond always. There is one for
	// each set of attributes that configurations use together: a handful.
	variants map[string]*variant
}

// Attributes are those of a wide resource about which its schema does not say enough.
type Attributes struct {
	// Read are what the validators and plan modifiers of others look at.
	Read []string
	// Nullable are computed, and null all the same where the configuration and the prior state have null.
	Nullable []string
}

// NewServer returns the server of a provider whose resource with this type name is wide.
func NewServer(ctx context.Context, p Provider, name string, wide func() Resource, special Attributes) *Server {
	full, ok := providerserver.NewProtocol6(p)().(framework)
	if !ok {
		panic("the framework's server knows no actions")
	}
	var answer resource.SchemaResponse
	wide().Schema(ctx, resource.SchemaRequest{}, &answer)
	always, nullable := make(map[string]bool), make(map[string]bool)
	for name, a := range answer.Schema.Attributes {
		switch {
		case slices.Contains(special.Read, name) || a.IsRequired():
			always[name] = true
		case slices.Contains(special.Nullable, name):
			nullable[name] = true
		case a.IsComputed():
			always[name] = true
		}
	}
	return &Server{
		framework: full, provider: p, name: name, wide: wide, whole: newShape(ctx, answer.Schema), always: always, nullable: nullable,
		variants: make(map[string]*variant),
	}
}

// variant is a server that knows some attributes of the wide resource.
type variant struct {
	tfprotov6.ProviderServer
	whole shape
	part  shape
}

// variantFor finds the server for a request with these values. It is nil where the whole server is
// the right one: for another resource, for what it can say best is wrong, and for a request that
// uses everything. What is only proposed to become known is not used.
func (s *Server) variantFor(ctx context.Context, name string, proposed *tfprotov6.DynamicValue, values ...*tfprotov6.DynamicValue) *variant {
	if name != s.name {
		return nil
	}
	used := make(map[string]bool)
	for _, v := range append(values, proposed) {
		attributes, ok := s.whole.attributes(v)
		if !ok {
			return nil
		}
		for name, value := range attributes {
			open := v == proposed && s.nullable[name] && !value.IsKnown()
			if !s.always[name] && !value.IsNull() && !open {
				used[name] = true
			}
		}
	}
	if len(used)+len(s.always) == len(s.whole.schema.Attributes) {
		return nil
	}
	key := strings.Join(slices.Sorted(maps.Keys(used)), ",")
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.variants[key]; known != nil {
		return known
	}
	part := s.whole.schema
	part.Attributes = maps.Clone(part.Attributes)
	maps.DeleteFunc(part.Attributes, func(name string, _ schema.Attribute) bool { return !s.always[name] && !used[name] })
	v := &variant{whole: s.whole, part: newShape(ctx, part)}
	one := func() resource.Resource { return &narrowed{Resource: s.wide(), provider: s.provider, variant: v} }
	v.ProviderServer = providerserver.NewProtocol6(only{s.provider, one})()
	s.variants[key] = v
	return v
}

// ValidateResourceConfig validates what the request is about.
func (s *Server) ValidateResourceConfig(ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	v := s.variantFor(ctx, req.TypeName, nil, req.Config)
	if v == nil {
		return s.framework.ValidateResourceConfig(ctx, req)
	}
	part := *req
	if err := v.cut(&part.Config); err != nil {
		return nil, err
	}
	return v.ProviderServer.ValidateResourceConfig(ctx, &part)
}

// ReadResource reads what the request is about, and takes whatever else the resource has found.
func (s *Server) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	v := s.variantFor(ctx, req.TypeName, nil, req.CurrentState)
	if v == nil {
		return s.framework.ReadResource(ctx, req)
	}
	part := *req
	if err := v.cut(&part.CurrentState); err != nil {
		return nil, err
	}
	ctx, more := withFindings(ctx)
	resp, err := v.ProviderServer.ReadResource(ctx, &part)
	if err == nil {
		err = recast(v.part, v.whole, more, &resp.NewState)
	}
	return resp, err
}

// PlanResourceChange plans what the request is about.
func (s *Server) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	v := s.variantFor(ctx, req.TypeName, req.ProposedNewState, req.Config, req.PriorState)
	if v == nil {
		return s.framework.PlanResourceChange(ctx, req)
	}
	part := *req
	if err := v.cut(&part.Config, &part.PriorState, &part.ProposedNewState); err != nil {
		return nil, err
	}
	resp, err := v.ProviderServer.PlanResourceChange(ctx, &part)
	if err == nil {
		err = v.complete(&resp.PlannedState)
	}
	return resp, err
}

// ApplyResourceChange applies what the request is about.
func (s *Server) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	v := s.variantFor(ctx, req.TypeName, nil, req.Config, req.PriorState, req.PlannedState)
	if v == nil {
		return s.framework.ApplyResourceChange(ctx, req)
	}
	part := *req
	if err := v.cut(&part.Config, &part.PriorState, &part.PlannedState); err != nil {
		return nil, err
	}
	resp, err := v.ProviderServer.ApplyResourceChange(ctx, &part)
	if err == nil {
		err = v.complete(&resp.NewState)
	}
	return resp, err
}

// cut leaves in values what the variant knows.
func (v *variant) cut(values ...**tfprotov6.DynamicValue) error {
	return recast(v.whole, v.part, nil, values...)
}

// complete makes a whole value of what the variant answers.
func (v *variant) complete(value **tfprotov6.DynamicValue) error {
	return recast(v.part, v.whole, nil, value)
}

// recast gives objects another shape, with more attributes where there are any.
func recast(from, to shape, more findings, values ...**tfprotov6.DynamicValue) error {
	for _, v := range values {
		if *v == nil {
			continue
		}
		raw, err := (*v).Unmarshal(from.typ)
		if err != nil {
			return err
		}
		recast, err := tfprotov6.NewDynamicValue(to.typ, to.with(raw, more))
		if err != nil {
			return err
		}
		*v = &recast
	}
	return nil
}

// only is a provider with one resource.
type only struct {
	provider.Provider
	resource func() resource.Resource
}

// Resources returns the one.
func (o only) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{o.resource}
}
