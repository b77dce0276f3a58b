// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
)

type blkioModel struct {
	Weight       types.Int64             `tfsdk:"weight"`
	WeightDevice map[string]types.Int64  `tfsdk:"weight_device"`
	ReadBps      map[string]types.String `tfsdk:"device_read_bps"`
	ReadIOps     map[string]types.Int64  `tfsdk:"device_read_iops"`
	WriteBps     map[string]types.String `tfsdk:"device_write_bps"`
	WriteIOps    map[string]types.Int64  `tfsdk:"device_write_iops"`
}

func blkioAttribute() schema.Attribute {
	keys := mapvalidator.KeysAre(absolutePath{})
	rates := func(description string) schema.Attribute {
		return schema.MapAttribute{
			Optional: true, ElementType: types.StringType, MarkdownDescription: description,
			Validators:    []validator.Map{keys, mapvalidator.NoNullValues(), mapvalidator.ValueStringsAre(parsed{customtypes.Size}, positiveSize{})},
			PlanModifiers: []planmodifier.Map{keepSpellings{customtypes.Size.Plain}},
		}
	}
	counts := func(description string, valid validator.Int64) schema.Attribute {
		return schema.MapAttribute{
			Optional: true, ElementType: types.Int64Type, MarkdownDescription: description,
			Validators: []validator.Map{keys, mapvalidator.NoNullValues(), mapvalidator.ValueInt64sAre(valid)},
		}
	}
	weight := int64validator.Between(10, 1000)
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "The container's share and limits of the host's block devices. Devices are named by their paths on the host. A kernel that can't weigh them discards the weights, and the engine then leaves them out.",
		Attributes: map[string]schema.Attribute{
			"weight": schema.Int64Attribute{
				Optional: true, MarkdownDescription: "The container's weight among those that want more than a device can do, 10 to 1000.", Validators: []validator.Int64{weight},
			},
			"weight_device":     counts("The weight by device, 10 to 1000.", weight),
			"device_read_bps":   rates("How many bytes a second may be read, by device, for example `\"10m\"`."),
			"device_read_iops":  counts("How many reads a second there may be, by device.", int64validator.AtLeast(1)),
			"device_write_bps":  rates("How many bytes a second may be written, by device, for example `\"10m\"`."),
			"device_write_iops": counts("How many writes a second there may be, by device.", int64validator.AtLeast(1)),
		},
	}
}

func (m *blkioModel) expand() container.Blkio {
	return container.Blkio{
		Weight: m.Weight.ValueInt64(), WeightDevice: expandCounts(m.WeightDevice),
		ReadBps: expandRates(m.ReadBps), ReadIOps: expandCounts(m.ReadIOps), WriteBps: expandRates(m.WriteBps), WriteIOps: expandCounts(m.WriteIOps),
	}
}

func expandCounts(counts map[string]types.Int64) map[string]int64 {
	var out map[string]int64
	for key, n := range counts {
		if out == nil {
			out = make(map[string]int64, len(counts))
		}
		out[key] = n.ValueInt64()
	}
	return out
}

func expandRates(rates map[string]types.String) map[string]int64 {
	var out map[string]int64
	for key, s := range rates {
		n, err := customtypes.ParseSize(s.ValueString())
		if err != nil {
			continue
		}
		if out == nil {
			out = make(map[string]int64, len(rates))
		}
		out[key] = n
	}
	return out
}

func (m *limitsModel) flattenBlkio(asked, seen container.Blkio, imports bool) {
	if seen.Weight != 0 && asked.Weight != seen.Weight {
		b := blkioModel{}
		if m.Blkio != nil {
			b = *m.Blkio
		}
		b.Weight = types.Int64Value(seen.Weight)
		m.Blkio = &b
	}
	if !imports || len(seen.WeightDevice)+len(seen.ReadBps)+len(seen.ReadIOps)+len(seen.WriteBps)+len(seen.WriteIOps) == 0 {
		return
	}
	if m.Blkio == nil {
		m.Blkio = &blkioModel{}
	}
	m.Blkio.WeightDevice, m.Blkio.ReadIOps, m.Blkio.WriteIOps = flattenCounts(seen.WeightDevice), flattenCounts(seen.ReadIOps), flattenCounts(seen.WriteIOps)
	m.Blkio.ReadBps, m.Blkio.WriteBps = flattenRates(seen.ReadBps), flattenRates(seen.WriteBps)
}

func flattenCounts(counts map[string]int64) map[string]types.Int64 {
	if len(counts) == 0 {
		return nil
	}
	out := make(map[string]types.Int64, len(counts))
	for key, n := range counts {
		out[key] = types.Int64Value(n)
	}
	return out
}

func flattenRates(rates map[string]int64) map[string]types.String {
	if len(rates) == 0 {
		return nil
	}
	out := make(map[string]types.String, len(rates))
	for key, n := range rates {
		out[key] = types.StringValue(customtypes.FormatSize(n))
	}
	return out
}
