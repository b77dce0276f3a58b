// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package unknownkeys

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// block is a block of this provider's, with overrides applied.
type block struct {
	kind           Kind
	typeName, name string
	typ            cty.Type
	attributes     map[string]hcl.Expression
	findings       []Finding
}

// module is what a directory says, with overrides applied.
type module struct {
	// sources are the providers' sources by local name; empty where none is given.
	sources map[string]string
	// calls are the names of the modules that it calls.
	calls  map[string]bool
	blocks []*rawBlock
}

// rawBlock is a block that may be this provider's.
type rawBlock struct {
	kind           Kind
	typeName, name string
	// provider is the provider meta-argument; nil if there is none.
	provider   hcl.Expression
	attributes map[string]hcl.Expression
}

func newModule() *module {
	return &module{sources: make(map[string]string), calls: make(map[string]bool)}
}

// add takes a file of the module.
func (m *module) add(body hcl.Body, schemas Schemas) {
	m.each(body, schemas, func(b *rawBlock) { m.blocks = append(m.blocks, b) })
}

// override takes an override file: what it sets replaces what the block of the same address had.
func (m *module) override(body hcl.Body, schemas Schemas) {
	m.each(body, schemas, func(over *rawBlock) {
		for _, b := range m.blocks {
			if b.kind != over.kind || b.typeName != over.typeName || b.name != over.name {
				continue
			}
			for name, expr := range over.attributes {
				b.attributes[name] = expr
			}
			if over.provider != nil {
				b.provider = over.provider
			}
		}
	})
}

// each reads a file, and hands its blocks of types that the schemas know to take.
func (m *module) each(body hcl.Body, schemas Schemas, take func(*rawBlock)) {
	content, _, _ := body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "terraform"}, {Type: "module", LabelNames: []string{"name"}}, {Type: "check", LabelNames: []string{"name"}},
		{Type: string(Provider), LabelNames: []string{"name"}},
		{Type: string(Resource), LabelNames: []string{"type", "name"}},
		{Type: string(Data), LabelNames: []string{"type", "name"}},
		{Type: string(Action), LabelNames: []string{"type", "name"}},
	}})
	for _, b := range content.Blocks {
		switch b.Type {
		case "terraform":
			m.require(b.Body)
		case "module":
			m.calls[b.Labels[0]] = true
		case "check":
			scoped, _, _ := b.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: string(Data), LabelNames: []string{"type", "name"}}}})
			for _, d := range scoped.Blocks {
				readBlock(d, schemas, take)
			}
		default:
			readBlock(b, schemas, take)
		}
	}
}

// require reads the required providers of a terraform block.
func (m *module) require(body hcl.Body) {
	content, _, _ := body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "required_providers"}}})
	for _, b := range content.Blocks {
		required, _ := b.Body.JustAttributes()
		for name, a := range required {
			m.sources[name] = ""
			entries, _ := shapeOf(a.Expr).(object)
			for _, e := range entries {
				if v, ok := literal(e.value); ok && e.name == "source" && v.Type() == cty.String && !v.IsNull() {
					m.sources[name] = v.AsString()
				}
			}
		}
	}
}

func readBlock(b *hcl.Block, schemas Schemas, take func(*rawBlock)) {
	raw := &rawBlock{kind: Kind(b.Type), typeName: b.Labels[0], attributes: make(map[string]hcl.Expression)}
	schemaName := raw.typeName
	if raw.kind == Provider {
		schemaName = "" // Its label is the provider's local name.
	} else {
		raw.name = b.Labels[1]
	}
	typ, known := schemas[raw.kind][schemaName]
	if !known {
		return
	}
	meta, _, _ := b.Body.PartialContent(&hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "provider"}, {Name: "alias"}}, Blocks: []hcl.BlockHeaderSchema{{Type: "config"}},
	})
	if a := meta.Attributes["provider"]; a != nil && raw.kind != Provider {
		raw.provider = a.Expr
	}
	if a := meta.Attributes["alias"]; a != nil && raw.kind == Provider {
		if v, ok := literal(a.Expr); ok && v.Type() == cty.String && !v.IsNull() {
			raw.name = v.AsString()
		}
	}
	body := b.Body
	if raw.kind == Action {
		if len(meta.Blocks) != 1 {
			return
		}
		body = meta.Blocks[0].Body
	}
	var wanted hcl.BodySchema
	for name := range typ.AttributeTypes() {
		wanted.Attributes = append(wanted.Attributes, hcl.AttributeSchema{Name: name})
	}
	content, _, _ := body.PartialContent(&wanted)
	for name, a := range content.Attributes {
		raw.attributes[name] = a.Expr
	}
	take(raw)
}

// belongs reports whether a block is the provider's that is asked for.
func (m *module) belongs(b *rawBlock, provider string) bool {
	local, _, _ := strings.Cut(b.typeName, "_")
	switch {
	case b.kind == Provider:
		local = b.typeName
	case b.provider != nil:
		local = localName(b.provider)
	}
	parts := strings.Split(m.sources[local], "/")
	return len(parts) >= 2 && strings.EqualFold(strings.Join(parts[len(parts)-2:], "/"), provider)
}

// localName returns the local name of a provider in a reference to it: gantry, gantry.edge, or in
// OpenTofu gantry.edge[each.key]. It is empty if that can't be told.
func localName(expr hcl.Expression) string {
	if index, ok := expr.(*hclsyntax.IndexExpr); ok {
		expr = index.Collection
	}
	traversal, diags := hcl.AbsTraversalForExpr(expr)
	if diags.HasErrors() {
		return ""
	}
	return traversal.RootName()
}
