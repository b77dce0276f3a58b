// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestRunByHand(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		"no arguments":  {nil, 2, "", "This is a plugin"},
		"an argument":   {[]string{"apply"}, 2, "", `there is no command "apply"`},
		"operations":    {[]string{"operations"}, 2, "", "terraform-provider-gantry operations"},
		"no operation":  {[]string{"operations", "show", "web", "--state-dir", t.TempDir()}, 1, "", `no operation "web" is known`},
		"version":       {[]string{"-version"}, 0, "terraform-provider-gantry " + buildVersion() + "\n", ""},
		"unknown flags": {[]string{"-x"}, 2, "", "flag provided but not defined: -x"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			noEnvironment := func(string) string { return "" }
			if code := run(test.args, noEnvironment, &stdout, &stderr); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if got := stdout.String(); got != test.stdout {
				t.Errorf("stdout is %q, want %q", got, test.stdout)
			}
			if got := stderr.String(); !strings.Contains(got, test.stderr) || (test.stderr == "" && got != "") {
				t.Errorf("stderr is %q, want it to hold %q", got, test.stderr)
			}
		})
	}
}

func TestLogLevel(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		env  map[string]string
		want hclog.Level
	}{
		"unset":         {nil, hclog.Off},
		"general":       {map[string]string{"TF_LOG": "debug"}, hclog.Debug},
		"all providers": {map[string]string{"TF_LOG": "ERROR", "TF_LOG_PROVIDER": "INFO"}, hclog.Info},
		"this provider": {map[string]string{"TF_LOG_PROVIDER": "INFO", "TF_LOG_PROVIDER_GANTRY": "OFF"}, hclog.Off},
		"format":        {map[string]string{"TF_LOG": "JSON"}, hclog.Trace},
		"no level":      {map[string]string{"TF_LOG": "1"}, hclog.Trace},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := logLevel(func(key string) string { return test.env[key] }); got != test.want {
				t.Errorf("level %v, want %v", got, test.want)
			}
		})
	}
}

func TestSDKLogHasTheLevelThatIsAskedFor(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		env  map[string]string
		want string
	}{
		"unset":         {nil, "off"},
		"asked for":     {map[string]string{"TF_LOG": "TRACE"}, "trace"},
		"set by itself": {map[string]string{"TF_LOG_SDK": "warn", "TF_LOG": "TRACE"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := make(map[string]string)
			err := limitSDKLog(func(key string) string { return test.env[key] }, func(key, value string) error {
				set[key] = value
				return nil
			})
			if err != nil || set[sdkLevelKey] != test.want {
				t.Errorf("the level is set to %q, want %q: %v", set[sdkLevelKey], test.want, err)
			}
		})
	}
}

func TestLoggerWritesJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	newLogger(func(string) string { return "DEBUG" }, &out).Debug("created", "container", "web")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%q is no JSON: %v", out.String(), err)
	}
	for key, want := range map[string]string{"@level": "debug", "@message": "created", "@module": "gantry", "container": "web"} {
		if line[key] != want {
			t.Errorf("%s is %v, want %q", key, line[key], want)
		}
	}
}
