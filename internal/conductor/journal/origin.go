// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
)

// origin tells in a ticket which state directory drew it, on which machine since which start of it, and seen from where:
// an operation that was accepted there, and that the directory does not know any more, is not under way. It takes the
// place of random bits; those at the end stay, by which a person names an operation.
type origin [3]byte

// originAt is where a ticket has its origin, in bytes: behind the time and the byte with the variant.
const originAt = 9

func originOf(dir string) origin {
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		dir = resolved
	}
	host, _ := os.Hostname()
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // Other systems have none: then the name alone tells.
	// Containers that share the host's name, as with its network, have directories of their own behind the same path.
	mounts, _ := os.Readlink("/proc/self/ns/mnt")
	return newOrigin(host, string(boot), mounts, dir)
}

// newOrigin is the origin of what tells one state directory from another. It is pure.
func newOrigin(host, boot, mounts, dir string) origin {
	sum := sha256.Sum256([]byte(strings.Join([]string{host, boot, mounts, dir}, "\x00")))
	return origin(sum[:len(origin{})])
}

// sign puts the origin into a ticket.
func (o origin) sign(ticket uuid.UUID) uuid.UUID {
	copy(ticket[originAt:], o[:])
	return ticket
}

// Forgot reports whether an operation was accepted in this very state directory, which does not know it any more.
// What can't be found out it may know.
func (e *Engine) Forgot(id string) bool {
	ticket, err := uuid.Parse(Ticket(id))
	if err != nil || origin(ticket[originAt:originAt+len(origin{})]) != originOf(e.journal.dir) {
		return false
	}
	engines, err := e.journal.EnginesOf(id)
	for _, in := range engines {
		if _, err := in.Find(id); !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	return err == nil
}

// AcceptedAt is when an operation was accepted; the zero time if its ID does not tell.
func AcceptedAt(id string) time.Time { return acceptedAt(Ticket(id)) }

func acceptedAt(ticketText string) time.Time {
	ticket, err := uuid.Parse(ticketText)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(ticket.Time().UnixTime())
}
