// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package background

import (
	"path/filepath"
	"strings"
)

// A background conductor belongs to the process that started it, and no other one ever talks to it: whatever it
// has of an environment is that caller's, and each caller's own. What becomes of a variable:
//
//	handed over with the greeting     DOCKER_HOST, DOCKER_CONTEXT, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH: the engine as the
//	                                  caller found it, with its keys
//	handed over with each cast        what a registry asks for: the caller reads DOCKER_CONFIG, and runs credential
//	                                  helpers with its whole environment
//	kept, paths in them made absolute what the Docker client and ssh read while a cast is carried out: see below
//	dropped                           everything else; TF_ and PLUGIN_ would be taken for Terraform's

// environmentOf is the environment of a background conductor. Paths in it are meant from the directory, which is
// the caller's working directory: the background conductor's is another.
func environmentOf(environment []string, folder string) []string {
	var kept []string
	for _, pair := range environment {
		name, value, _ := strings.Cut(pair, "=")
		switch name = strings.ToUpper(name); {
		case strings.HasPrefix(name, "TF_"), strings.HasPrefix(name, "PLUGIN_"):
		case name == "SSL_CERT_DIR":
			kept = append(kept, pair[:len(name)+1]+absoluteList(value, folder))
		case name == "DOCKER_CONFIG", name == "DOCKER_CERT_PATH", name == "SSH_AUTH_SOCK", name == "SSL_CERT_FILE", name == "HOME", name == "TMPDIR":
			kept = append(kept, pair[:len(name)+1]+absolute(value, folder))
		case strings.HasPrefix(name, "DOCKER_"), strings.HasPrefix(name, "XDG_"), strings.HasPrefix(name, "SSH_"), strings.HasSuffix(name, "_PROXY"),
			name == "PATH", name == "USER", name == "LOGNAME", name == "TZ", name == "LANG":
			kept = append(kept, pair)
		}
	}
	return kept
}

// absolute makes a path absolute. An empty one stays: to whoever reads it it means something else.
func absolute(path, folder string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}

// absoluteList makes the paths of a list absolute.
func absoluteList(list, folder string) string {
	paths := filepath.SplitList(list)
	for i, path := range paths {
		paths[i] = absolute(path, folder)
	}
	return strings.Join(paths, string(filepath.ListSeparator))
}
