// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"crypto/sha256"

	"github.com/google/uuid"
)

// The ID of an operation tells which container it is about, also to whoever has nothing but the ID: a create and
// an exchange give it to their container as its label. An operation on a container that is there already can't do
// that. Its ticket has a digest instead, in the place of random bits, and the variant of the UUID says of what:
//
//	0    nothing: its container's label is the ID itself
//	10   nothing: an operation of an older gantry, or behind one
//	110  the container's ID
//	111  the label that the container has from its create, where its ID was not known yet
const (
	variantAt     = 8 // In bytes.
	variantOlder  = 0b10 << 6
	variantByID   = 0b110 << 5
	variantByMade = 0b111 << 5
	variantBits   = 0b111 << 5
	// digestAt is behind the origin; what follows stays random, so that no two operations have one ID.
	digestAt = originAt + len(origin{})
)

// NewTicket draws a ticket for an operation that no journal has.
func NewTicket(r Record) string { return concern(uuid.Must(uuid.NewV7()), r).String() }

// concern puts into a ticket which container the operation is about.
func concern(ticket uuid.UUID, r Record) uuid.UUID {
	switch {
	case r.Object != "":
		return ticket
	case r.ContainerID != "" && r.Exchange == nil:
		return digested(ticket, variantByID, r.ContainerID)
	case r.After == "", r.Exchange != nil:
		ticket[variantAt] &^= variantBits
		return ticket
	}
	// It is about the container that the operation before it is about.
	before, err := uuid.Parse(Ticket(r.After))
	switch {
	case err == nil && isOlder(before):
		return ticket
	case err != nil || before[variantAt]&variantBits < variantByID:
		return digested(ticket, variantByMade, r.After)
	}
	ticket[variantAt] = before[variantAt]
	copy(ticket[digestAt:digestAt+2], before[digestAt:])
	return ticket
}

// digested puts the digest of a text into a ticket: 5 bits beside the variant, and two bytes.
func digested(ticket uuid.UUID, variant byte, text string) uuid.UUID {
	sum := sha256.Sum256([]byte(text))
	ticket[variantAt] = variant | sum[0]&^byte(variantBits)
	copy(ticket[digestAt:digestAt+2], sum[1:])
	return ticket
}

// isOlder reports whether a ticket tells nothing of its container.
func isOlder(ticket uuid.UUID) bool { return ticket[variantAt]&(0b11<<6) == variantOlder }

// Concerns reports whether the ID of an operation shows that it is about a container. Label is the container's own
// label, which names its create; empty is none. Told is false of an operation of an older gantry, unless the label is
// its ID: then the ID shows nothing either way.
func Concerns(id, containerID, label string) (concerns, told bool) {
	ticket, err := uuid.Parse(Ticket(id))
	if err != nil {
		return false, true
	}
	switch ticket[variantAt] & variantBits {
	case variantByID:
		return ticket == digested(ticket, variantByID, containerID), true
	case variantByMade:
		return ticket == digested(ticket, variantByMade, label), true
	default:
		return label == id, label == id || !isOlder(ticket)
	}
}
