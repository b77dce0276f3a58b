// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package fault

import "time"

// Reason is which failure of its kind a fault is: the text is made by it.
type Reason string

// The reasons of faults.
const (
	ReasonPull              Reason = "pull"
	ReasonImageMissing      Reason = "image_missing"
	ReasonNameTaken         Reason = "name_taken"
	ReasonNameReserved      Reason = "name_reserved"
	ReasonNameOfExchange    Reason = "name_of_exchange"
	ReasonPortTaken         Reason = "port_taken"
	ReasonNoSuchNetwork     Reason = "no_such_network"
	ReasonCommandNotFound   Reason = "command_not_found"
	ReasonExited            Reason = "exited"
	ReasonCrashLoop         Reason = "crash_loop"
	ReasonUnhealthy         Reason = "unhealthy"
	ReasonNoHealthcheck     Reason = "no_healthcheck"
	ReasonNoTestToInherit   Reason = "no_test_to_inherit"
	ReasonEnded             Reason = "ended"
	ReasonWorkEnded         Reason = "work_ended"
	ReasonStillUnderWay     Reason = "still_under_way"
	ReasonNotConnected      Reason = "not_connected"
	ReasonUnreachable       Reason = "unreachable"
	ReasonLost              Reason = "lost"
	ReasonNotFound          Reason = "not_found"
	ReasonForeign           Reason = "foreign"
	ReasonReferenceFailed   Reason = "reference_failed"
	ReasonUnusableReference Reason = "unusable_reference"
	ReasonEngineSaid        Reason = "engine_said"
	ReasonEngineTooOld      Reason = "engine_too_old"
	ReasonStateFolder       Reason = "state_directory"
	ReasonBackground        Reason = "background"
	ReasonInterrupted       Reason = "interrupted"
	ReasonHalfRemoved       Reason = "half_removed"
	ReasonVanished          Reason = "vanished"
	ReasonMistaken          Reason = "mistaken"
	ReasonRefusedBehind     Reason = "refused_behind"
	ReasonUnknownKind       Reason = "unknown_kind"
	ReasonBusy              Reason = "busy"
	ReasonAddress           Reason = "address"
	ReasonOwnAddress        Reason = "own_address"
	ReasonPredefined        Reason = "predefined"
	ReasonInUse             Reason = "in_use"
	ReasonHoldsData         Reason = "holds_data"
	ReasonRegistry          Reason = "registry"
	ReasonMoved             Reason = "moved"
)

// Facts are what the text of a fault quotes. Which of them there are depends on the reason. All are masked.
type Facts struct {
	// Said is what the engine said, or a registry, or the system.
	Said string `json:"said,omitempty"`
	// Why is what gantry itself found.
	Why string `json:"why,omitempty"`
	// Action is what was to be done: "create", "start".
	Action string `json:"action,omitempty"`
	// Advice names what to do, where the reason leaves that open.
	Advice Advice `json:"advice,omitempty"`
	// Key says that the engine spoke of one key of the field.
	Key bool `json:"key,omitempty"`
	// ByAction says that an action asked for it, and no resource.
	ByAction bool `json:"by_action,omitempty"`

	Image string `json:"image,omitempty"`
	// Credentials names the source of the credentials that were used.
	Credentials string `json:"credentials,omitempty"`
	// Others is how many other operations waited for the same pull, SoFar how far it had come.
	Others int    `json:"others,omitempty"`
	SoFar  string `json:"so_far,omitempty"`
	// Registry is the host of the registry, Status what it answered with, and Trust the directory for its CA.
	Registry string `json:"registry,omitempty"`
	Status   int    `json:"status,omitempty"`
	Trust    string `json:"trust,omitempty"`

	// Name is a name that is taken, or of another object that is concerned.
	Name string `json:"name,omitempty"`
	// By is who has it, in one line, Owner whose that is, and Cast that a cast asked for the name.
	By    string `json:"by,omitempty"`
	Owner Owner  `json:"owner,omitempty"`
	Cast  bool   `json:"cast,omitempty"`
	// ID is that of another container, or of another operation.
	ID string `json:"id,omitempty"`
	// Show is the command that shows the cause.
	Show string `json:"show,omitempty"`

	Port    string   `json:"port,omitempty"`
	Network string   `json:"network,omitempty"`
	Address string   `json:"address,omitempty"`
	Volumes []string `json:"volumes,omitempty"`

	// Code is an exit code, Expected those that a job may have, and Job says that it was meant to end.
	Code     int           `json:"code,omitempty"`
	Job      bool          `json:"job,omitempty"`
	Expected []int         `json:"expected,omitempty"`
	After    time.Duration `json:"after,omitempty"`
	OOM      bool          `json:"oom,omitempty"`
	Restarts int           `json:"restarts,omitempty"`
	// Check is the health check; empty is the image's. Quiet says that what the engine and the container wrote is not told.
	Check  string `json:"check,omitempty"`
	Output string `json:"output,omitempty"`
	Quiet  bool   `json:"quiet,omitempty"`

	// From is the setting that an engine's address comes from, For what the engine was needed for, and Elsewhere
	// what has the same failure, and tells of it.
	From      string `json:"from,omitempty"`
	For       string `json:"for,omitempty"`
	Elsewhere string `json:"elsewhere,omitempty"`
	// API and Docker are the first versions that know a setting, and Speaks is what the engine has.
	API    string `json:"api,omitempty"`
	Docker string `json:"docker,omitempty"`
	Speaks string `json:"speaks,omitempty"`

	// Accepted is when the operation was accepted, and Until how long it may go on elsewhere.
	Accepted time.Time `json:"accepted,omitzero"`
	Until    time.Time `json:"until,omitzero"`
	// Older says that an older release made the operation's ID.
	Older bool `json:"older,omitempty"`
	// Connected says that a container is connected, though not as it was.
	Connected bool `json:"connected,omitempty"`

	// Order is that of an exchange in which it failed.
	Order string `json:"order,omitempty"`
	// Besides is what else became of it.
	Besides string `json:"besides,omitempty"`
	// Stopped is when the container ended, Desired the state that it is to have, and Resting that nothing starts it
	// again. Restarted is when the engine itself was started again.
	Stopped   time.Time `json:"stopped,omitzero"`
	Desired   string    `json:"desired,omitempty"`
	Resting   bool      `json:"resting,omitempty"`
	Restarted time.Time `json:"restarted,omitzero"`
}

// Owner is whose a thing is that has a name.
type Owner string

// The owners of a name.
const (
	OwnerOther     Owner = "other_workspace"
	OwnerWorkspace Owner = "workspace"
	OwnerGantry    Owner = "gantry"
)

// Exists is what a failed operation left.
type Exists string

// What can be there after a failure.
const (
	NothingCreated    Exists = "nothing_created"
	CreatedNotStarted Exists = "created_not_started"
	KeptForInspection Exists = "kept_for_inspection"
	Unchanged         Exists = "unchanged"
	PartlyChanged     Exists = "partly_changed"
	Remains           Exists = "remains"
	StillStopping     Exists = "still_stopping"
	Restarting        Exists = "restarting"
	// RestartsOn and RunsOn are what no plan changes.
	RestartsOn       Exists = "restarts_on"
	RunsOn           Exists = "runs_on"
	Stopped          Exists = "stopped"
	HalfDone         Exists = "half_done"
	HalfInterrupted  Exists = "half_interrupted"
	PerhapsSignalled Exists = "perhaps_signalled"
	// MadeAndUnclaimed is what a create leaves that must not be answered.
	MadeAndUnclaimed Exists = "made_and_unclaimed"
	PerhapsCreated   Exists = "perhaps_created"
	PerhapsDone      Exists = "perhaps_done"
	GoesOn           Exists = "goes_on"
	VolumesLeft      Exists = "volumes_left"

	// The same for what is no container.
	StillThere     Exists = "still_there"
	NetworkCreated Exists = "network_created"
	NotAttached    Exists = "not_attached"
	OtherAddress   Exists = "other_address"
	LayersKept     Exists = "layers_kept"
	MayRun         Exists = "may_run"

	// What can be there after an exchange that failed.
	OldKept       Exists = "old_kept"
	NewKept       Exists = "new_kept"
	NoneExchanged Exists = "none_exchanged"
	OldStopping   Exists = "old_stopping"
	HalfExchanged Exists = "half_exchanged"
)
