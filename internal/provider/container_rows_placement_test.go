// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

// placementRows are the rows of where the container is: tests of their own have the engines that it takes.
func placementRows(Fixtures) map[string]AttributeRow {
	return map[string]AttributeRow{
		"engine": {NotRandom: "it says where the container is", Empty: refusedEmpty("leave it out")},
	}
}
