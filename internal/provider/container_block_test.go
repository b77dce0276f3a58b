// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// Each block says of its own attributes what the tables want to know, of each once, and maps the settings among them.
func TestBlocks(t *testing.T) {
	t.Parallel()
	owners, all := make(map[string]string), containerTables()
	for _, b := range containerBlocks() {
		name := runtime.FuncForPC(reflect.ValueOf(b.schema).Pointer()).Name()
		attributes, effects := b.schema(t.Context()), b.effects()
		for attribute := range attributes {
			if other, ok := owners[attribute]; ok {
				t.Errorf("%s is in two blocks: %s and %s", attribute, other, name)
			}
			owners[attribute] = name
			e, ok := effects[attribute]
			if !ok {
				t.Errorf("%s: effects lack %s", name, attribute)
			}
			if all.isSetting(attribute, e) && (b.expand == nil || b.refresh == nil || b.imports == nil) {
				t.Errorf("%s: %s asks something of the engine, and the block lacks expand, refresh or imports", name, attribute)
			}
		}
		for attribute := range effects {
			if root, _, _ := strings.Cut(attribute, "."); attributes[root] == nil {
				t.Errorf("%s: the effect of %s is another block's matter, or nobody's", name, attribute)
			}
		}
		if b.defaults == nil {
			continue
		}
		for attribute, left := range b.defaults() {
			if attributes[attribute] == nil {
				t.Errorf("%s: what leaving %s out means is another block's matter, or nobody's", name, attribute)
			}
			if left.or != "" && attributes[left.or] == nil {
				t.Errorf("%s: %s says the same as %s, which is not of this block", name, attribute, left.or)
			}
		}
	}
}
