// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// Look is a container as its engine reports it, and as gantry asked for it.
type Look struct {
	containertypes.InspectResponse
	// Asked are its last create and the updates after it.
	Asked []enginetest.Call
	// Discarded has fields looked up in what gantry asked for where the engine reports nothing.
	Discarded bool
	// Starts is how often gantry started it.
	Starts int
	// File reads a file in it.
	File func(path string) (Uploaded, error)
}

// Uploaded is a file in a container.
type Uploaded struct {
	Content  string
	Mode     int64
	UID, GID int
}

// host and config look at a field of the container's HostConfig, or of its Config.
func host(field string) func(Look) any {
	return func(l Look) any {
		v := fieldOf(reflect.ValueOf(*l.HostConfig), field)
		if !l.Discarded || !isDiscarded(v) {
			return v
		}
		for _, call := range slices.Backward(l.Asked) {
			var create containertypes.CreateRequest
			var update containertypes.UpdateConfig
			if json.Unmarshal(call.Body, &create) == nil && create.HostConfig != nil {
				return fieldOf(reflect.ValueOf(*create.HostConfig), field)
			}
			if json.Unmarshal(call.Body, &update) == nil {
				if v := fieldOf(reflect.ValueOf(update.Resources), field); !isDiscarded(v) {
					return v
				}
			}
		}
		return v
	}
}

func config(field string) func(Look) any {
	return func(l Look) any { return fieldOf(reflect.ValueOf(*l.Config), field) }
}

// fieldOf returns a field, or what it points to.
func fieldOf(object reflect.Value, name string) any {
	v := object.FieldByName(name)
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return reflect.Zero(v.Type().Elem()).Interface() // Nothing and zero are the same to an engine.
		}
		v = v.Elem()
	}
	return v.Interface()
}

// isDiscarded reports whether a field has what an engine reports of one that it discarded.
func isDiscarded(v any) bool {
	value := reflect.ValueOf(v)
	return value.IsZero() || value.Kind() == reflect.Slice && value.Len() == 0
}

func status(l Look) any { return l.State.Status }

// starts counts how often gantry started the container.
func starts(l Look) any { return l.Starts }

// variable looks at one variable of the container's environment.
func variable(name string) func(Look) any {
	return func(l Look) any {
		i := slices.IndexFunc(l.Config.Env, func(s string) bool { return strings.HasPrefix(s, name+"=") })
		if i < 0 {
			return nil
		}
		return l.Config.Env[i]
	}
}

// capabilitiesOf looks at a list of capabilities: engines add "CAP_", and did not always.
func capabilitiesOf(get func(*containertypes.HostConfig) []string) func(Look) any {
	return func(l Look) any {
		var plain []string
		for _, capability := range get(l.HostConfig) {
			plain = append(plain, strings.TrimPrefix(strings.ToUpper(capability), "CAP_"))
		}
		slices.Sort(plain)
		return plain
	}
}

func networkNames(l Look) any { return slices.Sorted(maps.Keys(l.NetworkSettings.Networks)) }

// aliases looks at the aliases in a network, but for those that older engines add: the short ID (an ID
// can well begin with "db", too) and the host name.
func aliases(l Look, network string) []string {
	list := slices.DeleteFunc(slices.Clone(l.NetworkSettings.Networks[network].Aliases), func(s string) bool {
		return s == l.ID[:12] || s == l.Config.Hostname
	})
	slices.Sort(list)
	return list
}

// mounted looks at a part of the container's one mount.
func mounted(get func(mount.Mount) any) func(Look) any {
	return func(l Look) any {
		if len(l.HostConfig.Mounts) == 0 {
			return nil
		}
		return get(l.HostConfig.Mounts[0])
	}
}

// uploadedFile looks at a part of the container's file /f.
func uploadedFile(get func(Uploaded) any) func(Look) any {
	return func(l Look) any {
		found, err := l.File("/f")
		if err != nil {
			return err.Error()
		}
		return get(found)
	}
}

// outsider changes a container behind gantry's back.
type outsider func(ctx context.Context, docker *client.Client, id string) error

func renamed(name string) outsider {
	return func(ctx context.Context, docker *client.Client, id string) error {
		return docker.ContainerRename(ctx, id, name)
	}
}

func updated(change containertypes.UpdateConfig) outsider {
	return func(ctx context.Context, docker *client.Client, id string) error {
		_, err := docker.ContainerUpdate(ctx, id, change)
		return err
	}
}

func unpaused(ctx context.Context, docker *client.Client, id string) error {
	return docker.ContainerUnpause(ctx, id)
}

func disconnected(network string) outsider {
	return func(ctx context.Context, docker *client.Client, id string) error {
		return docker.NetworkDisconnect(ctx, network, id, false)
	}
}

func connectedAnew(name string, settings *network.EndpointSettings) outsider {
	return func(ctx context.Context, docker *client.Client, id string) error {
		if err := docker.NetworkDisconnect(ctx, name, id, false); err != nil {
			return err
		}
		return docker.NetworkConnect(ctx, name, id, settings)
	}
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }
