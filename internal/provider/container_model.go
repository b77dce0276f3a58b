// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
)

// containerModel is a container in Terraform, where everything that is not computed is known: in
// state, and in a plan that is applied.
type containerModel struct {
	Name        types.String            `tfsdk:"name"`
	Image       customtypes.Value       `tfsdk:"image"`
	PullPolicy  types.String            `tfsdk:"pull_policy"`
	Platform    customtypes.Value       `tfsdk:"platform"`
	Entrypoint  []types.String          `tfsdk:"entrypoint"`
	Command     []types.String          `tfsdk:"command"`
	Environment map[string]types.String `tfsdk:"environment"`
	Labels      map[string]types.String `tfsdk:"labels"`
	Ports       []portModel             `tfsdk:"ports"`
	Mounts      map[string]mountModel   `tfsdk:"mounts"`
	Networks    map[string]networkModel `tfsdk:"networks"`
	Healthcheck *healthcheckModel       `tfsdk:"healthcheck"`
	Restart     customtypes.Value       `tfsdk:"restart"`
	limitsModel
	securityModel
	devicesModel
	namespacesModel
	processModel
	User              types.String            `tfsdk:"user"`
	WorkingDir        types.String            `tfsdk:"working_dir"`
	Hostname          types.String            `tfsdk:"hostname"`
	StopSignal        types.String            `tfsdk:"stop_signal"`
	StopGracePeriod   customtypes.Value       `tfsdk:"stop_grace_period"`
	DesiredState      types.String            `tfsdk:"desired_state"`
	ExpectedExitCodes []types.Int64           `tfsdk:"expected_exit_codes"`
	WaitFor           types.String            `tfsdk:"wait_for"`
	RemoveVolumes     types.Bool              `tfsdk:"remove_volumes"`
	RestartTriggers   map[string]types.String `tfsdk:"restart_triggers"`
	WaitForRemoval    types.Bool              `tfsdk:"wait_for_removal"`
	Timeouts          timeouts.Value          `tfsdk:"timeouts"`

	Files       files          `tfsdk:"files"`
	VolumesFrom []types.String `tfsdk:"volumes_from"`
	networkingModel
	secretsModel
	exchangeModel

	ID              types.String `tfsdk:"id"`
	ContainerID     types.String `tfsdk:"container_id"`
	ImageID         types.String `tfsdk:"image_id"`
	ImageDigest     types.String `tfsdk:"image_digest"`
	Status          types.String `tfsdk:"status"`
	StartedAt       types.String `tfsdk:"started_at"`
	Health          types.String `tfsdk:"health"`
	ExitCode        types.Int64  `tfsdk:"exit_code"`
	OperationID     types.String `tfsdk:"operation_id"`
	Fault           types.Object `tfsdk:"fault"`
	Addresses       types.Map    `tfsdk:"addresses"`
	IPv6Addresses   types.Map    `tfsdk:"ipv6_addresses"`
	PublishedPorts  types.Map    `tfsdk:"published_ports"`
	EffectiveLabels types.Map    `tfsdk:"effective_labels"`
}

// expand says to the conductor what the configuration asks for.
func (m *containerModel) expand() container.Spec {
	name, retries, _ := customtypes.ParseRestart(m.Restart.ValueString())
	spec := container.Spec{
		Name: m.Name.ValueString(), PullPolicy: container.PullPolicy(cmp.Or(m.PullPolicy.ValueString(), string(container.PullMissing))),
		DesiredState: m.desired(),
		Settings: container.Settings{
			Image: m.Image.ValueString(), Platform: m.Platform.ValueString(),
			Entrypoint: container.ClearedEntrypoint(expandList(m.Entrypoint)), Command: expandList(m.Command),
			Environment: expandEnvironment(m.Environment), Unset: unsetVariables(m.Environment), Labels: m.labels(),
			Ports: expandPorts(m.Ports), Mounts: expandMounts(m.Mounts), Networks: expandNetworks(m.Networks),
			Healthcheck: expandHealthcheck(m.Healthcheck),
			Restart:     container.RestartPolicy{Name: name, MaximumRetryCount: retries},
			Limits:      m.expandLimits(), Security: m.expandSecurity(), Devices: m.expandDevices(), Namespaces: m.expandNamespaces(), Process: m.expandProcess(),
			User: m.User.ValueString(), WorkingDir: m.WorkingDir.ValueString(), Hostname: m.Hostname.ValueString(),
			StopSignal: m.StopSignal.ValueString(),
			Networking: m.networkingModel.expand(), VolumesFrom: expandList(m.VolumesFrom),
		},
	}
	for _, code := range m.ExpectedExitCodes {
		spec.ExpectedExitCodes = append(spec.ExpectedExitCodes, int(code.ValueInt64()))
	}
	if m.StopGracePeriod.ValueString() != "" {
		grace := durationOf(m.StopGracePeriod)
		spec.StopGracePeriod = &grace
	}
	return spec
}

// refresh takes over what the engine reports, as far as the configuration could have asked for
// it: what is null in the state is the image's or the engine's, and no drift.
func (m *containerModel) refresh(c *container.Container) {
	m.compute(c)
	m.flattenFamilies(c, false)
	m.Name = types.StringValue(c.Name)
	m.Image = m.Image.Or(c.Image)
	m.Entrypoint = refreshEntrypoint(m.Entrypoint, c.Entrypoint)
	m.Command = refreshCommand(m.Command, c.Command)
	m.Environment = refreshEnvironment(m.Environment, c.Environment, c.Unset)
	m.flattenLabels(c)
	m.Ports = flattenPorts(m.Ports, c.Ports)
	m.Mounts = flattenMounts(m.Mounts, c.Mounts)
	m.Networks = flattenNetworks(m.Networks, c)
	m.networkingModel.refresh(c)
	m.VolumesFrom = refreshList(m.VolumesFrom, c.VolumesFrom)
	m.Healthcheck = flattenHealthcheck(m.Healthcheck, c.Healthcheck)
	m.Restart = m.Restart.Or(customtypes.FormatRestart(c.Restart.Name, c.Restart.MaximumRetryCount))
	m.User = refreshString(m.User, c.User)
	if container.PlainPath(m.WorkingDir.ValueString()) != container.PlainPath(c.WorkingDir) {
		m.WorkingDir = refreshString(m.WorkingDir, c.WorkingDir)
	}
	m.Hostname = refreshString(m.Hostname, c.Hostname)
	if !container.SameSignal(m.StopSignal.ValueString(), c.StopSignal) {
		m.StopSignal = refreshString(m.StopSignal, c.StopSignal)
	}
	if !m.StopGracePeriod.IsNull() {
		m.StopGracePeriod = flattenGrace(m.StopGracePeriod, c.StopGracePeriod)
	}
	if is := m.powerState(c.State); is != m.desired() {
		m.DesiredState = types.StringValue(string(is))
	}
}

// desired is the power state to have; left out and "" are running.
func (m *containerModel) desired() container.DesiredState {
	return container.DesiredState(cmp.Or(m.DesiredState.ValueString(), string(container.DesiredRunning)))
}

// flattenFamilies takes over the settings that have a file of their own. An import takes what deviates
// from the engine's defaults, a refresh what deviates from what was asked for.
func (m *containerModel) flattenFamilies(c *container.Container, imports bool) {
	asked, seen := m.expand().Plain(c.Defaults), c.Settings.Plain(c.Defaults)
	m.flattenLimits(asked.Limits, seen.Limits, imports)
	m.flattenSecurity(asked.Security, seen.Security, imports)
	m.flattenDevices(asked.Devices, seen.Devices, imports)
	m.flattenNamespaces(asked.Namespaces, seen.Namespaces, c, imports)
	m.flattenProcess(seen.Process, c.Process, imports)
}

// powerState is what the engine's word means for desired_state. A job that ended as expected is
// where it was meant to be; so is one that is under way.
func (m *containerModel) powerState(s container.State) container.DesiredState {
	job := m.desired() == container.DesiredCompleted
	if s.Stopping {
		return container.DesiredStopped
	}
	switch s.Status {
	case "running", "restarting":
		if job {
			return container.DesiredCompleted
		}
		return container.DesiredRunning
	case "paused":
		return container.DesiredPaused
	}
	if job && s.Ended() && m.expects(s.ExitCode) {
		return container.DesiredCompleted
	}
	return container.DesiredStopped
}

func (m *containerModel) expects(code int) bool {
	if m.ExpectedExitCodes == nil {
		return code == 0
	}
	return slices.Contains(m.ExpectedExitCodes, types.Int64Value(int64(code)))
}

// compute fills in the computed attributes but the operation's.
func (m *containerModel) compute(c *container.Container) {
	m.ID = types.StringValue(c.Engine + "/" + c.Name)
	m.ContainerID = types.StringValue(c.ID)
	if c.ImageDigest != "" || m.ImageID.ValueString() != c.ImageID {
		m.ImageDigest = stringOrNull(c.ImageDigest)
	}
	m.ImageID = types.StringValue(c.ImageID)
	m.Status = types.StringValue(c.State.Status)
	m.StartedAt = types.StringNull()
	if !c.State.StartedAt.IsZero() {
		m.StartedAt = types.StringValue(c.State.StartedAt.UTC().Format(time.RFC3339Nano))
	}
	m.Health = stringOrNull(c.State.Health)
	m.ExitCode = types.Int64Null()
	if c.State.Ended() {
		m.ExitCode = types.Int64Value(int64(c.State.ExitCode))
	}
	m.Addresses, m.IPv6Addresses = addresses(m.Networks, c), addressesIPv6(m.Networks, c)
	m.PublishedPorts = publishedPorts(c)
}

// keepPromises gives back what the plan said was known: Terraform refuses anything else, and the
// next refresh shows what is different by now.
func (m *containerModel) keepPromises(plan containerModel) {
	for _, v := range []struct{ value, planned *types.String }{
		{&m.ID, &plan.ID}, {&m.ContainerID, &plan.ContainerID}, {&m.ImageID, &plan.ImageID}, {&m.ImageDigest, &plan.ImageDigest},
		{&m.StartedAt, &plan.StartedAt},
	} {
		if !v.planned.IsUnknown() {
			*v.value = *v.planned
		}
	}
	if !plan.Addresses.IsUnknown() {
		m.Addresses = plan.Addresses
	}
	if !plan.IPv6Addresses.IsUnknown() {
		m.IPv6Addresses = plan.IPv6Addresses
	}
	if !plan.PublishedPorts.IsUnknown() {
		m.PublishedPorts = plan.PublishedPorts
	}
}

// settle makes null of the computed values that are still unknown: an operation that failed early
// never learned them.
func (m *containerModel) settle() {
	for _, v := range []*types.String{&m.ID, &m.ContainerID, &m.ImageID, &m.ImageDigest, &m.AvailableDigest, &m.Status, &m.StartedAt, &m.Health, &m.OperationID} {
		if v.IsUnknown() {
			*v = types.StringNull()
		}
	}
	if m.ExitCode.IsUnknown() {
		m.ExitCode = types.Int64Null()
	}
	if m.Addresses.IsUnknown() {
		m.Addresses = types.MapNull(types.StringType)
	}
	if m.IPv6Addresses.IsUnknown() {
		m.IPv6Addresses = types.MapNull(types.StringType)
	}
	if m.PublishedPorts.IsUnknown() {
		m.PublishedPorts = types.MapNull(types.Int64Type)
	}
	if m.EffectiveLabels.IsUnknown() {
		m.EffectiveLabels = types.MapNull(types.StringType)
	}
}

// importFrom takes over a container that was made elsewhere: only what deviates from the image's
// and the engine's defaults is set, so that a configuration that says no more plans nothing.
func (m *containerModel) importFrom(c *container.Container, image *container.ImageDefaults) {
	m.PullPolicy = types.StringValue(string(container.PullMissing))
	m.RemoveVolumes, m.WaitForRemoval = types.BoolValue(true), types.BoolValue(true)
	m.compute(c)
	m.flattenFamilies(c, true)
	m.Name = types.StringValue(c.Name)
	m.Image = customtypes.New(customtypes.Reference, c.Image)
	m.Platform = customtypes.Null(customtypes.Platform)
	if c.Defaults.Foreign(image.Platform) { // No engine tells whether somebody asked for it.
		m.Platform = customtypes.New(customtypes.Platform, image.Platform)
	}
	m.Entrypoint, m.Command = importWords(c, image)
	m.Environment = importEnvironment(c.Environment, image.Environment, c.Unset)
	m.Labels = importMap(withoutTools(c.Labels), image.Labels)
	m.Ports = flattenPorts(nil, c.Ports)
	m.Mounts = importMounts(c.Mounts, image.Volumes)
	m.Networks = importNetworks(c)
	m.networkingModel = importNetworking(c)
	m.Expose = importExpose(c.Expose, image.Expose, m.Ports)
	m.VolumesFrom = listOrNull(c.VolumesFrom)
	m.Healthcheck = importHealthcheck(c.Healthcheck, image.Healthcheck)
	m.Restart = customtypes.New(customtypes.Restart, customtypes.FormatRestart(c.Restart.Name, c.Restart.MaximumRetryCount))
	m.User = importString(c.User, image.User)
	m.WorkingDir = importString(c.WorkingDir, cmp.Or(image.WorkingDir, "/"))
	m.Hostname = importHostname(c)
	m.StopSignal = importString(c.StopSignal, cmp.Or(image.StopSignal, "SIGTERM"))
	m.StopGracePeriod = flattenGrace(customtypes.Null(customtypes.Duration), c.StopGracePeriod)
	m.DesiredState = types.StringValue(string(m.powerState(c.State)))
}

// importWords takes over what a container runs, as far as it is not the image's. Where the image's
// entrypoint is gone, somebody took it away. With an entrypoint of its own a container has nothing of the
// image's command.
func importWords(c *container.Container, image *container.ImageDefaults) (entrypoint, command []types.String) {
	switch {
	case slices.Equal(c.Entrypoint, image.Entrypoint):
		return nil, importList(c.Command, image.Command)
	case len(c.Entrypoint) == 0:
		return []types.String{}, importList(c.Command, image.Command)
	default:
		return flattenList(c.Entrypoint), importList(c.Command, nil)
	}
}

// isToolLabel recognises the labels by which other tools find what is theirs. A container that is made
// anew is not theirs any more.
func isToolLabel(key string) bool {
	for _, prefix := range []string{
		"com.docker.compose.", "com.docker.stack.", "com.docker.swarm.", "desktop.docker.io/", "com.docker.desktop.", "org.testcontainers", "devcontainer.",
		"io.podman.compose.", "PODMAN_SYSTEMD_UNIT", "io.kubernetes.", "com.amazonaws.ecs.", "com.hashicorp.nomad.",
	} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// withoutTools leaves out the labels of gantry and of other tools.
func withoutTools(labels map[string]string) map[string]string {
	labels = maps.Clone(labels)
	maps.DeleteFunc(labels, func(key, _ string) bool { return isOwnLabel(key) || isToolLabel(key) })
	return labels
}

func flattenGrace(prior customtypes.Value, d *time.Duration) customtypes.Value {
	switch {
	case d == nil && prior.ValueString() == "":
		return prior
	case d == nil:
		return customtypes.Null(customtypes.Duration)
	}
	return prior.Or(customtypes.FormatDuration(*d))
}

// refreshString keeps what is left out.
func refreshString(prior types.String, observed string) types.String {
	if prior.ValueString() == "" {
		return prior
	}
	return types.StringValue(observed)
}

// refreshEntrypoint keeps an entrypoint that is cleared, in its spelling.
func refreshEntrypoint(prior []types.String, observed []string) []types.String {
	if prior == nil || slices.Equal(container.ClearedEntrypoint(expandList(prior)), observed) {
		return prior
	}
	return flattenList(observed)
}

// refreshCommand keeps a command that is left to the image.
func refreshCommand(prior []types.String, observed []string) []types.String {
	if len(prior) == 0 {
		return prior
	}
	return flattenList(observed)
}

// refreshList keeps a list that is left out.
func refreshList(prior []types.String, observed []string) []types.String {
	if len(prior) == 0 {
		return prior
	}
	return flattenList(observed)
}

// refreshMap looks at the keys that the prior state has: others come from the image, the engine
// or other tools.
func refreshMap(prior map[string]types.String, observed map[string]string) map[string]types.String {
	if prior == nil {
		return nil
	}
	out := make(map[string]types.String, len(prior))
	for key := range prior {
		if value, ok := observed[key]; ok {
			out[key] = types.StringValue(value)
		}
	}
	return out
}

func importString(observed, byDefault string) types.String {
	if observed == byDefault {
		return types.StringNull()
	}
	return stringOrNull(observed)
}

func importList(observed, image []string) []types.String {
	if len(observed) == 0 || slices.Equal(observed, image) {
		return nil
	}
	return flattenList(observed)
}

func importMap(observed, image map[string]string) map[string]types.String {
	var out map[string]types.String
	for key, value := range observed {
		if inherited, ok := image[key]; ok && inherited == value {
			continue
		}
		if out == nil {
			out = make(map[string]types.String)
		}
		out[key] = types.StringValue(value)
	}
	return out
}

// flattenFault keeps what a later reader of the state needs; the diagnostic has it all.
func flattenFault(operation string, f *fault.Fault) types.Object {
	if f == nil {
		return types.ObjectNull(faultTypes())
	}
	return types.ObjectValueMust(faultTypes(), map[string]attr.Value{
		"operation": types.StringValue(operation), "kind": types.StringValue(string(f.Kind)), "step": types.StringValue(string(f.Step)), "summary": types.StringValue(f.Summary),
		"message": stringOrNull(f.Message), "hint": stringOrNull(f.Hint), "time": types.StringValue(f.Time.UTC().Format(time.RFC3339)),
	})
}
