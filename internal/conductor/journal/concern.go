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
//	10   nothing: a create or an exchange, or an operation of an older gantry
//	110  the container's ID
//	111  the label that the container has from its create, where its ID was not known yet
const (
	variantAt     = 8 // In bytes.
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
	case r.Object != "", r.Exchange != nil:
		return ticket
	case r.ContainerID != "":
		return digested(ticket, variantByID, r.ContainerID)
	case r.After == "":
		return ticket
	}
	// It is about the container that the operation before it is about.
	before, err := uuid.Parse(Ticket(r.After))
	if variant := before[variantAt] & variantBits; err != nil || variant != variantByID && variant != variantByMade {
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

// Concerns reports whether the ID of an operation shows that it is about a container. Label is the container's own
// label, which names its create; empty is none. Of an operation of an older gantry only a create shows it.
func Concerns(id, containerID, label string) bool {
	ticket, err := uuid.Parse(Ticket(id))
	if err != nil {
		return false
	}
	switch variant := ticket[variantAt] & variantBits; variant {
	case variantByID:
		return ticket == digested(ticket, variant, containerID)
	case variantByMade:
		return ticket == digested(ticket, variant, label)
	default:
		return label == id
	}
}
