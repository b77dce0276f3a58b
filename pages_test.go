// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every page of the documentation is in the README's list, and every link between pages leads somewhere.
func TestReadmeListsEveryPage(t *testing.T) {
	t.Parallel()
	linked := make(map[string]bool)
	for _, link := range links(readPage(t, "README.md")) {
		linked[link] = true
	}
	for _, page := range filesBelow(t, "docs", ".md") {
		if !strings.HasPrefix(page, "docs/adr/") && !linked[page] {
			t.Errorf("README.md has no link to %s", page)
		}
	}
	for _, page := range append(handwritten(t), "README.md") {
		for _, link := range links(readPage(t, page)) {
			target := filepath.Join(filepath.Dir(page), filepath.FromSlash(link))
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s has a link to %s, which is not there", page, link)
			}
		}
	}
}

// What the pages about the code have in backticks exists: files, identifiers, settings, targets of make.
func TestPagesNameWhatExists(t *testing.T) {
	t.Parallel()
	known := newVocabulary(t)
	for _, page := range handwritten(t) {
		for _, name := range backticked(readPage(t, page)) {
			if why := known.lacks(name); why != "" {
				t.Errorf("%s names `%s`: %s", page, name, why)
			}
		}
	}
}

func TestVocabulary(t *testing.T) {
	t.Parallel()
	known := newVocabulary(t)
	for _, name := range []string{
		"main.go", "internal/provider/", "./internal/provider/", "run", "Pool.Do", "pool.New", "New()", "errgroup.Group", "errgroup", "wait_for",
		"start-first", "running", "GANTRY_KILLS", "make test", "tools/test.sh -run TestAccX ./internal/provider/", "golang.org/x/sync", "docs/adr/<number>-<title>.md", "flock",
	} {
		if why := known.lacks(name); why != "" {
			t.Errorf("`%s`: %s", name, why)
		}
	}
	for _, name := range []string{
		"missing.go", "internal/missing/", "Missing", "Pool.Missing", "pool.Missing", "errgroup.Missing", "missing_attribute", "missing-value", "GANTRY_MISSING",
		"make missing", "tools/missing.sh -run X", "nonesuch",
	} {
		if known.lacks(name) == "" {
			t.Errorf("`%s` is taken for something that exists", name)
		}
	}
}

// handwritten are the pages about the code.
func handwritten(t *testing.T) []string {
	t.Helper()
	pages := filesBelow(t, "docs/adr", ".md")
	// This one is about the code of the plugin framework.
	pages = slices.DeleteFunc(pages, func(page string) bool { return page == "docs/adr/upstream-framework-cost.md" })
	if len(pages) == 0 {
		t.Fatal("docs/adr is empty")
	}
	for _, page := range []string{"ARCHITECTURE.md", "CONTRIBUTING.md"} {
		if _, err := os.Stat(page); err == nil {
			pages = append(pages, page)
		}
	}
	return pages
}

func readPage(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile("(?s)\n```.*?\n```\n").ReplaceAllString(string(content), "\n")
}

// links returns the targets of a page's links to other files of the repository.
func links(page string) []string {
	var targets []string
	for _, m := range regexp.MustCompile(`\]\(([^)#]+)(?:#[^)]*)?\)`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(m[1], "://") {
			targets = append(targets, m[1])
		}
	}
	return targets
}

func backticked(page string) []string {
	var names []string
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(page, -1) {
		names = append(names, strings.Join(strings.Fields(m[1]), " "))
	}
	return names
}

func filesBelow(t *testing.T, dir, suffix string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || entry.Name() == "bin") {
			return fs.SkipDir
		}
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, suffix) {
			files = append(files, filepath.ToSlash(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// vocabulary is what a page can name. Identifiers are looked up over the whole module, so that a page stays right
// where code moves to another package.
type vocabulary struct {
	// declared are the identifiers that the module declares, and the names of its packages; members are fields and methods.
	declared, members map[string]bool
	// imported are the paths and names of all packages that are imported, and used what is used of them ("errgroup.Group").
	imported, used map[string]bool
	// literals are string literals, words those in them, in the scripts and in the make file; targets are the latter's.
	literals, words, targets map[string]bool
}

func newVocabulary(t *testing.T) vocabulary {
	t.Helper()
	v := vocabulary{
		declared: make(map[string]bool), members: make(map[string]bool), imported: make(map[string]bool),
		used: make(map[string]bool), literals: make(map[string]bool), words: make(map[string]bool), targets: make(map[string]bool),
	}
	for _, path := range filesBelow(t, ".", ".go") {
		if path == "pages_test.go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		v.declared[file.Name.Name] = true
		ast.Inspect(file, v.learn)
	}
	for _, path := range append(filesBelow(t, "tools", ".sh"), "GNUmakefile", ".golangci.yml", ".ci/run") {
		text := readPage(t, path)
		v.learnWords(text)
		if path == "GNUmakefile" {
			for _, m := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(text, -1) {
				v.targets[m[1]] = true
			}
		}
	}
	return v
}

func (v vocabulary) learn(node ast.Node) bool {
	switch node := node.(type) {
	case *ast.FuncDecl:
		into := v.declared
		if node.Recv != nil {
			into = v.members
		}
		into[node.Name.Name] = true
	case *ast.TypeSpec:
		v.declared[node.Name.Name] = true
	case *ast.ValueSpec:
		for _, name := range node.Names {
			v.declared[name.Name] = true
		}
	case *ast.Field:
		for _, name := range node.Names {
			v.members[name.Name] = true
		}
	case *ast.ImportSpec:
		if path, err := strconv.Unquote(node.Path.Value); err == nil {
			name := regexp.MustCompile(`/v\d+$`).ReplaceAllString(path, "")
			v.imported[path], v.imported[name[strings.LastIndexByte(name, '/')+1:]] = true, true
		}
	case *ast.SelectorExpr:
		if of, ok := node.X.(*ast.Ident); ok {
			v.used[of.Name+"."+node.Sel.Name] = true
		}
	case *ast.BasicLit:
		if text, err := strconv.Unquote(node.Value); err == nil && node.Kind == token.STRING {
			v.literals[text] = true
			v.learnWords(text)
		}
	}
	return true
}

func (v vocabulary) learnWords(text string) {
	for _, word := range regexp.MustCompile(`[\w.-]+`).FindAllString(text, -1) {
		v.words[strings.Trim(word, ".-")] = true
	}
}

// lacks returns why a name is not one of something that exists; empty if it is. Names of commands, of what others have
// ("golang.org/x/sync"), and patterns ("<number>") are taken as they are.
func (v vocabulary) lacks(name string) string {
	if name == "create_before_destroy" { // Terraform's own, and the reason for much.
		return ""
	}
	name = strings.Trim(name, `"`)
	first, rest, isCommand := strings.Cut(name, " ")
	switch {
	case first == "make" && isCommand:
		for word := range strings.FieldsSeq(rest) {
			if !strings.Contains(word, "=") && !v.targets[word] {
				return "there is no such target of make"
			}
		}
		return ""
	case isCommand && !strings.Contains(first, "/"), strings.ContainsAny(name, "<*…"), strings.HasPrefix(name, "-"), v.imported[name]:
		return ""
	case isCommand:
		name = first
	}
	name, _, _ = strings.Cut(name, "=") // A variable with its value.
	host, _, isPath := strings.Cut(strings.TrimPrefix(name, "./"), "/")
	isPath = isPath || slices.Contains([]string{".go", ".md", ".sh", ".yml", ".mod"}, filepath.Ext(name))
	if isPath {
		if _, err := os.Stat(filepath.FromSlash(name)); err != nil && (strings.HasPrefix(host, ".") || !strings.Contains(host, ".") || host == name) {
			return "there is no such file"
		}
		return ""
	}
	identifier := strings.TrimSuffix(name, "()")
	owner, member, qualified := strings.Cut(identifier, ".")
	members := v.declared // Of a package.
	if ast.IsExported(owner) {
		members = v.members // Of a type.
	}
	switch {
	case qualified && (v.used[identifier] || v.declared[owner] && members[member]),
		!qualified && (v.declared[identifier] || v.members[identifier] || v.imported[identifier] || v.literals[identifier]),
		v.words[identifier] && (strings.ContainsAny(identifier, "_-") || identifier == strings.ToUpper(identifier)):
		return ""
	}
	return "there is no such name in the code"
}
