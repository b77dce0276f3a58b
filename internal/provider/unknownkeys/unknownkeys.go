// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package unknownkeys finds keys in a module's own files that the provider's schemas lack.
//
// Terraform drops unknown keys of nested objects while it converts a configuration to the schema, and
// asks the provider only then (hashicorp/terraform#33570): a typo there passes in silence. So the
// files are read once more, as Terraform or OpenTofu reads them. A key is found only where literals
// lead from the attribute to an object of the schema; whatever has to be evaluated is let go.
package unknownkeys

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Kind is what a block configures.
type Kind string

// The kinds are the types of the blocks.
const (
	Resource Kind = "resource"
	Data     Kind = "data"
	Action   Kind = "action"
	Provider Kind = "provider"
)

// Schemas are the object types of the blocks, by kind and type name. Provider has one, named "".
type Schemas map[Kind]map[string]cty.Type

// Source is where the files are and which blocks matter.
type Source struct {
	// Dir is the directory of the root module.
	Dir string
	// DataDir is where Terraform installs modules, relative to Dir or absolute.
	DataDir string
	// Provider is the provider's namespace and type ("gantry-provider/gantry"), on any host.
	Provider string
	Schemas  Schemas
}

// Finding is a key that the schema lacks.
type Finding struct {
	// Kind, Type and Name are the block's. The name of a provider's is empty.
	Kind       Kind
	Type, Name string
	// Range is where the key stands, in a file by its path relative to the root module's directory.
	Range hcl.Range
	// Path leads to the object, as far as it can be told: it stops at the elements of sets and at
	// for expressions.
	Path cty.Path
	Key  string
	// Nearest is the key of the schema that was probably meant; empty if none is near.
	Nearest string
	// Known are the keys of the schema.
	Known []string
	// Installed reports whether the file belongs to an installed module, from a registry or a
	// repository, and is not the user's to edit.
	Installed bool
}

// Findings are the unknown keys of a configuration.
type Findings struct {
	// readings are by host what it would read: a provider can't tell which host it serves.
	readings []reading
	some     bool
}

// reading is what a host reads.
type reading struct {
	// blocks are the configuration's, and tested those of modules that only tests run.
	blocks, tested []block
}

// Find reads the files. What can't be read or parsed is left out: that is for Terraform to report.
func Find(source Source) Findings {
	r := newReader(source)
	var all Findings
	for _, host := range hosts() {
		one := r.read(host)
		all.readings = append(all.readings, one)
		all.some = all.some || slices.ContainsFunc(slices.Concat(one.blocks, one.tested), func(b block) bool { return len(b.findings) > 0 })
		if !r.differs {
			break
		}
	}
	return all
}

// Some reports whether there is an unknown key at all.
func (f Findings) Some() bool { return f.some }

// For returns the unknown keys of the blocks from which this configuration may come. The files may not
// be what is validated (Terraform can be told to test another module): only a block whose literals
// are in the configuration counts. Where the hosts read different blocks, only what holds for each
// of them that fits is returned.
func (f Findings) For(kind Kind, typeName string, config cty.Value) []Finding {
	for _, blocks := range []func(reading) []block{
		func(r reading) []block { return r.blocks },
		func(r reading) []block { return r.tested },
	} {
		var common []Finding
		fitting := 0
		for _, r := range f.readings {
			found, fits := matching(blocks(r), kind, typeName, config)
			switch {
			case !fits:
				continue
			case fitting == 0:
				common = found
			default:
				common = slices.DeleteFunc(common, func(a Finding) bool {
					return !slices.ContainsFunc(found, func(b Finding) bool { return a.Range == b.Range })
				})
			}
			fitting++
		}
		if fitting > 0 {
			return common
		}
	}
	return nil
}

// matching returns the unknown keys of the blocks that fit a configuration, and whether any block does.
func matching(blocks []block, kind Kind, typeName string, config cty.Value) (found []Finding, fits bool) {
	for _, b := range blocks {
		if b.kind == kind && b.typeName == typeName && b.matches(config) {
			fits = true
			found = append(found, b.findings...)
		}
	}
	return found, fits
}
