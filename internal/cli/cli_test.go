// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/gantry-provider/terraform-provider-gantry/internal/cli"
)

// What Terraform, a debugger, the provider itself and a person start is told apart by arguments and surroundings.
func TestRunStartsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args   []string
		plugin bool
		code   int
		// started is what ran; out and err are what was written.
		started, out, err string
	}{
		"by Terraform":       {nil, true, 3, "serve false", "", ""},
		"by a person":        {nil, false, 2, "", "", "This is a plugin"},
		"for a debugger":     {[]string{"-debug"}, false, 3, "serve true", "", ""},
		"long form":          {[]string{"--debug"}, true, 3, "serve true", "", ""},
		"in the background":  {[]string{"background"}, true, 4, "background", "", ""},
		"version":            {[]string{"--version"}, true, 0, "", "terraform-provider-gantry 1.2.3\n", ""},
		"help":               {[]string{"-help"}, true, 0, "", "This is a plugin", ""},
		"unknown":            {[]string{"apply"}, true, 2, "", "", `there is no command "apply"`},
		"unknown flag":       {[]string{"-x"}, true, 2, "", "", "flag provided but not defined: -x\nSee terraform-provider-gantry -h."},
		"import":             {[]string{"import-config", "-host", "tcp://h", "web", "db"}, false, 0, "import map[:tcp://h] [web db]", "config", ""},
		"import, flag later": {[]string{"import-config", "web", "--host=tcp://h"}, false, 0, "import map[:tcp://h] [web]", "config", ""},
		"import of all":      {[]string{"import-config"}, false, 0, "import map[:] []", "config", ""},
		"import of engines":  {[]string{"import-config", "--engine", "a=tcp://a", "--engine=b=ssh://u@b", "a/web"}, false, 0, "import map[a:tcp://a b:ssh://u@b] [a/web]", "config", ""},
		"import of a fleet":  {[]string{"import-config", "--engine", "a=tcp://a", "--host", "tcp://h"}, false, 0, "import map[:tcp://h a:tcp://a] []", "config", ""},
		"import of no key":   {[]string{"import-config", "--engine", "edge1"}, false, 2, "", "", "--engine takes KEY=ADDRESS"},
		"import of one key":  {[]string{"import-config", "--engine", "a=tcp://a", "--engine", "a=tcp://b"}, false, 2, "", "", `--engine has the key "a" twice`},
		"import of help":     {[]string{"import-config", "help"}, false, 0, "import map[:] [help]", "config", ""},
		"import fails":       {[]string{"import-config", "missing"}, false, 1, "import map[:] [missing]", "config", "Error: there is none"},
		"debugging a part":   {[]string{"operations", "list", "--debug"}, false, 2, "", "", "See terraform-provider-gantry operations list -h."},
		"completion":         {[]string{"completion", "bash"}, false, 0, "", "complete", ""},
		"completed":          {[]string{"operations", "--generate-shell-completion"}, false, 0, "", "counters", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started := ""
			program := cli.Program{
				Version: "1.2.3", Plugin: test.plugin,
				Serve:      func(debug bool) int { started = fmt.Sprint("serve ", debug); return 3 },
				Background: func() int { started = "background"; return 4 },
				ImportConfig: func(_ context.Context, hosts map[string]string, names []string, out io.Writer) error {
					started = fmt.Sprint("import ", hosts, " ", names)
					fmt.Fprint(out, "config")
					if slices.Contains(names, "missing") {
						return errors.New("there is none")
					}
					return nil
				},
			}
			var out, problems syncBuffer
			code := cli.Run(t.Context(), test.args, program, console(&out, &problems))
			if started != test.started {
				t.Errorf("it started %q, not %q", started, test.started)
			}
			ran{code, out.take(), problems.take()}.says(t, test.code, test.out, test.err)
		})
	}
}
