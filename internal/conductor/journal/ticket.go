// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"encoding/binary"

	"github.com/google/uuid"
)

// draw draws a ticket for an operation that is higher than all tickets in its lanes, and than that of
// the operation that its caller knew. The caller holds the locks for changes in the lanes.
func (e *Engine) draw(r Record) (string, error) {
	highest := Ticket(r.After)
	for _, lane := range r.Lanes() {
		all, err := e.inLane(short(lane))
		if err != nil {
			return "", &UnusableError{e.journal.dir, err}
		}
		if len(all) > 0 {
			highest = max(highest, all[len(all)-1].ticket)
		}
	}
	return nextTicket(concern(originOf(e.journal.dir).sign(uuid.Must(uuid.NewV7())), r), highest).String(), nil
}

// nextTicket returns the ticket that the clock gives, or, where that is not higher than the highest
// one, since the clock was set back, one of the millisecond after that.
func nextTicket(now uuid.UUID, highest string) uuid.UUID {
	last, err := uuid.Parse(highest)
	if err != nil || now.String() > highest {
		return now
	}
	const timestamp = 6 // Bytes, in milliseconds.
	var ms [8]byte
	copy(ms[len(ms)-timestamp:], last[:timestamp])
	binary.BigEndian.PutUint64(ms[:], binary.BigEndian.Uint64(ms[:])+1)
	copy(now[:timestamp], ms[len(ms)-timestamp:])
	return now
}
