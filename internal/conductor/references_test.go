// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// referring is the create of a container that shares another one's network.
func referring(name, other string) CreateRequest {
	req := create(name)
	req.Spec.NetworkMode = "container:" + other
	return req
}

// linkedTo is the create of a container with a link to another one.
func linkedTo(name, other string) CreateRequest {
	req := create(name)
	req.Spec.Links = []string{other + ":alias"}
	return req
}

// What refers to a container waits for the operation on it that was accepted before, and is refused
// if that fails; two that refer to each other don't wait for ever.
func TestReferencesAreAwaited(t *testing.T) {
	for name, tt := range map[string]struct {
		first, second CreateRequest
		fails         bool
		want          fault.Kind
	}{
		"it is made":                 {create("web"), referring("user", "web"), false, ""},
		"it fails":                   {create("web"), referring("user", "web"), true, fault.Refused},
		"each refers to other":       {referring("web", "user"), referring("user", "web"), true, fault.Refused},
		"each is linked to other":    {linkedTo("web", "user"), linkedTo("user", "web"), true, fault.Refused},
		"what it is linked to fails": {create("web"), linkedTo("user", "web"), true, fault.Refused},
		"it refers to itself":        {create("other"), referring("user", "user"), false, ""},
		"nobody makes it now":        {create("other"), referring("user", "web"), false, ""},
		"it was accepted later":      {referring("user", "web"), create("web"), false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				c := f.conductor(t, Options{})
				gate := make(chan struct{})
				f.before = func(_ context.Context, call string) error {
					if call != "create "+tt.first.Spec.Name {
						return nil
					}
					<-gate
					if tt.fails {
						return errors.New("it can't be made")
					}
					return nil
				}
				e, err := c.connect(t.Context(), "")
				if err != nil {
					t.Fatal(err)
				}
				first := tt.first.accept(c, e, false, time.Time{})
				second := tt.second.accept(c, e, false, time.Time{})
				outcomes := make(chan error, 1)
				go func() { _, _ = first.perform(t.Context()) }()
				go func() {
					_, err := second.perform(t.Context())
					outcomes <- err
				}()
				synctest.Wait()
				waits := tt.second.Spec.NetworkMode == "container:"+tt.first.Spec.Name
				if made := f.count("create " + tt.second.Spec.Name); waits && made != 0 {
					t.Error("it did not wait")
				}
				close(gate)
				err = <-outcomes
				var got *fault.Fault
				if errors.As(err, &got) != (tt.want != "") || got != nil && got.Kind != tt.want {
					t.Errorf("the outcome is %v", err)
				}
				if made := f.count("create " + tt.second.Spec.Name); (made == 0) != (tt.want != "") {
					t.Errorf("%d creates were sent", made)
				}
			})
		})
	}
}
