// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// containerModel is a container in Terraform, where everything that is not computed is known: in
// state, and in a plan that is applied. Each block has its part of it.
type containerModel struct {
	computedModel
	baseModel
	commandModel
	environmentModel
	secretsModel
	labelsModel
	portsModel
	mountsModel
	networksModel
	networkingModel
	filesModel
	checkModel
	lifecycleModel
	limitsModel
	securityModel
	devicesModel
	namespacesModel
	processModel
	exchangeModel
	placement
}

// expand tells the conductor what the configuration asks for.
func (m *containerModel) expand() container.Spec {
	var spec container.Spec
	for _, b := range containerBlocks() {
		if b.expand != nil {
			b.expand(m, &spec)
		}
	}
	return spec
}

// refresh takes over what the engine reports, as far as the configuration could have asked for
// it: what is null in the state is the image's or the engine's, and no drift.
func (m *containerModel) refresh(c *container.Container) {
	seen := m.observe(c, nil)
	for _, b := range containerBlocks() {
		if b.refresh != nil {
			b.refresh(m, seen)
		}
	}
}

// importFrom takes over a container that was made elsewhere: only what deviates from the image's
// and the engine's defaults is set, so that a configuration that says no more plans nothing.
func (m *containerModel) importFrom(c *container.Container, image *container.ImageDefaults) {
	seen := m.observe(c, image)
	for _, b := range containerBlocks() {
		if b.imports != nil {
			b.imports(m, seen)
		}
	}
}
