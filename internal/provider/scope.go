// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// workspaceScope returns a digest of the workspace that this process works for: the directory of the root
// module, Terraform's data directory, the backend without its credentials, and the name of the workspace.
// Terraform tells a provider none of these: they are found as Terraform finds them. The digest narrows what
// may belong to this workspace; it never proves that something does. It is empty where the workspace can't
// be found out: then nothing may.
func workspaceScope(getenv func(string) string) string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	dir = realPath(dir)
	data := cmp.Or(getenv("TF_DATA_DIR"), ".terraform")
	if !filepath.IsAbs(data) {
		data = filepath.Join(dir, data)
	}
	name := getenv("TF_WORKSPACE")
	if name == "" {
		content, err := os.ReadFile(filepath.Join(data, "environment"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return ""
		}
		name = cmp.Or(strings.TrimSpace(string(content)), "default")
	}
	backend, err := backendOf(filepath.Join(data, "terraform.tfstate"))
	if err != nil {
		return ""
	}
	parts, err := json.Marshal([]any{"gantry scope 1", dir, realPath(data), name, backend})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(parts)
	return hex.EncodeToString(sum[:])
}

// realPath follows links as far as the path exists.
func realPath(path string) string {
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return filepath.Clean(path)
	}
	return resolved
}

// backendOf returns what Terraform remembers of the backend that was initialised: its type and settings, but
// for credentials, which change while the state stays. It is nil where there is none.
func backendOf(path string) (any, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var remembered struct {
		Backend struct {
			Type   string         `json:"type"`
			Config map[string]any `json:"config"`
		} `json:"backend"`
	}
	if err := json.Unmarshal(content, &remembered); err != nil {
		return nil, err
	}
	credential := regexp.MustCompile(`(?i)token|password|secret|key$|credential|session|certificate|username|profile`)
	for name := range remembered.Backend.Config {
		if credential.MatchString(name) && name != "key" { // The key of an S3 backend is the path of the state.
			delete(remembered.Backend.Config, name)
		}
	}
	return remembered.Backend, nil
}
