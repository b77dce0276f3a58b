// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// The framework's own rules for schemas.
func TestSchemasAreValid(t *testing.T) {
	t.Parallel()
	p := newGantry("test", hclog.NewNullLogger(), nil)
	var own provider.SchemaResponse
	p.Schema(t.Context(), provider.SchemaRequest{}, &own)
	if diags := own.Schema.ValidateImplementation(t.Context()); diags.HasError() {
		t.Error(diags)
	}
	for _, newResource := range p.Resources(t.Context()) {
		r := newResource()
		var name resource.MetadataResponse
		r.Metadata(t.Context(), resource.MetadataRequest{ProviderTypeName: "gantry"}, &name)
		var schema resource.SchemaResponse
		r.Schema(t.Context(), resource.SchemaRequest{}, &schema)
		if diags := schema.Schema.ValidateImplementation(t.Context()); diags.HasError() {
			t.Errorf("%s: %v", name.TypeName, diags)
		}
	}
}

// The conductor's fault becomes one diagnostic on the attribute that it concerns.
func TestAddFault(t *testing.T) {
	t.Parallel()
	f := fault.Fault{Kind: fault.NoSuchNetwork, Summary: "no network", Message: "no such network", Hint: "make it"}
	for _, tt := range []struct {
		name      string
		attribute []string
		wrap      bool
		at        path.Path
	}{
		{"none", nil, false, path.Empty()},
		{"an attribute", []string{"image"}, false, path.Root("image")},
		{"a key below it", []string{"networks", "front"}, false, path.Root("networks")},
		{"wrapped", []string{"image"}, true, path.Root("image")},
	} {
		var diags diag.Diagnostics
		own := f
		own.Field = tt.attribute
		err := error(&own)
		if tt.wrap {
			err = fmt.Errorf("wrapped: %w", err)
		}
		addFault(&diags, err)
		if len(diags) != 1 || diags[0].Summary() != f.Summary || diags[0].Detail() != own.Detail() {
			t.Errorf("%s: %v", tt.name, diags)
			continue
		}
		at := path.Empty()
		if with, ok := diags[0].(diag.DiagnosticWithPath); ok {
			at = with.Path()
		}
		if !at.Equal(tt.at) {
			t.Errorf("%s: the error is at %s, want %s", tt.name, at, tt.at)
		}
	}
	var diags diag.Diagnostics
	addFault(&diags, nil)
	if len(diags) != 0 {
		t.Errorf("no error makes %v", diags)
	}
	addFault(&diags, errors.New("something"))
	if !diags.HasError() {
		t.Error("an unknown error is dropped")
	}
}

// The digest that a create learned stays as long as the image is the same.
func TestImageDigestIsKept(t *testing.T) {
	t.Parallel()
	var m containerModel
	m.compute(&container.Container{ImageID: "sha256:1", ImageDigest: "sha256:d"})
	m.compute(&container.Container{ImageID: "sha256:1"})
	if m.ImageDigest.ValueString() != "sha256:d" {
		t.Errorf("the digest is %s", m.ImageDigest)
	}
	m.compute(&container.Container{ImageID: "sha256:2"})
	if !m.ImageDigest.IsNull() {
		t.Errorf("the other image's digest is %s", m.ImageDigest)
	}
}

func TestExitCodeOnlyAfterTheEnd(t *testing.T) {
	t.Parallel()
	started := time.Unix(1700000000, 0)
	for _, tt := range []struct {
		state container.State
		ended bool
	}{
		{container.State{Status: "running", StartedAt: started}, false},
		{container.State{Status: "created"}, false},
		{container.State{Status: "exited", StartedAt: started}, true},
	} {
		var m containerModel
		m.compute(&container.Container{State: tt.state})
		if m.ExitCode.IsNull() == tt.ended {
			t.Errorf("%s: the exit code is %s", tt.state.Status, m.ExitCode)
		}
	}
}
