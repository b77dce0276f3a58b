// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package background

import (
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
)

// maxLog bounds the background conductors' log: a start finds it larger, and begins it anew.
const maxLog = 10 << 20

// openLog opens the log of the background conductors, if the one who casts logs at all. It
// has no standard error to write to: Terraform would wait for its end.
func openLog(greeting Hello) (hclog.Logger, func()) {
	nothing := func() {}
	if greeting.LogLevel == hclog.Off || greeting.LogLevel == hclog.NoLevel {
		return hclog.NewNullLogger(), nothing
	}
	path := filepath.Join(greeting.StateDir, "background.log")
	flags := os.O_CREATE | os.O_APPEND | os.O_WRONLY
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		flags |= os.O_TRUNC
	}
	file, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return hclog.NewNullLogger(), nothing
	}
	return hclog.New(&hclog.LoggerOptions{Name: "background", Level: greeting.LogLevel, Output: file, JSONFormat: true}), func() { _ = file.Close() }
}
