// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package container

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/platforms"
	containertypes "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/versions"
	"github.com/docker/go-connections/nat"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// apiManyNetworks is the first version of the API that connects a container to more than one
// network while it creates it.
const apiManyNetworks = "1.44"

// Creation is a create request of the Engine API, and what has to follow it.
type Creation struct {
	Config   *containertypes.Config
	Host     *containertypes.HostConfig
	Networks *network.NetworkingConfig
	Platform *ocispec.Platform
	// Connect are the networks to connect after the create, by their keys, in order.
	Connect []string
}

// Translate says in the words of the Engine API what spec asks for. It is pure.
func Translate(spec Spec, operation, apiVersion string) (Creation, error) {
	platform, err := parsePlatform(spec.Platform)
	if err != nil {
		return Creation{}, err
	}
	labels := maps.Clone(spec.Labels)
	if labels == nil {
		labels = make(map[string]string, 1)
	}
	labels[LabelOperation] = operation
	exposed, bindings := translatePorts(spec.Ports)
	c := Creation{
		Config: &containertypes.Config{
			Image: spec.Image, Labels: labels, Env: environmentList(spec.Environment, spec.Unset),
			Entrypoint: spec.Entrypoint, Cmd: spec.Command,
			User: spec.User, WorkingDir: spec.WorkingDir, Hostname: spec.Hostname,
			StopSignal: spec.StopSignal, StopTimeout: wholeSeconds(spec.StopGracePeriod),
			ExposedPorts: exposed, Healthcheck: translateHealthcheck(spec.Healthcheck),
		},
		Host: &containertypes.HostConfig{
			PortBindings: bindings, RestartPolicy: translateRestart(spec.Restart),
			VolumesFrom: spec.VolumesFrom,
		},
		Platform: platform,
	}
	c.Host.Mounts, c.Host.Binds, c.Host.Tmpfs = translateMounts(spec.Mounts, apiVersion)
	spec.Networking.translate(c.Config, c.Host)
	spec.Limits.translate(c.Host)
	spec.Security.translate(c.Host)
	spec.Devices.translate(c.Host)
	spec.Namespaces.translate(c.Host)
	spec.Process.translate(c.Config, c.Host)
	c.attach(spec.Networks, apiVersion)
	c.translateMAC(spec.Networks, apiVersion)
	return c, nil
}

// attach puts the networks into the request, as many as this version of the API takes.
func (c *Creation) attach(networks map[string]NetworkAttachment, apiVersion string) {
	keys := attachOrder(networks)
	if len(keys) == 0 {
		return
	}
	c.Host.NetworkMode = containertypes.NetworkMode(networks[keys[0]].Network)
	c.Networks = &network.NetworkingConfig{EndpointsConfig: make(map[string]*network.EndpointSettings)}
	for i, key := range keys {
		if i > 0 && versions.LessThan(apiVersion, apiManyNetworks) {
			c.Connect = keys[i:]
			return
		}
		c.Networks.EndpointsConfig[networks[key].Network] = networks[key].Endpoint()
	}
}

func parsePlatform(s string) (*ocispec.Platform, error) {
	if s == "" {
		return nil, nil
	}
	p, err := platforms.Parse(s)
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// environmentList has the variables that are set, and without "=" those that the image's are not to set.
func environmentList(environment map[string]string, unset []string) []string {
	list := slices.Clone(unset)
	for _, key := range slices.Sorted(maps.Keys(environment)) {
		list = append(list, key+"="+environment[key])
	}
	return list
}

func translatePorts(ports []Port) (nat.PortSet, nat.PortMap) {
	if len(ports) == 0 {
		return nil, nil
	}
	exposed, bindings := make(nat.PortSet), make(nat.PortMap)
	for _, p := range ports {
		port := nat.Port(strconv.Itoa(p.Target) + "/" + p.Protocol)
		exposed[port] = struct{}{}
		bindings[port] = append(bindings[port], nat.PortBinding{HostIP: p.HostIP, HostPort: p.Published})
	}
	return exposed, bindings
}

func translateHealthcheck(h *Healthcheck) *containertypes.HealthConfig {
	if h == nil {
		return nil
	}
	return &containertypes.HealthConfig{Test: h.Test, Interval: h.Interval, Timeout: h.Timeout, StartPeriod: h.StartPeriod, StartInterval: h.StartInterval, Retries: h.Retries}
}

func translateRestart(p RestartPolicy) containertypes.RestartPolicy {
	return containertypes.RestartPolicy{
		Name:              containertypes.RestartPolicyMode(cmp.Or(p.Name, string(containertypes.RestartPolicyDisabled))),
		MaximumRetryCount: p.MaximumRetryCount,
	}
}

func wholeSeconds(d *time.Duration) *int {
	if d == nil {
		return nil
	}
	seconds := int(*d / time.Second)
	return &seconds
}

// Observe says in gantry's words what the engine reports of a container. It is pure.
func Observe(engine string, r containertypes.InspectResponse) *Container {
	c := &Container{
		Engine: engine, ID: r.ID, Name: strings.TrimPrefix(r.Name, "/"), ImageID: r.Image,
		Settings: Settings{
			Image: r.Config.Image, Entrypoint: r.Config.Entrypoint, Command: r.Config.Cmd,
			Environment: environmentMap(r.Config.Env), Unset: unsetVariables(r.Config.Env), Labels: r.Config.Labels,
			Ports: observePorts(r.HostConfig.PortBindings), Mounts: observeMounts(r.Mounts, r.Config, r.HostConfig), VolumesFrom: r.HostConfig.VolumesFrom,
			Healthcheck: observeHealthcheck(r.Config.Healthcheck), Restart: observeRestart(r.HostConfig.RestartPolicy),
			Limits: observeLimits(r.HostConfig), Security: observeSecurity(r.HostConfig), Devices: observeDevices(r.HostConfig),
			Namespaces: observeNamespaces(r.HostConfig), Process: observeProcess(r.Config, r.HostConfig),
			User: r.Config.User, WorkingDir: r.Config.WorkingDir, Hostname: r.Config.Hostname,
			StopSignal: r.Config.StopSignal, StopGracePeriod: fromSeconds(r.Config.StopTimeout),
			Networking: observeNetworking(r.Config, r.HostConfig),
		},
		Created:    Instant(r.Created),
		State:      ObserveState(r.State, r.RestartCount, r.Config),
		AutoRemove: r.HostConfig.AutoRemove, FileFolders: observeFileFolders(r.Mounts, r.HostConfig.Mounts),
		Attached: make(map[string]AttachedNetwork), PublishedPorts: make(map[string]int),
	}
	for name, endpoint := range r.NetworkSettings.Networks {
		if endpoint == nil || isAlias(name, endpoint.NetworkID, r.NetworkSettings.Networks) {
			continue
		}
		n := observeEndpoint(r.ID, []string{r.Config.Hostname, c.Name}, endpoint)
		if IsDefaultMode(name) {
			n.Links = nil // An engine keeps them there, and does nothing with them.
		}
		if unconnected(c.State, endpoint) {
			c.Unconnected = Put(c.Unconnected, name, n)
		} else {
			c.Attached[name] = n
		}
	}
	if !ownNetwork(c.NetworkMode) {
		c.Ports, c.PublishAllPorts = nil, false // The engine discards them, and reports them all the same.
	}
	if _, shares := SharedContainer(c.NetworkMode); shares {
		// The other container's are in force; an engine keeps some of its own without a use for them.
		c.Networking = Networking{NetworkMode: c.NetworkMode}
	}
	c.observeMACs(r)
	for port, bindings := range r.NetworkSettings.Ports {
		for _, b := range bindings {
			n, err := strconv.Atoi(b.HostPort)
			if err != nil {
				continue
			}
			if known, ok := c.PublishedPorts[string(port)]; !ok || n < known {
				c.PublishedPorts[string(port)] = n
			}
		}
	}
	return c
}

// unconnected reports whether an endpoint is only what a connect that failed left of a running container.
func unconnected(s State, e *network.EndpointSettings) bool {
	return (s.Status == "running" || s.Status == "paused") && e.EndpointID == "" && e.IPAddress == "" && e.GlobalIPv6Address == "" && e.MacAddress == ""
}

// isAlias recognises the short ID under which an engine lists a network a second time if the
// container was created with it.
func isAlias(name, id string, networks map[string]*network.EndpointSettings) bool {
	if id == "" || len(name) < ShortID || !strings.HasPrefix(id, name) {
		return false
	}
	for other, endpoint := range networks {
		if other != name && endpoint != nil && endpoint.NetworkID == id {
			return true
		}
	}
	return false
}

// ObserveImage says in gantry's words what an image brings. It is pure.
func ObserveImage(r image.InspectResponse) *ImageDefaults {
	d := &ImageDefaults{}
	if r.Os != "" {
		d.Platform = platforms.Format(platforms.Normalize(ocispec.Platform{OS: r.Os, Architecture: r.Architecture, Variant: r.Variant}))
	}
	if r.Config == nil {
		return d
	}
	d.Settings = Settings{
		Platform: d.Platform, Entrypoint: r.Config.Entrypoint, Command: r.Config.Cmd, Environment: environmentMap(r.Config.Env), Labels: r.Config.Labels,
		Healthcheck: observeHealthcheck(r.Config.Healthcheck), User: r.Config.User, WorkingDir: r.Config.WorkingDir, StopSignal: r.Config.StopSignal,
	}
	for port := range r.Config.ExposedPorts {
		d.Expose = append(d.Expose, plainPort(nat.Port(port)))
	}
	slices.Sort(d.Expose)
	d.Volumes = slices.Sorted(maps.Keys(r.Config.Volumes))
	return d
}

// ObserveState returns the state of a container that an engine reports, in gantry's words.
func ObserveState(s *containertypes.State, restarts int, config *containertypes.Config) State {
	state := State{
		Status: s.Status, ExitCode: s.ExitCode, OOMKilled: s.OOMKilled, Error: s.Error, RestartCount: restarts,
		StartedAt: Instant(s.StartedAt), FinishedAt: Instant(s.FinishedAt),
	}
	var check *Healthcheck
	if config != nil {
		check = observeHealthcheck(config.Healthcheck)
	}
	checked := s.Health != nil && s.Health.Status != containertypes.NoHealthcheck
	state.Checked = checked || check != nil && !check.Disabled()
	if checked {
		state.Health = observeHealth(s, check)
		for _, r := range s.Health.Log {
			state.HealthLog = append(state.HealthLog, HealthResult{ExitCode: r.ExitCode, Output: r.Output})
		}
	}
	return state
}

// observeHealth returns what the health check found. An engine calls a container unhealthy whenever it does
// not watch it, because it has ended, is being restarted or is paused, and until the first run after that:
// only as many failed runs as the check allows are its own verdict.
func observeHealth(s *containertypes.State, check *Healthcheck) string {
	switch {
	case s.Status != containertypes.StateRunning:
		return ""
	case s.Health.Status != containertypes.Unhealthy:
		return s.Health.Status
	}
	retries := DefaultRetries
	if check != nil && check.Retries > 0 {
		retries = check.Retries
	}
	if s.Health.FailingStreak < retries {
		return containertypes.Starting
	}
	return containertypes.Unhealthy
}

func environmentMap(list []string) map[string]string {
	environment := make(map[string]string, len(list))
	for _, pair := range list {
		if key, value, isSet := strings.Cut(pair, "="); isSet {
			environment[key] = value
		}
	}
	return environment
}

// unsetVariables returns the variables that environmentList wrote without "=", or docker run --env NAME. To
// an engine one that is set as well is set, in whatever order.
func unsetVariables(list []string) []string {
	set := environmentMap(list)
	var unset []string
	for _, pair := range list {
		if _, also := set[pair]; !also && !strings.Contains(pair, "=") {
			unset = append(unset, pair)
		}
	}
	slices.Sort(unset)
	return slices.Compact(unset)
}

func observePorts(bindings nat.PortMap) []Port {
	var ports []Port
	for port, list := range bindings {
		for _, b := range list {
			published := b.HostPort
			if published == "0" {
				published = ""
			}
			ports = append(ports, Port{Target: port.Int(), Protocol: strings.ToLower(port.Proto()), HostIP: b.HostIP, Published: published})
		}
	}
	sortPorts(ports)
	return ports
}

func observeHealthcheck(h *containertypes.HealthConfig) *Healthcheck {
	if h == nil || len(h.Test) == 0 {
		return nil
	}
	if h.Test[0] == "NONE" {
		return &Healthcheck{Test: h.Test} // The engine adds the image's intervals.
	}
	return &Healthcheck{Test: h.Test, Interval: h.Interval, Timeout: h.Timeout, StartPeriod: h.StartPeriod, StartInterval: h.StartInterval, Retries: h.Retries}
}

func observeRestart(p containertypes.RestartPolicy) RestartPolicy {
	return RestartPolicy{
		Name:              cmp.Or(string(p.Name), string(containertypes.RestartPolicyDisabled)),
		MaximumRetryCount: p.MaximumRetryCount,
	}
}

func fromSeconds(seconds *int) *time.Duration {
	if seconds == nil || *seconds < 0 { // To wait for ever is unmanaged.
		return nil
	}
	d := time.Duration(*seconds) * time.Second
	return &d
}

// Instant parses a time of the Engine API; the engine's "0001-01-01T00:00:00Z" is the zero time.
func Instant(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// HealthDecided reads the health out of the Status text of a container list ("Up 5 seconds
// (healthy)"): the list has no field for it.
func HealthDecided(status string) bool {
	return strings.Contains(status, "(healthy)") || strings.Contains(status, "(unhealthy)")
}
