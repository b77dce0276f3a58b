// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/container"
	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

func minimal() values { return values{"name": "web", "image": "nginx:1"} }

// Every attribute is in the table and nothing else is; the table's class fits what the schema says;
// and no plan modifier replaces behind the table's back.
func TestEveryAttributeIsClassified(t *testing.T) {
	t.Parallel()
	table := containerTables().effects
	var walk func(prefix string, attributes map[string]schema.Attribute, e effect)
	walk = func(prefix string, attributes map[string]schema.Attribute, e effect) {
		for name, a := range attributes {
			at, own := prefix+name, e
			if listed, ok := table[at]; ok {
				own = listed
				delete(table, at)
			} else if prefix == "" {
				t.Errorf("%s is not in the table", at)
			}
			isComputed := a.IsComputed() && !a.IsOptional() && !a.IsRequired()
			if isComputed != (own == computed) {
				t.Errorf("%s: computed %t, and the table says %v", at, isComputed, own)
			}
			if a.GetMarkdownDescription() == "" && !strings.HasPrefix(at, "timeouts") {
				t.Errorf("%s has no description", at)
			}
			var byTable, byHand int
			for _, m := range modifiersOf(a) {
				switch name := fmt.Sprintf("%T", m); {
				case name == "provider.replaceIf":
					byTable++
				case strings.Contains(strings.ToLower(name), "replace"):
					byHand++
				}
			}
			if byHand > 0 {
				t.Errorf("%s has a modifier that replaces whatever the table says", at)
			}
			if may := own == replaces || own == inPlaceUnlessRemoved; (byTable == 1) != may || byTable > 1 {
				t.Errorf("%s has %d modifiers of the table, which says %v", at, byTable, own)
			}
			switch a := a.(type) {
			case schema.SingleNestedAttribute:
				walk(at+".", a.Attributes, own)
			case schema.NestedAttribute:
				within := effect(0) // The collection is compared as a whole.
				if own == computed {
					within = computed
				}
				nested := make(map[string]schema.Attribute)
				for name, n := range a.GetNestedObject().GetAttributes() {
					nested[name] = n
				}
				walk(at+".", nested, within)
			}
		}
	}
	walk("", containerSchema(t.Context()).Attributes, 0)
	for name := range table {
		t.Errorf("%s is classified and does not exist", name)
	}
}

// modifiersOf returns the plan modifiers of an attribute of any type.
func modifiersOf(a schema.Attribute) []any {
	v := reflect.ValueOf(a).FieldByName("PlanModifiers")
	if !v.IsValid() {
		return nil
	}
	var list []any
	for i := range v.Len() {
		list = append(list, v.Index(i).Interface())
	}
	return list
}

// What is not known to mean the same replaces; a limit only where it is taken away.
func TestEffectReplaces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		effect      effect
		nested      bool
		prior, plan attr.Value
		want        bool
	}{
		{"the same", replaces, false, types.StringValue("a"), types.StringValue("a"), false},
		{"another", replaces, false, types.StringValue("a"), types.StringValue("b"), true},
		{"unknown", replaces, false, types.StringValue("a"), types.StringUnknown(), true},
		{"no is not nothing", replaces, false, types.BoolNull(), types.BoolValue(false), true},
		{"within another, no is nothing", replaces, true, types.BoolNull(), types.BoolValue(false), false},
		{"within another, yes", replaces, true, types.BoolNull(), types.BoolValue(true), true},
		{"a limit, first", inPlaceUnlessRemoved, false, types.Int64Null(), types.Int64Value(1), false},
		{"a limit, another", inPlaceUnlessRemoved, false, types.Int64Value(1), types.Int64Value(2), false},
		{"a limit, removed", inPlaceUnlessRemoved, false, types.Int64Value(1), types.Int64Null(), true},
		{"a limit, nothing any more", inPlaceUnlessRemoved, false, types.Int64Value(1), types.Int64Value(0), true},
		{"a limit, unknown", inPlaceUnlessRemoved, false, types.Int64Value(1), types.Int64Unknown(), false},
	} {
		if got := tt.effect.replaces(t.Context(), tt.prior, tt.plan, tt.nested); got != tt.want {
			t.Errorf("%s: replaces %t", tt.name, got)
		}
	}
}

func TestPlanOfOneChange(t *testing.T) {
	t.Parallel()
	for name, tt := range allChanges() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCore(t)
			from, to := minimal().with(values{name: tt.from}), minimal().with(values{name: tt.to})
			if name == "expected_exit_codes" {
				from["desired_state"], to["desired_state"] = "completed", "completed"
			}
			state, made := c.create(t, from, nil)
			state = c.refresh(t, state, made)
			p := c.plan(t, state, to)
			want := []string(nil)
			if containerTables().effects[name] == replaces {
				want = []string{name}
			}
			if !slices.Equal(p.replace, want) {
				t.Errorf("replaced because of %v, want %v", p.replace, want)
			}
			if !slices.Contains(p.changed, name) {
				t.Errorf("changed are %v, and not %s", p.changed, name)
			}
			after := attributesOf(t, p.value)
			for _, computed := range []string{"container_id", "image_id", "id"} {
				if !after[computed].IsKnown() {
					t.Errorf("%s is unknown", computed)
				}
			}
			for _, computed := range []string{"status", "operation_id", "fault", "health", "exit_code"} {
				if after[computed].IsKnown() {
					t.Errorf("%s is known before it is done", computed)
				}
			}
			moves := name == "networks" || name == "desired_state" || name == "restart_triggers"
			for _, computed := range []string{"addresses", "ipv6_addresses", "published_ports"} {
				if after[computed].IsFullyKnown() == moves {
					t.Errorf("%s is known: %t", computed, !moves)
				}
			}
		})
	}
}

func TestPlanOfARename(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	state, _ := c.create(t, minimal(), nil)
	if id := modelOf(t, c.plan(t, state, minimal().with(values{"name": "front"})).value).ID; id.ValueString() != "edge1/front" {
		t.Errorf("the id is planned as %s", id)
	}
	if id := modelOf(t, c.plan(t, state, minimal().with(values{"name": unknown{}})).value).ID; !id.IsUnknown() {
		t.Errorf("the id is planned as %s with an unknown name", id)
	}
}

// To the engine's update no limit means "leave it", so a limit that is taken away replaces.
func TestPlanOfALimitTakenAway(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]any{"memory": "64m", "cpus": 0.5} {
		c := newCore(t)
		state, _ := c.create(t, minimal().with(values{name: limit}), nil)
		if p := c.plan(t, state, minimal()); !slices.Equal(p.replace, []string{name}) {
			t.Errorf("%s: replaced because of %v", name, p.replace)
		}
		if p := c.plan(t, state, minimal().with(values{name: unknown{}})); p.replace != nil {
			t.Errorf("%s unknown: replaced because of %v", name, p.replace)
		}
		state, _ = c.create(t, minimal(), nil)
		if p := c.plan(t, state, minimal().with(values{name: limit})); p.replace != nil {
			t.Errorf("%s added: replaced because of %v", name, p.replace)
		}
	}
}

// spelling is one meaning in two spellings.
type spelling struct{ one, other values }

func spellings() map[string]spelling {
	all := map[string]spelling{
		"memory":             {values{"memory": "512m"}, values{"memory": "0.5g"}},
		"memory in bytes":    {values{"memory": "64MiB"}, values{"memory": "67108864"}},
		"restart":            {values{"restart": "on-failure"}, values{"restart": "on-failure:0"}},
		"restart by default": {values{}, values{"restart": "no"}},
		"tag":                {values{"image": "nginx"}, values{"image": "docker.io/library/nginx:latest"}},
		"platform":           {values{"platform": "linux/amd64"}, values{"platform": "linux/x86_64"}},
		"grace period":       {values{"stop_grace_period": "90s"}, values{"stop_grace_period": "1m30s"}},
		"cpus":               {values{"cpus": 1}, values{"cpus": 1.0}},
		"check": {
			values{"healthcheck": values{"test": []any{"CMD", "a"}, "interval": "60s", "timeout": "1s", "start_period": "1h"}},
			values{"healthcheck": values{"test": []any{"CMD", "a"}, "interval": "1m", "timeout": "1000ms", "start_period": "60m"}},
		},
		"protocol":        {values{"ports": []any{values{"target": 80}}}, values{"ports": []any{values{"target": 80, "protocol": "tcp"}}}},
		"range of one":    {values{"ports": []any{values{"target": 80, "published": "8080"}}}, values{"ports": []any{values{"target": 80, "published": "8080-8080"}}}},
		"address":         {values{"ports": []any{values{"target": 80, "host_ip": "::1"}}}, values{"ports": []any{values{"target": 80, "host_ip": "0:0:0:0:0:0:0:1"}}}},
		"order of ports":  {values{"ports": []any{values{"target": 80}, values{"target": 81}}}, values{"ports": []any{values{"target": 81, "protocol": "tcp"}, values{"target": 80}}}},
		"not read-only":   {values{"mounts": values{"/data": values{"type": "volume", "source": "data"}}}, values{"mounts": values{"/data": values{"type": "volume", "source": "data", "read_only": false}}}},
		"slash at an end": {values{"mounts": values{"/data": values{"type": "bind", "source": "/srv"}}}, values{"mounts": values{"/data": values{"type": "bind", "source": "/srv/"}}}},
		"network by key":  {values{"networks": values{"front": values{}}}, values{"networks": values{"front": values{"network": "front"}}}},
		"desired state":   {values{}, values{"desired_state": "running"}},
		"pull policy":     {values{}, values{"pull_policy": "missing"}},
	}
	maps.Copy(all, networkingSpellings())
	return all
}

// Another spelling of the same plans nothing, neither after an apply nor after an import.
func TestPlanOfAnotherSpelling(t *testing.T) {
	t.Parallel()
	for name, tt := range spellings() {
		for _, pair := range [][2]values{{tt.one, tt.other}, {tt.other, tt.one}} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c := newCore(t)
				state, made := c.create(t, minimal().with(pair[0]), nil)
				for when, state := range map[string]tftypes.Value{"applied": state, "refreshed": c.refresh(t, state, made)} {
					if p := c.plan(t, state, minimal().with(pair[1])); p.changed != nil || p.replace != nil {
						t.Errorf("%s: %v change, %v replace", when, p.changed, p.replace)
					}
				}
			})
		}
	}
}

// What is unknown is no other spelling of anything.
func TestPlanOfUnknownValues(t *testing.T) {
	t.Parallel()
	for name, tt := range allChanges() {
		if name == "timeouts" || name == "name" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCore(t)
			config := minimal().with(values{name: tt.from})
			if name == "expected_exit_codes" {
				config["desired_state"] = "completed"
			}
			state, _ := c.create(t, config, nil)
			p := c.plan(t, state, config.with(values{name: unknown{}}))
			if after := attributesOf(t, p.value)[name]; after.IsKnown() {
				t.Errorf("planned as %s", after)
			}
		})
	}
	c := newCore(t)
	for name, nested := range map[string]any{
		"ports":       []any{values{"target": 80, "published": unknown{}}},
		"mounts":      values{"/data": values{"type": "volume", "source": unknown{}}},
		"networks":    values{"front": values{"network": unknown{}}},
		"healthcheck": values{"test": []any{"CMD", unknown{}}},
	} {
		state, _ := c.create(t, minimal().with(values{name: allChanges()[name].from}), nil)
		p := c.plan(t, state, minimal().with(values{name: nested}))
		if attributesOf(t, p.value)[name].IsFullyKnown() {
			t.Errorf("%s: the unknown value within was planned away", name)
		}
	}
}

// A failed update is planned again although nothing differs; a failed create is replaced.
func TestPlanAfterAFailure(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	applied, _ := c.create(t, minimal(), nil)
	m := modelOf(t, applied)
	for _, tt := range []struct {
		operation string
		replace   []string
	}{
		{"update", nil},
		{"create", []string{"container_id"}},
	} {
		m.Fault = flattenFault(tt.operation, &fault.Fault{Kind: fault.Timeout, Summary: "late", Time: time.Unix(1700000000, 0)})
		p := c.plan(t, c.raw(t, m), minimal())
		if !slices.Equal(p.replace, tt.replace) || p.changed == nil {
			t.Errorf("after a failed %s: %v change, %v replace", tt.operation, p.changed, p.replace)
		}
	}
}

// representative are configurations that use, between them, every attribute.
func representative() map[string]values {
	all := map[string]values{
		"least": minimal(),
		"all": {
			"name": "web", "image": "ghcr.io/acme/app:1.4", "pull_policy": "always", "platform": "linux/x86_64",
			"entrypoint": []any{"/app"}, "command": []any{"serve", ""}, "environment": values{"A": "1", "EMPTY": ""}, "labels": values{"a": "", "b": "c"},
			"ports": []any{
				values{"target": 80, "published": "8080-8090"}, values{"target": 53, "protocol": "udp", "host_ip": "127.0.0.1"}, values{"target": 53},
			},
			"mounts": values{
				"/bind": values{"type": "bind", "source": "/srv/", "read_only": true}, "/named": values{"type": "volume", "source": "data"},
				"/anonymous": values{"type": "volume"}, "/tmp": values{"type": "tmpfs", "read_only": false},
			},
			"networks":    values{"front": values{}, "second": values{"network": "back"}, "third": values{"network": networkID}},
			"healthcheck": values{"test": []any{"CMD-SHELL", "true"}, "interval": "1m0s", "timeout": "1.5s", "start_period": "500ms", "retries": 3},
			"ulimits":     values{"nofile": "1024"}, "restart": "on-failure:3", "memory": "0.5g", "cpus": 0.1, "user": "1000:1000", "working_dir": "/srv", "hostname": "somewhere",
			"stop_signal": "SIGINT", "stop_grace_period": "1m30s", "wait_for": "healthy", "remove_volumes": false, "wait_for_removal": false,
			"timeouts": values{"create": "1m", "delete": "3m"},
		},
		"limits": minimal().with(values{
			"memory": "1g", "memory_reservation": "512m", "memory_swap": "1536m", "memory_swappiness": 0, "cpu_shares": 512, "cpu_quota": 50000, "cpu_period": 100000,
			"cpu_rt_period": 1000000, "cpu_rt_runtime": 950000, "cpuset": "1,0", "cpuset_mems": "0", "pids_limit": 100, "oom_kill_disable": true, "oom_score_adj": -5,
			"shm_size": "0.125g", "ulimits": values{"nofile": "1024:1024", "nproc": "10:20"},
			"blkio_config": values{
				"weight": 300, "weight_device": values{"/dev/sda": 200}, "device_read_bps": values{"/dev/sda": "1024k"}, "device_read_iops": values{"/dev/sda": 1000},
				"device_write_bps": values{"/dev/sda": "1m"}, "device_write_iops": values{"/dev/sda": 10},
			},
		}),
		"defaults, spelled out": minimal().with(values{"memory": "64m", "memory_swap": "128m", "pids_limit": -1, "cpu_quota": -1, "oom_kill_disable": false, "oom_score_adj": 0, "shm_size": "65536k", "ulimits": values{},
			"privileged": false, "cap_add": []any{}, "security_opt": []any{}, "sysctls": values{}, "read_only": false, "devices": values{}, "ipc": "private", "tty": false, "stdin_open": false, "stdin_once": false,
			"storage_opt": values{}}),
		"unlimited swap":                  minimal().with(values{"memory": "64m", "memory_swap": "-1"}),
		"job":                             minimal().with(values{"desired_state": "completed", "expected_exit_codes": []any{3, 0}, "restart": "on-failure"}),
		"paused":                          minimal().with(values{"desired_state": "paused"}),
		"stopped":                         minimal().with(values{"desired_state": "stopped", "restart": "unless-stopped"}),
		"nothing":                         minimal().with(values{"entrypoint": []any{}, "command": []any{}, "environment": values{}, "labels": values{}, "ports": []any{}, "mounts": values{}}),
		"short ID":                        minimal().with(values{"networks": values{"n": values{"network": networkID[:12]}}}),
		"job, plain":                      minimal().with(values{"desired_state": "completed"}),
		"no grace":                        minimal().with(values{"stop_grace_period": "0s"}),
		"entrypoint":                      minimal().with(values{"entrypoint": []any{"/app"}}),
		"image's command, own entrypoint": minimal().with(values{"entrypoint": []any{"/app"}, "command": []any{"run"}}),
		"many digits":                     minimal().with(values{"cpus": 0.123456789}),
		"unset variables":                 minimal().with(values{"environment": values{"FROM_IMAGE": nil, "A": "own", "NOBODYS": nil}}),
	}
	maps.Copy(all, networkingConfigurations())
	return all
}

func images() map[string]*container.ImageDefaults {
	return map[string]*container.ImageDefaults{
		"bare image": {},
		"rich image": {
			Settings: container.Settings{
				Entrypoint: []string{"/entry"}, Command: []string{"run"}, Environment: map[string]string{"FROM_IMAGE": "yes", "A": "image"},
				Labels: map[string]string{"image": "yes"}, User: "nobody", WorkingDir: "/home", StopSignal: "SIGQUIT",
				Healthcheck: &container.Healthcheck{Test: []string{"CMD", "health"}, Interval: time.Second, Retries: 2},
				Networking:  container.Networking{Expose: []string{"9000/tcp"}},
			},
			Volumes: []string{"/var/lib/data"},
		},
	}
}

// The plan after an apply, and after the engine was looked at again, is empty; what the provider
// knew of the plan is in the state as it was planned.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for name, config := range representative() {
		for from, image := range images() {
			t.Run(name+" "+from, func(t *testing.T) {
				t.Parallel()
				c := newCore(t)
				fatalDiagnostics(t, c.validate(t, config))
				applied, made := c.create(t, config, image)
				refreshed := c.refresh(t, applied, made)
				if differs := diffOf(t, applied, refreshed); differs != nil {
					t.Errorf("the refresh changed %v", differs)
				}
				if p := c.plan(t, refreshed, config); p.changed != nil {
					t.Errorf("planned to change: %v", p.changed)
				}
			})
		}
	}
}

// After an import the plan with the configuration that made the container is empty, but for what
// only Terraform knows.
func TestImportRoundTrip(t *testing.T) {
	t.Parallel()
	for name, config := range representative() {
		if name == "short ID" || name == "paused" { // The keys of networks are the user's.
			continue
		}
		for from, image := range images() {
			t.Run(name+" "+from, func(t *testing.T) {
				t.Parallel()
				c := newCore(t)
				config := maps.Clone(config)
				for _, onlyTerraform := range []string{"pull_policy", "platform", "wait_for", "remove_volumes", "wait_for_removal", "timeouts", "desired_state", "expected_exit_codes"} {
					delete(config, onlyTerraform)
				}
				if networks, ok := config["networks"].(values); ok && networks["third"] != nil {
					config["networks"] = values{"front": networks["front"], "back": values{}}
				}
				_, made := c.create(t, config, image)
				if name == "nothing" && image.Entrypoint == nil {
					delete(config, "entrypoint") // Nothing was taken away: an import can't tell.
				}
				if p := c.plan(t, c.imported(t, made, image), config); p.changed != nil {
					t.Errorf("planned to change: %v", p.changed)
				}
			})
		}
	}
}

func diffOf(t *testing.T, a, b tftypes.Value) []string {
	t.Helper()
	var differs []string
	after := attributesOf(t, b)
	for name, v := range attributesOf(t, a) {
		if !v.Equal(after[name]) {
			differs = append(differs, name)
		}
	}
	slices.Sort(differs)
	return differs
}

// What somebody changed on the engine shows on that attribute alone.
func TestDrift(t *testing.T) {
	t.Parallel()
	config := representative()["all"]
	for name, tt := range map[string]struct {
		outside func(*container.Container)
		want    []string
	}{
		"memory":                {func(c *container.Container) { c.Memory = 64 << 20 }, []string{"memory"}},
		"no memory limit":       {func(c *container.Container) { c.Memory = 0 }, []string{"memory"}},
		"cpus":                  {func(c *container.Container) { c.NanoCPUs = 2e9 }, []string{"cpus"}},
		"restart":               {func(c *container.Container) { c.Restart = container.RestartPolicy{Name: "no"} }, []string{"restart"}},
		"restart count":         {func(c *container.Container) { c.Restart.MaximumRetryCount = 1 }, []string{"restart"}},
		"name":                  {func(c *container.Container) { c.Name = "other" }, []string{"name"}},
		"stopped":               {func(c *container.Container) { c.State.Status = "exited" }, []string{"desired_state"}},
		"paused":                {func(c *container.Container) { c.State.Status = "paused" }, []string{"desired_state"}},
		"restarting":            {func(c *container.Container) { c.State.Status = "restarting" }, nil},
		"network gone":          {func(c *container.Container) { delete(c.Attached, "back") }, []string{"networks"}},
		"network more":          {func(c *container.Container) { c.Attached["more"] = container.AttachedNetwork{ID: "1"} }, []string{"networks"}},
		"key of another one":    {func(c *container.Container) { c.Attached["third"] = container.AttachedNetwork{ID: "1"} }, []string{"networks"}},
		"foreign label":         {func(c *container.Container) { c.Labels["foreign"] = "yes" }, nil},
		"label changed":         {func(c *container.Container) { c.Labels["b"] = "d" }, []string{"labels"}},
		"foreign variable":      {func(c *container.Container) { c.Environment["FOREIGN"] = "yes" }, nil},
		"variable changed":      {func(c *container.Container) { c.Environment["A"] = "2" }, []string{"environment"}},
		"variable unset":        {func(c *container.Container) { delete(c.Environment, "A"); c.Unset = []string{"A"} }, []string{"environment"}},
		"variable gone":         {func(c *container.Container) { delete(c.Environment, "A") }, []string{"environment"}},
		"mount gone":            {func(c *container.Container) { delete(c.Mounts, "/bind") }, []string{"mounts"}},
		"mount more":            {func(c *container.Container) { c.Mounts["/more"] = container.Mount{Type: container.MountTmpfs} }, nil},
		"mount writable":        {func(c *container.Container) { c.Mounts["/bind"] = container.Mount{Type: "bind", Source: "/srv"} }, []string{"mounts"}},
		"other anonymous":       {func(c *container.Container) { c.Mounts["/anonymous"] = container.Mount{Type: "volume", Source: "ff"} }, nil},
		"port gone":             {func(c *container.Container) { c.Ports = c.Ports[:1] }, []string{"ports"}},
		"check":                 {func(c *container.Container) { c.Healthcheck = &container.Healthcheck{Test: []string{"CMD", "x"}} }, []string{"healthcheck"}},
		"check gone":            {func(c *container.Container) { c.Healthcheck = nil }, []string{"healthcheck"}},
		"command":               {func(c *container.Container) { c.Command = nil }, []string{"command"}},
		"grace period":          {func(c *container.Container) { c.StopGracePeriod = nil }, []string{"stop_grace_period"}},
		"swap":                  {func(c *container.Container) { c.MemorySwap = 600 << 20 }, []string{"memory_swap"}},
		"reservation":           {func(c *container.Container) { c.MemoryReservation = 64 << 20 }, []string{"memory_reservation"}},
		"shares":                {func(c *container.Container) { c.CPUShares = 512 }, []string{"cpu_shares"}},
		"quota":                 {func(c *container.Container) { c.CPUQuota = 5000 }, []string{"cpu_quota"}},
		"period":                {func(c *container.Container) { c.CPUPeriod = 5000 }, []string{"cpu_period"}},
		"CPUs to run on":        {func(c *container.Container) { c.CPUSet = "0" }, []string{"cpuset"}},
		"memory nodes":          {func(c *container.Container) { c.CPUSetMems = "0" }, []string{"cpuset_mems"}},
		"processes":             {func(c *container.Container) { c.PidsLimit = 10 }, []string{"pids_limit"}},
		"weight":                {func(c *container.Container) { c.Blkio.Weight = 10 }, []string{"blkio_config"}},
		"ulimit of the engine":  {func(c *container.Container) { c.Ulimits["core"] = container.Ulimit{Hard: -1} }, nil},
		"ulimit":                {func(c *container.Container) { c.Ulimits["nofile"] = container.Ulimit{Soft: 5, Hard: 5} }, []string{"ulimits"}},
		"the same, other order": {func(c *container.Container) { slices.Reverse(c.Ports) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCore(t)
			state, made := c.create(t, config, nil)
			tt.outside(made)
			p := c.plan(t, c.refresh(t, state, made), config)
			var configured []string
			effects := containerTables().effects
			for _, name := range p.changed {
				if effects[name] != computed {
					configured = append(configured, name)
				}
			}
			if !slices.Equal(configured, tt.want) {
				t.Errorf("planned to change: %v, want %v", configured, tt.want)
			}
		})
	}
}

// A limit that somebody set on the engine shows although the configuration has none: it acts.
func TestDriftOfALimitThatIsNotConfigured(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	state, made := c.create(t, minimal(), nil)
	made.Memory, made.NanoCPUs = 64<<20, 5e8
	m := modelOf(t, c.refresh(t, state, made))
	if m.Memory.ValueString() != "64m" || m.CPUs.ValueFloat64() != 0.5 {
		t.Errorf("memory is %s, cpus is %s", m.Memory, m.CPUs)
	}
}

// What a kernel can't do the engine discards, and no plan could mend it.
func TestDiscardedLimitsAreNoDrift(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	config := representative()["limits"]
	state, made := c.create(t, config, nil)
	made.MemoryReservation, made.MemorySwappiness, made.CPUShares, made.CPUPeriod, made.CPUSet, made.CPUSetMems = 0, nil, 0, 0, "", ""
	made.Blkio, made.OOMKillDisable, made.MemorySwap, made.Defaults.NoSwapLimit = container.Blkio{}, false, -1, true
	if p := c.plan(t, c.refresh(t, state, made), config); p.changed != nil {
		t.Errorf("planned to change: %v", p.changed)
	}
}

// A part of blkio_config changes in place, the rest replaces.
func TestPlanOfBlkio(t *testing.T) {
	t.Parallel()
	c := newCore(t)
	weight, rates := values{"weight": 300}, values{"weight": 300, "device_read_bps": values{"/dev/sda": "1m"}}
	for _, tt := range []struct {
		name     string
		from, to any
		replaces bool
	}{
		{"a first weight", nil, weight, false},
		{"another weight", weight, values{"weight": 400}, false},
		{"no more weight", weight, values{"weight": nil}, true},
		{"nothing any more", weight, nil, true},
		{"first rates", nil, rates, true},
		{"rates more", weight, rates, true},
		{"rates in another spelling", rates, rates.with(values{"device_read_bps": values{"/dev/sda": "1024k"}}), false},
	} {
		state, _ := c.create(t, minimal().with(values{"blkio_config": tt.from}), nil)
		if p := c.plan(t, state, minimal().with(values{"blkio_config": tt.to})); (p.replace != nil) != tt.replaces {
			t.Errorf("%s: replaced because of %v", tt.name, p.replace)
		}
	}
}

func TestPowerState(t *testing.T) {
	t.Parallel()
	ended := time.Unix(1700000000, 0)
	for _, tt := range []struct {
		prior container.DesiredState
		codes []types.Int64
		state container.State
		want  container.DesiredState
	}{
		{container.DesiredRunning, nil, container.State{Status: "running"}, container.DesiredRunning},
		{container.DesiredRunning, nil, container.State{Status: "restarting"}, container.DesiredRunning},
		{container.DesiredRunning, nil, container.State{Status: "paused"}, container.DesiredPaused},
		{container.DesiredRunning, nil, container.State{Status: "exited", StartedAt: ended}, container.DesiredStopped},
		{container.DesiredRunning, nil, container.State{Status: "created"}, container.DesiredStopped},
		{container.DesiredRunning, nil, container.State{Status: "dead"}, container.DesiredStopped},
		{container.DesiredStopped, nil, container.State{Status: "running"}, container.DesiredRunning},
		{container.DesiredStopped, nil, container.State{Status: "exited", StartedAt: ended}, container.DesiredStopped},
		{container.DesiredCompleted, nil, container.State{Status: "running"}, container.DesiredCompleted},
		{container.DesiredCompleted, nil, container.State{Status: "exited", StartedAt: ended}, container.DesiredCompleted},
		{container.DesiredCompleted, nil, container.State{Status: "exited", StartedAt: ended, ExitCode: 3}, container.DesiredStopped},
		{container.DesiredCompleted, nil, container.State{Status: "created"}, container.DesiredStopped},
		{container.DesiredCompleted, []types.Int64{types.Int64Value(3)}, container.State{Status: "exited", StartedAt: ended, ExitCode: 3}, container.DesiredCompleted},
		{container.DesiredCompleted, []types.Int64{types.Int64Value(3)}, container.State{Status: "exited", StartedAt: ended}, container.DesiredStopped},
		{container.DesiredCompleted, nil, container.State{Status: "paused"}, container.DesiredPaused},
	} {
		m := containerModel{lifecycleModel: lifecycleModel{DesiredState: types.StringValue(string(tt.prior)), ExpectedExitCodes: tt.codes}}
		if got := m.powerState(tt.state); got != tt.want {
			t.Errorf("%s, and the engine says %s (%d): %s, want %s", tt.prior, tt.state.Status, tt.state.ExitCode, got, tt.want)
		}
	}
}

func TestEffectiveWait(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		own       types.String
		desired   container.DesiredState
		byDefault container.Wait
		want      container.Wait
	}{
		{types.StringNull(), container.DesiredRunning, "", container.WaitReady},
		{types.StringNull(), container.DesiredRunning, container.WaitHealthy, container.WaitHealthy},
		{types.StringNull(), container.DesiredStopped, container.WaitHealthy, container.WaitReady},
		{types.StringNull(), container.DesiredCompleted, container.WaitRunning, container.WaitReady},
		{types.StringNull(), container.DesiredCompleted, container.WaitNone, container.WaitNone},
		{types.StringValue("running"), container.DesiredRunning, container.WaitHealthy, container.WaitRunning},
	} {
		m := containerModel{lifecycleModel: lifecycleModel{WaitFor: tt.own, DesiredState: types.StringValue(string(tt.desired))}}
		if got := effectiveWait(&m, tt.byDefault); got != tt.want {
			t.Errorf("%s with %s and %q: %s, want %s", tt.own, tt.desired, tt.byDefault, got, tt.want)
		}
	}
}
