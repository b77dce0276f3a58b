// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"cmp"
	"maps"
	"net/netip"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/platforms"
)

// Inherited is what leaving a setting out means to one container: what its image and its engine brought.
// It goes into Terraform's private state, so it has nothing of the environment but what the image
// itself shows to everybody. Nil is not known.
type Inherited struct {
	// Platform is the image's; empty is not known.
	Platform    string            `json:"platform,omitempty"`
	Entrypoint  *[]string         `json:"entrypoint,omitempty"`
	Command     *[]string         `json:"command,omitempty"`
	Environment map[string]string `json:"environment,omitempty"`
	// Variables are the names of all that the image sets.
	Variables  *[]string         `json:"variables,omitempty"`
	Labels     map[string]string `json:"labels,omitempty"`
	Expose     []string          `json:"expose,omitempty"`
	User       *string           `json:"user,omitempty"`
	WorkingDir *string           `json:"working_dir,omitempty"`
	Hostname   *string           `json:"hostname,omitempty"`
	StopSignal *string           `json:"stop_signal,omitempty"`
	// Healthcheck is what the container has where nothing was asked for; Test alone is nil where a test
	// was asked for.
	Healthcheck *InheritedCheck `json:"healthcheck,omitempty"`
	// Given is what the engine's own configuration brought.
	Given Given `json:"given"`
}

// InheritedCheck is what leaving out parts of a health check means. Nil is not known.
type InheritedCheck struct {
	// Test is empty if there is no check.
	Test          *[]string      `json:"test,omitempty"`
	Interval      *time.Duration `json:"interval,omitempty"`
	Timeout       *time.Duration `json:"timeout,omitempty"`
	StartPeriod   *time.Duration `json:"start_period,omitempty"`
	StartInterval *time.Duration `json:"start_interval,omitempty"`
	Retries       *int           `json:"retries,omitempty"`
}

// What an engine does where neither the request nor the image says anything (moby's defaults).
const (
	defaultStopSignal    = "SIGTERM"
	defaultGrace         = 10 * time.Second
	defaultProbeTime     = 30 * time.Second
	defaultStartInterval = 5 * time.Second
	DefaultRetries       = 3
	defaultCPUShares     = 1024
	defaultCPUPeriod     = 100000
)

// Inherit finds what a container has beyond what was asked of it. From an image it takes what only the
// image can tell: which variables and labels are its own. A nil image is not known.
func (c *Container) Inherit(asked Settings, image *ImageDefaults) Inherited {
	asked = asked.collapsed()
	var in Inherited
	text := func(asked, seen string) *string {
		if asked != "" {
			return nil
		}
		return &seen
	}
	in.User, in.WorkingDir, in.Hostname = text(asked.User, c.User), text(asked.WorkingDir, c.WorkingDir), text(asked.Hostname, c.Hostname)
	in.StopSignal = text(asked.StopSignal, cmp.Or(c.StopSignal, defaultStopSignal))
	if asked.Entrypoint == nil {
		in.Entrypoint = known(c.Entrypoint)
	}
	if asked.Command == nil {
		in.Command = known(c.Command)
	}
	in.Healthcheck = inheritCheck(asked.Healthcheck, c.Healthcheck)
	for key, value := range c.Labels {
		if _, ok := asked.Labels[key]; !ok {
			in.Labels = Put(in.Labels, key, value)
		}
	}
	own := append(PublishedTargets(asked.Ports), asked.Expose...)
	in.Expose = slices.DeleteFunc(slices.Clone(c.Expose), func(port string) bool { return slices.Contains(own, port) })
	if image != nil {
		in.Platform, in.Variables = image.Platform, known(slices.Sorted(maps.Keys(image.Environment)))
		for key, value := range image.Environment {
			if got, ok := c.Environment[key]; ok && got == value {
				in.Environment = Put(in.Environment, key, value)
			}
		}
	}
	return in
}

// known makes a list that is there, though there may be nothing in it.
func known(list []string) *[]string {
	out := append([]string{}, list...)
	return &out
}

func inheritCheck(asked, seen *Healthcheck) *InheritedCheck {
	if seen == nil {
		seen = &Healthcheck{}
	}
	if asked == nil {
		asked = &Healthcheck{}
	}
	in := &InheritedCheck{}
	if len(asked.Test) == 0 {
		in.Test = known(seen.Test)
	}
	if asked.Disabled() {
		return in // An engine reports none of the times then.
	}
	for _, d := range []struct {
		to                     **time.Duration
		asked, seen, byDefault time.Duration
	}{
		{&in.Interval, asked.Interval, seen.Interval, defaultProbeTime},
		{&in.Timeout, asked.Timeout, seen.Timeout, defaultProbeTime},
		{&in.StartPeriod, asked.StartPeriod, seen.StartPeriod, 0},
		{&in.StartInterval, asked.StartInterval, seen.StartInterval, defaultStartInterval},
	} {
		if d.asked == 0 {
			value := cmp.Or(d.seen, d.byDefault)
			*d.to = &value
		}
	}
	if asked.Retries == 0 {
		retries := cmp.Or(seen.Retries, DefaultRetries)
		in.Retries = &retries
	}
	return in
}

// Meaning has one form of all settings that mean the same to one container on one engine: the forms of
// Plain, other spellings and orders, and nothing where the settings say what leaving them out means.
func (s Settings) Meaning(d EngineDefaults, in Inherited) Settings {
	s = in.Given.leave(s.Plain(d), s).collapsed()
	if s.CPUShares == defaultCPUShares {
		s.CPUShares = 0
	}
	if s.CPUPeriod == defaultCPUPeriod {
		s.CPUPeriod = 0
	}
	s.CPUSet, s.CPUSetMems = strings.TrimSpace(s.CPUSet), strings.TrimSpace(s.CPUSetMems)
	s.Platform = plainPlatform(s.Platform)
	if s.Platform == plainPlatform(in.Platform) {
		s.Platform = ""
	}
	if in.Entrypoint != nil && sameWords(s.Entrypoint, *in.Entrypoint) {
		s.Entrypoint = nil
	}
	if in.Command != nil && slices.Equal(s.Command, *in.Command) {
		s.Command = nil
	}
	s.Environment, s.Labels = beyond(s.Environment, in.Environment), beyond(s.Labels, in.Labels)
	s.Unset = slices.DeleteFunc(slices.Clone(s.Unset), func(key string) bool { return in.Variables != nil && !slices.Contains(*in.Variables, key) })
	if len(s.Unset) == 0 {
		s.Unset = nil
	}
	leave := func(s string, inherited *string) string {
		if inherited != nil && s == *inherited {
			return ""
		}
		return s
	}
	s.User, s.WorkingDir, s.Hostname = leave(s.User, in.User), leave(PlainPath(s.WorkingDir), in.WorkingDir), leave(s.Hostname, in.Hostname)
	if s.StopSignal != "" {
		s.StopSignal = plainSignal(s.StopSignal)
		if in.StopSignal != nil && s.StopSignal == plainSignal(*in.StopSignal) {
			s.StopSignal = ""
		}
	}
	if s.StopGracePeriod != nil && *s.StopGracePeriod == defaultGrace {
		s.StopGracePeriod = nil
	}
	s.Healthcheck = s.Healthcheck.beyond(in.Healthcheck)
	s.Ports = PlainPorts(s.Ports)
	s.Mounts = plainMounts(s.Mounts)
	s.Networks = plainNetworks(s.Networks)
	s.Networking = s.Networking.plain()
	exposed := append(PublishedTargets(s.Ports), in.Expose...)
	s.Expose = plainList(slices.DeleteFunc(slices.Clone(s.Expose), func(port string) bool { return slices.Contains(exposed, port) }), strings.Clone)
	if len(s.VolumesFrom) == 0 {
		s.VolumesFrom = nil
	}
	return s
}

// AsThere returns the settings without what decides something only while a container is made: a container that is there
// meets them with and without it.
func (s Settings) AsThere() Settings {
	if s.Mounts == nil {
		return s
	}
	mounts := make(map[string]Mount, len(s.Mounts))
	for target, m := range s.Mounts {
		mounts[target] = m.asThere()
	}
	s.Mounts = mounts
	return s
}

// SameMeaning reports whether two specifications ask for the same container.
func (s Spec) SameMeaning(other Spec, d EngineDefaults, in Inherited) bool {
	s.Settings, other.Settings = s.Meaning(d, in), other.Meaning(d, in)
	return reflect.DeepEqual(s, other)
}

// collapsed has one form of an entrypoint that is cleared, and of a command that is left to the image.
// To an engine an empty command is none: it takes the image's, unless there is an entrypoint.
func (s Settings) collapsed() Settings {
	s.Entrypoint = ClearedEntrypoint(s.Entrypoint)
	if len(s.Command) == 0 {
		s.Command = nil
	}
	return s
}

// ClearedEntrypoint returns the one form of an entrypoint that takes the image's away: a list with
// nothing in it. A list with one empty word is how a Dockerfile, Compose and the command line say so.
func ClearedEntrypoint(list []string) []string {
	if len(list) == 1 && list[0] == "" {
		return []string{}
	}
	return list
}

// sameWords compares an entrypoint that was asked for with the one that leaving it out means.
func sameWords(asked, inherited []string) bool { return asked != nil && slices.Equal(asked, inherited) }

// beyond leaves out the pairs that are there anyway.
func beyond[V comparable](asked, inherited map[string]V) map[string]V {
	var out map[string]V
	for key, value := range asked {
		if had, ok := inherited[key]; !ok || had != value {
			out = Put(out, key, value)
		}
	}
	return out
}

// beyond leaves out what a health check has anyway.
func (h *Healthcheck) beyond(in *InheritedCheck) *Healthcheck {
	if h == nil {
		return nil
	}
	out := *h
	if in == nil {
		in = &InheritedCheck{}
	}
	if in.Test != nil && (slices.Equal(out.Test, *in.Test) || out.Disabled() && len(*in.Test) == 0) {
		out.Test = nil
	}
	if len(out.Test) == 0 {
		out.Test = nil
	}
	leave := func(d time.Duration, inherited *time.Duration) time.Duration {
		if inherited != nil && d == *inherited {
			return 0
		}
		return d
	}
	out.Interval, out.Timeout = leave(out.Interval, in.Interval), leave(out.Timeout, in.Timeout)
	out.StartPeriod, out.StartInterval = leave(out.StartPeriod, in.StartPeriod), leave(out.StartInterval, in.StartInterval)
	if in.Retries != nil && out.Retries == *in.Retries {
		out.Retries = 0
	}
	if reflect.ValueOf(out).IsZero() {
		return nil
	}
	return &out
}

// plainPlatform has a platform with its architecture's usual name, and without a default variant.
func plainPlatform(s string) string {
	p, err := parsePlatform(s)
	if err != nil || p == nil {
		return s
	}
	return platforms.Format(platforms.Normalize(*p))
}

// PlainPath has a path without a slash at its end.
func PlainPath(s string) string {
	if !strings.HasPrefix(s, "/") {
		return s
	}
	return path.Clean(s)
}

// PlainPorts has one form of all lists of ports that mean the same: the order is nobody's, a range of
// one port is that port, port 0 is any, an address has many spellings, and every IPv4 and every IPv6
// address together are every address.
func PlainPorts(ports []Port) []Port {
	count := make(map[Port]int)
	for _, p := range ports {
		if first, last, isRange := strings.Cut(p.Published, "-"); isRange && first == last {
			p.Published = first
		}
		if n, err := strconv.Atoi(p.Published); err == nil {
			p.Published = strconv.Itoa(n)
		}
		if p.Published == "0" {
			p.Published = ""
		}
		if ip, err := netip.ParseAddr(p.HostIP); err == nil {
			p.HostIP = ip.String()
		}
		p.Protocol = strings.ToLower(cmp.Or(p.Protocol, "tcp"))
		count[p]++
	}
	at := func(p Port, address string) Port { p.HostIP = address; return p }
	for p := range maps.Clone(count) {
		every4, every6 := at(p, "0.0.0.0"), at(p, "::")
		if p.Published != "" && count[every4] == 1 && count[every6] == 1 {
			delete(count, every4)
			delete(count, every6)
			count[at(p, "")]++
		}
	}
	var out []Port
	for p, n := range count {
		out = append(out, slices.Repeat([]Port{p}, n)...)
	}
	sortPorts(out)
	return out
}

// PublishedTargets are the published ports of the container, which are exposed as well.
func PublishedTargets(ports []Port) []string {
	var targets []string
	for _, p := range ports {
		targets = append(targets, strconv.Itoa(p.Target)+"/"+p.Protocol)
	}
	return targets
}

func sortPorts(ports []Port) {
	slices.SortFunc(ports, func(a, b Port) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.HostIP, b.HostIP), cmp.Compare(a.Published, b.Published))
	})
}

func plainMounts(mounts map[string]Mount) map[string]Mount {
	var out map[string]Mount
	for target, m := range mounts {
		out = Put(out, PlainPath(target), m.plain())
	}
	return out
}

// plainNetworks keeps the keys: they are the user's, who refers to addresses by them. The engine's
// default network alone, without options, is what leaving networks out means.
func plainNetworks(networks map[string]NetworkAttachment) map[string]NetworkAttachment {
	var out map[string]NetworkAttachment
	for key, n := range networks {
		n.EndpointOptions = n.EndpointOptions.plain()
		out = Put(out, key, n)
	}
	if bridge, ok := out["bridge"]; ok && len(out) == 1 && reflect.DeepEqual(bridge, NetworkAttachment{Network: "bridge", Priority: bridge.Priority}) {
		return nil
	}
	return out
}

func (o EndpointOptions) plain() EndpointOptions {
	o.Aliases, o.LinkLocalIPs = plainList(o.Aliases, strings.Clone), plainList(o.LinkLocalIPs, plainAddress)
	o.Links = plainList(o.Links, PlainLink)
	o.IPv4Address, o.IPv6Address, o.MACAddress = plainAddress(o.IPv4Address), plainAddress(o.IPv6Address), plainMAC(o.MACAddress)
	if len(o.DriverOpts) == 0 {
		o.DriverOpts = nil
	}
	return o
}

func (n Networking) plain() Networking {
	var hosts map[string][]string
	for host, addresses := range n.ExtraHosts {
		if len(addresses) > 0 {
			hosts = Put(hosts, host, plainEach(addresses, PlainHostAddress))
		}
	}
	n.ExtraHosts, n.Links = hosts, plainList(n.Links, PlainLink)
	n.DNS, n.DNSSearch, n.DNSOptions = plainEach(n.DNS, plainAddress), plainEach(n.DNSSearch, strings.Clone), plainEach(n.DNSOptions, strings.Clone)
	return n
}

// plainEach keeps the order, in which these lists are looked through.
func plainEach(list []string, plain func(string) string) []string {
	var out []string
	for _, s := range list {
		out = append(out, plain(s))
	}
	return out
}

// SameSignal compares signals by meaning.
func SameSignal(a, b string) bool { return plainSignal(a) == plainSignal(b) }

// plainSignal has the name of a signal on Linux: "15", "TERM" and "SIGTERM" are one.
func plainSignal(s string) string {
	name := strings.TrimPrefix(strings.ToUpper(s), "SIG")
	names := strings.Fields(`HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ
		VTALRM PROF WINCH IO PWR SYS`)
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= len(names) {
		return "SIG" + names[n-1]
	}
	return "SIG" + name
}
