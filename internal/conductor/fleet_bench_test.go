// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// BenchmarkFleet creates 20 containers on each of 1,000 simulated engines (GANTRY_FLEET is another number), all at
// once. Each answer takes 2 ms, on every hundredth engine 50 ms; every tenth engine is away, half of these refuse and
// half never answer. Beside it a fleet of the slowest engine alone is measured, in the same process. Only ratios, and
// what is bounded, carry over to other machines:
//
//	slowest       time until all engines that answer have all containers, against the slowest engine alone
//	dead-s        seconds until the operations on engines that are away have failed: one connection timeout
//	heap-MB       the largest heap, the simulated engines included
//	goroutines    the most at once, of the simulated engines, too
func BenchmarkFleet(b *testing.B) {
	number, each := 1000, 20
	if n, err := strconv.Atoi(os.Getenv("GANTRY_FLEET")); err == nil {
		number = n
	}
	const slow = 50 * time.Millisecond
	for b.Loop() {
		dir := b.TempDir()
		engines := make(map[string]conductor.EngineOptions)
		dead := make(map[string]bool)
		for i := range number {
			opts := enginetest.SimulatedOptions{Name: fmt.Sprintf("e%04d", i), Latency: 2 * time.Millisecond}
			switch {
			case i%20 == 5: // It refuses.
				dead[opts.Name] = true
				engines[opts.Name] = conductor.EngineOptions{Connection: engine.Connection{Host: "unix://" + dir + "/nobody.sock"}}
				continue
			case i%20 == 15:
				dead[opts.Name], opts.Silent = true, true
			case i%100 == 0:
				opts.Latency = slow
			}
			engines[opts.Name] = conductor.EngineOptions{Connection: engine.Connection{Host: enginetest.Simulate(b, dir, opts).Host}}
		}
		alone := createAll(b, map[string]conductor.EngineOptions{
			"alone": {Connection: engine.Connection{Host: enginetest.Simulate(b, dir, enginetest.SimulatedOptions{Name: "alone", Latency: slow}).Host}},
		}, nil, each)
		all := createAll(b, engines, dead, each)
		b.Logf("%d engines with %d containers each: %.2f s (the slowest alone: %.2f s), %d failed on %d engines that are away after %.1f s, heap %d MB, %d goroutines",
			number, each, all.living.Seconds(), alone.living.Seconds(), all.failed, len(dead), all.dead.Seconds(), all.heap>>20, all.goroutines)
		b.ReportMetric(all.living.Seconds()/alone.living.Seconds(), "slowest")
		b.ReportMetric(all.dead.Seconds(), "dead-s")
		b.ReportMetric(float64(all.heap>>20), "heap-MB")
		b.ReportMetric(float64(all.goroutines), "goroutines")
	}
}

// fleetRun is what it took to create containers on all engines.
type fleetRun struct {
	// living and dead are when the last operation ended on engines that answer, and on others.
	living, dead time.Duration
	failed       int64
	heap         uint64
	goroutines   int
}

// createAll creates containers on all engines, as many at once as a provider may be asked for, and closes the fleet.
func createAll(b *testing.B, engines map[string]conductor.EngineOptions, dead map[string]bool, each int) fleetRun {
	b.Helper()
	fleet := conductor.NewFleet(conductor.Options{StateDir: b.TempDir()}, engines)
	fleet.Meet(b.Context())
	var run fleetRun
	stop := watchMemory(&run)
	began := time.Now()
	var failed, living, gone atomic.Int64
	var working sync.WaitGroup
	for name := range engines {
		for i := range each {
			working.Go(func() {
				spec := container.Spec{Name: fmt.Sprintf("c%02d", i), Settings: container.Settings{Image: "app"}, DesiredState: container.DesiredStopped}
				_, err := fleet.Engine(name).Call(b.Context(), conductor.CreateRequest{Spec: spec})
				last := &living
				if dead[name] {
					last = &gone
				}
				for now := int64(time.Since(began)); ; {
					if before := last.Load(); before >= now || last.CompareAndSwap(before, now) {
						break
					}
				}
				if f := (*fault.Fault)(nil); dead[name] && errors.As(err, &f) && f.Kind == fault.EngineUnreachable {
					failed.Add(1)
				} else if err != nil || dead[name] {
					b.Errorf("%s: %v", name, err)
				}
			})
		}
	}
	working.Wait()
	stop()
	if err := fleet.Close(); err != nil {
		b.Error(err)
	}
	run.living, run.dead, run.failed = time.Duration(living.Load()), time.Duration(gone.Load()), failed.Load()
	return run
}

// watchMemory notes the largest heap and the most goroutines, until it is stopped.
func watchMemory(run *fleetRun) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(100 * time.Millisecond); ; {
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			run.heap, run.goroutines = max(run.heap, stats.HeapAlloc), max(run.goroutines, runtime.NumGoroutine())
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
			}
		}
	}()
	return func() { close(done); <-ended }
}
