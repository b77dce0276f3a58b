// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package unknownkeys

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// generator writes valid configurations in all forms that the language has.
type generator struct {
	*rand.Rand
	// typo is written as a key into one object that can be reached, if there is one; typos counts
	// the objects down to it. Hidden keys are written wherever they are let go.
	typo  string
	typos int
	// reached is how many objects can be reached.
	reached int
}

const hidden = "hidden_key"

func (g *generator) one(forms ...string) string { return forms[g.IntN(len(forms))] }

// extra returns the typo, if it is this object's turn.
func (g *generator) extra(reachable bool) string {
	switch {
	case !reachable:
		return hidden
	case g.reached == g.typos:
		g.reached++
		return g.typo
	}
	g.reached++
	return ""
}

// native writes a value of a type. Where it is not reachable, unknown keys don't count.
func (g *generator) native(typ cty.Type, reachable bool, depth int) string {
	if !typ.IsPrimitiveType() && depth < 2 && g.IntN(6) == 0 {
		// What is written here can't be reached, and neither can what it holds.
		inner := g.plain(typ, false, depth)
		return g.one("["+inner+"][0]", "{ a = "+inner+" }.a", "[for x in ["+inner+"] : x][0]")
	}
	text := g.plain(typ, reachable, depth)
	if typ.IsPrimitiveType() {
		return text
	}
	switch g.IntN(6) {
	case 0:
		return "(" + text + ")"
	case 1:
		return "(var.flag ? " + text + " : null)"
	case 2:
		return "(local.flag ? null : " + text + ")"
	}
	return text
}

func (g *generator) plain(typ cty.Type, reachable bool, depth int) string {
	switch {
	case typ == cty.String:
		return g.one(`"a"`, `var.text`, `"b-${var.text}"`, `1`, `true`, "<<-EOT\n  text\nEOT\n")
	case typ == cty.Number:
		return g.one(`1`, `0.1`, `"8080"`, `var.number`, `1 + 2`)
	case typ == cty.Bool:
		return g.one(`true`, `"false"`, `var.flag`, `!var.flag`)
	case typ.IsObjectType():
		return g.object(typ, reachable, depth)
	case typ.IsMapType():
		element := func() string { return g.native(typ.ElementType(), reachable, depth+1) }
		if typ.ElementType().IsObjectType() && g.IntN(3) == 0 {
			return `{ for k in ["a", "b"] : k => ` + element() + " }"
		}
		entries := make([]string, 0, 3)
		for _, key := range []string{"readonly", `"/z"`, "(local.key)"}[:g.IntN(4)] {
			entries = append(entries, key+g.one(" = ", " : ")+element())
		}
		return g.braces(entries)
	default:
		element := func() string { return g.native(typ.ElementType(), reachable, depth+1) }
		if typ.ElementType().IsObjectType() && g.IntN(3) == 0 {
			return `[for x in [1, 2] : ` + element() + g.one("", " if x > 0") + "]"
		}
		items := make([]string, 0, 3)
		for range g.IntN(3) {
			items = append(items, element())
		}
		return "[\n" + strings.Join(items, ",\n") + "\n]"
	}
}

func (g *generator) object(typ cty.Type, reachable bool, depth int) string {
	var entries []string
	// The same random numbers are used with and without a typo: all else stays the same.
	key, form := g.extra(reachable), g.one(`%s = true`, `"%s" = null`, `%s = { a = 1 }`, `"%s" : var.text`)
	if g.IntN(8) == 0 {
		entries = append(entries, g.one("(local.key)", `"${local.key}"`, `"x${"y"}"`)+" = true")
	}
	for _, name := range slices.Sorted(maps.Keys(typ.AttributeTypes())) {
		if g.IntN(2) == 0 {
			entries = append(entries, g.one(name, `"`+name+`"`)+g.one(" = ", " : ")+g.native(typ.AttributeType(name), reachable, depth+1))
		}
	}
	g.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	at := g.IntN(len(entries) + 1)
	if key != "" {
		entries = slices.Insert(entries, at, fmt.Sprintf(form, key))
	}
	return g.braces(entries)
}

func (g *generator) braces(entries []string) string {
	if len(entries) == 0 {
		return "{}"
	}
	return "{\n" + strings.Join(entries, "\n") + "\n}"
}

// json makes a value of a type in JSON.
func (g *generator) json(typ cty.Type) any {
	switch {
	case typ == cty.String:
		return []any{"a", "${var.text}", "b-${var.text}", 1, true}[g.IntN(5)]
	case typ == cty.Number:
		return []any{1, 0.1, "8080", "${var.number}"}[g.IntN(4)]
	case typ == cty.Bool:
		return []any{true, "false", "${!var.flag}"}[g.IntN(3)]
	case typ.IsObjectType():
		out := make(map[string]any)
		if key := g.extra(true); key != "" {
			out[key] = true
		}
		if g.IntN(4) == 0 {
			out["//"] = "a comment"
		}
		for _, name := range slices.Sorted(maps.Keys(typ.AttributeTypes())) {
			if g.IntN(2) == 0 {
				out[name] = g.json(typ.AttributeType(name))
			}
		}
		return out
	case typ.IsMapType():
		out := make(map[string]any)
		for _, key := range []string{"readonly", "/z", "${local.key}x"}[:g.IntN(4)] {
			out[key] = g.json(typ.ElementType())
		}
		return out
	default:
		items := make([]any, 0, 3)
		for range g.IntN(3) {
			items = append(items, g.json(typ.ElementType()))
		}
		return items
	}
}

// resource writes the attributes of a resource in one of the syntaxes, one an entry.
func (g *generator) resource(syntax string) string {
	attributes, entries := make(map[string]any), make([]string, 0)
	for _, name := range slices.Sorted(maps.Keys(boxType().AttributeTypes())) {
		if g.IntN(3) == 0 {
			continue
		}
		if syntax == ".json" {
			attributes[name] = g.json(boxType().AttributeType(name))
		} else {
			entries = append(entries, name+" = "+g.native(boxType().AttributeType(name), true, 0))
		}
	}
	if syntax == ".json" {
		text, err := json.MarshalIndent(map[string]any{"resource": map[string]any{"thing_box": map[string]any{"a": attributes}}}, "", " ")
		if err != nil {
			panic(err)
		}
		return string(text)
	}
	return "resource \"thing_box\" \"a\" {\n" + strings.Join(entries, "\n") + "\n}\n"
}

// Whatever a valid configuration looks like, nothing is found in it; with one unknown key in an object
// that literals lead to, exactly that is found, in its line.
func TestAnyConfiguration(t *testing.T) {
	t.Parallel()
	placed := 0
	for seed := range uint64(300) {
		random := func() *generator {
			return &generator{Rand: rand.New(rand.NewPCG(seed, 7)), typos: -1}
		}
		syntax := []string{"", ".json"}[seed%2]
		valid := random()
		text := valid.resource(syntax)
		name := []string{"main.tf" + syntax, "mod/main.tf" + syntax, "override.tf" + syntax}[seed%3]
		files := func(text string) map[string]string {
			out := map[string]string{
				"versions.tf": requires, "mod/versions.tf": requires, "call.tf": `module "m" { source = "./mod" }`,
				".terraform/modules/modules.json": manifest("m", "mod"), name: text,
			}
			if strings.HasPrefix(name, "override") {
				out["base.tf"] = `resource "thing_box" "a" {}`
			}
			return out
		}
		got, err := validated(write(t, files(text)), terraform())
		if err != nil {
			continue // Terraform can't make one type of the elements.
		}
		if got != nil {
			t.Fatalf("seed %d: found %v in\n%s", seed, got, text)
		}
		if valid.reached == 0 {
			continue
		}
		wrong := random()
		wrong.typo, wrong.typos = "unknown_key", int(seed)%valid.reached
		text = wrong.resource(syntax)
		if got, err = validated(write(t, files(text)), terraform()); err != nil {
			continue
		}
		placed++
		before, _, ok := strings.Cut(text, "unknown_key")
		if !ok {
			t.Fatalf("seed %d: no key was placed", seed)
		}
		at := fmt.Sprintf("%s:%d ", name, strings.Count(before, "\n")+1)
		if len(got) != 1 || !strings.HasPrefix(got[0], at) || !strings.HasSuffix(got[0], ": unknown_key") {
			t.Fatalf("seed %d: found %v, want one at %s in\n%s", seed, got, at, text)
		}
	}
	if placed < 150 {
		t.Errorf("only %d configurations had a place for a typo", placed)
	}
}
