// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/docker/docker/api/types/blkiodev"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"
	"github.com/docker/go-units"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/enginetest"
)

// places are the objects that containers are made of and with.
type places struct {
	images                         []string
	helper, volume, subnet, prefix string
	networks                       []string
}

// request makes one up: of each setting nothing at all in most cases, else one of the values that clients
// send and people write.
func (p places) request(random *rand.Rand, number int) request {
	var r request
	r.Config.Image = p.images[random.IntN(len(p.images))]
	for _, variants := range p.settings(number) {
		if random.IntN(6) == 0 {
			variants[random.IntN(len(variants))](&r)
		}
	}
	return r
}

// variants are the settings of one kind.
type variants []func(*request)

// each makes variants of values.
func each[V any](to func(*request) *V, values ...V) variants {
	var out variants
	for _, v := range values {
		out = append(out, func(r *request) { *to(r) = v })
	}
	return out
}

// also makes variants of values that are added to a list.
func also[V any](to func(*request) *[]V, values ...V) variants {
	var out variants
	for _, v := range values {
		out = append(out, func(r *request) { *to(r) = append(*to(r), v) })
	}
	return out
}

func pointers[V any](values ...V) []*V {
	out := []*V{nil}
	for _, v := range values {
		out = append(out, &v)
	}
	return out
}

func (p places) settings(number int) []variants {
	return append(append(append(p.process(), p.storage()...), p.networking(number)...), resources()...)
}

func (p places) process() []variants {
	type strs = []string
	config := func(field func(*container.Config) *string) func(*request) *string {
		return func(r *request) *string { return field(&r.Config) }
	}
	host := func(field func(*container.HostConfig) *strs) func(*request) *strs {
		return func(r *request) *strs { return field(&r.Host) }
	}
	environment := also(func(r *request) *strs { return &r.Config.Env }, "A=1", "EMPTY=", "SET_NOWHERE", "FROM_IMAGE", "FROM_IMAGE=no", "OTHER=1", "B=${a} %{b} \"c\" \\d\n\te=f", "ü=ö")
	security := also(host(func(h *container.HostConfig) *strs { return &h.SecurityOpt }), "no-new-privileges", "no-new-privileges:true", "no-new-privileges=false",
		"label=disable", "label:user:me", "label=level:s0", "seccomp=unconfined", `seccomp={"defaultAction": "SCMP_ACT_ALLOW"}`)
	return []variants{
		each(config(func(c *container.Config) *string { return &c.Hostname }), "web", "UPPER.example.com", "under_score", "-"),
		each(config(func(c *container.Config) *string { return &c.Domainname }), "example.com", "."),
		each(config(func(c *container.Config) *string { return &c.User }), "0", "root", "1000", "1000:1000", ":5", "nobody"),
		each(config(func(c *container.Config) *string { return &c.WorkingDir }), "/", "/tmp", "/tmp/", "/a/../b", "//tmp"),
		each(config(func(c *container.Config) *string { return &c.StopSignal }), "SIGTERM", "term", "15", "SIGRTMIN+3", "9", "SIGINT"),
		each(func(r *request) **int { return &r.Config.StopTimeout }, pointers(0, 1, 10, 90)...),
		each(func(r *request) *bool { return &r.Config.Tty }, true),
		{func(r *request) {
			r.Config.OpenStdin, r.Config.StdinOnce, r.Config.AttachStdin, r.Config.AttachStdout = true, true, true, true
		}, func(r *request) { r.Config.OpenStdin = true }},
		environment, environment,
		each(func(r *request) *strs { return (*strs)(&r.Config.Cmd) }, strs{}, strs{""}, strs{"sleep"}, strs{"serve", "9000"}, strs{"sh", "-c", "echo \"$A\" ${B} %{C}\n\\t"}),
		each(func(r *request) *strs { return (*strs)(&r.Config.Entrypoint) }, strs{}, strs{""}, strs{enginetest.Program}, strs{enginetest.Program, "sleep"}, strs{"", "x"}),
		each(func(r *request) *map[string]string { return &r.Config.Labels }, map[string]string{}, map[string]string{"a": "", "b c/d": "${x} \"y\""}, map[string]string{"from": "image"},
			map[string]string{"from": "me"}, map[string]string{"com.docker.compose.project": "shop", "com.docker.compose.service": "web", "own": "1"}),
		each(func(r *request) **container.HealthConfig { return &r.Config.Healthcheck }, &container.HealthConfig{}, &container.HealthConfig{Test: strs{}},
			&container.HealthConfig{Test: strs{"NONE"}}, &container.HealthConfig{Test: strs{"NONE"}, Interval: time.Second}, &container.HealthConfig{Test: strs{"CMD", enginetest.Program, "health"}},
			&container.HealthConfig{Test: strs{"CMD-SHELL", "true && ${A}"}, Interval: 90 * time.Second, Timeout: 30 * time.Second, Retries: 3, StartPeriod: time.Millisecond},
			&container.HealthConfig{Interval: 7 * time.Second}, &container.HealthConfig{Retries: 9, Timeout: 1500 * time.Millisecond}),
		each(func(r *request) *container.RestartPolicy { return &r.Host.RestartPolicy }, container.RestartPolicy{Name: "no"}, container.RestartPolicy{Name: "always"},
			container.RestartPolicy{Name: "unless-stopped"}, container.RestartPolicy{Name: "on-failure"}, container.RestartPolicy{Name: "on-failure", MaximumRetryCount: 3}),
		each(host(func(h *container.HostConfig) *strs { return (*strs)(&h.CapAdd) }), strs{}, strs{"ALL"}, strs{"net_admin", "CAP_SYS_TIME"}, strs{"SYS_PTRACE", "NET_RAW"}),
		each(host(func(h *container.HostConfig) *strs { return (*strs)(&h.CapDrop) }), strs{}, strs{"all"}, strs{"CAP_CHOWN", "kill"}),
		each(host(func(h *container.HostConfig) *strs { return &h.GroupAdd }), strs{}, strs{"44", "20"}, strs{"audio", "44", "audio"}),
		security, security,
		{func(r *request) { r.Host.MaskedPaths, r.Host.ReadonlyPaths = strs{}, strs{} }},
		each(func(r *request) *bool { return &r.Host.Privileged }, true),
		each(func(r *request) *bool { return &r.Host.ReadonlyRootfs }, true),
		each(func(r *request) *map[string]string { return &r.Host.Sysctls }, map[string]string{}, map[string]string{"net.ipv4.ip_unprivileged_port_start": "0", "net.core.somaxconn": "1024"},
			map[string]string{"kernel.msgmax": "9000"}),
		each(func(r *request) *container.IpcMode { return &r.Host.IpcMode }, "private", "shareable", "host", "none"),
		each(func(r *request) *container.PidMode { return &r.Host.PidMode }, "host", container.PidMode("container:"+p.helper)),
		each(func(r *request) *container.UTSMode { return &r.Host.UTSMode }, "host"),
		each(func(r *request) *container.UsernsMode { return &r.Host.UsernsMode }, "host"),
		each(func(r *request) *container.CgroupnsMode { return &r.Host.CgroupnsMode }, "host", "private"),
		each(func(r *request) *string { return &r.Host.CgroupParent }, "/docker", "/gantry-test"),
		each(func(r *request) *string { return &r.Host.Runtime }, "runc"),
		each(func(r *request) **bool { return &r.Host.Init }, pointers(true, false)...),
		each(func(r *request) *container.LogConfig { return &r.Host.LogConfig }, container.LogConfig{Type: "json-file"}, container.LogConfig{Type: "local", Config: map[string]string{"max-size": "1m"}},
			container.LogConfig{Type: "none"}, container.LogConfig{Config: map[string]string{"max-file": "2", "max-size": "10k"}}, container.LogConfig{Type: "json-file", Config: map[string]string{"tag": "{{.Name}}", "env": "A,B"}}),
	}
}

func (p places) storage() []variants {
	binds := also(func(r *request) *[]string { return &r.Host.Binds }, "/tmp:/b1", "/tmp:/b2:ro", "/tmp/:/b3/:z", "/tmp:/b4:rslave", p.volume+":/b5", p.volume+":/b6:ro,nocopy", "/gantry-nowhere-"+p.volume+":/b7")
	mounts := also(func(r *request) *[]mount.Mount { return &r.Host.Mounts },
		mount.Mount{Type: mount.TypeBind, Source: "/tmp", Target: "/m1"}, mount.Mount{Type: mount.TypeBind, Source: "/tmp", Target: "/m2/", ReadOnly: true, BindOptions: &mount.BindOptions{Propagation: "rprivate"}},
		mount.Mount{Type: mount.TypeBind, Source: "/tmp", Target: "/m3", BindOptions: &mount.BindOptions{NonRecursive: true}, Consistency: mount.ConsistencyCached},
		mount.Mount{Type: mount.TypeVolume, Source: p.volume, Target: "/m4", ReadOnly: true}, mount.Mount{Type: mount.TypeVolume, Target: "/m5"},
		mount.Mount{Type: mount.TypeVolume, Source: p.volume, Target: "/m6", VolumeOptions: &mount.VolumeOptions{NoCopy: true, Labels: map[string]string{"a": "b"}}},
		mount.Mount{Type: mount.TypeVolume, Target: "/m7", VolumeOptions: &mount.VolumeOptions{DriverConfig: &mount.Driver{Name: "local", Options: map[string]string{"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}}}},
		mount.Mount{Type: mount.TypeTmpfs, Target: "/m8"}, mount.Mount{Type: mount.TypeTmpfs, Target: "/m9", TmpfsOptions: &mount.TmpfsOptions{SizeBytes: 1 << 20, Mode: 0o1770}},
		mount.Mount{Type: mount.TypeTmpfs, Target: "/m10", ReadOnly: true}, mount.Mount{Type: mount.TypeVolume, Source: p.volume, Target: "/from/image"},
		mount.Mount{Type: mount.TypeTmpfs, Target: "/from/image/"})
	device := []container.DeviceMapping{
		{PathOnHost: "/dev/null", PathInContainer: "/dev/nothing", CgroupPermissions: "rwm"}, {PathOnHost: "/dev/zero", PathInContainer: "/dev/zero", CgroupPermissions: "rm"},
		{PathOnHost: "/dev/full", PathInContainer: "/dev/full/", CgroupPermissions: "mr"},
	}
	return []variants{
		binds, binds, mounts, mounts, mounts,
		each(func(r *request) *map[string]struct{} { return &r.Config.Volumes }, map[string]struct{}{"/v1": {}}, map[string]struct{}{"/v2/": {}, "/from/image": {}}),
		each(func(r *request) *map[string]string { return &r.Host.Tmpfs }, map[string]string{"/t1": ""}, map[string]string{"/t2/": "ro,size=64k"}, map[string]string{"/t3": "mode=770,uid=2000,gid=1000,exec,suid", "/t4": "rw,noexec,nosuid,size=10%"},
			map[string]string{"/t5": "size=65536,mode=1777,noatime"}),
		each(func(r *request) *[]string { return &r.Host.VolumesFrom }, []string{}, []string{p.helper}, []string{p.helper + ":ro"}, []string{p.helper + ":rw"}),
		also(func(r *request) *[]container.DeviceMapping { return &r.Host.Devices }, device...),
		each(func(r *request) *[]string { return &r.Host.DeviceCgroupRules }, []string{}, []string{"c 42:* rmw", "a *:* r"}),
		each(func(r *request) *[]container.DeviceRequest { return &r.Host.DeviceRequests }, []container.DeviceRequest{{Count: -1, Capabilities: [][]string{{"gpu"}}}},
			[]container.DeviceRequest{{Driver: "nvidia", DeviceIDs: []string{"0", "1"}, Capabilities: [][]string{{"gpu", "compute"}}, Options: map[string]string{"a": "b"}}}, []container.DeviceRequest{{Count: 2}}),
	}
}

func (p places) networking(number int) []variants {
	port := func(bindings ...nat.PortBinding) func(*request) {
		return func(r *request) {
			for _, port := range []nat.Port{"80/tcp", "53/udp"}[:1+len(bindings)%2] {
				if r.Host.PortBindings == nil {
					r.Host.PortBindings = make(nat.PortMap)
				}
				r.Host.PortBindings[port] = append(r.Host.PortBindings[port], bindings...)
			}
		}
	}
	in := func(name string, endpoint *network.EndpointSettings) func(*request) {
		return func(r *request) {
			r.Host.NetworkMode = container.NetworkMode(name)
			if endpoint != nil {
				r.Networking.EndpointsConfig = map[string]*network.EndpointSettings{name: endpoint}
			}
		}
	}
	at := func(number int) string { return fmt.Sprintf("%s%d", p.prefix, 2+number%250) }
	return []variants{
		{port(nat.PortBinding{}), port(nat.PortBinding{HostPort: "0"}), port(nat.PortBinding{HostPort: "18080"}, nat.PortBinding{HostPort: "18081", HostIP: "127.0.0.1"}),
			port(nat.PortBinding{HostPort: "18090-18099"}), port(nat.PortBinding{HostPort: "18080", HostIP: "0.0.0.0"}, nat.PortBinding{HostPort: "18080", HostIP: "::"}),
			port(nat.PortBinding{HostPort: "18080", HostIP: "::1"}), port(nat.PortBinding{HostPort: "18082-18082"}), func(r *request) { r.Host.PortBindings = nat.PortMap{"80/tcp": nil} }},
		each(func(r *request) *nat.PortSet { return &r.Config.ExposedPorts }, nat.PortSet{}, nat.PortSet{"80/tcp": {}}, nat.PortSet{"53/udp": {}, "7000/sctp": {}, "9000/tcp": {}}),
		each(func(r *request) *bool { return &r.Host.PublishAllPorts }, true),
		each(func(r *request) *[]string { return &r.Host.DNS }, []string{}, []string{"9.9.9.9", "1.1.1.1"}, []string{"2001:DB8:0::1"}),
		each(func(r *request) *[]string { return &r.Host.DNSSearch }, []string{}, []string{"example.com", "."}),
		each(func(r *request) *[]string { return &r.Host.DNSOptions }, []string{}, []string{"ndots:2", "rotate"}),
		each(func(r *request) *[]string { return &r.Host.ExtraHosts }, []string{}, []string{"db:10.0.0.7", "cache:::1", "db:10.0.0.8"}, []string{"host:host-gateway"}, []string{"v6:[2001:DB8::1]"}),
		{in("host", nil), in("none", nil), in("bridge", nil), in("default", nil), in("container:"+p.helper, nil)},
		{
			in(p.networks[0], nil), in(p.networks[0], &network.EndpointSettings{Aliases: []string{"db", "primary", "db"}}), in(p.networks[1], &network.EndpointSettings{Aliases: []string{}, DriverOpts: map[string]string{"a": "b"}}),
			in(p.subnet, &network.EndpointSettings{IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: at(number)}}), in(p.subnet, &network.EndpointSettings{IPAMConfig: &network.EndpointIPAMConfig{}}),
			in("bridge", &network.EndpointSettings{}), in(p.networks[0], &network.EndpointSettings{IPAMConfig: &network.EndpointIPAMConfig{LinkLocalIPs: []string{"169.254.34.68"}}}),
		},
		each(func(r *request) *string { return &r.Config.MacAddress }, "02:42:AC:11:00:09", "02-42-ac-11-00-0a"), //nolint:staticcheck // Engines before 25.0 have no other.
	}
}

func resources() []variants {
	number := func(field func(*container.HostConfig) *int64, values ...int64) variants {
		return each(func(r *request) *int64 { return field(&r.Host) }, values...)
	}
	text := func(field func(*container.HostConfig) *string, values ...string) variants {
		return each(func(r *request) *string { return field(&r.Host) }, values...)
	}
	rate := func(rate uint64) []*blkiodev.ThrottleDevice {
		return []*blkiodev.ThrottleDevice{{Path: "/dev/null", Rate: rate}}
	}
	swap := func(memory, swap int64) func(*request) {
		return func(r *request) { r.Host.Memory, r.Host.MemorySwap = memory, swap }
	}
	return []variants{
		number(func(h *container.HostConfig) *int64 { return &h.CPUShares }, 0, 2, 512, 1024),
		{swap(64<<20, 0), swap(64<<20, -1), swap(64<<20, 128<<20), swap(100<<20, 100<<20), swap(1234567890, 0), swap(64<<20, 96<<20)},
		number(func(h *container.HostConfig) *int64 { return &h.MemoryReservation }, 32<<20, 6291457),
		each(func(r *request) **int64 { return &r.Host.MemorySwappiness }, pointers[int64](-1, 0, 60, 100)...),
		each(func(r *request) **int64 { return &r.Host.PidsLimit }, pointers[int64](-1, 0, 100)...),
		{func(r *request) { r.Host.NanoCPUs = 5e8 }, func(r *request) { r.Host.NanoCPUs = 1234567 * 10 }, func(r *request) { r.Host.CPUQuota, r.Host.CPUPeriod = 20000, 100000 },
			func(r *request) { r.Host.CPUQuota = -1 }, func(r *request) { r.Host.CPUPeriod = 50000 }},
		text(func(h *container.HostConfig) *string { return &h.CpusetCpus }, "0", "0-1", "0,1", "1,0"),
		text(func(h *container.HostConfig) *string { return &h.CpusetMems }, "0", "0-0"),
		each(func(r *request) **bool { return &r.Host.OomKillDisable }, pointers(true, false)...),
		each(func(r *request) *int { return &r.Host.OomScoreAdj }, -500, 0, 1000),
		number(func(h *container.HostConfig) *int64 { return &h.ShmSize }, 0, 64<<20, 32<<20, 12345678),
		each(func(r *request) *[]*units.Ulimit { return &r.Host.Ulimits }, []*units.Ulimit{}, []*units.Ulimit{{Name: "nofile", Soft: 1024, Hard: 2048}, {Name: "nproc", Soft: 100, Hard: 100}},
			[]*units.Ulimit{{Name: "core", Soft: 0, Hard: -1}, {Name: "memlock", Soft: -1, Hard: -1}}),
		each(func(r *request) *uint16 { return &r.Host.BlkioWeight }, 0, 300),
		each(func(r *request) *[]*blkiodev.ThrottleDevice { return &r.Host.BlkioDeviceReadBps }, rate(1<<20), rate(1000001)),
		each(func(r *request) *[]*blkiodev.ThrottleDevice { return &r.Host.BlkioDeviceWriteIOps }, rate(1000)),
	}
}
