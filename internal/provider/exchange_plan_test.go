// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"slices"
	"testing"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// What replaces a container is an exchange with update_order: whatever the attribute, nothing
// replaces, and what only the new container has is unknown.
func TestPlanOfAnExchange(t *testing.T) {
	t.Parallel()
	for name, tt := range allChanges() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCore(t)
			base := minimal().with(values{"update_order": "start-first"})
			from, to := base.with(values{name: tt.from}), base.with(values{name: tt.to})
			if name == "expected_exit_codes" {
				from["desired_state"], to["desired_state"] = "completed", "completed"
			}
			state, made := c.create(t, from, nil)
			state = c.refresh(t, state, made)
			without := c.plan(t, state, to.with(values{"update_order": nil}))
			p := c.plan(t, state, to)
			if len(p.replace) > 0 {
				t.Errorf("replaced because of %v", p.replace)
			}
			if name == "update_order" {
				return
			}
			after := attributesOf(t, p.value)
			if exchange := !after["container_id"].IsKnown(); exchange != (len(without.replace) > 0) {
				t.Errorf("an exchange: %t; without update_order %v replaces", exchange, without.replace)
			}
		})
	}
}

// A tag that moved is decided from the state alone.
func TestPlanOfAMovedTag(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                  string
		order, policy         any
		available, used       string
		replace               []string
		exchange, anythingNew bool
	}{
		{"the same", nil, "always", "sha256:1", "sha256:1", nil, false, false},
		{"moved", nil, "always", "sha256:2", "sha256:1", []string{"image_digest"}, false, true},
		{"moved, with an order", "stop-first", "always", "sha256:2", "sha256:1", nil, true, true},
		{"not known where it leads", nil, "always", "", "sha256:1", nil, false, false},
		{"not known what was used", nil, "always", "sha256:2", "", nil, false, false},
		{"nobody wants to know", nil, "missing", "sha256:2", "sha256:1", nil, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCore(t)
			config := minimal().with(values{"pull_policy": tt.policy, "update_order": tt.order})
			state, made := c.create(t, config, nil)
			m := modelOf(t, c.refresh(t, state, made))
			m.AvailableDigest, m.ImageDigest = stringOrNull(tt.available), stringOrNull(tt.used)
			p := c.plan(t, c.raw(t, m), config)
			after := attributesOf(t, p.value)
			if !slices.Equal(p.replace, tt.replace) || (len(p.changed) > 0) != tt.anythingNew || after["container_id"].IsKnown() == tt.exchange {
				t.Errorf("replaced because of %v; changed are %v", p.replace, p.changed)
			}
			if tt.exchange && modelOf(t, p.value).ImageDigest != m.AvailableDigest {
				t.Error("the digest that is pulled is not in the plan")
			}
		})
	}
}

// An exchange that a cast was to do and that failed is planned again, though nothing differs; without
// an order any more it is a replacement.
func TestPlanAfterAFailedExchange(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	config := minimal().with(values{"update_order": "start-first"})
	state, made := c.create(t, config, nil)
	m := modelOf(t, c.refresh(t, state, made))
	m.Fault = flattenFault(string(conductor.KindExchange), &fault.Fault{Kind: fault.Unhealthy, Summary: "it is unhealthy", Time: time.Unix(1700000000, 0)})
	p := c.plan(t, c.raw(t, m), config)
	if after := attributesOf(t, p.value); len(p.replace) > 0 || after["container_id"].IsKnown() {
		t.Errorf("with an order: replaced because of %v, changed are %v", p.replace, p.changed)
	}
	p = c.plan(t, c.raw(t, m), minimal())
	if !slices.Equal(p.replace, []string{"container_id"}) {
		t.Errorf("without: replaced because of %v", p.replace)
	}
}
