// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// What Terraform 1.12 and later do with an identity, without such a Terraform: a container is imported
// by its identity, and after a rename outside its identity has the new name.
func TestIdentity(t *testing.T) {
	t.Parallel()
	engine := enginetest.New(t)
	id := engine.Run(engine.Name("web"), enginetest.RunOptions{Image: engine.Image(enginetest.ImageOptions{})})
	c := newCore(t)
	dynamic := func(typ tftypes.Type, v any) *tfprotov6.DynamicValue {
		d, err := tfprotov6.NewDynamicValue(typ, value(t, typ, v))
		if err != nil {
			t.Fatal(err)
		}
		return &d
	}
	configured, err := c.server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{
		Config: dynamic(c.provider.ValueType(), values{"host": engine.Host, "state_dir": t.TempDir()}),
	})
	if err != nil {
		t.Fatal(err)
	}
	fatalDiagnostics(t, configured.Diagnostics)
	identity := tftypes.Object{AttributeTypes: map[string]tftypes.Type{"engine": tftypes.String, "name": tftypes.String}}

	for _, wanted := range []values{{"engine": engine.HostName(), "name": engine.Name("web")}, {"name": engine.Name("web")}} {
		imported, err := c.server.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{
			TypeName: "gantry_container", Identity: &tfprotov6.ResourceIdentityData{IdentityData: dynamic(identity, wanted)},
		})
		if err != nil {
			t.Fatal(err)
		}
		fatalDiagnostics(t, imported.Diagnostics)
		got := imported.ImportedResources[0]
		state, err := got.State.Unmarshal(c.typ)
		if err != nil {
			t.Fatal(err)
		}
		if container := attributesOf(t, state)["container_id"]; !container.Equal(tftypes.NewValue(tftypes.String, id)) {
			t.Errorf("imported was %s", container)
		}
		current, private := got.State, got.Private
		identified := got.Identity
		for _, name := range []string{"web", "www"} {
			if name == "www" && wanted["engine"] == nil {
				break
			}
			if name == "www" {
				if err := engine.Docker.ContainerRename(t.Context(), id, engine.Name(name)); err != nil {
					t.Fatal(err)
				}
			}
			read, err := c.server.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{
				TypeName: "gantry_container", CurrentState: current, CurrentIdentity: identified, Private: private,
			})
			if err != nil {
				t.Fatal(err)
			}
			fatalDiagnostics(t, read.Diagnostics)
			current, identified, private = read.NewState, read.NewIdentity, read.Private
			now, err := identified.IdentityData.Unmarshal(identity)
			if err != nil {
				t.Fatal(err)
			}
			if want := value(t, identity, values{"engine": engine.HostName(), "name": engine.Name(name)}); !now.Equal(want) {
				t.Errorf("the identity is %s, want %s", now, want)
			}
		}
		if err := engine.Docker.ContainerRename(t.Context(), id, engine.Name("web")); err != nil && wanted["engine"] != nil {
			t.Fatal(err)
		}
	}
}

// What exists in no engine is not imported, and gantry says so itself.
func TestImportOfWhatIsNowhere(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	for kind, says := range map[string]string{"gantry_exec": "A command can't be imported", "gantry_barrier": "A barrier can't be imported"} {
		got, err := c.server.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: kind, ID: "x"})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Diagnostics) != 1 || got.Diagnostics[0].Summary != says {
			t.Errorf("%s: %v", kind, got.Diagnostics)
		}
	}
}
