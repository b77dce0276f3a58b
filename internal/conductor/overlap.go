// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/network"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// explainOverlap makes a fault of a network that the engine refuses because of its subnets, and says which network
// has them; where none has, something else on the engine's host does.
func (o *networkCreate) explainOverlap(ctx context.Context, spec NetworkSpec, err error) error {
	ctx, cancel := engine.ContextForLook(ctx)
	defer cancel()
	list, lookErr := o.API.NetworkList(ctx, network.ListOptions{})
	if lookErr != nil {
		o.logger.Debug("the networks can't be listed", "error", lookErr)
		return err
	}
	var have []string
	for _, n := range list {
		pools := make([]Pool, 0, len(n.IPAM.Config))
		for _, p := range n.IPAM.Config {
			pools = append(pools, Pool{Subnet: p.Subnet})
		}
		for _, pair := range overlaps(spec.IPAM.Pools, pools) {
			have = append(have, fmt.Sprintf("network %q has %s, which %s overlaps", n.Name, pair[1], pair[0]))
		}
	}
	slices.Sort(have)
	who := strings.Join(have, "; ")
	if who == "" {
		who = "no network of the engine has it: perhaps its host has a route there"
	}
	f := o.object.Said(fault.Invalid, o.step, o.action, []string{"ipam"}, o.exists, err)
	f.Facts.Why, f.Facts.Advice = who, fault.AdviceOtherSubnet
	return f
}

// overlaps returns the pairs of subnets that share addresses. It is pure.
func overlaps(asked, others []Pool) (pairs [][2]string) {
	for _, a := range asked {
		own, err := netip.ParsePrefix(a.Subnet)
		if err != nil {
			continue
		}
		for _, b := range others {
			if other, err := netip.ParsePrefix(b.Subnet); err == nil && own.Overlaps(other) {
				pairs = append(pairs, [2]string{own.Masked().String(), other.Masked().String()})
			}
		}
	}
	return pairs
}
