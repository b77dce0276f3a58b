// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"slices"
	"testing"
	"time"
)

// What a check leaves out is the image's, whatever that is.
func TestHealthcheckMetBy(t *testing.T) {
	t.Parallel()
	seen := Healthcheck{Test: []string{"CMD", "a"}, Interval: time.Minute, Timeout: time.Second, Retries: 3}
	for _, tt := range []struct {
		name string
		want *Healthcheck
		seen *Healthcheck
		met  bool
	}{
		{"nothing asked for", nil, nil, true},
		{"nothing asked for, the image's", nil, &seen, true},
		{"the test", &Healthcheck{Test: []string{"CMD", "a"}}, &seen, true},
		{"another test", &Healthcheck{Test: []string{"CMD", "b"}}, &seen, false},
		{"times alone", &Healthcheck{Interval: time.Minute}, &seen, true},
		{"another interval", &Healthcheck{Interval: time.Second}, &seen, false},
		{"another timeout", &Healthcheck{Test: []string{"CMD", "a"}, Timeout: time.Minute}, &seen, false},
		{"another number of retries", &Healthcheck{Retries: 2}, &seen, false},
		{"a start period that it lacks", &Healthcheck{StartPeriod: time.Second}, &seen, false},
		{"no check at all", &Healthcheck{Interval: time.Minute}, nil, false},
	} {
		if got := tt.want.matches(tt.seen); got != tt.met {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}

// A variable without "=" is how a container is made without one of the image's.
func TestEnvironmentList(t *testing.T) {
	t.Parallel()
	list := environmentList(map[string]string{"B": "1", "A": ""}, []string{"C", "D"})
	if !slices.Equal(list, []string{"C", "D", "A=", "B=1"}) {
		t.Errorf("the list is %q", list)
	}
	if got := environmentMap(list); len(got) != 2 || got["B"] != "1" {
		t.Errorf("set are %v", got)
	}
	if got := unsetVariables(list); !slices.Equal(got, []string{"C", "D"}) {
		t.Errorf("unset are %v", got)
	}
	for _, list := range [][]string{{"A", "A=1", "B", "B"}, {"B", "A=1", "A"}} { // To an engine A is set.
		if got := unsetVariables(list); !slices.Equal(got, []string{"B"}) {
			t.Errorf("of %v unset are %v", list, got)
		}
	}
}
