// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

// syncFolder does nothing: a folder can't be synchronised there, and NTFS journals renames.
func syncFolder(string) error { return nil }
