// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

func file(content string) fileModel { return fileModel{Content: types.StringValue(content)} }

func TestChangedFiles(t *testing.T) {
	t.Parallel()
	restarting := file("2")
	restarting.RestartOnChange = types.BoolValue(true)
	inBase64 := fileModel{ContentBase64: types.StringValue("MQ==")}
	version := func(n int64) fileModel { return fileModel{ContentWOVersion: types.Int64Value(n)} }
	source := func(sum string) fileModel {
		return fileModel{Source: types.StringValue("x"), SourceSHA256: types.StringValue(sum)}
	}
	mode := func(s string) fileModel { m := file("1"); m.Mode = types.StringValue(s); return m }
	for _, tt := range []struct {
		name        string
		prior, plan files
		upload      []string
		restart     bool
	}{
		{"none", nil, nil, nil, false},
		{"the same", files{"/a": file("1")}, files{"/a": file("1")}, nil, false},
		{"the same in base64", files{"/a": file("1")}, files{"/a": inBase64}, nil, false},
		{"changed and added", files{"/a": file("1"), "/b": file("1")}, files{"/a": file("2"), "/b": file("1"), "/c": file("")}, []string{"/a", "/c"}, false},
		{"one asks for a restart", files{"/a": file("1")}, files{"/a": restarting}, []string{"/a"}, true},
		{"one that did not change does not", files{"/a": restarting}, files{"/a": restarting, "/b": file("1")}, []string{"/b"}, false},
		{"mode", files{"/a": file("1")}, files{"/a": mode("0600")}, []string{"/a"}, false},
		{"mode in another spelling", files{"/a": file("1")}, files{"/a": mode("644")}, nil, false},
		{"version", files{"/a": version(1)}, files{"/a": version(2)}, []string{"/a"}, false},
		{"the same version", files{"/a": version(1)}, files{"/a": version(1)}, nil, false},
		{"source", files{"/a": source("1")}, files{"/a": source("2")}, []string{"/a"}, false},
		{"after a failure", files{"/a": file("1"), "/b": file("1")}.without([]string{"/b"}), files{"/a": file("1"), "/b": file("1")}, []string{"/b"}, false},
	} {
		upload, restart := changedFiles(tt.prior, tt.plan)
		if !slices.Equal(upload, tt.upload) || restart != tt.restart {
			t.Errorf("%s: uploads %v, restarts %t", tt.name, upload, restart)
		}
	}
}

func TestExpandFiles(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "app.conf")
	if err := os.WriteFile(name, []byte("from a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	owned := file("plain")
	owned.Mode, owned.UID, owned.GID = types.StringValue("0600"), types.Int64Value(1000), types.Int64Value(100)
	plan := files{
		"/plain": owned, "/base64": {ContentBase64: types.StringValue("AAE=")}, "/secret": {ContentWOVersion: types.Int64Value(1)},
		"/source": {Source: types.StringValue(name), SourceSHA256: types.StringUnknown()},
	}
	config := maps.Clone(plan)
	config["/secret"] = fileModel{ContentWO: types.StringValue("hush")}
	got, diags := expandFiles(plan, config)
	if diags.HasError() {
		t.Fatal(diags)
	}
	want := map[string]container.File{
		"/plain": {Content: []byte("plain"), Mode: 0o600, UID: 1000, GID: 100}, "/base64": {Content: []byte{0, 1}, Mode: 0o644},
		"/secret": {Content: []byte("hush"), Mode: 0o644, WriteOnly: true}, "/source": {Content: []byte("from a file"), Mode: 0o644},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if sum := plan["/source"].SourceSHA256; sum.ValueString() != hash([]byte("from a file")) {
		t.Errorf("the hash is %s", sum)
	}
	_, diags = expandFiles(files{"/a": {Source: types.StringValue(name + "x"), SourceSHA256: types.StringUnknown()}}, nil)
	if len(diags) != 1 || !strings.Contains(diags[0].Detail(), "no such file") || !strings.Contains(diags[0].Detail(), "it was removed since") {
		t.Errorf("without the source: %v", diags)
	}
}

// A source with another content is a change, although the configuration is the same; a file that is
// removed needs another container.
func TestPlanOfFiles(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "app.conf")
	write := func(content string) {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("1")
	c := newCore(t)
	secret := values{"content_wo": "hush", "content_wo_version": 1}
	config := minimal().with(values{
		"files": values{"/a": values{"source": name}, "/b": values{"content": "x", "mode": "0644"}, "/c": secret}, "environment_wo": values{"A": "hush"},
	})
	state, _ := c.create(t, config, nil)
	if strings.Contains(state.String(), "hush") {
		t.Error("what is write-only is in the state")
	}
	if p := c.plan(t, state, config); p.changed != nil {
		t.Errorf("without a change %v change", p.changed)
	}
	spelled := config.with(values{"files": values{"/a": values{"source": name, "uid": 0}, "/b": values{"content": "x", "mode": "644"}, "/c": secret}})
	if p := c.plan(t, state, spelled); p.changed != nil {
		t.Errorf("for another spelling %v change", p.changed)
	}
	write("2")
	p := c.plan(t, state, config)
	if want := []string{"exit_code", "fault", "files", "health", "operation_id", "status"}; !slices.Equal(slices.DeleteFunc(p.changed, func(s string) bool { return s == "image_digest" }), want) || p.replace != nil {
		t.Errorf("with another source %v change, %v replace", p.changed, p.replace)
	}
	if strings.Contains(p.value.String(), "hush") {
		t.Error("what is write-only is in the plan")
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	missing := c.answer(t, state, config)
	if len(missing.Diagnostics) != 1 || missing.Diagnostics[0].Severity != tfprotov6.DiagnosticSeverityWarning || !strings.Contains(missing.Diagnostics[0].Summary, "does not exist yet") {
		t.Errorf("without the source the plan says %v", missing.Diagnostics)
	}
	if planned, err := missing.PlannedState.Unmarshal(c.typ); err != nil || !modelOf(t, planned).Files["/a"].SourceSHA256.IsUnknown() {
		t.Errorf("the hash of a file that is not there yet is planned: %v, %v", planned, err)
	}
	write("2")
	for what, other := range map[string]values{
		"another source": {}, "another attribute": {"cpus": 1}, "what needs an exchange": {"environment": values{"A": "1"}, "update_order": "start-first"},
	} {
		m := modelOf(t, c.plan(t, state, config.with(other)).value)
		if sum := m.Files["/a"].SourceSHA256; !sum.IsUnknown() {
			t.Errorf("with %s the plan of an update promises the hash %s: the apply's may be another one", what, sum)
		}
	}
	if m := modelOf(t, c.plan(t, tftypes.NewValue(c.typ, nil), config).value); !m.Files["/a"].SourceSHA256.IsUnknown() {
		t.Error("the plan of a create promises a hash")
	}
	restarting := config.with(values{"files": values{"/a": values{"source": name, "restart_on_change": true}, "/b": values{"content": "x", "mode": "0644"}, "/c": secret}})
	write("1")
	state, _ = c.create(t, restarting, nil)
	if p := c.plan(t, state, restarting); p.changed != nil {
		t.Errorf("without a change %v change", p.changed)
	}
	if p := c.plan(t, state, restarting.with(values{"cpus": 1})); !slices.Contains(p.changed, "started_at") || !slices.Contains(p.changed, "addresses") {
		t.Errorf("an update with a source that may restart it changes %v only", p.changed)
	}
	for _, fewer := range []any{nil, values{"/b": values{"content": "x"}}} {
		if p := c.plan(t, state, config.with(values{"files": fewer})); !slices.Equal(p.replace, []string{"files"}) {
			t.Errorf("without a file %v replace", p.replace)
		}
	}
	for _, unknownFiles := range []any{unknown{}, values{"/a": unknown{}}, values{"/a": values{"content": unknown{}}}, values{"/a": values{"source": unknown{}}}} {
		c.plan(t, state, config.with(values{"files": unknownFiles}))
	}
}

// In a read-only root a file more is put into a directory that takes files, and else replaces the container.
func TestPlanReadOnlyFiles(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	file := values{"content": "x"}
	config := minimal().with(values{"read_only": true, "files": values{"/etc/app/a": file}, "mounts": values{"/data": values{"type": "volume"}}})
	state, _ := c.create(t, config, nil)
	for target, replace := range map[string][]string{"/etc/app/b": nil, "/etc/app/in/b": nil, "/data/b": nil, "/etc/b": {"files"}, "/etc/app-b/b": {"files"}} {
		p := c.plan(t, state, config.with(values{"files": values{"/etc/app/a": file, target: file}}))
		if !slices.Equal(p.replace, replace) || !slices.Contains(p.changed, "files") {
			t.Errorf("with %s %v change, %v replace", target, p.changed, p.replace)
		}
	}
}

func TestValidateFiles(t *testing.T) {
	t.Parallel()
	one := func(m values) values { return values{"files": values{"/data/a": m}} }
	in := func(mount values) values {
		return one(values{"content": ""}).with(values{"mounts": values{"/data": mount}})
	}
	for name, tt := range map[string]struct {
		config values
		at     string
	}{
		"empty":             {one(values{"content": ""}), ""},
		"in a volume":       {in(values{"type": "volume"}), ""},
		"in a tmpfs":        {in(values{"type": "tmpfs"}), "files"},
		"read-only":         {in(values{"type": "volume", "read_only": true}), "files"},
		"a mount":           {values{"files": values{"/data": values{"content": ""}}, "mounts": values{"/data": values{"type": "volume"}}}, "files"},
		"beside a mount":    {values{"files": values{"/data2": values{"content": ""}}, "mounts": values{"/data": values{"type": "tmpfs"}}}, ""},
		"a read-only root":  {one(values{"content": ""}).with(values{"read_only": true}), ""},
		"in a read-only /":  {values{"read_only": true, "files": values{"/a": values{"content": ""}}}, "files"},
		"volumes stay":      {one(values{"content": ""}).with(values{"read_only": true, "remove_volumes": false}), ""},
		"in one's own":      {in(values{"type": "volume"}).with(values{"read_only": true, "remove_volumes": false}), ""},
		"mounts not known":  {one(values{"content": ""}).with(values{"read_only": true, "remove_volumes": false, "mounts": unknown{}}), ""},
		"in a file system":  {values{"files": values{"/dev/shm/a": values{"content": ""}}}, "files"},
		"in a bind in it":   {values{"files": values{"/dev/own/a": values{"content": ""}}, "mounts": values{"/dev/own": values{"type": "bind", "source": "/srv"}}}, ""},
		"a writable root":   {one(values{"content": ""}).with(values{"read_only": false}), ""},
		"check and none":    {values{"healthcheck": values{"disable": true, "retries": 1}}, "healthcheck"},
		"no check":          {values{"healthcheck": values{}}, ""},
		"disabled":          {values{"healthcheck": values{"disable": true}}, ""},
		"healthy, never":    {values{"healthcheck": values{"disable": true}, "wait_for": "healthy"}, "wait_for"},
		"options of a bind": {in(values{"type": "volume", "bind": values{"propagation": "shared"}}).with(values{"files": nil}), "mounts"},
		"subpath outside":   {values{"mounts": values{"/data": values{"type": "volume", "source": "data", "volume": values{"subpath": "../x"}}}}, "mounts"},
		"read-only below":   {values{"mounts": values{"/data": values{"type": "bind", "source": "/srv", "bind": values{"recursive": "readonly"}}}}, "mounts"},
		"tmpfs mode":        {values{"mounts": values{"/data": values{"type": "tmpfs", "tmpfs": values{"mode": "rwx"}}}}, "mounts"},
		"volumes from":      {values{"volumes_from": []any{"data:z"}}, "volumes_from"},
		"nothing":           {one(values{}), "files"},
		"two contents":      {one(values{"content": "", "content_wo": ""}), "files"},
		"version alone":     {one(values{"content": "", "content_wo_version": 1}), "files"},
		"relative":          {values{"files": values{"a": values{"content": ""}}}, "files"},
		"the root":          {values{"files": values{"/": values{"content": ""}}}, "files"},
		"mode":              {one(values{"content": "", "mode": "rw"}), "files"},
		"too long":          {one(values{"content": strings.Repeat("x", mostContent+1)}), "files"},
		"no base64":         {one(values{"content_base64": "?"}), "files"},
		"null":              {one(nil), "files"},
		"unknown":           {one(values{"content": unknown{}, "mode": unknown{}}), ""},
		"secret twice":      {values{"environment": values{"A": "1"}, "environment_wo": values{"A": unknown{}}}, "environment_wo"},
		"secrets":           {values{"environment": values{"A": "1"}, "environment_wo": values{"B": "2"}, "environment_wo_version": 3}, ""},
		"secrets, unknown":  {values{"environment": unknown{}, "environment_wo": unknown{}}, ""},
		"version of none":   {values{"environment_wo_version": 3}, "environment_wo_version"},
		"secret name":       {values{"environment_wo": values{"A=": "1"}}, "environment_wo"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			diags := newCore(t).validate(t, minimal().with(tt.config))
			if (len(diags) == 0) != (tt.at == "") {
				t.Errorf("%v", diags)
			}
			for _, d := range diags {
				if root, _ := rootOf(d.Attribute); root != tt.at {
					t.Errorf("the error is at %s: %s", d.Attribute, d.Summary)
				}
			}
		})
	}
}

// A cast update that failed may have uploaded its files or not: they are planned again, although
// everything that can be read back is as it was asked for.
func TestFilesOfAFailedCast(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	config := minimal().with(values{"files": values{"/a": values{"content": "2"}}})
	state, made := c.create(t, config, nil)
	for uploads, want := range map[bool]bool{true: true, false: false} {
		m := modelOf(t, state)
		var diags diag.Diagnostics
		m.judge(conductor.Status{
			Container: made, Kind: conductor.KindUpdate, Known: true, Uploads: uploads, Fault: &fault.Fault{Kind: fault.Interrupted, Summary: "it was cut off"},
		}, container.WaitReady, time.Now(), settling{}, &diags)
		p := c.plan(t, c.raw(t, m), config)
		if slices.Contains(p.changed, "files") != want || p.replace != nil {
			t.Errorf("with uploads %t: %v change, %v replace", uploads, p.changed, p.replace)
		}
	}
}
