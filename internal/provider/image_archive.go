// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// planArchive returns the checksum of an archive as it is now, which decides whether it is loaded; unknown if the
// archive is still to be made.
func planArchive(m *imageModel, diags *diag.Diagnostics) types.String {
	sum, err := checksum(m.Archive.ValueString())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		diags.AddAttributeWarning(path.Root("archive"), fmt.Sprintf("The archive of image %q does not exist yet", m.Name.ValueString()), notYet(err))
		return types.StringUnknown()
	case err != nil:
		diags.AddAttributeError(path.Root("archive"), fmt.Sprintf("Unable to read the archive of image %q", m.Name.ValueString()), sentence(err)+".")
	}
	return types.StringValue(sum)
}

// archiveSumAfter is what a plan has as the checksum where it brings the image: as with the sources of files, what is
// loaded is what the apply reads.
func (m *imageModel) archiveSumAfter() types.String {
	if m.hasArchive() {
		return types.StringUnknown()
	}
	return types.StringNull()
}

// loaded notes the checksum of the archive that was loaded, if it is not what the plan has already.
func (m *imageModel) loaded(sum string) {
	if m.ArchiveSHA256.IsUnknown() {
		m.ArchiveSHA256 = stringOrNull(sum)
	}
}

// readArchive reports whether an archive can be read. A cast is told what it will read, since the state has to
// know before that.
func readArchive(name string, cast bool) (sum string, err error) {
	if cast {
		return checksum(name)
	}
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	return "", file.Close()
}

// checksum reads a whole file: an archive is compared by its content.
func checksum(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
