// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/meaning"
)

// leftOut are the values that mean the same as leaving an attribute out, with every engine. To write
// one down, or to leave it out again, replaces nothing.
func leftOut() map[string]attr.Value {
	no := types.BoolValue(false)
	values := map[string]attr.Value{
		"healthcheck.disable": no,
		"oom_kill_disable":    no,
		"privileged":          no,
		"read_only":           no,
		"tty":                 no,
		"stdin_open":          no,
		"ipc":                 types.StringValue("private"),
		"oom_score_adj":       types.Int64Value(0),
		"shm_size":            meaning.New(meaning.Size, defaultShmSize),
	}
	maps.Copy(values, networkingLeftOut())
	return values
}

// leftOutOn are those that differ between engines.
func leftOutOn(d conductor.EngineDefaults) map[string]attr.Value {
	out := make(map[string]attr.Value)
	for name, value := range map[string]string{"runtime": d.Runtime, "cgroup": d.Cgroup, "logging.driver": d.LogDriver} {
		if value != "" {
			out[name] = types.StringValue(value)
		}
	}
	return out
}

// defaultsKey is where the private state has the defaults of the container's engine: a plan decides
// from the state alone, and a refresh leaves them there.
const defaultsKey = "engine_defaults"

// privateState is Terraform's, and privateReader what a plan has of it.
type privateState interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

type privateReader interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

type privateData interface {
	privateReader
	privateState
}

func keepDefaults(ctx context.Context, private privateState, d conductor.EngineDefaults, diags *diag.Diagnostics) {
	value, err := json.Marshal(d)
	if err != nil {
		diags.AddError("gantry can't note the engine's defaults", err.Error())
		return
	}
	diags.Append(private.SetKey(ctx, defaultsKey, value)...)
}

// defaultOf gives what means the same as leaving the attribute out; nil if nothing does, or if it is
// not known.
func defaultOf(ctx context.Context, private privateReader, name string, diags *diag.Diagnostics) attr.Value {
	if value, ok := leftOut()[name]; ok {
		return value
	}
	return leftOutOn(engineDefaults(ctx, private, diags))[name]
}

// engineDefaults gives what the last refresh noted of the engine. The zero value, of a state of before,
// knows nothing to be the default.
func engineDefaults(ctx context.Context, private privateReader, diags *diag.Diagnostics) conductor.EngineDefaults {
	value, found := private.GetKey(ctx, defaultsKey)
	diags.Append(found...)
	var d conductor.EngineDefaults
	if value == nil || json.Unmarshal(value, &d) != nil {
		return conductor.EngineDefaults{}
	}
	return d
}
