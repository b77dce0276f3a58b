// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package customtypes

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr/xattr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

func TestParseSize(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{
		"512m": 512 << 20, "512M": 512 << 20, "512mb": 512 << 20, "512MiB": 512 << 20, "0.5g": 512 << 20, "1GiB": 1 << 30,
		"65536k": 64 << 20, "1t": 1 << 40, "1073741824": 1 << 30, "512b": 512, "0": 0, "1048576": 1 << 20,
	} {
		got, err := ParseSize(s)
		if err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", s, got, err, want)
		}
	}
	for s, says := range map[string]string{
		"512": `did you mean "512m"?`, "1048575": "did you mean", "0.5": "did you mean", "512x": `"512m"`, "": "number", "m": "number", "-1m": "number", " 1m": "number", "1m ": "number",
		"1,5g": "number", "NaN": "number", "inf": "number", "99999999999t": "number",
	} {
		if n, err := ParseSize(s); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %d, %v; want an error with %q", s, n, err, says)
		}
	}
}

func TestFormatSize(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		1 << 30: "1g", 3 << 29: "1536m", 64 << 20: "64m", 65 << 10: "65k", 1000: "1000b", 0: "0b", 1<<30 + 1: "1073741825b",
	} {
		if got := FormatSize(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]time.Duration{"30s": 30 * time.Second, "1m30s": 90 * time.Second, "1.5m": 90 * time.Second, "500ms": 500 * time.Millisecond, "0s": 0, "0": 0} {
		got, err := ParseDuration(s)
		if err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", s, got, err, want)
		}
	}
	for _, s := range []string{"", "30", "-1s", "often", "30 s", "1d"} {
		if d, err := ParseDuration(s); err == nil {
			t.Errorf("%q is %s", s, d)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		time.Hour: "1h", 90 * time.Minute: "1h30m", 10 * time.Minute: "10m", 90 * time.Second: "1m30s", 0: "0s", 100 * time.Hour: "100h",
		time.Hour + time.Second: "1h0m1s", 1500 * time.Millisecond: "1.5s", 10 * time.Second: "10s",
	} {
		if got := FormatDuration(d); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
}

func TestParseRestart(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]struct {
		name    string
		retries int
	}{"no": {"no", 0}, "always": {"always", 0}, "unless-stopped": {"unless-stopped", 0}, "on-failure": {"on-failure", 0}, "on-failure:0": {"on-failure", 0}, "on-failure:3": {"on-failure", 3}} {
		name, retries, err := ParseRestart(s)
		if err != nil || name != want.name || retries != want.retries {
			t.Errorf("%s: %s %d, %v", s, name, retries, err)
		}
	}
	for _, s := range []string{"", "No", "sometimes", "always:1", "on-failure:", "on-failure:x", "on-failure:-1", "on-failure:1:2", "on-failure:99999999999"} {
		if name, retries, err := ParseRestart(s); err == nil {
			t.Errorf("%q is %s %d", s, name, retries)
		}
	}
}

const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestSame(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind Kind
		a, b string
		same bool
	}{
		{Reference, "nginx", "docker.io/library/nginx:latest", true},
		{Reference, "index.docker.io/library/nginx", "nginx:latest", true},
		{Reference, "acme/app", "docker.io/acme/app", true},
		{Reference, "nginx:1", "nginx:2", false},
		{Reference, "nginx", "ghcr.io/library/nginx", false},
		{Reference, "nginx@" + digest, "docker.io/library/nginx@" + digest, true},
		{Reference, "nginx@" + digest, "nginx", false},
		{Reference, "127.0.0.1:5000/app", "127.0.0.1:5000/app:latest", true},
		{Platform, "linux/amd64", "linux/x86_64", true},
		{Platform, "linux/amd64", "Linux/AMD64", true},
		{Platform, "linux/arm64", "linux/arm64/v8", true},
		{Platform, "linux/arm64", "linux/aarch64", true},
		{Platform, "linux/arm/v7", "linux/arm", true},
		{Platform, "linux/arm/v6", "linux/arm", false},
		{Size, "512m", "0.5g", true},
		{Size, "512m", "512mib", true},
		{Size, "512m", "513m", false},
		{Duration, "60s", "1m", true},
		{Duration, "60s", "61s", false},
		{Restart, "on-failure", "on-failure:0", true},
		{Restart, "on-failure", "on-failure:1", false},
		{SwapSize, "-1", "-1", true},
		{SwapSize, "1g", "1024m", true},
		{SwapSize, "-1", "1b", false},
		{CPUSet, "0-3", "0,1,2,3", true},
		{CPUSet, "1,0", "0-1", true},
		{CPUSet, "0-2,4", "4,0-2", true},
		{CPUSet, "0-2", "0-3", false},
		{Ulimit, "1024", "1024:1024", true},
		{Ulimit, "1024", "1024:2048", false},
		{Ulimit, "-1", "-1:-1", true},
		// What means nothing is itself alone.
		{Size, "x", "x", true},
		{Size, "x", "y", false},
	} {
		for _, pair := range [][2]string{{tt.a, tt.b}, {tt.b, tt.a}} {
			if got := tt.kind.Same(pair[0], pair[1]); got != tt.same {
				t.Errorf("%s: %s and %s are the same: %t", tt.kind, pair[0], pair[1], got)
			}
		}
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	for kind, list := range map[Kind][]string{
		Size: {"512"}, Duration: {"5"}, Restart: {"maybe"}, SwapSize: {"-2", "512", "-1m", "unlimited"},
		CPUSet: {"a", "1-", "-1", "2-1", "0,,1", "0 ", "8192", "0-99999"}, Ulimit: {"", "a", "2:1", "-1:5", "1:2:3", "-2", "1:"},
		Reference: {"", "Upper", "with blank", "name:", "name@sha256:short", ":tag", "http://nginx"},
		Platform:  {"linux", "/", "linux/", "linux/amd64/v2/more", "lin ux/amd64"},
	} {
		for _, s := range list {
			var resp xattr.ValidateAttributeResponse
			New(kind, s).ValidateAttribute(t.Context(), xattr.ValidateAttributeRequest{Path: path.Root("it")}, &resp)
			if !resp.Diagnostics.HasError() {
				t.Errorf("%s %q passes", kind, s)
			}
		}
		for _, v := range []Value{Null(kind), {StringValue: types.StringUnknown(), Kind: kind}} {
			var resp xattr.ValidateAttributeResponse
			v.ValidateAttribute(t.Context(), xattr.ValidateAttributeRequest{Path: path.Root("it")}, &resp)
			if resp.Diagnostics.HasError() {
				t.Errorf("%s %s does not pass: %v", kind, v, resp.Diagnostics)
			}
		}
	}
}

func TestOr(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		prior Value
		seen  string
		want  string
	}{
		{New(Size, "0.5g"), "512m", "0.5g"},
		{New(Size, "0.5g"), "1g", "1g"},
		{Null(Size), "1g", "1g"},
		{Value{StringValue: types.StringUnknown(), Kind: Size}, "1g", "1g"},
	} {
		if got := tt.prior.Or(tt.seen); got.ValueString() != tt.want || got.Kind != Size {
			t.Errorf("%s, and %s is seen: %s, want %s", tt.prior, tt.seen, got, tt.want)
		}
	}
}

func TestKeepSpelling(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		state, plan, want types.String
	}{
		{types.StringValue("60s"), types.StringValue("1m"), types.StringValue("60s")},
		{types.StringValue("60s"), types.StringValue("2m"), types.StringValue("2m")},
		{types.StringNull(), types.StringValue("1m"), types.StringValue("1m")},
		{types.StringValue("60s"), types.StringNull(), types.StringNull()},
		{types.StringValue("60s"), types.StringUnknown(), types.StringUnknown()},
	} {
		resp := planmodifier.StringResponse{PlanValue: tt.plan}
		KeepSpelling(Duration).PlanModifyString(t.Context(), planmodifier.StringRequest{StateValue: tt.state, PlanValue: tt.plan}, &resp)
		if !resp.PlanValue.Equal(tt.want) {
			t.Errorf("%s, and %s is asked for: planned %s, want %s", tt.state, tt.plan, resp.PlanValue, tt.want)
		}
	}
}

// The framework's rules: a type gives values of its own type, and types of two kinds differ.
func TestType(t *testing.T) {
	t.Parallel()
	for _, v := range []tftypes.Value{
		tftypes.NewValue(tftypes.String, "512m"), tftypes.NewValue(tftypes.String, nil), tftypes.NewValue(tftypes.String, tftypes.UnknownValue),
	} {
		typ := Type{Kind: Size}
		got, err := typ.ValueFromTerraform(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Type(t.Context()).Equal(typ) || got.IsNull() != v.IsNull() || got.IsUnknown() == v.IsKnown() {
			t.Errorf("%s became %s of %s", v, got, got.Type(t.Context()))
		}
		if back, err := got.ToTerraformValue(t.Context()); err != nil || !back.Equal(v) {
			t.Errorf("%s became %s, %v", v, back, err)
		}
	}
	if (Type{Kind: Size}).Equal(Type{Kind: Duration}) || New(Size, "1m").Equal(New(Duration, "1m")) {
		t.Error("a size is a duration")
	}
	if same, _ := New(Size, "1g").StringSemanticEquals(t.Context(), New(Size, "1024m")); !same {
		t.Error("1g is not 1024m")
	}
}

func FuzzSize(f *testing.F) {
	for _, s := range []string{"512m", "0.5g", "1GiB", "512", "-1m", "", "1e9", "0x1p4", "9999999999g"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseSize(s)
		if err != nil {
			return
		}
		if n < 0 {
			t.Fatalf("%q is %d", s, n)
		}
		if again, err := ParseSize(FormatSize(n)); again != n && n < 1<<53 || err != nil {
			t.Fatalf("%q is %d, spelled %s, which is %d (%v)", s, n, FormatSize(n), again, err)
		}
	})
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"30s", "1m30s", "1h0m1s", "500ms", "-1s", "", "9999999h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDuration(s)
		if err != nil {
			return
		}
		if again, err := ParseDuration(FormatDuration(d)); again != d || err != nil {
			t.Fatalf("%q is %d, spelled %s, which is %d (%v)", s, d, FormatDuration(d), again, err)
		}
	})
}

func FuzzRestart(f *testing.F) {
	for _, s := range []string{"no", "always", "on-failure:3", "on-failure", "on-failure:", "on-failure:+1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, retries, err := ParseRestart(s)
		if err != nil {
			return
		}
		if retries < 0 || retries > math.MaxInt32 {
			t.Fatalf("%q has %d retries", s, retries)
		}
		if again, count, err := ParseRestart(FormatRestart(name, retries)); again != name || count != retries || err != nil {
			t.Fatalf("%q is %s %d, and again %s %d (%v)", s, name, retries, again, count, err)
		}
	})
}

func FuzzReference(f *testing.F) {
	for _, s := range []string{"nginx", "ghcr.io/acme/app:1.4", "127.0.0.1:5000/a@" + digest, "docker.io/a", "a/b/c", "A", ""} {
		f.Add(s)
	}
	f.Fuzz(fixed(Reference, NormaliseReference))
}

func FuzzPlatform(f *testing.F) {
	for _, s := range []string{"linux/amd64", "linux/arm64/v8", "linux/arm/v7", "windows(10.0.1)/amd64", "linux", ""} {
		f.Add(s)
	}
	f.Fuzz(fixed(Platform, NormalisePlatform))
}

// fixed says that the one spelling is its own one spelling.
func fixed(kind Kind, normalise func(string) (string, error)) func(*testing.T, string) {
	return func(t *testing.T, s string) {
		one, err := normalise(s)
		if err != nil {
			return
		}
		if again, err := normalise(one); err != nil || again != one {
			t.Fatalf("%q is %q, which is %q (%v)", s, one, again, err)
		}
		if !kind.Same(s, one) {
			t.Fatalf("%q is not the same as %q", s, one)
		}
	}
}

func FuzzSwapSize(f *testing.F) {
	for _, s := range []string{"-1", "1g", "-2", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseSwapSize(s)
		if err != nil {
			return
		}
		if again, err := ParseSwapSize(FormatSwapSize(n)); again != n && n < 1<<53 || err != nil {
			t.Fatalf("%q is %d, spelled %s, which is %d (%v)", s, n, FormatSwapSize(n), again, err)
		}
	})
}

func FuzzCPUSet(f *testing.F) {
	for _, s := range []string{"0", "0-3", "0-2,4", "3,1", "1-0", "-1", ",", "", "8191", "8192", "99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(fixed(CPUSet, NormaliseCPUSet))
}

func FuzzUlimit(f *testing.F) {
	for _, s := range []string{"1024", "1024:2048", "-1", "-1:5", "5:-1", ":", "a:b", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		soft, hard, err := ParseUlimit(s)
		if err != nil {
			return
		}
		if hard != -1 && (soft == -1 || soft > hard) {
			t.Fatalf("%q has a soft limit above the hard one", s)
		}
		if a, b, err := ParseUlimit(FormatUlimit(soft, hard)); a != soft || b != hard || err != nil {
			t.Fatalf("%q is %d:%d, and again %d:%d (%v)", s, soft, hard, a, b, err)
		}
	})
}
