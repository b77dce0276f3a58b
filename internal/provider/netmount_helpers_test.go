// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

// changesOnly asserts that a plan updates gantry_container.web in place, and changes these
// attributes alone, beside computed ones that become unknown.
type changesOnly []string

func (c changesOnly) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	for _, rc := range req.Plan.ResourceChanges {
		if rc.Address != web {
			continue
		}
		before, ok := rc.Change.Before.(map[string]any)
		after, known := rc.Change.After.(map[string]any)
		if !ok || !known || !rc.Change.Actions.Update() {
			resp.Error = fmt.Errorf("the plan is to %v", rc.Change.Actions)
			return
		}
		var changed []string
		for name, value := range after {
			if !reflect.DeepEqual(before[name], value) {
				changed = append(changed, name)
			}
		}
		slices.Sort(changed)
		if !slices.Equal(changed, c) {
			resp.Error = fmt.Errorf("the plan changes %v, want %v", changed, []string(c))
		}
		return
	}
	resp.Error = fmt.Errorf("%s is not in the plan", web)
}

// importedNetworks asserts that an import takes over exactly these networks, without options.
func importedNetworks(names ...string) resource.ImportStateCheckFunc {
	return func(states []*terraform.InstanceState) error {
		for _, name := range names {
			if _, ok := states[0].Attributes["networks."+name+".%"]; !ok {
				return fmt.Errorf("network %s is not imported: %v", name, states[0].Attributes)
			}
		}
		if n := states[0].Attributes["networks.%"]; n != fmt.Sprint(len(names)) {
			return fmt.Errorf("%s networks are imported, want %d", n, len(names))
		}
		return nil
	}
}
