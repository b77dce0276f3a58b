// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"fmt"
	"testing"
)

func TestOverlaps(t *testing.T) {
	pools := func(subnets ...string) (all []Pool) {
		for _, s := range subnets {
			all = append(all, Pool{Subnet: s})
		}
		return all
	}
	for _, test := range []struct {
		asked, others []Pool
		want          string
	}{
		{pools("10.1.0.0/16"), pools("10.1.2.0/24"), "[[10.1.0.0/16 10.1.2.0/24]]"},
		{pools("10.1.2.0/24"), pools("10.1.0.0/16"), "[[10.1.2.0/24 10.1.0.0/16]]"},
		{pools("10.1.2.0/24"), pools("10.1.3.0/24", "fd00::/64", "nonsense", ""), "[]"},
		{pools("10.1.2.0/24", "fd00::/64"), pools("fd00::/48"), "[[fd00::/64 fd00::/48]]"},
		{pools("nonsense"), pools("10.1.3.0/24"), "[]"},
	} {
		if got := fmt.Sprint(overlaps(test.asked, test.others)); got != test.want {
			t.Errorf("%v and %v: %s, want %s", test.asked, test.others, got, test.want)
		}
	}
}
