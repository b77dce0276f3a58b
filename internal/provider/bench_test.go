// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"golang.org/x/sync/errgroup"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journaltest"
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
			m, r := raw(b, engine, image, many, atOnce)
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
func raw(b *testing.B, engine *enginetest.Engine, image string, number, atOnce int) (made, removed time.Duration) {
	b.Helper()
	ids := make([]string, number)
	all := func(work func(ctx context.Context, i int) error) time.Duration {
		began := time.Now()
		group, ctx := errgroup.WithContext(b.Context())
		group.SetLimit(atOnce)
		for i := range number {
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

// slow is how many containers BenchmarkHealthy makes, and becoming how long each takes to become
// healthy.
const (
	slow     = 40
	becoming = 5 * time.Second
)

// BenchmarkHealthy makes containers that become healthy a while after their start, and waits for all
// of them. The ratios are those of DESIGN's promises, each against a bound that the bare engine sets
// in the same round:
//
//	gathered/raw   casts that a barrier gathers, against the time that the engine needs to create
//	               and start them, and once the time to become healthy
//	waited/raw     wait_for = "healthy" with Terraform's default of ten at once, against the
//	               same with the time to become healthy four times
//	wide/raw       wait_for = "healthy" with -parallelism=40, against the first bound
//	compose/raw    docker compose up --wait, where it is installed, against the first bound
func BenchmarkHealthy(b *testing.B) {
	engine := enginetest.New(b)
	image := engine.Image(enginetest.ImageOptions{})
	config := func(label, wait, more string) string {
		return fmt.Sprintf(`provider "gantry" {
  host      = %[1]q
  state_dir = %[2]q
}

resource "gantry_container" "slow" {
  for_each    = toset([for i in range(%[3]d) : tostring(i)])
  name        = "%[4]s-${each.key}"
  image       = %[5]q
  wait_for    = %[6]q
  healthcheck = { test = ["CMD", %[7]q, "health"], interval = "%[8]s" }
}
%[9]s`, engine.Host, b.TempDir(), slow, engine.Name(label), image, wait, enginetest.Program, becoming, more)
	}
	const barrier = `
resource "gantry_barrier" "all" {
  operations = { for k, c in gantry_container.slow : k => c.operation_id }
  condition  = "healthy"
}
`
	gathered, waited := newCLI(b), newCLI(b)
	gathered.configure(config("gathered", "none", barrier))
	waited.configure(config("waited", "healthy", ""))
	compose, hasCompose := newCompose(b, engine, image)

	var once, fourTimes, cast, wait, wide, composed []time.Duration
	for b.Loop() {
		made, _ := raw(b, engine, image, slow, 8)
		once, fourTimes = append(once, made+becoming), append(fourTimes, made+4*becoming)
		cast = append(cast, gathered.must("apply", "-auto-approve").took)
		gathered.must("destroy", "-auto-approve")
		wait = append(wait, waited.must("apply", "-auto-approve").took)
		waited.must("destroy", "-auto-approve")
		wide = append(wide, waited.must("apply", "-auto-approve", "-parallelism=40").took)
		waited.must("destroy", "-auto-approve")
		if hasCompose {
			composed = append(composed, compose.up())
		}
		b.Logf("bare engine %.1f s, gathered %.1f s, waited %.1f s, with 40 at once %.1f s", made.Seconds(), last(cast).Seconds(), last(wait).Seconds(), last(wide).Seconds())
	}
	b.ReportMetric(median(cast).Seconds()/median(once).Seconds(), "gathered/raw")
	b.ReportMetric(median(wait).Seconds()/median(fourTimes).Seconds(), "waited/raw")
	b.ReportMetric(median(wide).Seconds()/median(once).Seconds(), "wide/raw")
	if hasCompose {
		b.ReportMetric(median(composed).Seconds()/median(once).Seconds(), "compose/raw")
	}
}

func last(durations []time.Duration) time.Duration { return durations[len(durations)-1] }

// compose is a Compose project of the same containers.
type compose struct {
	b    *testing.B
	args []string
}

// newCompose writes the project; false where docker compose is not installed.
func newCompose(b *testing.B, engine *enginetest.Engine, image string) (compose, bool) {
	b.Helper()
	if err := exec.CommandContext(b.Context(), "docker", "compose", "version").Run(); err != nil {
		return compose{}, false
	}
	services := make(map[string]any)
	for i := range slow {
		services[fmt.Sprintf("s%d", i)] = map[string]any{
			"image":       image,
			"healthcheck": map[string]any{"test": []string{"CMD", enginetest.Program, "health"}, "interval": becoming.String()},
		}
	}
	file := filepath.Join(b.TempDir(), "compose.json") // JSON is YAML.
	content, err := json.Marshal(map[string]any{"services": services})
	if err == nil {
		err = os.WriteFile(file, content, 0o600)
	}
	if err != nil {
		b.Fatal(err)
	}
	return compose{b, []string{"--host", engine.Host, "compose", "--file", file, "--project-name", engine.Name("compose")}}, true
}

// up makes the containers, waits until all are healthy, and removes them again.
func (c compose) up() time.Duration {
	c.b.Helper()
	began := time.Now()
	c.run("up", "--detach", "--wait", "--quiet-pull")
	took := time.Since(began)
	c.run("down", "--timeout", "1")
	return took
}

func (c compose) run(args ...string) {
	c.b.Helper()
	if output, err := exec.CommandContext(c.b.Context(), "docker", append(slices.Clone(c.args), args...)...).CombinedOutput(); err != nil {
		c.b.Fatalf("docker compose %v: %v\n%s", args, err, output)
	}
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

// BenchmarkBeside reports what a plan of ten stopped containers, and an apply of 40 casts with their barrier, cost
// beside 10,000 records that don't concern them: as ratios to the same beside none, in the same run.
func BenchmarkBeside(b *testing.B) {
	const unrelated = 10_000
	engine := enginetest.New(b)
	image := engine.Image(enginetest.ImageOptions{})
	configs := map[string]string{
		"plan":    "resource \"gantry_container\" \"many\" {\n  count = 10\n  name = \"%s-${count.index}\"\n  image = %q\n  desired_state = \"stopped\"\n}\n",
		"barrier": "resource \"gantry_container\" \"many\" {\n  count = 40\n  name = \"%s-${count.index}\"\n  image = %q\n  desired_state = \"stopped\"\n  wait_for = \"none\"\n}\nresource \"gantry_barrier\" \"all\" {\n  operations = { for i, c in gantry_container.many : i => c.operation_id }\n}\n",
	}
	for _, records := range []struct {
		name string
		make func(*journal.Record)
	}{
		{"settled", func(r *journal.Record) { r.Outcome, r.Settled = journal.Done, true }},
		{"failed casts", func(r *journal.Record) {
			r.Cast, r.Outcome, r.Fault = true, journal.Failed, &fault.Fault{Kind: fault.Exited, Summary: "it exited"}
		}},
		{"unfinished removals", func(r *journal.Record) { r.Cast, r.Kind = true, string(conductor.KindRemove) }},
	} {
		for name, config := range configs {
			b.Run(name+" beside "+records.name, func(b *testing.B) {
				var clis []*cli
				for i := range 2 {
					c, dir := newCLI(b), b.TempDir()
					c.configure(fmt.Sprintf("provider \"gantry\" {\n  host = %q\n  state_dir = %q\n}\n", engine.Host, dir) +
						fmt.Sprintf(config, engine.Name(fmt.Sprintf("%s-%d", name, i)), image))
					c.must("apply", "-auto-approve")
					if i == 1 {
						fill(b, dir, unrelated, records.make)
					}
					clis = append(clis, c)
				}
				var wall, cpu [2][]time.Duration
				for b.Loop() {
					for i, c := range clis {
						var got result
						if name == "plan" {
							got = c.must("plan", "-detailed-exitcode")
						} else {
							got = c.must("apply", "-auto-approve", "-replace=gantry_barrier.all")
						}
						wall[i], cpu[i] = append(wall[i], got.took), append(cpu[i], got.cpu)
					}
				}
				b.ReportMetric(median(wall[1]).Seconds()/median(wall[0]).Seconds(), "wall-ratio")
				b.ReportMetric(median(cpu[1]).Seconds()/median(cpu[0]).Seconds(), "cpu-ratio")
				for _, c := range clis {
					c.must("destroy", "-auto-approve")
				}
			})
		}
	}
}

// fill puts records of other containers into a state directory, as processes left them that have ended.
func fill(b *testing.B, dir string, count int, change func(r *journal.Record)) {
	b.Helper()
	dirs, err := filepath.Glob(filepath.Join(dir, "engines", "*"))
	if err != nil || len(dirs) != 1 {
		b.Fatal(dirs, err)
	}
	ago := time.Now().Add(-time.Hour).UTC()
	for i := range count {
		r := journal.Record{Kind: string(conductor.KindCreate), Engine: "edge1", Container: fmt.Sprintf("other%d", i), ContainerID: fmt.Sprintf("%064d", i), Accepted: ago}
		change(&r)
		if r.Outcome != "" {
			r.Ended = ago
		}
		journaltest.Write(b, dirs[0], r)
	}
	j, err := journal.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	engines, err := j.Engines()
	if err != nil || len(engines) != 1 {
		b.Fatal(engines, err)
	}
	if err := engines[0].Tidy(time.Hour); err != nil { // As the plans before would have done.
		b.Fatal(err)
	}
	records, problems := engines[0].Records()
	if len(records) < count || len(problems) != 0 {
		b.Fatalf("the journal has %d records of %d, and can't read %v", len(records), count, problems)
	}
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
