// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package unknownkeys

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
)

// host is a program that runs providers. It reads files with these extensions, each also with
// ".json"; of two with the same name the later extension wins.
type host []string

// hosts are Terraform and OpenTofu.
func hosts() []host { return []host{{".tf"}, {".tf", ".tofu"}} }

// reader reads the modules of a configuration.
type reader struct {
	source Source
	// installed are the directories of the modules by key ("a.b" is the module b that a calls).
	installed map[string]string
	// parsed are the files' bodies by path; nil is one that can't be used.
	parsed map[string]hcl.Body
	// differs reports that a directory was read in which the hosts choose different files.
	differs bool
}

func newReader(source Source) *reader {
	r := &reader{source: source, installed: make(map[string]string), parsed: make(map[string]hcl.Body)}
	content, err := os.ReadFile(filepath.Join(r.within(source.DataDir), "modules", "modules.json"))
	if err != nil {
		return r
	}
	var manifest struct {
		Modules []struct{ Key, Dir string }
	}
	if json.Unmarshal(content, &manifest) != nil {
		return r
	}
	for _, m := range manifest.Modules {
		r.installed[m.Key] = m.Dir
	}
	return r
}

// within returns the path of what is named relative to the root module's directory.
func (r *reader) within(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.source.Dir, path)
}

// testKey begins the keys of modules that a test runs instead of the root module.
const testKey = "test."

// read returns the provider's blocks of the root module and of those that it calls, directly or not.
// The manifest alone does not tell which these are: it keeps modules that are called no more.
func (r *reader) read(h host) reading {
	called, tested := map[string]string{"": "."}, make(map[string]string)
	for key, dir := range r.installed {
		if strings.HasPrefix(key, testKey) {
			tested[key] = dir
		}
	}
	modules := make(map[string]*module)
	return reading{blocks: r.readModules(h, called, modules), tested: r.readModules(h, tested, modules)}
}

// readModules returns the blocks of the modules with these keys and directories, and of what they
// call. Modules are what was read already, by directory.
func (r *reader) readModules(h host, calls map[string]string, modules map[string]*module) []block {
	var blocks []block
	judged := make(map[string]bool)
	for len(calls) > 0 {
		next := make(map[string]string)
		for _, key := range slices.Sorted(maps.Keys(calls)) {
			dir := calls[key]
			m, ok := modules[dir]
			if !ok {
				m = r.module(dir, h)
				modules[dir] = m
			}
			if m == nil {
				continue
			}
			if !judged[dir] {
				judged[dir] = true
				blocks = append(blocks, r.judge(m, dir)...)
			}
			for name := range m.calls {
				called := strings.TrimPrefix(key+"."+name, ".")
				if dir, ok := r.installed[called]; ok {
					next[called] = dir
				}
			}
		}
		calls = next
	}
	return blocks
}

// module reads a directory; it is nil if a file of it can't be read: what is unknown could override.
func (r *reader) module(dir string, h host) *module {
	entries, err := os.ReadDir(r.within(dir))
	if err != nil {
		return nil
	}
	primary, overrides := r.choose(entries, h)
	m := newModule()
	for _, files := range []struct {
		names []string
		take  func(hcl.Body, Schemas)
	}{{primary, m.add}, {overrides, m.override}} {
		for _, name := range files.names {
			body := r.parse(filepath.Join(dir, name))
			if body == nil {
				return nil
			}
			files.take(body, r.source.Schemas)
		}
	}
	return m
}

// choose returns the names of a directory's files that the host reads, in its order, and of those
// that override them.
func (r *reader) choose(entries []os.DirEntry, h host) (primary, overrides []string) {
	there := make(map[string]bool)
	for _, e := range entries {
		there[e.Name()] = !e.IsDir()
	}
	for _, e := range entries {
		name := e.Name()
		base, extension := split(name)
		hidden := strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") || strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#")
		if e.IsDir() || hidden || extension == "" {
			continue
		}
		plain := strings.TrimSuffix(extension, ".json")
		json := strings.TrimPrefix(extension, plain)
		r.differs = r.differs || plain == ".tofu"
		rank := slices.Index(h, plain)
		if rank < 0 || slices.ContainsFunc(h[rank+1:], func(better string) bool { return there[base+better+json] }) {
			continue
		}
		if base == "override" || strings.HasSuffix(base, "_override") {
			overrides = append(overrides, name)
		} else {
			primary = append(primary, name)
		}
	}
	return primary, overrides
}

// split cuts a file's name before the extension of a configuration file; empty if it has none.
func split(name string) (base, extension string) {
	for _, extension := range []string{".tf", ".tf.json", ".tofu", ".tofu.json"} {
		if base, ok := strings.CutSuffix(name, extension); ok {
			return base, extension
		}
	}
	return name, ""
}

// parse returns the body of a file; nil if it can't be parsed.
func (r *reader) parse(path string) hcl.Body {
	if body, ok := r.parsed[path]; ok {
		return body
	}
	r.parsed[path] = nil
	content, err := os.ReadFile(r.within(path))
	if err != nil {
		return nil
	}
	var file *hcl.File
	var diags hcl.Diagnostics
	if strings.HasSuffix(path, ".json") {
		file, diags = hcljson.Parse(content, path)
	} else {
		file, diags = hclsyntax.ParseConfig(content, path, hcl.InitialPos)
	}
	if diags.HasErrors() {
		return nil
	}
	r.parsed[path] = file.Body
	return file.Body
}

// judge looks for unknown keys in the provider's blocks of a module.
func (r *reader) judge(m *module, dir string) []block {
	modules := filepath.Join(r.within(r.source.DataDir), "modules")
	relative, err := filepath.Rel(modules, r.within(dir))
	installed := err == nil && filepath.IsLocal(relative)
	var blocks []block
	for _, raw := range m.blocks {
		if !m.belongs(raw, r.source.Provider) {
			continue
		}
		b := block{kind: raw.kind, typeName: raw.typeName, name: raw.name, attributes: raw.attributes}
		if raw.kind == Provider {
			b.typeName = ""
		}
		b.typ = r.source.Schemas[raw.kind][b.typeName]
		for _, name := range slices.Sorted(maps.Keys(b.attributes)) {
			b.search(b.attributes[name], b.typ.AttributeType(name), place{}.attribute(name))
		}
		for i := range b.findings {
			b.findings[i].Type, b.findings[i].Installed = raw.typeName, installed
		}
		blocks = append(blocks, b)
	}
	return blocks
}
