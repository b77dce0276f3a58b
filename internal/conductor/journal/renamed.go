// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// An engine whose host gets another name has a new part of the journal. What the old one has is still found: an
// operation by its ID, which has the old name, and late failures by the address, which led to the old part before.
// An equal ID alone proves nothing, since cloned machines share one. So nothing that the old part has is carried
// out: it is only told.

// folderOf is the name of the part of the journal of an engine.
func folderOf(id, host string) string { return printable(host) + "-" + short(id+"\x00"+host) }

// Knower returns the part of the journal that has an operation: this one, or the one that the engine had under
// the host name that the operation's ID has. It is this one where none has it.
func (e *Engine) Knower(operationID string) *Engine {
	host, _, _, err := SplitID(operationID)
	if err != nil || e.id == "" || folderOf(e.id, host) == filepath.Base(e.dir) {
		return e
	}
	if _, err := e.Find(operationID); !errors.Is(err, fs.ErrNotExist) {
		return e
	}
	before := e.journal.engine(folderOf(e.id, host))
	if _, err := before.Find(operationID); err != nil {
		return e
	}
	before.id = e.id
	return before
}

// renamed reports whether a directory is that of this engine under another host name.
func (e *Engine) renamed(folder string) bool {
	cut := strings.LastIndexByte(folder, '-')
	return cut > 0 && e.id != "" && folder != filepath.Base(e.dir) && folder == folderOf(e.id, folder[:cut])
}

func (e *Engine) formerly() string { return filepath.Join(e.dir, "formerly") }

// former returns the parts that the engine had under other host names.
func (e *Engine) former() []*Engine {
	var all []*Engine
	for _, folder := range formerFolders(e) {
		all = append(all, e.journal.engine(folder))
	}
	return all
}

func formerFolders(e *Engine) []string {
	content, err := os.ReadFile(e.formerly())
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(strings.Fields(string(content)), func(folder string) bool {
		return !filepath.IsLocal(folder) || strings.ContainsAny(folder, `/\`) || folder == "." || folder == filepath.Base(e.dir)
	})
}

// follows notes that the engine had other parts before: the one of this name, and those before that.
func (e *Engine) follows(folder string) error {
	known := formerFolders(e)
	folders := slices.Clone(known)
	for _, one := range append(formerFolders(e.journal.engine(folder)), folder) {
		if one != filepath.Base(e.dir) && !slices.Contains(folders, one) {
			folders = append(folders, one)
		}
	}
	if len(folders) == len(known) {
		return nil
	}
	return e.journal.disk.replace(e.formerly(), []byte(strings.Join(folders, "\n")+"\n"), true)
}
