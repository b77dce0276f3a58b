// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package journal

// Exchange is what an operation's record has if it puts a new container in the place of another.
// With it any later process can end what this one began.
type Exchange struct {
	// Order is start-first or stop-first.
	Order string `json:"order"`
	// Predecessor and Successor are the IDs of the old and of the new container.
	Predecessor string `json:"predecessor"`
	Successor   string `json:"successor,omitempty"`
	// Was is the engine's word for the predecessor's power state before the exchange.
	Was string `json:"was"`
	// Ready says that the successor is what was asked for: if the process dies now, it is the
	// successor that stays, before that it is the predecessor.
	Ready bool `json:"ready,omitempty"`
	// Over says that nothing is left to do; Left is then the container that stayed.
	Over bool   `json:"over,omitempty"`
	Left string `json:"left,omitempty"`
}

// Unfinished reports whether the record is of an exchange that may have left two containers.
func (r Record) Unfinished() bool {
	return r.Exchange != nil && r.Exchange.Predecessor != "" && !r.Exchange.Over
}
