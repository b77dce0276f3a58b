// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package conductor

import (
	"errors"

	"github.com/hashicorp/go-hclog"

	"github.com/gantry-provider/terraform-provider-gantry/internal/conductor/fault"
)

// maskedLogger is a logger that masks what others said: errors. gantry's own words pass as they are, but
// for what a terminal would obey.
type maskedLogger struct {
	hclog.Logger
	mask fault.Mask
}

// masking returns a logger that hides what the mask hides.
func masking(logger hclog.Logger, mask fault.Mask) hclog.Logger {
	if own, ok := logger.(maskedLogger); ok {
		logger = own.Logger
	}
	return maskedLogger{logger, mask}
}

func (l maskedLogger) args(args []any) []any {
	out := make([]any, len(args))
	for i, arg := range args {
		switch arg := arg.(type) {
		case error:
			out[i] = l.said(arg)
		case string:
			out[i] = fault.Printable(arg)
		default:
			out[i] = arg
		}
	}
	return out
}

func (l maskedLogger) said(err error) string {
	if f := (*fault.Fault)(nil); errors.As(err, &f) {
		return fault.Printable(err.Error())
	}
	return l.mask.Text(err.Error())
}

func (l maskedLogger) Log(level hclog.Level, msg string, args ...any) {
	l.Logger.Log(level, msg, l.args(args)...)
}
func (l maskedLogger) Trace(msg string, args ...any) { l.Logger.Trace(msg, l.args(args)...) }
func (l maskedLogger) Debug(msg string, args ...any) { l.Logger.Debug(msg, l.args(args)...) }
func (l maskedLogger) Info(msg string, args ...any)  { l.Logger.Info(msg, l.args(args)...) }
func (l maskedLogger) Warn(msg string, args ...any)  { l.Logger.Warn(msg, l.args(args)...) }
func (l maskedLogger) Error(msg string, args ...any) { l.Logger.Error(msg, l.args(args)...) }

func (l maskedLogger) With(args ...any) hclog.Logger {
	return maskedLogger{l.Logger.With(l.args(args)...), l.mask}
}

func (l maskedLogger) Named(name string) hclog.Logger {
	return maskedLogger{l.Logger.Named(name), l.mask}
}

func (l maskedLogger) ResetNamed(name string) hclog.Logger {
	return maskedLogger{l.Logger.ResetNamed(name), l.mask}
}
