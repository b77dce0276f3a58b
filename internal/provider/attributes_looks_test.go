// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

//go:build linux

package provider_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// look is a container as its engine reports it, and as gantry asked for it.
type look struct {
	container.InspectResponse
	rig *rig
	// asked are its last create and the updates after it.
	asked []enginetest.Call
	// discarded has fields looked up in what gantry asked for where the engine reports nothing.
	discarded bool
}

// host and config look at a field of the container's HostConfig, or of its Config.
func host(field string) func(look) any {
	return func(l look) any {
		v := fieldOf(reflect.ValueOf(*l.HostConfig), field)
		if !l.discarded || !isNothing(v) {
			return v
		}
		for _, call := range slices.Backward(l.asked) {
			var create container.CreateRequest
			var update container.UpdateConfig
			if json.Unmarshal(call.Body, &create) == nil && create.HostConfig != nil {
				return fieldOf(reflect.ValueOf(*create.HostConfig), field)
			}
			if json.Unmarshal(call.Body, &update) == nil {
				if v := fieldOf(reflect.ValueOf(update.Resources), field); !isNothing(v) {
					return v
				}
			}
		}
		return v
	}
}

func config(field string) func(look) any {
	return func(l look) any { return fieldOf(reflect.ValueOf(*l.Config), field) }
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

// isNothing reports whether a field has what an engine reports of one that it discarded.
func isNothing(v any) bool {
	value := reflect.ValueOf(v)
	return value.IsZero() || value.Kind() == reflect.Slice && value.Len() == 0
}

func status(l look) any { return l.State.Status }

// starts counts how often gantry started the container.
func starts(l look) any { return l.rig.Proxy.Count("POST", "/containers/"+l.ID+"/start") }

// variable looks at one variable of the container's environment.
func variable(name string) func(look) any {
	return func(l look) any {
		i := slices.IndexFunc(l.Config.Env, func(s string) bool { return strings.HasPrefix(s, name+"=") })
		if i < 0 {
			return nil
		}
		return l.Config.Env[i]
	}
}

// capabilities looks at a list of capabilities: engines add "CAP_", and did not always.
func capabilities(get func(*container.HostConfig) []string) func(look) any {
	return func(l look) any {
		var plain []string
		for _, capability := range get(l.HostConfig) {
			plain = append(plain, strings.TrimPrefix(strings.ToUpper(capability), "CAP_"))
		}
		slices.Sort(plain)
		return plain
	}
}

func networkNames(l look) any { return slices.Sorted(maps.Keys(l.NetworkSettings.Networks)) }

// aliases looks at the aliases in a network, but for those that older engines add: the short ID (an ID
// can well begin with "db", too) and the host name.
func aliases(l look, network string) []string {
	list := slices.DeleteFunc(slices.Clone(l.NetworkSettings.Networks[network].Aliases), func(s string) bool {
		return s == l.ID[:12] || s == l.Config.Hostname
	})
	slices.Sort(list)
	return list
}

// mounted looks at a part of the container's one mount.
func mounted(get func(mount.Mount) any) func(look) any {
	return func(l look) any {
		if len(l.HostConfig.Mounts) == 0 {
			return nil
		}
		return get(l.HostConfig.Mounts[0])
	}
}

// uploadedFile looks at a part of the container's file /f.
func uploadedFile(get func(uploaded) any) func(look) any {
	return func(l look) any {
		found, err := l.rig.file(l.ID, "/f")
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

func updated(change container.UpdateConfig) outsider {
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
