// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package faulttext

import (
	"cmp"
	"fmt"
	"maps"
	"strings"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// existsOf says what is there after a failure.
func existsOf(f *fault.Fault) string {
	sentence := leftovers(f)[f.Left]
	if !f.Facts.Stopped.IsZero() {
		sentence = fmt.Sprintf("it ended at %s; %s", at(f.Facts.Stopped), sentence)
	}
	if f.Facts.Besides != "" {
		sentence += "; " + f.Facts.Besides
	}
	return sentence
}

// leftovers says of a fault each that can be there.
func leftovers(f *fault.Fault) map[fault.Exists]string {
	subject := "the " + cmp.Or(f.Object, "container")
	return map[fault.Exists]string{
		fault.NothingCreated:    "nothing was created",
		fault.CreatedNotStarted: "the container was created, but not started; a later apply replaces or removes it",
		fault.KeptForInspection: "the container is kept for inspection, until a later apply replaces or removes it",
		fault.Unchanged:         subject + " is as it was before",
		fault.PartlyChanged:     "what was changed before the failure stays; the next plan shows the rest",
		fault.Remains:           "the container is still there, and is yet to be removed",
		fault.StillStopping:     "the engine goes on stopping the container, and kills it when its grace period is over; the next plan shows that",
		fault.Restarting:        "the engine keeps restarting it",
		fault.RestartsOn:        "the engine keeps restarting it; that alone plans no change",
		fault.RunsOn:            "it runs on; that alone plans no change",
		fault.Stopped: fmt.Sprintf("an apply of a configuration that has it %s starts it again, or replaces it, unless ignore_changes has desired_state",
			f.Facts.Desired),
		fault.HalfDone:         "what was done before the failure stays",
		fault.HalfInterrupted:  "what was done before the interruption stays",
		fault.PerhapsSignalled: "whether the container got the signal is not known: the engine did not answer",
		fault.MadeAndUnclaimed: "it was made, and is in no state; an apply of this workspace that creates it takes it over",
		fault.PerhapsCreated:   "whether the engine made the container is not known: it did not answer",
		fault.PerhapsDone:      "whether the engine has done it is not known: it did not answer",
		fault.GoesOn:           "the wait changed nothing: what is under way goes on",
		fault.VolumesLeft:      "volumes left: " + strings.Join(f.Facts.Volumes, ", ") + "; the state keeps the container until they are removed",

		fault.StillThere:     subject + " is still there",
		fault.NetworkCreated: "the network was created; the next apply replaces it",
		fault.NotAttached:    "the network is there, the container is not connected to it",
		fault.OtherAddress:   "the network is there, and the container is connected to it with an address that the engine chose",
		fault.LayersKept:     "layers that are complete are kept",
		fault.MayRun:         "the command may have run, or may still be running in the container",

		fault.OldKept:       "the old container is as it was before, and the new one is removed; the next plan shows the update again",
		fault.NewKept:       "the new container is in its place, and the old one is gone",
		fault.NoneExchanged: "neither the old container nor the new one is there any more",
		fault.OldStopping:   "the engine goes on stopping the old container, and kills it when its grace period is over; the next apply ends the exchange first",
		fault.HalfExchanged: "the old container could not be brought back entirely: the next apply does that first",
	}
}

const hintOfMembers = "disconnect or remove what this configuration does not manage, then apply again"

// advices is each that a fault can name to do.
func advices(f *fault.Fault) map[fault.Advice]string {
	all := map[fault.Advice]string{
		fault.AdviceAgain: "apply again",
		fault.AdviceRemoveUsers: "remove these containers first, running or not; then apply again. Where a container of this configuration has the volume, " +
			"refer to it by its resource's name attribute: then Terraform removes the container first",
		fault.AdviceRemoveMembers: hintOfMembers,
		fault.AdviceMembersOfGantry: hintOfMembers + ". gantry made one of these containers, perhaps for another Terraform state: it takes a container to the next network only if a refresh " +
			"found it in this workspace's state. If it is there, plan and apply with the same state_dir, and not with -refresh=false",

		fault.AdviceTrustCA: fmt.Sprintf("if its certificate is of a CA of your own, name that in registries[%q].ca_file of the provider, or put it into %s as for Docker",
			f.Facts.Registry, f.Facts.Trust),
		fault.AdvicePlainRegistry: fmt.Sprintf("check that the registry speaks HTTPS; if it does not, and the network to it is trusted, set registries[%q].insecure of the provider",
			f.Facts.Registry),
		fault.AdviceReachRegistry: "check the registry's name, and that this machine (not the engine) reaches it",

		fault.AdviceRunningContainer: "the container has to run for this, and not to be paused: see that it is started before",
		fault.AdviceDriver:           "use a driver that the engine has and that the kernel of its host supports, or install its plugin on the engine's host",
		fault.AdviceDriverOptions:    "see which options the driver takes, and which it needs",
		fault.AdviceFreeSubnets:      "use subnets that nothing on the engine's host has, and addresses that lie in them",
		fault.AdviceOtherName:        "choose another name",
		fault.AdviceOtherSubnet:      "choose another subnet, or leave ipam out and let the engine choose",
	}
	maps.Copy(all, complaints())
	return all
}
