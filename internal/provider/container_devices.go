// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
)

// devicesModel is what the container may use of the host's devices.
type devicesModel struct {
	Devices           map[string]deviceModel `tfsdk:"devices"`
	DeviceCgroupRules []types.String         `tfsdk:"device_cgroup_rules"`
	DeviceRequests    []deviceRequestModel   `tfsdk:"device_requests"`
	GPUs              types.String           `tfsdk:"gpus"`
}

type deviceModel struct {
	Source      types.String `tfsdk:"source"`
	Permissions types.String `tfsdk:"permissions"`
}

type deviceRequestModel struct {
	Driver       types.String            `tfsdk:"driver"`
	Count        types.Int64             `tfsdk:"count"`
	DeviceIDs    []types.String          `tfsdk:"device_ids"`
	Capabilities [][]types.String        `tfsdk:"capabilities"`
	Options      map[string]types.String `tfsdk:"options"`
}

// devicesBlock is what the container may use of the host's devices.
func devicesBlock() block {
	return block{
		schema:   devicesSchema,
		effects:  devicesEffects,
		defaults: devicesDefaults,
		expand:   func(m *containerModel, s *container.Spec) { s.Devices = m.expandDevices() },
		refresh:  func(m *containerModel, o observation) { m.flattenDevices(o.asked.Devices, o.plain.Devices, false) },
		imports:  func(m *containerModel, o observation) { m.flattenDevices(o.asked.Devices, o.plain.Devices, true) },
		validate: validateDevices,
	}
}

const allPermissions = "rwm"

func devicesSchema(context.Context) map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"devices": schema.MapNestedAttribute{
			Optional: true, MarkdownDescription: "Devices of the host, by their absolute paths in the container. `{}` is enough for a device that has the same path on the host.",
			Validators:    []validator.Map{mapvalidator.KeysAre(folderPath{}), mapvalidator.NoNullValues()},
			PlanModifiers: []planmodifier.Map{keepDevices{}},
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"source": schema.StringAttribute{
					Optional: true, MarkdownDescription: "The absolute path on the host. Default: the key.", Validators: []validator.String{folderPath{}},
				},
				"permissions": schema.StringAttribute{
					Optional: true, MarkdownDescription: "Some of `r` (read), `w` (write) and `m` (make the device node). Default `rwm`.",
					Validators: []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^(r?w?m?|r?m?w?|w?r?m?|w?m?r?|m?r?w?|m?w?r?)$`), "must be some of the letters r, w and m"), stringvalidator.LengthAtLeast(1)},
				},
			}},
		},
		"device_cgroup_rules": schema.SetAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "Rules for devices that may appear later, for example `c 189:* rmw`: the type (`a`, `b` or `c`), the numbers, the permissions.",
			Validators: []validator.Set{setvalidator.NoNullValues(), setvalidator.ValueStringsAre(stringvalidator.RegexMatches(
				regexp.MustCompile(`^[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}$`), `must be a type, numbers and permissions, for example "c 189:* rmw"`))},
		},
		"gpus": schema.StringAttribute{
			Optional: true, MarkdownDescription: "How many GPUs to use: a number, or `all`. Short for `device_requests` with the capability `gpu` alone.",
			Validators: []validator.String{stringvalidator.RegexMatches(regexp.MustCompile(`^(all|0|[1-9]\d{0,4})$`), `must be a number of GPUs, or "all"`)},
		},
		"device_requests": schema.ListNestedAttribute{
			Optional: true, MarkdownDescription: "Devices that a driver of the engine provides, such as GPUs.",
			Validators: []validator.List{listvalidator.NoNullValues()},
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"driver": schema.StringAttribute{
					Optional: true, MarkdownDescription: "The driver, for example `nvidia` or `cdi`. Left out, one that has the capabilities.", Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
				},
				"count": schema.Int64Attribute{
					Optional: true, MarkdownDescription: "How many devices; -1 is all of them. Not with `device_ids`.",
					Validators: []validator.Int64{int64validator.Any(int64validator.OneOf(-1), int64validator.AtLeast(1))},
				},
				"device_ids": schema.ListAttribute{
					Optional: true, ElementType: types.StringType, MarkdownDescription: "The devices by the driver's IDs.",
					Validators: []validator.List{listvalidator.SizeAtLeast(1), listvalidator.NoNullValues()},
				},
				"capabilities": schema.ListAttribute{
					Optional: true, ElementType: types.ListType{ElemType: types.StringType},
					MarkdownDescription: "Alternatives of what a device has to have, each a list, for example `[[\"gpu\"]]`.", Validators: []validator.List{listvalidator.NoNullValues()},
				},
				"options": schema.MapAttribute{Optional: true, ElementType: types.StringType, MarkdownDescription: "Options of the driver.", Validators: []validator.Map{mapvalidator.NoNullValues()}},
			}},
		},
	}
}

func devicesEffects() map[string]effect {
	return map[string]effect{
		"devices":             replaces,
		"device_cgroup_rules": replaces,
		"device_requests":     replaces,
		"gpus":                replaces,
	}
}

func devicesDefaults() map[string]leftOut {
	return map[string]leftOut{
		"gpus":            {or: "device_requests"},
		"device_requests": {or: "gpus"},
	}
}

func (m *devicesModel) expandDevices() container.Devices {
	d := container.Devices{DeviceCgroupRules: expandList(m.DeviceCgroupRules), Devices: expandDeviceMap(m.Devices)}
	if gpus := m.GPUs.ValueString(); gpus != "" {
		d.DeviceRequests = append(d.DeviceRequests, gpuRequest(gpus))
	}
	for _, r := range m.DeviceRequests {
		request := container.DeviceRequest{
			Driver: r.Driver.ValueString(), Count: int(r.Count.ValueInt64()), DeviceIDs: expandList(r.DeviceIDs), Options: expandMap(r.Options),
		}
		for _, alternative := range r.Capabilities {
			request.Capabilities = append(request.Capabilities, expandList(alternative))
		}
		d.DeviceRequests = append(d.DeviceRequests, request)
	}
	return d
}

func expandDeviceMap(devices map[string]deviceModel) map[string]container.Device {
	if devices == nil {
		return nil
	}
	out := make(map[string]container.Device, len(devices))
	for target, d := range devices {
		target = container.PlainPath(target)
		out[target] = container.Device{Source: cmp.Or(container.PlainPath(d.Source.ValueString()), target), Permissions: d.Permissions.ValueString()}
	}
	return out
}

// gpuRequest is what the Docker CLI makes of --gpus.
func gpuRequest(gpus string) container.DeviceRequest {
	count, err := strconv.Atoi(gpus)
	if err != nil {
		count = -1
	}
	return container.DeviceRequest{Count: count, Capabilities: [][]string{{"gpu"}}}
}

// flattenDevices compares what was asked for with what the engine reports. None of it can change on
// a container that is there.
func (m *devicesModel) flattenDevices(asked, seen container.Devices, imports bool) {
	m.DeviceCgroupRules = flattenSet(m.DeviceCgroupRules, asked.DeviceCgroupRules, seen.DeviceCgroupRules, strings.Clone, imports)
	if m.Devices != nil || imports && len(seen.Devices) > 0 {
		out, keys := make(map[string]deviceModel), make(map[string]string)
		for key := range m.Devices {
			keys[container.PlainPath(key)] = key
		}
		for target, device := range seen.Devices {
			key, ok := keys[target]
			switch {
			case ok && asked.Devices[target] == device:
				out[key] = m.Devices[key]
			case ok || imports:
				out[cmp.Or(key, target)] = deviceModel{Source: importString(device.Source, target), Permissions: importString(device.Permissions, allPermissions)}
			}
		}
		m.Devices = out
	}
	if reflect.DeepEqual(asked.DeviceRequests, seen.DeviceRequests) || !imports && len(asked.DeviceRequests) == 0 {
		return
	}
	m.GPUs, m.DeviceRequests = types.StringNull(), nil
	for _, r := range seen.DeviceRequests {
		gpus := strconv.Itoa(r.Count)
		if r.Count == -1 {
			gpus = "all"
		}
		if len(seen.DeviceRequests) == 1 && reflect.DeepEqual(r, gpuRequest(gpus)) {
			m.GPUs = types.StringValue(gpus)
			return
		}
		m.DeviceRequests = append(m.DeviceRequests, flattenDeviceRequest(r))
	}
}

func flattenDeviceRequest(r container.DeviceRequest) deviceRequestModel {
	m := deviceRequestModel{Driver: stringOrNull(r.Driver), Count: int64OrNull(int64(r.Count)), Options: importMap(r.Options, nil)}
	if r.DeviceIDs != nil {
		m.DeviceIDs = flattenList(r.DeviceIDs)
	}
	for _, alternative := range r.Capabilities {
		m.Capabilities = append(m.Capabilities, flattenList(alternative))
	}
	return m
}

// validateDevices checks what an engine refuses.
func validateDevices(ctx context.Context, config tfsdk.Config) diag.Diagnostics {
	var diags diag.Diagnostics
	keys := make(map[string]string)
	for _, key := range keysOf(config, "devices") {
		at := container.PlainPath(key)
		if first, ok := keys[at]; ok {
			diags.AddAttributeError(path.Root("devices"), fmt.Sprintf("Two devices at %q", at), fmt.Sprintf("The keys %q and %q are the same path: remove one of them.", first, key))
		}
		keys[at] = key
	}
	var requests []deviceRequestModel
	if !known(ctx, config, "device_requests", &requests, &diags) {
		return diags
	}
	var gpus types.String
	if known(ctx, config, "gpus", &gpus, &diags) && gpus.ValueString() != "" && len(requests) > 0 {
		diags.AddAttributeError(path.Root("gpus"), "gpus with device_requests",
			"gpus is short for a request of all or some GPUs. With other requests put it among device_requests: { count = -1, capabilities = [[\"gpu\"]] }.")
	}
	for _, r := range requests {
		if (r.Count.ValueInt64() == 0) == (len(r.DeviceIDs) == 0) {
			diags.AddAttributeError(path.Root("device_requests"), "Invalid device request", "Each of device_requests needs either count or device_ids.")
		}
	}
	return diags
}

// concerned has an error about device requests point to gpus, where that is what asked for one.
func (m *devicesModel) concerned(err error) error {
	f := faultOf(err)
	if f == nil || len(f.Field) == 0 || f.Field[0] != "device_requests" || m.GPUs.ValueString() == "" {
		return err
	}
	own := *f
	own.Field = []string{"gpus"}
	return &own
}

// keepDevices plans the spelling that the state has where a new one means the same.
type keepDevices struct{}

func (keepDevices) Description(context.Context) string {
	return "another spelling of the same devices is no change"
}

func (k keepDevices) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

func (keepDevices) PlanModifyMap(ctx context.Context, req planmodifier.MapRequest, resp *planmodifier.MapResponse) {
	var prior, plan map[string]deviceModel
	if !bothKnown(ctx, req.StateValue, req.PlanValue) {
		return
	}
	resp.Diagnostics.Append(req.StateValue.ElementsAs(ctx, &prior, false)...)
	resp.Diagnostics.Append(req.PlanValue.ElementsAs(ctx, &plan, false)...)
	plain := func(devices map[string]deviceModel) map[string]container.Device {
		s := container.Settings{Devices: container.Devices{Devices: expandDeviceMap(devices)}}
		return s.Plain(container.EngineDefaults{}).Devices.Devices
	}
	if !resp.Diagnostics.HasError() && reflect.DeepEqual(plain(prior), plain(plan)) {
		resp.PlanValue = req.StateValue
	}
}
