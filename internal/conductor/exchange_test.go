// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"testing"
)

func TestTemporaryNames(t *testing.T) {
	t.Parallel()
	next, prior := temporaryNames("edge1/web/0190b5a6-0000-7000-8000-00000000abcd", "web")
	if next != "web.next-00000000abcd" || prior != "web.prior-00000000abcd" {
		t.Error(next, prior)
	}
}
