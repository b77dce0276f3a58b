// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// mostID is the highest ID of a user or a group that an engine takes.
const mostID = 1<<31 - 1

// userName validates a user, or a user and a group, as far as an engine refuses it before it looks into the
// container.
type userName struct{}

func (userName) Description(context.Context) string {
	return fmt.Sprintf("must be a name or an ID of a user, or user:group, with IDs of 0 to %d", mostID)
}
func (v userName) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }
func (v userName) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	text := req.ConfigValue.ValueString()
	user, group, _ := strings.Cut(text, ":")
	if text == "" || outOfRange(user) || outOfRange(group) {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid user %q", text), fmt.Sprintf("It %s.", v.Description(ctx)))
	}
}

// groupName validates a group.
type groupName struct{}

func (groupName) Description(context.Context) string {
	return fmt.Sprintf("must be a name or an ID of a group, with an ID of 0 to %d", mostID)
}
func (v groupName) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }
func (v groupName) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if text := req.ConfigValue.ValueString(); text == "" || outOfRange(text) {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid group %q", text), fmt.Sprintf("It %s.", v.Description(ctx)))
	}
}

// outOfRange reports whether a text is a number, and no ID of a user or a group.
func outOfRange(text string) bool {
	if !regexp.MustCompile(`^-?\d+$`).MatchString(text) {
		return false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return err != nil || n < 0 || n > mostID
}

// signalName validates a signal, by its name or number, as the engine knows it.
type signalName struct{}

func (signalName) Description(context.Context) string {
	return `must be the name or the number of a signal, for example "SIGTERM"`
}
func (v signalName) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }
func (v signalName) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	text := req.ConfigValue.ValueString()
	if n, err := strconv.ParseUint(text, 10, 31); err == nil && n > 0 {
		return
	}
	if !isSignal(strings.TrimPrefix(strings.ToUpper(text), "SIG")) {
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Unknown signal %q", text), fmt.Sprintf("It %s.", v.Description(ctx)))
	}
}

// isSignal reports whether an engine has a signal of this name (moby/sys/signal, for Linux).
func isSignal(name string) bool {
	names := strings.Fields(`ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP
		TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX`)
	return slices.Contains(names, name) || regexp.MustCompile(`^RTMIN\+([1-9]|1[0-5])$|^RTMAX-([1-9]|1[0-4])$`).MatchString(name)
}
