// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package faulttext

import (
	"fmt"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

func portTaken(f *fault.Fault) text {
	return text{fmt.Sprintf("Unable to start container %q: host port %s is taken", f.Container, f.Facts.Port),
		fmt.Sprintf("by %s: %s", f.Facts.By, f.Facts.Said), "free the port, publish another one, or leave published out and let the engine choose"}
}

func noSuchNetwork(f *fault.Fault) text {
	return text{summary: fmt.Sprintf("Unable to connect container %q: network %q does not exist on engine %q", f.Container, f.Facts.Network, f.Engine),
		hint: "create the network first, or correct its name"}
}

func address(f *fault.Fault) text {
	message := fmt.Sprintf("networks[%q] asks for the address %s: %s", key(f), f.Facts.Address, f.Facts.Why)
	if f.Facts.Said != "" {
		message += "; " + f.Facts.Said
	}
	return text{fmt.Sprintf("Unable to connect container %q to network %q on engine %q: it can't have the address %s", f.Container, f.Facts.Network, f.Engine, f.Facts.Address),
		message, "choose another address, or leave it out and let the engine choose"}
}

func ownAddress(f *fault.Fault) text {
	return text{fmt.Sprintf("Unable to connect container %q to network %q on engine %q with an address of your choice", f.Container, f.Facts.Network, f.Engine),
		fmt.Sprintf("networks[%q] asks for an address, and the engine gives none in the networks that it has by itself", key(f)),
		"leave the address out, or connect the container to a network of its own (gantry_network) with a subnet (ipam)"}
}

// key is the last key of the field that a fault concerns.
func key(f *fault.Fault) string {
	if len(f.Field) == 0 {
		return ""
	}
	return f.Field[len(f.Field)-1]
}

func moved(f *fault.Fault) text {
	if f.Facts.Connected {
		return text{summary: fmt.Sprintf("Container %q could not keep its address in the replaced %s on engine %q", f.Facts.Name, f.Subject(), f.Engine),
			hint: "give the container an address that the new network has; until then every plan shows the difference"}
	}
	return text{summary: fmt.Sprintf("Container %q could not be connected to the replaced %s on engine %q", f.Facts.Name, f.Subject(), f.Engine),
		hint: "the next plan shows the container's missing network and connects it"}
}

func predefined(f *fault.Fault) text {
	connect := fmt.Sprintf("networks = { %s = {} }", f.Container)
	if f.Container == "host" || f.Container == "none" || f.Container == "default" {
		connect = fmt.Sprintf("network_mode = %q", f.Container)
	}
	return text{fmt.Sprintf("Engine %q has %s by itself", f.Engine, f.Subject()), "nobody can make, change or remove it",
		fmt.Sprintf("read it with the data source gantry_network, and connect a container to it with %s; for a network of your own choose another name", connect)}
}

func inUse(f *fault.Fault) text {
	return text{summary: fmt.Sprintf("Unable to remove %s on engine %q: it is in use", f.Subject(), f.Engine), message: "it is used by " + f.Facts.By}
}

func holdsData(f *fault.Fault) text {
	return text{fmt.Sprintf("Unable to remove %s on engine %q: it may hold data", f.Subject(), f.Engine), f.Facts.Why,
		"save what is needed; a removal goes by the state: set force_destroy = true in the volume's block (put the block back if it is gone), bring that alone into the state with terraform apply -target=gantry_volume.NAME, and remove the volume after that"}
}
