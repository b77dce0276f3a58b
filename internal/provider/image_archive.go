// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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

// seenKey is where the private state has what the last refresh found in the archive.
const seenKey = "archive"

// seenArchive is an archive as a refresh found it.
type seenArchive struct{ Path, SHA256 string }

// noteArchive notes in a refresh what the archive holds. The plan that follows has the note, and so has the plan that
// Terraform makes in the apply, though the file may have changed by then.
func noteArchive(ctx context.Context, private privateState, m *imageModel, diags *diag.Diagnostics) {
	if m.Archive.ValueString() == "" {
		return
	}
	sum, err := checksum(m.Archive.ValueString())
	if err != nil {
		return // The plan says so, if the configuration still has it.
	}
	note, err := json.Marshal(seenArchive{m.Archive.ValueString(), sum})
	if err != nil {
		diags.AddError("Unable to note the checksum of an archive", sentence(err))
		return
	}
	diags.Append(private.SetKey(ctx, seenKey, note)...)
}

// checkArchive refuses to plan a load beside other changes of an image if the archive changed since the refresh: in an
// apply the plan of those changes was that nothing is loaded, and had promised which image it will be.
func checkArchive(ctx context.Context, private privateReader, plan, state *imageModel, diags *diag.Diagnostics) {
	note, found := private.GetKey(ctx, seenKey)
	diags.Append(found...)
	var seen seenArchive
	if note == nil || json.Unmarshal(note, &seen) != nil || state.failed() || state.ImageID.IsNull() {
		return
	}
	if seen == (seenArchive{plan.Archive.ValueString(), state.ArchiveSHA256.ValueString()}) {
		diags.AddAttributeError(path.Root("archive"), fmt.Sprintf("The archive of image %q changed after the refresh", plan.Name.ValueString()),
			fmt.Sprintf("At the refresh %q held what the image was loaded from, and by now it does not: what was planned for the image may be to load nothing. "+
				"The image was not changed. Plan again, with a refresh.", seen.Path))
	}
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
