// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every test with a real engine runs beside the others: mostly it waits. It calls t.Parallel, itself or through a
// helper such as newRig. What only its subtests call does not count: they would run beside each other, and all
// other tests after them.
func TestTestsWithAnEngineAreParallel(t *testing.T) {
	t.Parallel()
	packages := make(map[string]testFuncs)
	for _, file := range filesBelow(t, "internal", "_test.go") {
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		directory := filepath.Dir(file)
		if packages[directory] == nil {
			packages[directory] = make(testFuncs)
		}
		packages[directory].add(source)
	}
	found := 0
	for directory, funcs := range packages {
		alone, all := funcs.alone()
		for _, name := range alone {
			t.Errorf("%s in %s does not call t.Parallel, nor does a helper that it calls", name, directory)
		}
		found += all
	}
	if found < 100 {
		t.Errorf("only %d tests with an engine were found", found)
	}
}

func TestParallelIsFound(t *testing.T) {
	t.Parallel()
	source, err := parser.ParseFile(token.NewFileSet(), "", `package p
func TestAccItself(t *testing.T)    { t.Parallel(); enginetest.New(t) }
func TestAccByAHelper(t *testing.T) { newRig(t) }
func TestAccNot(t *testing.T)       { enginetest.Acceptance(t) }
func TestInSubtests(t *testing.T)   { t.Run("", func(t *testing.T) { newRig(t) }) }
func TestWithSubtests(t *testing.T) { t.Parallel(); t.Run("", func(t *testing.T) { enginetest.NewOwn(t) }) }
func TestWithoutEngine(t *testing.T) {}
func newRig(t *testing.T) { newRigOn(t); enginetest.New(t) }
func newRigOn(t *testing.T) { t.Parallel() }
`, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	funcs := make(testFuncs)
	funcs.add(source)
	alone, all := funcs.alone()
	if want := []string{"TestAccNot", "TestInSubtests"}; !slices.Equal(alone, want) || all != 5 {
		t.Errorf("%v of %d, want %v of 5", alone, all, want)
	}
}

// testFuncs are the functions in the tests of a package, by name.
type testFuncs map[string]*testFunc

// testFunc is what a function of a test does.
type testFunc struct {
	// parallel reports whether it calls t.Parallel, and engine whether it asks for an engine.
	parallel, engine bool
	// calls are the functions of the package that it calls, and within those that only its function literals call.
	calls, within []string
}

func (f testFuncs) add(source *ast.File) {
	for _, decl := range source.Decls {
		if decl, ok := decl.(*ast.FuncDecl); ok && decl.Recv == nil && decl.Body != nil {
			f[decl.Name.Name] = newTestFunc(decl.Body)
		}
	}
}

func newTestFunc(body *ast.BlockStmt) *testFunc {
	f := &testFunc{}
	var look func(node ast.Node, literal bool)
	look = func(node ast.Node, literal bool) {
		ast.Inspect(node, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit:
				look(n.Body, true)
				return false
			case *ast.CallExpr:
				f.called(n.Fun, literal)
			}
			return true
		})
	}
	look(body, false)
	return f
}

func (f *testFunc) called(function ast.Expr, literal bool) {
	switch function := function.(type) {
	case *ast.Ident:
		if literal {
			f.within = append(f.within, function.Name)
		} else {
			f.calls = append(f.calls, function.Name)
		}
	case *ast.SelectorExpr:
		if function.Sel.Name == "Parallel" && !literal {
			f.parallel = true
		}
		if kit, ok := function.X.(*ast.Ident); ok && kit.Name == "enginetest" && slices.Contains([]string{"New", "NewOwn", "Acceptance"}, function.Sel.Name) {
			f.engine = true
		}
	}
}

// alone returns the tests with an engine that don't run beside others, and how many have an engine.
func (f testFuncs) alone() (alone []string, all int) {
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if !strings.HasPrefix(name, "Test") || name == "TestMain" {
			continue
		}
		engine := func(f *testFunc) (bool, []string) { return f.engine, append(f.calls, f.within...) }
		if !strings.HasPrefix(name, "TestAcc") && !f.reaches(name, engine, nil) {
			continue
		}
		all++
		parallel := func(f *testFunc) (bool, []string) { return f.parallel, f.calls }
		if !f.reaches(name, parallel, nil) {
			alone = append(alone, name)
		}
	}
	return alone, all
}

// reaches reports whether a function, or one that it leads to, is as sought. Those on the way have been looked at.
func (f testFuncs) reaches(name string, sought func(*testFunc) (is bool, leads []string), way []string) bool {
	from := f[name]
	if from == nil || slices.Contains(way, name) {
		return false
	}
	is, leads := sought(from)
	return is || slices.ContainsFunc(leads, func(next string) bool { return f.reaches(next, sought, append(way, name)) })
}
