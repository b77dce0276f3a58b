// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package engine

// Credential is what a registry wants to know. It never reaches a disk or a log.
type Credential struct {
	Username string
	Password string
	// Unknown says that the values are not known yet: whatever needs them fails.
	Unknown bool
	// Anonymous asks without credentials, whatever the Docker CLI's configuration has.
	Anonymous bool
}

// AnyRegistry is, in Options.Credentials, where the credential of registries stands that have none of their own.
const AnyRegistry = ""
