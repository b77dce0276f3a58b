// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/big"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/float64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
)

// limitsModel is what bounds the container's use of its host.
type limitsModel struct {
	Memory             customtypes.Value       `tfsdk:"memory"`
	MemoryReservation  customtypes.Value       `tfsdk:"memory_reservation"`
	MemorySwap         customtypes.Value       `tfsdk:"memory_swap"`
	MemorySwappiness   types.Int64             `tfsdk:"memory_swappiness"`
	CPUs               types.Float64           `tfsdk:"cpus"`
	CPUShares          types.Int64             `tfsdk:"cpu_shares"`
	CPUQuota           types.Int64             `tfsdk:"cpu_quota"`
	CPUPeriod          types.Int64             `tfsdk:"cpu_period"`
	CPURealtimePeriod  types.Int64             `tfsdk:"cpu_rt_period"`
	CPURealtimeRuntime types.Int64             `tfsdk:"cpu_rt_runtime"`
	CPUSet             customtypes.Value       `tfsdk:"cpuset"`
	CPUSetMems         customtypes.Value       `tfsdk:"cpuset_mems"`
	PidsLimit          types.Int64             `tfsdk:"pids_limit"`
	Blkio              *blkioModel             `tfsdk:"blkio_config"`
	OOMKillDisable     types.Bool              `tfsdk:"oom_kill_disable"`
	OOMScoreAdj        types.Int64             `tfsdk:"oom_score_adj"`
	ShmSize            customtypes.Value       `tfsdk:"shm_size"`
	Ulimits            map[string]types.String `tfsdk:"ulimits"`
}

// limitsBlock is what bounds the container's use of its host.
func limitsBlock() block {
	return block{
		schema:   limitsSchema,
		effects:  limitsEffects,
		defaults: limitsDefaults,
		expand:   func(m *containerModel, s *container.Spec) { s.Limits = m.expandLimits() },
		refresh:  func(m *containerModel, o observation) { m.flattenLimits(o.asked.Limits, o.plain.Limits, false) },
		imports:  func(m *containerModel, o observation) { m.flattenLimits(o.asked.Limits, o.plain.Limits, true) },
		validate: validateLimits,
	}
}

const (
	// mostPids is as many processes as a Linux kernel can have (PID_MAX_LIMIT).
	mostPids = 4 << 20
	// mostQuota is the longest quota that its scheduler takes, in microseconds (MAX_BW).
	mostQuota = 1<<44 - 1
)

// defaultShmSize is what an engine gives to /dev/shm unless it is configured otherwise.
const defaultShmSize = "64m"

func limitsSchema(context.Context) map[string]schema.Attribute {
	meant := func(kind customtypes.Kind, description string, more ...validator.String) schema.Attribute {
		return schema.StringAttribute{
			Optional: true, CustomType: customtypes.Type{Kind: kind}, MarkdownDescription: description,
			Validators: more, PlanModifiers: []planmodifier.String{customtypes.KeepSpelling(kind)},
		}
	}
	number := func(description string, valid validator.Int64) schema.Attribute {
		return schema.Int64Attribute{Optional: true, MarkdownDescription: description, Validators: []validator.Int64{valid}}
	}
	return map[string]schema.Attribute{
		"memory":             meant(customtypes.Size, "The memory limit, for example `512m` or `1.5g`, at least `6m`.", minMemory{}),
		"memory_reservation": meant(customtypes.Size, "How much memory the container is left when the host's becomes scarce, for example `256m`; at most `memory`.", minMemory{}),
		"memory_swap":        meant(customtypes.SwapSize, "The limit of memory and swap together, for example `1g`; `memory` itself means no swap, `-1` as much as the host has. Left out, twice `memory`."),
		"memory_swappiness":  number("How readily the host's kernel swaps the container's memory out, 0 to 100. It needs cgroup version 1. Left out, or -1, as readily as the host's.", int64validator.Between(-1, 100)),
		"cpus": schema.Float64Attribute{
			Optional: true, MarkdownDescription: "How many CPUs the container may use at most, for example `0.5`.",
			Validators: []validator.Float64{float64validator.AtLeast(0.01)},
		},
		"cpu_shares":     number("The container's weight among those that want more CPU than there is. The engine's default corresponds to 1024.", int64validator.Between(2, 262144)),
		"cpu_quota":      number("How many microseconds of CPU the container may use in each `cpu_period`, at least 1000; -1 is no limit. `cpus` says the same in one number.", int64validator.Any(int64validator.OneOf(-1), int64validator.Between(1000, mostQuota))),
		"cpu_period":     number("The period of `cpu_quota` in microseconds, 1000 to 1000000. Left out, 100000.", int64validator.Between(1000, 1000000)),
		"cpu_rt_period":  number("The period of `cpu_rt_runtime` in microseconds. It needs cgroup version 1 and a kernel with real-time groups.", int64validator.AtLeast(1)),
		"cpu_rt_runtime": number("How many microseconds of each `cpu_rt_period` are for real-time processes.", int64validator.AtLeast(1)),
		"cpuset":         meant(customtypes.CPUSet, "The CPUs that the container may run on, for example `0-2,4`."),
		"cpuset_mems":    meant(customtypes.CPUSet, "The memory nodes that the container may use, for example `0,1`."),
		"pids_limit":     number("How many processes and threads the container may have, at most 4194304; -1 is no limit.", int64validator.Any(int64validator.OneOf(-1), int64validator.Between(1, mostPids))),
		"blkio_config":   blkioAttribute(),
		"oom_kill_disable": schema.BoolAttribute{
			Optional: true, MarkdownDescription: "Whether the kernel lets the container wait instead of killing it when it uses more than `memory`. It needs cgroup version 1. Default `false`.",
		},
		"oom_score_adj": number("How willingly the host's kernel kills the container's processes when memory runs out: -1000 (never) to 1000. Default 0.", int64validator.Between(-1000, 1000)),
		"shm_size":      meant(customtypes.Size, "The size of `/dev/shm`. Left out, the engine's default: `64m`, unless its own configuration says otherwise."),
		"ulimits": schema.MapAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "Limits of the container's processes by name, such as `nofile`: a number for the soft and the hard limit, or `\"soft:hard\"`; -1 is no limit. " +
				"They add to the engine's; only the ones named here are compared.",
			Validators: []validator.Map{mapvalidator.NoNullValues(), mapvalidator.ValueStringsAre(parsed{customtypes.Ulimit}), mapvalidator.KeysAre(stringvalidator.OneOf(
				"core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack"))},
			PlanModifiers: []planmodifier.Map{keepSpellings{customtypes.Ulimit.Plain}},
		},
	}
}

func limitsEffects() map[string]effect {
	return map[string]effect{
		"memory":                         inPlaceUnlessRemoved,
		"memory_reservation":             inPlaceUnlessRemoved,
		"memory_swap":                    inPlace,
		"memory_swappiness":              replaces,
		"cpus":                           inPlaceUnlessRemoved,
		"cpu_shares":                     inPlaceUnlessRemoved,
		"cpu_quota":                      inPlace,
		"cpu_period":                     inPlaceUnlessRemoved,
		"cpu_rt_period":                  inPlaceUnlessRemoved,
		"cpu_rt_runtime":                 inPlaceUnlessRemoved,
		"cpuset":                         inPlaceUnlessRemoved,
		"cpuset_mems":                    inPlaceUnlessRemoved,
		"pids_limit":                     inPlace,
		"blkio_config":                   inPlaceUnlessRemoved,
		"blkio_config.weight":            inPlaceUnlessRemoved,
		"blkio_config.weight_device":     replaces,
		"blkio_config.device_read_bps":   replaces,
		"blkio_config.device_read_iops":  replaces,
		"blkio_config.device_write_bps":  replaces,
		"blkio_config.device_write_iops": replaces,
		"oom_kill_disable":               replaces,
		"oom_score_adj":                  replaces,
		"shm_size":                       replaces,
		"ulimits":                        replaces,
	}
}

func limitsDefaults() map[string]leftOut {
	return map[string]leftOut{
		"memory_swappiness": {zero: big.NewFloat(-1)}, // 0 is a setting of its own; this is the Engine API's word.
	}
}

func (m *limitsModel) expandLimits() container.Limits {
	l := container.Limits{
		Memory: sizeOf(m.Memory), MemoryReservation: sizeOf(m.MemoryReservation), MemorySwappiness: m.MemorySwappiness.ValueInt64Pointer(),
		NanoCPUs: nanoCPUs(m.CPUs), CPUShares: m.CPUShares.ValueInt64(), CPUQuota: m.CPUQuota.ValueInt64(), CPUPeriod: m.CPUPeriod.ValueInt64(),
		CPURealtimePeriod: m.CPURealtimePeriod.ValueInt64(), CPURealtimeRuntime: m.CPURealtimeRuntime.ValueInt64(),
		CPUSet: m.CPUSet.ValueString(), CPUSetMems: m.CPUSetMems.ValueString(), PidsLimit: m.PidsLimit.ValueInt64(),
		OOMKillDisable: m.OOMKillDisable.ValueBool(), OOMScoreAdj: int(m.OOMScoreAdj.ValueInt64()), ShmSize: sizeOf(m.ShmSize),
	}
	if swap, err := customtypes.ParseSwapSize(m.MemorySwap.ValueString()); err == nil {
		l.MemorySwap = swap
	}
	if m.Blkio != nil {
		l.Blkio = m.Blkio.expand()
	}
	if m.Ulimits != nil {
		l.Ulimits = make(map[string]container.Ulimit, len(m.Ulimits))
	}
	for name, s := range m.Ulimits {
		soft, hard, err := customtypes.ParseUlimit(s.ValueString())
		if err == nil {
			l.Ulimits[name] = container.Ulimit{Soft: soft, Hard: hard}
		}
	}
	return l
}

// flattenLimits compares what was asked for with what the engine reports. Limits that can change
// outside show although the configuration has none: they act. Of the others only an import takes what
// nobody asked for.
//
// Where the engine has nothing of a limit that can't be taken away, its kernel can't do it, and the
// engine discarded it with a warning: that is no drift either, because no plan could mend it.
func (m *limitsModel) flattenLimits(asked, seen container.Limits, imports bool) {
	if imports {
		m.Memory, m.MemoryReservation, m.ShmSize = customtypes.Null(customtypes.Size), customtypes.Null(customtypes.Size), customtypes.Null(customtypes.Size)
		m.MemorySwap, m.CPUSet, m.CPUSetMems = customtypes.Null(customtypes.SwapSize), customtypes.Null(customtypes.CPUSet), customtypes.Null(customtypes.CPUSet)
	}
	if sizeOf(m.Memory) != seen.Memory {
		m.Memory = flattenMemory(m.Memory, seen.Memory)
	}
	// A change of the memory alone, outside, leaves the other limit at twice of what it was.
	stayed := asked.MemorySwap == 0 && seen.MemorySwap == 2*asked.Memory
	if asked.MemorySwap != seen.MemorySwap && !stayed {
		m.MemorySwap = customtypes.Null(customtypes.SwapSize)
		if seen.MemorySwap != 0 {
			m.MemorySwap = customtypes.New(customtypes.SwapSize, customtypes.FormatSwapSize(seen.MemorySwap))
		}
	}
	if seen.MemoryReservation > 0 {
		m.MemoryReservation = m.MemoryReservation.Or(customtypes.FormatSize(seen.MemoryReservation))
	}
	m.CPUs = flattenCPUs(m.CPUs, seen.NanoCPUs)
	for _, l := range []struct {
		to          *types.Int64
		asked, seen int64
	}{
		{&m.CPUShares, asked.CPUShares, seen.CPUShares},
		{&m.CPUPeriod, asked.CPUPeriod, seen.CPUPeriod},
		{&m.CPURealtimePeriod, asked.CPURealtimePeriod, seen.CPURealtimePeriod},
		{&m.CPURealtimeRuntime, asked.CPURealtimeRuntime, seen.CPURealtimeRuntime},
	} {
		if l.seen != l.asked && l.seen != 0 {
			*l.to = types.Int64Value(l.seen)
		}
	}
	if asked.CPUQuota != seen.CPUQuota {
		m.CPUQuota = int64OrNull(seen.CPUQuota)
	}
	if asked.PidsLimit != seen.PidsLimit {
		m.PidsLimit = int64OrNull(seen.PidsLimit)
	}
	if seen.CPUSet != "" {
		m.CPUSet = m.CPUSet.Or(seen.CPUSet)
	}
	if seen.CPUSetMems != "" {
		m.CPUSetMems = m.CPUSetMems.Or(seen.CPUSetMems)
	}
	m.flattenBlkio(asked.Blkio, seen.Blkio, imports)
	if (imports || asked.MemorySwappiness != nil) && seen.MemorySwappiness != nil {
		m.MemorySwappiness = types.Int64PointerValue(seen.MemorySwappiness)
	}
	if imports {
		m.OOMKillDisable = boolOrNull(seen.OOMKillDisable)
	}
	if asked.OOMScoreAdj != seen.OOMScoreAdj && (imports || asked.OOMScoreAdj != 0) {
		m.OOMScoreAdj = int64OrNull(int64(seen.OOMScoreAdj))
	}
	if asked.ShmSize != seen.ShmSize && (imports || sizeOf(m.ShmSize) > 0) {
		m.ShmSize = customtypes.New(customtypes.Size, customtypes.FormatSize(cmp.Or(seen.ShmSize, sizeOf(customtypes.New(customtypes.Size, defaultShmSize)))))
	}
	m.flattenUlimits(asked.Ulimits, seen.Ulimits, imports)
}

// flattenUlimits looks at the names that the configuration has: others are the engine's.
func (m *limitsModel) flattenUlimits(asked, seen map[string]container.Ulimit, imports bool) {
	if m.Ulimits == nil && (!imports || len(seen) == 0) {
		return
	}
	out := make(map[string]types.String)
	for name, u := range seen {
		prior, ok := m.Ulimits[name]
		switch {
		case ok && asked[name] == u:
			out[name] = prior
		case ok || imports:
			out[name] = types.StringValue(customtypes.FormatUlimit(u.Soft, u.Hard))
		}
	}
	m.Ulimits = out
}

// validateLimits checks limits that contradict each other.
func validateLimits(ctx context.Context, config tfsdk.Config) diag.Diagnostics {
	var diags diag.Diagnostics
	var memory, reservation, swap customtypes.Value
	var cpus types.Float64
	var quota, period, rtPeriod, rtRuntime types.Int64
	bytes := func(v customtypes.Value) int64 {
		n, err := customtypes.ParseSwapSize(v.ValueString())
		if err != nil {
			return 0
		}
		return n
	}
	fails := func(name, summary, detail string) { diags.AddAttributeError(path.Root(name), summary, detail) }
	memoryKnown := known(ctx, config, "memory", &memory, &diags)
	if memoryKnown && known(ctx, config, "memory_reservation", &reservation, &diags) && bytes(memory) > 0 && bytes(reservation) > bytes(memory) {
		fails("memory_reservation", fmt.Sprintf("memory_reservation %q is more than memory %q", reservation.ValueString(), memory.ValueString()),
			"What the container is left when memory is scarce can't be more than it may have at all.")
	}
	if memoryKnown && known(ctx, config, "memory_swap", &swap, &diags) && bytes(swap) != 0 {
		switch {
		case bytes(memory) == 0:
			fails("memory_swap", "memory_swap without memory", "It is the limit of memory and swap together: set memory, too, or leave both out.")
		case bytes(swap) >= 0 && bytes(swap) < bytes(memory):
			fails("memory_swap", fmt.Sprintf("memory_swap %q is less than memory %q", swap.ValueString(), memory.ValueString()),
				"It is the limit of memory and swap together. For no swap set it to the same as memory.")
		}
	}
	if known(ctx, config, "cpus", &cpus, &diags) && cpus.ValueFloat64() != 0 {
		for _, other := range []struct {
			name  string
			value *types.Int64
		}{{"cpu_quota", &quota}, {"cpu_period", &period}} {
			if known(ctx, config, other.name, other.value, &diags) && other.value.ValueInt64() != 0 {
				fails("cpus", "cpus with "+other.name, "Both limit the same: cpus is cpu_quota divided by cpu_period. Use one of them.")
			}
		}
	}
	if known(ctx, config, "cpu_rt_runtime", &rtRuntime, &diags) && known(ctx, config, "cpu_rt_period", &rtPeriod, &diags) &&
		rtPeriod.ValueInt64() != 0 && rtRuntime.ValueInt64() > rtPeriod.ValueInt64() {
		fails("cpu_rt_runtime", "cpu_rt_runtime is more than cpu_rt_period", "It is a part of each period.")
	}
	return diags
}

// sizeOf gives 0 for null and unknown; what is known has been validated.
func sizeOf(v customtypes.Value) int64 {
	n, err := customtypes.ParseSize(v.ValueString())
	if err != nil {
		return 0
	}
	return n
}

// nanoCPUs rounds: 0.1 has no exact binary form.
func nanoCPUs(cpus types.Float64) int64 { return int64(math.Round(cpus.ValueFloat64() * 1e9)) }

func flattenMemory(prior customtypes.Value, bytes int64) customtypes.Value {
	if bytes <= 0 {
		return customtypes.Null(customtypes.Size)
	}
	return prior.Or(customtypes.FormatSize(bytes))
}

func flattenCPUs(prior types.Float64, nano int64) types.Float64 {
	if nanoCPUs(prior) == max(nano, 0) {
		return prior
	}
	if nano <= 0 {
		return types.Float64Null()
	}
	return types.Float64Value(float64(nano) / 1e9)
}

// minMemory refuses what every engine refuses.
type minMemory struct{}

func (minMemory) Description(context.Context) string { return "must be at least 6m" }

func (v minMemory) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v minMemory) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	const least = 6 << 20 // The engine's rule.
	if n, err := customtypes.ParseSize(req.ConfigValue.ValueString()); err == nil && n != 0 && n < least && !req.ConfigValue.IsNull() && !req.ConfigValue.IsUnknown() {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Memory limit %q is too small", req.ConfigValue.ValueString()), fmt.Sprintf("It %s.", v.Description(ctx)))
	}
}

// positiveSize refuses nothing at all.
type positiveSize struct{}

func (positiveSize) Description(context.Context) string { return "must be more than nothing" }

func (v positiveSize) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v positiveSize) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if n, err := customtypes.ParseSize(req.ConfigValue.ValueString()); err == nil && n == 0 && !req.ConfigValue.IsNull() && !req.ConfigValue.IsUnknown() {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid size %q", req.ConfigValue.ValueString()), fmt.Sprintf("It %s. For the default leave it out.", v.Description(ctx)))
	}
}

// parsed validates an element of a map or a set that has a meaning.
type parsed struct{ kind customtypes.Kind }

func (v parsed) Description(context.Context) string { return "must be a " + string(v.kind) }

func (v parsed) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v parsed) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := v.kind.CheckElement(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid %s %q for %s", v.kind, req.ConfigValue.ValueString(), req.Path), strings.TrimSuffix(err.Error(), ".")+".")
	}
}
