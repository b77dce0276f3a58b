// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	containertypes "github.com/docker/docker/api/types/container"
)

// Devices are the host's devices that a container may use.
type Devices struct {
	// Devices are keyed by their paths in the container.
	Devices map[string]Device `json:"devices,omitempty"`
	// DeviceCgroupRules allow devices that may come later, as in "c 189:* rmw".
	DeviceCgroupRules []string        `json:"device_cgroup_rules,omitempty"`
	DeviceRequests    []DeviceRequest `json:"device_requests,omitempty"`
}

// Device is a device of the host.
type Device struct {
	// Source is the path on the host.
	Source string `json:"source"`
	// Permissions are some of r, w and m (mknod); empty is all of them.
	Permissions string `json:"permissions,omitempty"`
}

// DeviceRequest asks a driver for devices, such as GPUs.
type DeviceRequest struct {
	Driver string `json:"driver,omitempty"`
	// Count is how many; -1 is all of them. It is 0 where DeviceIDs names them.
	Count     int      `json:"count,omitempty"`
	DeviceIDs []string `json:"device_ids,omitempty"`
	// Capabilities are alternatives, each a list of what a device has to have.
	Capabilities [][]string        `json:"capabilities,omitempty"`
	Options      map[string]string `json:"options,omitempty"`
}

// allPermissions is what an engine's command line gives to a device. The engine itself has no default.
const allPermissions = "rwm"

func (d Devices) translate(host *containertypes.HostConfig) {
	for _, target := range slices.Sorted(maps.Keys(d.Devices)) {
		host.Devices = append(host.Devices, containertypes.DeviceMapping{
			PathOnHost: PlainPath(d.Devices[target].Source), PathInContainer: PlainPath(target), CgroupPermissions: cmp.Or(d.Devices[target].Permissions, allPermissions),
		})
	}
	host.DeviceCgroupRules = d.DeviceCgroupRules
	for _, r := range d.DeviceRequests {
		host.DeviceRequests = append(host.DeviceRequests, containertypes.DeviceRequest{
			Driver: r.Driver, Count: r.Count, DeviceIDs: r.DeviceIDs, Capabilities: r.Capabilities, Options: r.Options,
		})
	}
}

func observeDevices(host *containertypes.HostConfig) Devices {
	d := Devices{DeviceCgroupRules: host.DeviceCgroupRules}
	for _, m := range host.Devices {
		d.Devices = Put(d.Devices, PlainPath(m.PathInContainer), Device{Source: m.PathOnHost, Permissions: m.CgroupPermissions})
	}
	for _, r := range host.DeviceRequests {
		d.DeviceRequests = append(d.DeviceRequests, DeviceRequest{
			Driver: r.Driver, Count: r.Count, DeviceIDs: r.DeviceIDs, Capabilities: r.Capabilities, Options: r.Options,
		})
	}
	return d
}

func (d Devices) plain() Devices {
	var devices map[string]Device
	for target, device := range d.Devices {
		device.Source, device.Permissions = PlainPath(device.Source), plainPermissions(device.Permissions)
		devices = Put(devices, PlainPath(target), device)
	}
	d.Devices = devices
	d.DeviceCgroupRules = plainList(d.DeviceCgroupRules, strings.Clone)
	var requests []DeviceRequest
	for _, r := range d.DeviceRequests {
		requests = append(requests, r.plain())
	}
	d.DeviceRequests = requests
	return d
}

// plainPermissions has one order of the letters.
func plainPermissions(s string) string {
	out := ""
	for _, letter := range allPermissions {
		if s == "" || strings.ContainsRune(s, letter) {
			out += string(letter)
		}
	}
	return out
}

func (r DeviceRequest) plain() DeviceRequest {
	if len(r.DeviceIDs) == 0 {
		r.DeviceIDs = nil
	}
	if len(r.Capabilities) == 0 {
		r.Capabilities = nil
	}
	if len(r.Options) == 0 {
		r.Options = nil
	}
	return r
}
