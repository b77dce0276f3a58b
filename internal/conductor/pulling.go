// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/distribution/reference"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/pull"
)

const (
	// reportEvery is how often the progress of a pull is logged.
	reportEvery = 5 * time.Second
)

// pull brings the image to the engine, together with all who want the same one.
func (o *createJob) pull(ctx context.Context) error {
	o.enter(fault.StepPulling)
	named, err := reference.ParseNormalizedNamed(o.spec.Image)
	if err != nil {
		return o.scope().EngineSaid(fault.Invalid, fault.StepPulling, "pull the image of", []string{"image"}, fault.NothingCreated, err)
	}
	named = reference.TagNameOnly(named)
	auth, err := o.handed.authenticate(named, o.engine.Credentials)
	if err != nil {
		return o.scope().Pull(fault.NoCredentials, fault.Pull{Image: o.spec.Image, Credentials: "could not be read"}, err)
	}
	var outcome pull.Outcome
	pulling := func(named reference.Named) (err error) {
		outcome, err = o.engine.sharedPull(ctx, named, o.spec.Platform, auth, o.mark, o.reportPull(o.spec.Image))
		return err
	}
	if o.pinned == "" {
		err = pulling(named)
	} else {
		err = o.pullDigest(ctx, named, pulling)
	}
	switch {
	case err == nil:
		o.digest = cmp.Or(o.pinned, outcome.Digest)
		return nil
	case ctx.Err() != nil:
		return o.diagnosis().ended(ctx, soFar(outcome.Last))
	default:
		scope := o.scope()
		scope.Mask = scope.Mask.With(auth.Secrets...)
		return scope.Pull(engine.PullKind(err), fault.Pull{Image: o.spec.Image, Credentials: auth.Source, Others: outcome.Others, SoFar: soFar(outcome.Last)}, err)
	}
}

// soFar says how far a pull had come that did not end well; empty if the registry had given nothing.
func soFar(p pull.Progress) string {
	if p.Layers == 0 {
		return ""
	}
	bytes := ""
	if p.Total > 0 {
		bytes = fmt.Sprintf(", %s of the %s in those that began", container.Size(p.Done), container.Size(p.Total))
	}
	return fmt.Sprintf("the pull had %d of %d layers%s", p.Complete, p.Layers, bytes)
}

// reportPull shows the progress of a pull in the journal, and logs it now and then.
func (n *entry) reportPull(name string) func(pull.Progress) {
	var last time.Time
	return func(p pull.Progress) {
		n.progress.setPull(journal.Pull{Image: name, Done: p.Done, Total: p.Total, Layers: p.Layers, Complete: p.Complete})
		if now := time.Now(); now.Sub(last) >= reportEvery {
			last = now
			n.logger.Info("pulling", "image", name, "bytes", p.Done, "of", p.Total)
		}
	}
}
