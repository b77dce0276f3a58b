// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/errgroup"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// manyDialled is how many engines are dialled at the same time. It is far more than are away at once, so that these cost
// one timeout together.
const manyDialled = 256

// Fleet is the engines of one provider configuration, with a conductor for each. Each engine has its own pool, pulls
// and lanes, so that the trouble of one is none of another; what they share is in shared. It must be closed.
type Fleet struct {
	*shared
	opts Options
	dial dialler

	// meeting connects to all engines, and stopMeeting ends it.
	meet        sync.Once
	meeting     sync.WaitGroup
	stopMeeting context.CancelFunc

	opening    sync.Mutex
	conductors map[string]*Conductor
}

// NewFleet makes the conductors of engines by their names; the empty name is the default one. None connects before it
// is used.
func NewFleet(opts Options, engines map[string]EngineOptions) *Fleet {
	f := newFleet(opts, dialTo)
	for name, one := range engines {
		f.open(name, one)
	}
	return f
}

// dialler returns what makes a client of an engine.
type dialler func(EngineOptions) func() (engine.API, engine.Address, error)

// dialTo is the dialler of real engines.
func dialTo(one EngineOptions) func() (engine.API, engine.Address, error) {
	address := sync.OnceValues(one.address)
	return func() (engine.API, engine.Address, error) {
		where, err := address()
		if err != nil {
			return nil, where, err
		}
		api, err := where.Dial()
		return api, where, err
	}
}

// newFleet makes a fleet that has no engine yet.
func newFleet(opts Options, dial dialler) *Fleet {
	if opts.Logger == nil {
		opts.Logger = hclog.NewNullLogger()
	}
	opts.Logger = masking(opts.Logger, fault.Mask{})
	return &Fleet{
		shared: &shared{opts: opts, starting: make(chan struct{}, 1), registries: trusting{configured: opts.Registries}},
		opts:   opts, dial: dial, conductors: make(map[string]*Conductor),
	}
}

// Engine returns the conductor of the engine with a name, nil if there is none. The empty name is the default engine.
func (f *Fleet) Engine(name string) *Conductor {
	f.opening.Lock()
	defer f.opening.Unlock()
	return f.conductors[name]
}

// Names are the names of the engines, without the default one.
func (f *Fleet) Names() []string {
	f.opening.Lock()
	defer f.opening.Unlock()
	names := slices.Sorted(maps.Keys(f.conductors))
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// open returns the conductor of an engine, and makes it with the first call for its name.
func (f *Fleet) open(name string, one EngineOptions) *Conductor {
	f.opening.Lock()
	defer f.opening.Unlock()
	if c := f.conductors[name]; c != nil {
		return c
	}
	c := &Conductor{opts: f.opts, shared: f.shared, name: name, connecting: make(chan struct{}, 1)}
	c.opts.Engine = one
	c.host, c.dial = sync.OnceValues(one.host), f.dial(one)
	f.conductors[name] = c
	return c
}

// all are the conductors in the order of their names, the default one first.
func (f *Fleet) all() []*Conductor {
	f.opening.Lock()
	defer f.opening.Unlock()
	conductors := make([]*Conductor, 0, len(f.conductors))
	for _, name := range slices.Sorted(maps.Keys(f.conductors)) {
		conductors = append(conductors, f.conductors[name])
	}
	return conductors
}

// Twin returns another name of a conductor's engine, if there is one among those that are connected.
func (f *Fleet) Twin(of *Conductor) (name string, ok bool) {
	e := of.current()
	for _, c := range f.all() {
		if c != of && e != nil && c.current() == e {
			return c.name, true
		}
	}
	return "", false
}

// Meet begins, once, to connect to all engines, whatever becomes of ctx, so that those that are away cost one timeout together.
func (f *Fleet) Meet(ctx context.Context) {
	f.meet.Do(func() {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		f.stopMeeting = cancel
		var dialling errgroup.Group
		dialling.SetLimit(manyDialled)
		conductors := f.all()
		f.meeting.Go(func() {
			for _, c := range conductors {
				dialling.Go(func() error {
					_, _ = c.connect(ctx, "") // Whoever needs the engine hears of it.
					return nil
				})
			}
			_ = dialling.Wait()
		})
	})
}

// Close ends what the conductors still do for themselves, and waits for it. No other method may be called during or
// after it.
func (f *Fleet) Close() error {
	f.meet.Do(func() {}) // None begins any more.
	if f.stopMeeting != nil {
		f.stopMeeting()
	}
	f.meeting.Wait()
	return f.shared.Close()
}

// LateFaults returns the late failures on the engines. It reads the journal alone; an engine that was never connected
// to has none.
func (f *Fleet) LateFaults() LateFaults {
	var faults LateFaults
	seen := make(map[string]bool)
	for _, c := range f.all() {
		in := c.noted()
		if in == nil || seen[in.Dir()] {
			continue // Two names can lead to one engine.
		}
		seen[in.Dir()] = true
		faults.add(c.lateFaults(in))
	}
	return faults
}

// ConductorOf returns the conductor of the engine that an operation is on, as far as the journal knows it; else that
// of an engine with the host name in the operation's ID, and last the first one. It is nil if there are no engines.
func (f *Fleet) ConductorOf(operationID string) *Conductor {
	conductors := f.all()
	if j := f.openedJournal(); j != nil {
		engines, _ := j.EnginesOf(operationID) // What can't be read is nobody's.
		for _, e := range engines {
			if _, err := e.Find(operationID); err != nil {
				continue
			}
			for _, c := range conductors {
				if in := c.noted(); in != nil && in.Dir() == e.Dir() {
					return c
				}
			}
		}
	}
	host, _, _, _ := journal.SplitID(operationID)
	for _, c := range conductors {
		if e := c.current(); e != nil && e.Name == host {
			return c
		}
	}
	if len(conductors) == 0 {
		return nil
	}
	return conductors[0]
}
