// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package background

import (
	"encoding/json"
	"strings"
	"testing"
)

// What is not known of a message is never left out.
func TestUnknownFieldsAreRefused(t *testing.T) {
	t.Parallel()
	for message, ok := range map[string]bool{
		`{"Number": 1, "Do": "accept"}`:                   true,
		`{"Number": 1, "Do": "accept", "Shape": "round"}`: false,
	} {
		var a ask
		if err := Strict(json.NewDecoder(strings.NewReader(message)), &a); (err == nil) != ok {
			t.Errorf("%s: %v", message, err)
		}
	}
}
