// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/containerd/errdefs"
	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// giveBackTakes bounds how long containers may take to get back a network that could not be removed:
// an operation on one of them may hold its lane.
const giveBackTakes = time.Minute

// networkWords tell what an engine's message about a network concerns.
func networkWords() []attributeWord {
	return []attributeWord{
		// The whole of what an engine says where its host's kernel has no macvlan or ipvlan.
		{"operation not supported", "driver"},
		{"pool", "ipam"}, {"overlap", "ipam"}, {"subnet", "ipam"}, {"gateway", "ipam"}, {"ipam", "ipam"}, {"auxiliary", "ipam"}, {"ip range", "ipam"}, {"ip-range", "ipam"},
		{"ipv4", "enable_ipv4"}, {"ipv6", "enable_ipv6"}, {"ingress", "ingress"}, {"attachable", "attachable"}, {"config-from", "config_from"}, {"configuration network", "config_from"},
		{"scope", "scope"}, {"plugin", "driver"}, {"swarm", "driver"}, {"parent", "options"}, {"label", "options"}, {"option", "options"}, {"invalid mtu", "options"},
		{"macvlan mode", "options"}, {"ipvlan mode", "options"}, {"subinterface", "options"}, {"predefined", "name"}, {"name", "name"}, {"driver", "driver"},
	}
}

// CreateNetwork makes a network, and connects the containers that a network of this name that
// RemoveNetwork removed left behind. Those that could not be connected are in the faults. What an
// interrupted create left is removed first.
func (c *Conductor) CreateNetwork(ctx context.Context, spec NetworkSpec) (made *Network, left []*fault.Fault, err error) {
	t, err := c.begin(ctx, "network", spec.Name, "create", "create", fault.StepCreating, networkWords()...)
	if err != nil {
		return nil, nil, err
	}
	if err := t.Knows(t.object.Scope(), spec.needs(), fault.NothingCreated); err != nil {
		return nil, nil, err
	}
	t.exists, t.object.Mask = fault.NothingCreated, container.MaskOf(spec.Options, spec.IPAM.Options, spec.Labels)
	o := &networkCreate{objectJob: t.objectJob(KindCreate), spec: spec}
	o.accept(ctx, o, journal.Record{}, false)
	err = o.run(ctx)
	made = o.network
	if o.withheld || o.made == "" {
		made = nil
	}
	if made != nil {
		made.NotJournaled = o.entry.notJournaled
	}
	return made, o.lost, err
}

// networkCreate is the job of making a network.
type networkCreate struct {
	objectJob
	spec NetworkSpec
	// network is what was made, and lost are the faults of containers that could not be connected to it.
	network *Network
	lost    []*fault.Fault
}

func (o *networkCreate) attempt(ctx context.Context) (err error) {
	o.enter(fault.StepCreating)
	if o.network, err = o.create(ctx, o.spec); err == nil {
		o.lost = o.attachAgain(ctx, o.made)
	}
	return err
}

func (o *networkCreate) create(ctx context.Context, spec NetworkSpec) (*Network, error) {
	request := translateNetwork(spec, o.id)
	var taken *Network
	create := func(ctx context.Context) error {
		taken = nil
		answer, err := o.API.NetworkCreate(ctx, spec.Name, request)
		if errdefs.IsConflict(err) || err != nil && engine.ContainsAny(err.Error(), "already exists") {
			holder, inspectErr := o.connection.network(ctx, spec.Name)
			switch {
			case inspectErr != nil && o.unsure: // It may be what an earlier request made.
				return inspectErr
			case inspectErr != nil || holder.Name != spec.Name:
				return err
			case holder.Labels[container.LabelOperation] == o.id: // The answer to an earlier request was lost.
				o.made = holder.ID
				return nil
			}
			taken = holder
		}
		o.made = answer.ID
		return o.sent(ctx, err)
	}
	err := o.change(ctx, create)
	if taken != nil && o.resumes(holder{id: taken.ID, operation: taken.Labels[container.LabelOperation], created: taken.Created}) {
		if spec.matches(taken) {
			o.logger.Info("adopting what an interrupted create left", "network_id", taken.ID, "interrupted", taken.Labels[container.LabelOperation])
			o.made = taken.ID
			return taken, nil
		}
		cleared, problem := o.clearAway(ctx, taken)
		if problem != nil {
			return nil, problem
		}
		if cleared {
			err = o.change(ctx, create)
		}
	}
	switch {
	case err != nil && taken != nil:
		return nil, o.taken(taken.Labels[container.LabelOperation], describeNetwork(taken), err)
	case err != nil && engine.ContainsAny(err.Error(), "overlap"):
		return nil, o.explainOverlap(ctx, spec, err)
	case err != nil:
		return nil, err
	}
	o.exists = fault.NetworkCreated
	made, err := engine.Retrying(ctx, func() (*Network, error) { return o.connection.network(ctx, o.made) })
	if err != nil {
		return &Network{NetworkSpec: spec, Engine: o.Name, ID: o.made}, err
	}
	return made, nil
}

// clearAway removes a network that an interrupted create left, unless somebody uses it by now.
func (o *networkCreate) clearAway(ctx context.Context, n *Network) (cleared bool, err error) {
	args := filters.NewArgs(filters.Arg("network", n.ID), filters.Arg("network", n.Name))
	users, err := o.users(ctx, args, func(s containertypes.Summary) bool { return attached(s, n.ID, n.Name) })
	if err != nil || len(users) > 0 {
		return false, err
	}
	o.logger.Info("removing what an interrupted create left", "network_id", n.ID, "interrupted", n.Labels[container.LabelOperation])
	return true, o.change(ctx, func(ctx context.Context) error { return engine.IgnoreNotFound(o.API.NetworkRemove(ctx, n.ID)) })
}

func describeNetwork(n *Network) string {
	text := fmt.Sprintf("network %s (driver %q, created %s)", n.ID[:container.ShortID], n.Driver, n.Created.UTC().Format(time.RFC3339))
	return text + describeOwner(n.Labels) + " has it"
}

// describeOwner says what the labels of an object tell of who made it.
func describeOwner(labels map[string]string) string {
	text := ""
	if project := labels["com.docker.compose.project"]; project != "" {
		text += fmt.Sprintf(" of the Compose project %q", project)
	}
	if operation := labels[container.LabelOperation]; operation != "" {
		text += fmt.Sprintf(", made by gantry's operation %s (perhaps for another Terraform state)", operation)
	}
	return text
}

// InspectNetwork reads a network by its ID, its short ID or its name. A missing one is a *fault.Fault of
// kind fault.NotFound.
func (c *Conductor) InspectNetwork(ctx context.Context, ref string) (*Network, error) {
	t, err := c.begin(ctx, "network", ref, "read", "read", fault.StepReading)
	if err != nil {
		return nil, err
	}
	n, err := engine.Retrying(ctx, func() (*Network, error) { return t.network(ctx, ref) })
	return n, t.explain(ctx, err)
}

// RemoveNetwork removes a network by its ID. It waits for containers that are being removed, and
// disconnects those of this workspace: a network that is made under the same name afterwards gets them back.
// If anybody else's container uses the network, running or not, nothing is touched. Kept reports that
// the network is the engine's own, and was left alone.
func (c *Conductor) RemoveNetwork(ctx context.Context, id, name string) (kept bool, err error) {
	t, err := c.begin(ctx, "network", name, "remove", "delete", fault.StepRemoving)
	if err != nil {
		return false, err
	}
	if predefinedNetwork(name, t.Windows) {
		return true, nil
	}
	t.exists = fault.StillThere
	o := &networkRemoval{objectJob: t.objectJob(KindRemove)}
	o.made = id
	o.accept(ctx, o, journal.Record{ContainerID: id}, false)
	return false, o.run(ctx)
}

// networkRemoval is the job of removing a network, of which made is the ID.
type networkRemoval struct{ objectJob }

func (o *networkRemoval) current() string { return o.made }

func (o *networkRemoval) attempt(ctx context.Context) error {
	o.enter(fault.StepRemoving)
	own, err := o.remaining(ctx, staysUsed, o.members)
	if err != nil {
		return err
	}
	for _, u := range own {
		if err := o.detach(ctx, u); err != nil {
			o.giveBack(ctx)
			return fmt.Errorf("disconnecting container %q: %w", u.name, err)
		}
	}
	err = o.change(ctx, func(ctx context.Context) error { return o.sent(ctx, o.API.NetworkRemove(ctx, o.made)) })
	if engine.IgnoreNotFound(err) != nil {
		o.giveBack(ctx)
		if engine.ContainsAny(err.Error(), "active endpoints") {
			return o.object.InUse("somebody who connected meanwhile", fault.AdviceAgain, err)
		}
	}
	return engine.IgnoreNotFound(err)
}

// members lists the containers in the network. Those that are not this workspace's, and that stay, are a *fault.Fault.
func (o *networkRemoval) members(ctx context.Context) ([]user, error) {
	id, name := o.made, o.object.Name
	args := filters.NewArgs(filters.Arg("network", id), filters.Arg("network", name))
	users, err := o.users(ctx, args, func(s containertypes.Summary) bool { return attached(s, id, name) })
	if err != nil {
		return nil, err
	}
	var strangers []user
	for _, u := range users {
		if !u.leaving && !u.abandoned && !o.owns(u.id, o.entry.scope) {
			strangers = append(strangers, u)
		}
	}
	if strangers, err = o.present(ctx, strangers); err != nil {
		return nil, err
	}
	if len(strangers) > 0 {
		return nil, o.object.InUse(describeUsers(strangers), o.adviceOnMembers(ctx, strangers), nil)
	}
	return users, nil
}

// adviceOnMembers is what to do where a network can't be removed because of the containers in it.
func (o *networkRemoval) adviceOnMembers(ctx context.Context, strangers []user) fault.Advice {
	if slices.ContainsFunc(strangers, o.anybodys(ctx)) {
		return fault.AdviceMembersOfGantry
	}
	return fault.AdviceRemoveMembers
}

// attached reports whether a container is connected to a network. One that was never started knows
// only the name that it was created with.
func attached(s containertypes.Summary, id, name string) bool {
	if s.NetworkSettings == nil {
		return false
	}
	for key, n := range s.NetworkSettings.Networks {
		if n != nil && n.NetworkID == id || (n == nil || n.NetworkID == "") && (key == name || key == id || len(key) >= container.ShortID && id[:min(len(key), len(id))] == key) {
			return true
		}
	}
	return false
}

// detached is a container that was disconnected from a network that was removed.
type detached struct {
	user
	endpoint *network.EndpointSettings
}

// detach disconnects a container and remembers how it was connected.
func (o *networkRemoval) detach(ctx context.Context, u user) error {
	c, id, name := o.conductor, o.made, o.object.Name
	return c.inLane(ctx, o.connection, u.name, func(ctx context.Context) error {
		found, err := engine.Retrying(ctx, func() (containertypes.InspectResponse, error) { return o.API.ContainerInspect(ctx, u.id) })
		if err != nil {
			return engine.IgnoreNotFound(err)
		}
		// Remembered before: the answer to the request may be lost for good.
		c.mu.Lock()
		c.detached = container.Put(c.detached, name, append(c.detached[name], detached{user: u, endpoint: endpointOf(found, id, name)}))
		c.mu.Unlock()
		err = o.change(ctx, func(ctx context.Context) error {
			err := o.API.NetworkDisconnect(ctx, id, u.id, false)
			if err != nil && notConnected(err) {
				return nil // An answer was lost, or somebody was faster.
			}
			return err
		})
		if err != nil {
			return engine.IgnoreNotFound(err)
		}
		o.logger.Info("disconnected from a network that is being removed", "container", u.name)
		return nil
	})
}

// endpointOf returns what was asked for when a container was connected to the network of this ID, if that
// is not empty, or of this name, without what the engine chose.
func endpointOf(r containertypes.InspectResponse, id, name string) *network.EndpointSettings {
	settings := &network.EndpointSettings{}
	if r.NetworkSettings == nil {
		return settings
	}
	for key, n := range r.NetworkSettings.Networks {
		if n == nil || key != name && (id == "" || n.NetworkID != id) {
			continue
		}
		settings.IPAMConfig, settings.Links, settings.DriverOpts, settings.GwPriority = n.IPAMConfig, n.Links, n.DriverOpts, n.GwPriority
		for _, alias := range n.Aliases {
			if alias != r.ID[:container.ShortID] && (r.Config == nil || alias != r.Config.Hostname) { // The engine adds these by itself.
				settings.Aliases = append(settings.Aliases, alias)
			}
		}
	}
	return settings
}

// giveBack connects what was disconnected from a network that stays after all, also when the removal
// was cancelled. What can't be connected is found by its container's next refresh.
func (o *networkRemoval) giveBack(ctx context.Context) {
	for _, f := range o.attachAgain(ctx, o.made) {
		o.logger.Warn("a container lost a network that stays", "error", f)
	}
}

// attachAgain connects the containers that a removed network of this name left behind, also if somebody
// cancels meanwhile.
func (o *objectJob) attachAgain(ctx context.Context, id string) []*fault.Fault {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackTakes)
	defer cancel()
	c := o.conductor
	c.mu.Lock()
	members := c.detached[o.object.Name]
	delete(c.detached, o.object.Name)
	c.mu.Unlock()
	var failed []*fault.Fault
	for _, m := range members {
		err := c.inLane(ctx, o.connection, m.name, func(ctx context.Context) error {
			return o.change(ctx, func(ctx context.Context) error { return o.ConnectAgain(ctx, id, m.id, m.endpoint) })
		})
		unlike := (*engine.UnlikeError)(nil)
		if err != nil && !errdefs.IsNotFound(err) {
			failed = append(failed, o.object.Moved(m.name, errors.As(err, &unlike), err))
		}
	}
	return failed
}
