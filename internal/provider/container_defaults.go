// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
)

// force is what leaving settings out means to the container: what its engine does, and what its image
// brought.
type force struct {
	Defaults  container.EngineDefaults `json:"defaults"`
	Inherited container.Inherited      `json:"inherited"`
	// ImageID and ContainerID are what Inherited is about.
	ImageID     string `json:"image_id"`
	ContainerID string `json:"container_id,omitempty"`
	// Imported reports that nobody knows whether what the engine gives was asked for.
	Imported bool `json:"imported,omitempty"`
	// Exchanged reports that an exchange has put the container into the place of the imported one.
	Exchanged bool `json:"exchanged,omitempty"`
	// Exchange is the cast exchange whose container takes over all that this one has.
	Exchange string `json:"exchange,omitempty"`
}

// forceKey is where the private state has the force of the last look at the container: a plan decides
// from the state alone.
const forceKey = "in_force"

// privateState is Terraform's, and privateReader what a plan has of it.
type privateState interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

type privateReader interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

type privateData interface {
	privateReader
	privateState
}

// keepForce notes what leaving out means to a container. The image is nil if it was not looked at: then
// what was known of it before stays.
func keepForce(ctx context.Context, private privateData, m *containerModel, c *container.Container, image *container.ImageDefaults, diags *diag.Diagnostics) {
	asked, before := m.expand().Settings, readForce(ctx, private, diags)
	f := force{Defaults: c.Defaults, Inherited: c.Inherit(asked, image), ImageID: c.ImageID, ContainerID: c.ID}
	switch {
	case image != nil:
		f.Inherited.Given, f.Imported = c.Given(container.Settings{}), true
	case before.ContainerID == c.ID: // Whoever writes it down later still has what the engine gives.
		f.Inherited.Given, f.Imported, f.Exchange, f.Exchanged = before.Inherited.Given, before.Imported, before.Exchange, before.Exchanged
	case before.Exchange != "" && before.Exchange == c.Labels[container.LabelOperation]:
		f.Inherited.Given, f.Imported, f.Exchanged = before.Inherited.Given, before.Imported, before.Imported
	default:
		f.Inherited.Given = c.Given(asked)
	}
	if image == nil && before.ImageID == c.ImageID {
		f.Inherited.Environment, f.Inherited.Variables, f.Inherited.Platform = before.Inherited.Environment, before.Inherited.Variables, before.Inherited.Platform
	}
	value, err := json.Marshal(f)
	if err != nil {
		diags.AddError("Unable to note the container's defaults", err.Error())
		return
	}
	diags.Append(private.SetKey(ctx, forceKey, value)...)
}

// handOn notes that the container of an exchange has all that the one before had: what an import found stays what
// leaving it out means. A cast has no container yet.
func handOn(ctx context.Context, before privateReader, private privateState, out done, diags *diag.Diagnostics) {
	f := readForce(ctx, before, diags)
	switch {
	case !f.Imported:
		return
	case out.accepted:
		f.Exchange = out.OperationID
	case out.Container != nil:
		f.ContainerID, f.Exchanged = out.Container.ID, true
	}
	value, err := json.Marshal(f)
	if err != nil {
		diags.AddError("Unable to note the container's defaults", err.Error())
		return
	}
	diags.Append(private.SetKey(ctx, forceKey, value)...)
}

// readForce returns what the last refresh noted. The zero value, of a state of before, knows nothing.
func readForce(ctx context.Context, private privateReader, diags *diag.Diagnostics) force {
	value, found := private.GetKey(ctx, forceKey)
	diags.Append(found...)
	var f force
	if value == nil || json.Unmarshal(value, &f) != nil {
		return force{}
	}
	return f
}

// strange reports whether somebody else made the container with this ID: it was imported, so that no state knows which
// secrets it was given before.
func (f force) strange(containerID string) bool {
	return f.Imported && !f.Exchanged && f.ContainerID == containerID
}

// inForce returns what leaving out means to what is planned: another image brings something else.
func inForce(ctx context.Context, private privateReader, prior, planned map[string]tftypes.Value, diags *diag.Diagnostics) force {
	f := readForce(ctx, private, diags)
	moved := !prior["available_digest"].IsNull() && !prior["available_digest"].Equal(prior["image_digest"])
	var platform string
	own := planned["platform"].Equal(prior["platform"]) || isZero(planned["platform"]) ||
		f.Inherited.Platform != "" && planned["platform"].IsKnown() && planned["platform"].As(&platform) == nil && customtypes.Platform.Same(platform, f.Inherited.Platform)
	if moved || !own || !planned["image"].Equal(prior["image"]) {
		f.Inherited = container.Inherited{Given: f.Inherited.Given}
	}
	return f
}
