// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"golang.org/x/sync/errgroup"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// many is how many containers the benchmarks handle at once.
const many = 60

// BenchmarkMany compares Terraform with gantry to the bare engine, with the same image in the same
// minutes. Of several rounds (-benchtime 3x) the median of each counts: the best would favour the
// bare engine, which is measured once for each number of calls at once. Only the ratios carry over
// to other machines:
//
//	apply/raw     apply of 60 containers, against create, start and inspect by the API with the
//	              number of calls at once that is fastest
//	destroy/raw   destroy of those, against stop and remove by the API
//	plan/data     plan with nothing to do, against a plan of 60 terraform_data
func BenchmarkMany(b *testing.B) {
	engine := enginetest.New(b)
	image := engine.Image(enginetest.ImageOptions{})
	bench, data := newCLI(b), newPlainCLI(b)
	bench.configure(fmt.Sprintf(`provider "gantry" {
  host = %q
}

resource "gantry_container" "many" {
  count = %d
  name  = "%s-${count.index}"
  image = %q
}
`, engine.Host, many, engine.Name("terraform"), image))
	data.configure(fmt.Sprintf("resource \"terraform_data\" \"many\" {\n  count = %d\n}\n", many))
	data.must("apply", "-auto-approve")

	var apply, plan, baseline, destroy []time.Duration
	made, removed := map[int][]time.Duration{}, map[int][]time.Duration{}
	for b.Loop() {
		for _, atOnce := range []int{2, 4, 8} {
			m, r := raw(b, engine, image, atOnce)
			b.Logf("bare engine, %d at once: made in %.1f s, removed in %.1f s", atOnce, m.Seconds(), r.Seconds())
			made[atOnce], removed[atOnce] = append(made[atOnce], m), append(removed[atOnce], r)
		}
		a := bench.must("apply", "-auto-approve").took
		p := bench.must("plan", "-detailed-exitcode").took
		n := data.must("plan", "-detailed-exitcode").took
		d := bench.must("destroy", "-auto-approve").took
		b.Logf("terraform: apply %.1f s, plan %.2f s (terraform_data %.2f s), destroy %.1f s", a.Seconds(), p.Seconds(), n.Seconds(), d.Seconds())
		apply, plan, baseline, destroy = append(apply, a), append(plan, p), append(baseline, n), append(destroy, d)
	}
	b.ReportMetric(median(apply).Seconds()/fastest(made).Seconds(), "apply/raw")
	b.ReportMetric(median(destroy).Seconds()/fastest(removed).Seconds(), "destroy/raw")
	b.ReportMetric(median(plan).Seconds()/median(baseline).Seconds(), "plan/data")
}

// fastest is the median at the number of calls at once where it is the shortest.
func fastest(byAtOnce map[int][]time.Duration) time.Duration {
	var medians []time.Duration
	for _, durations := range byAtOnce {
		medians = append(medians, median(durations))
	}
	return slices.Min(medians)
}

// raw makes and removes the containers by the engine's API alone, so many at once.
func raw(b *testing.B, engine *enginetest.Engine, image string, atOnce int) (made, removed time.Duration) {
	b.Helper()
	ids := make([]string, many)
	all := func(work func(ctx context.Context, i int) error) time.Duration {
		began := time.Now()
		group, ctx := errgroup.WithContext(b.Context())
		group.SetLimit(atOnce)
		for i := range many {
			group.Go(func() error { return work(ctx, i) })
		}
		if err := group.Wait(); err != nil {
			b.Fatal(err)
		}
		return time.Since(began)
	}
	made = all(func(ctx context.Context, i int) error {
		name := fmt.Sprintf("%s-%d", engine.Name("raw"), i)
		created, err := engine.Docker.ContainerCreate(ctx, &container.Config{Image: image}, nil, nil, nil, name)
		if err != nil {
			return err
		}
		ids[i] = created.ID
		if err := engine.Docker.ContainerStart(ctx, created.ID, container.StartOptions{}); err != nil {
			return err
		}
		_, err = engine.Docker.ContainerInspect(ctx, created.ID)
		return err
	})
	removed = all(func(ctx context.Context, i int) error {
		if err := engine.Docker.ContainerStop(ctx, ids[i], container.StopOptions{}); err != nil {
			return err
		}
		return engine.Docker.ContainerRemove(ctx, ids[i], container.RemoveOptions{RemoveVolumes: true})
	})
	return made, removed
}

// BenchmarkPlan reports how many seconds a plan with nothing to do takes longer with one container
// than without any provider to start.
func BenchmarkPlan(b *testing.B) {
	engine := enginetest.New(b)
	one, data := newCLI(b), newPlainCLI(b)
	one.configure(fmt.Sprintf(`provider "gantry" {
  host = %q
}

resource "gantry_container" "one" {
  name  = %q
  image = %q
}
`, engine.Host, engine.Name("one"), engine.Image(enginetest.ImageOptions{})))
	data.configure("resource \"terraform_data\" \"one\" {}\n")
	for _, c := range []*cli{one, data} {
		c.must("apply", "-auto-approve")
	}
	var with, without []time.Duration
	for b.Loop() {
		with = append(with, one.must("plan", "-detailed-exitcode").took)
		without = append(without, data.must("plan", "-detailed-exitcode").took)
	}
	b.ReportMetric((median(with) - median(without)).Seconds(), "s-more")
	one.must("destroy", "-auto-approve")
}

func median(durations []time.Duration) time.Duration {
	slices.Sort(durations)
	return durations[len(durations)/2]
}

// BenchmarkSize reports the size of the stripped binary.
func BenchmarkSize(b *testing.B) {
	path := built.path(b)
	for b.Loop() {
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(info.Size())/1e6, "MB")
	}
}
