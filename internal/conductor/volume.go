// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/volume"
	"github.com/google/uuid"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/engine"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/journal"
)

// VolumeSpec is a volume as it shall be. An engine can't change any of it afterwards.
type VolumeSpec struct {
	Name       string
	Driver     string
	DriverOpts map[string]string
	Labels     map[string]string
}

// Volume is a volume as its engine reports it.
type Volume struct {
	VolumeSpec
	Engine string
	// Mountpoint is the directory on the engine's host, as the driver says.
	Mountpoint string
	Scope      string
	// Operation is the operation that made the volume; empty if that was not gantry's. Another volume of
	// the same name has another one.
	Operation string
	// Created is when that operation was accepted. For other volumes it is what the engine reports: before
	// Docker 23.0 that moves with every file made in the volume's directory.
	Created time.Time
	// NotJournaled says why the journal does not have the create that has just made it; nil if it has it.
	NotJournaled error
	// Unmanaged are settings that gantry has no argument for.
	Unmanaged []container.Unmanaged
}

// CreateVolume makes a volume. For an engine to create a volume that is there is no error: so what
// is there is looked at before and after. What an unanswered create of this workspace left is adopted if it
// is as asked for.
func (c *Conductor) CreateVolume(ctx context.Context, spec VolumeSpec) (made *Volume, err error) {
	t, err := c.begin(ctx, "volume", spec.Name, "create", "create", fault.StepCreating,
		attributeWord{"plugin", "driver"}, attributeWord{"driver not found", "driver"}, attributeWord{"option", "driver_opts"},
		attributeWord{"opts", "driver_opts"}, attributeWord{"quota", "driver_opts"}, attributeWord{"device", "driver_opts"}, attributeWord{"invalid characters", "name"}, attributeWord{"too short", "name"})
	if err != nil {
		return nil, err
	}
	t.exists, t.object.Mask = fault.NothingCreated, container.MaskOf(spec.DriverOpts, spec.Labels)
	o := &volumeCreate{objectJob: t.objectJob(KindCreate), spec: spec}
	o.accept(ctx, o, journal.Record{}, false)
	if err := o.run(ctx); err != nil {
		return nil, err
	}
	o.volume.NotJournaled = o.entry.notJournaled
	return o.volume, nil
}

// volumeCreate is the job of making a volume.
type volumeCreate struct {
	objectJob
	spec VolumeSpec
	// volume is what was made.
	volume *Volume
}

func (o *volumeCreate) attempt(ctx context.Context) (err error) {
	o.enter(fault.StepCreating)
	o.volume, err = o.create(ctx, o.spec)
	return err
}

func (o *volumeCreate) create(ctx context.Context, spec VolumeSpec) (*Volume, error) {
	labels := map[string]string{container.LabelOperation: o.id}
	maps.Copy(labels, spec.Labels)
	var found *Volume
	create := func(ctx context.Context) (err error) {
		found, err = o.connection.volume(ctx, spec.Name)
		if engine.IgnoreNotFound(err) != nil || err == nil {
			return err
		}
		r, err := o.API.VolumeCreate(ctx, volume.CreateOptions{Name: spec.Name, Driver: spec.Driver, DriverOpts: spec.DriverOpts, Labels: labels})
		if err == nil {
			found = observeVolume(o.Name, r)
		}
		return o.sent(ctx, err)
	}
	if err := o.change(ctx, create); err != nil {
		return nil, err
	}
	operation := found.Labels[container.LabelOperation]
	switch {
	case operation == o.id:
	case spec.matches(found) && o.resumes(holder{operation: operation, created: found.Created, drifts: true}):
		o.logger.Info("adopting what an interrupted create left", "interrupted", operation)
	default:
		return nil, o.taken(operation, fmt.Sprintf("volume of driver %q, created %s%s has it", found.Driver,
			found.Created.UTC().Format(time.RFC3339), describeOwner(found.Labels)), nil)
	}
	o.made = spec.Name
	return found, nil
}

// holdsNothing reports whether a removal of the volume deletes no data, because it has none of its own: the
// driver "local" mounts the device that driver_opts name as long as a container uses the volume, and takes
// away only the empty directory that it mounts it on.
func (s VolumeSpec) holdsNothing() bool {
	return cmp.Or(s.Driver, "local") == "local" && s.DriverOpts["device"] != ""
}

// matches reports whether a volume that a create of gantry's made is as asked for.
func (s VolumeSpec) matches(v *Volume) bool {
	own := maps.Clone(v.Labels)
	delete(own, container.LabelOperation)
	return cmp.Or(s.Driver, "local") == v.Driver && maps.Equal(s.DriverOpts, v.DriverOpts) && maps.Equal(s.Labels, own)
}

func (e *connection) volume(ctx context.Context, name string) (*Volume, error) {
	r, err := engine.Looking(ctx, func() (volume.Volume, error) { return e.API.VolumeInspect(ctx, name) })
	if err != nil {
		return nil, err
	}
	return observeVolume(e.Name, r), nil
}

func observeVolume(engine string, r volume.Volume) *Volume {
	v := &Volume{Engine: engine, Mountpoint: r.Mountpoint, Scope: r.Scope, Unmanaged: unmanagedOfVolume(r), VolumeSpec: VolumeSpec{
		Name: r.Name, Driver: r.Driver, DriverOpts: r.Options, Labels: r.Labels,
	}}
	if created, err := time.Parse(time.RFC3339, r.CreatedAt); err == nil {
		v.Created = created
	}
	if accepted, ok := operationTime(r.Labels[container.LabelOperation]); ok {
		v.Operation, v.Created = r.Labels[container.LabelOperation], accepted
	}
	return v
}

// operationTime returns when an operation was accepted: its ID has the time.
func operationTime(id string) (time.Time, bool) {
	unique, err := uuid.Parse(journal.Ticket(id))
	if err != nil || unique.Version() != 7 {
		return time.Time{}, false
	}
	seconds, nanoseconds := unique.Time().UnixTime()
	return time.Unix(seconds, nanoseconds).UTC(), true
}

// InspectVolume reads a volume by its name. A missing one is a *fault.Fault of kind fault.NotFound.
func (c *Conductor) InspectVolume(ctx context.Context, name string) (*Volume, error) {
	t, err := c.begin(ctx, "volume", name, "read", "read", fault.StepReading)
	if err != nil {
		return nil, err
	}
	v, err := engine.Retrying(ctx, func() (*Volume, error) { return t.volume(ctx, name) })
	return v, t.explain(ctx, err)
}

// VolumeMaker tells volumes of one name apart: an engine knows a volume by its name alone.
type VolumeMaker struct {
	// Known is false where nobody noted who made the volume.
	Known bool
	// Operation is the operation that made it; empty if that was not gantry's.
	Operation string
	// Settings is the volume's SettingsDigest when it was seen last; empty if that was not noted.
	Settings string
}

// Made reports whether it can be this volume that the maker made. One that gantry made has a label that tells. Of
// another one only its settings do: what was made anew with the same ones can't be told apart. It is pure.
func (m VolumeMaker) Made(v *Volume) bool {
	if m.Known && m.Operation != v.Operation {
		return false
	}
	return m.Known && m.Operation != "" || m.Settings == "" || m.Settings == v.SettingsDigest()
}

// pairs are the entries of a map in order: an engine has null and no entries for the same.
func pairs(m map[string]string) [][2]string {
	list := make([][2]string, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		list = append(list, [2]string{key, m[key]})
	}
	return list
}

// SettingsDigest identifies the driver, options and labels of a volume, none of which an engine can change. It does
// not hold their values.
func (v *Volume) SettingsDigest() string {
	content, err := json.Marshal([]any{v.Driver, pairs(v.DriverOpts), pairs(v.Labels)})
	if err != nil {
		return "" // Strings have nothing that could fail.
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// RemoveVolume removes a volume that no container uses, and waits for those that are being removed.
// Unless force, it must be empty. Left is another volume that has the name by now: it is left alone.
func (c *Conductor) RemoveVolume(ctx context.Context, name string, maker VolumeMaker, force bool) (left *Volume, err error) {
	t, err := c.begin(ctx, "volume", name, "remove", "delete", fault.StepRemoving)
	if err != nil {
		return nil, err
	}
	t.exists = fault.StillThere
	o := &volumeRemoval{objectJob: t.objectJob(KindRemove), maker: maker, force: force}
	o.accept(ctx, o, journal.Record{}, false)
	err = o.run(ctx)
	return o.left, err
}

// volumeRemoval is the job of removing a volume.
type volumeRemoval struct {
	objectJob
	// maker is who made the volume that is meant.
	maker VolumeMaker
	// force says that the volume need not be empty.
	force bool
	// left is another volume that has the name.
	left *Volume
}

func (o *volumeRemoval) attempt(ctx context.Context) (err error) {
	o.enter(fault.StepRemoving)
	o.left, err = o.remove(ctx, o.maker, o.force)
	return err
}

func (o *volumeRemoval) remove(ctx context.Context, maker VolumeMaker, force bool) (left *Volume, err error) {
	name := o.object.Name
	v, err := engine.Retrying(ctx, func() (*Volume, error) { return o.volume(ctx, name) })
	switch {
	case err != nil:
		return nil, engine.IgnoreNotFound(err)
	case !maker.Made(v):
		return v, nil
	}
	if err := o.unusedAndEmpty(ctx, v, force); err != nil {
		return nil, err
	}
	err = o.change(ctx, func(ctx context.Context) error {
		// Much can have happened since the first look.
		switch v, err := o.volume(ctx, name); {
		case err != nil:
			return err
		case !maker.Made(v):
			left = v
			return nil
		}
		return o.sent(ctx, o.API.VolumeRemove(ctx, name, false))
	})
	if err != nil && engine.ContainsAny(err.Error(), "volume is in use") {
		err = o.object.InUse("a container that came meanwhile", fault.AdviceRemoveUsers, err)
	}
	return left, engine.IgnoreNotFound(err)
}

// unusedAndEmpty returns the fault that keeps a volume from being removed. It waits for containers that are being
// removed. With force the volume need not be empty.
func (o *volumeRemoval) unusedAndEmpty(ctx context.Context, v *Volume, force bool) error {
	name := v.Name
	mounts := func(s containertypes.Summary) bool {
		for _, m := range s.Mounts {
			if m.Type == mount.TypeVolume && m.Name == name {
				return true
			}
		}
		return false
	}
	if err := o.clearProbes(ctx, name); err != nil {
		return err
	}
	users, err := o.remaining(ctx, o.anybodys(ctx), func(ctx context.Context) ([]user, error) {
		return o.users(ctx, filters.NewArgs(filters.Arg("volume", name)), mounts)
	})
	if err != nil {
		return err
	}
	if len(users) > 0 {
		return o.object.InUse(describeUsers(users), fault.AdviceRemoveUsers, nil)
	}
	if !force && !v.holdsNothing() {
		switch first, err := o.firstEntry(ctx, name); {
		case err != nil && ctx.Err() != nil:
			return err
		case err != nil:
			return o.object.HoldsData("it could not be looked into: "+err.Error(), err)
		case first != "":
			return o.object.HoldsData(fmt.Sprintf("it is not empty: there is %q in it, for example", first), nil)
		}
	}
	return nil
}
