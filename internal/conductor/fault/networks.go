// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package fault

import "fmt"

// Address is an address that a container can't have in a network. Key is the network's key in networks,
// why says what is against it, and the error is the engine's, if it has tried.
func (s Scope) Address(address, network, key, why string, step Step, exists Exists, err error) *Fault {
	message := fmt.Sprintf("networks[%q] asks for the address %s: %s", key, address, why)
	if err != nil {
		message += "; " + s.Said(err)
	}
	return s.make(Fault{
		Kind: Invalid, Step: step, Attribute: []string{"networks", key}, Message: message, Exists: string(exists),
		Summary: fmt.Sprintf("Unable to connect container %q to network %q on engine %q: it can't have the address %s", s.Container, network, s.Engine, address),
		Hint:    "choose another address, or leave it out and let the engine choose",
	}, err)
}

// OwnAddress is an address that is asked for in a network of the engine's own.
func (s Scope) OwnAddress(network, key string) *Fault {
	return s.make(Fault{
		Kind: Invalid, Step: StepConnecting, Attribute: []string{"networks", key}, Exists: string(NothingCreated),
		Summary: fmt.Sprintf("Unable to connect container %q to network %q on engine %q with an address of your choice", s.Container, network, s.Engine),
		Message: fmt.Sprintf("networks[%q] asks for an address, and the engine gives none in the networks that it has by itself", key),
		Hint:    "leave the address out, or connect the container to a network of its own (gantry_network) with a subnet (ipam)",
	}, nil)
}
