// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Package customtypes has strings of Terraform that are compared by what they mean, and keep the
// user's spelling: sizes, durations, image references, platforms, restart policies, sets of CPUs, ulimits.
package customtypes

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/attr/xattr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

var (
	_ basetypes.StringTypable                    = Type{}
	_ basetypes.StringValuableWithSemanticEquals = Value{}
	_ xattr.ValidateableAttribute                = Value{}
)

// Kind is what a string stands for.
type Kind string

// The kinds.
const (
	Size      Kind = "size"
	Duration  Kind = "duration"
	Reference Kind = "image reference"
	Platform  Kind = "platform"
	Restart   Kind = "restart policy"
	// SwapSize is a size, or -1 for no limit.
	SwapSize Kind = "limit of memory and swap"
	CPUSet   Kind = "set of CPUs"
	// Ulimit is the soft and the hard limit of a resource, or one number for both.
	Ulimit Kind = "ulimit"
)

// normalise returns the one spelling of all strings that mean the same, or says what is wrong.
func (k Kind) normalise(s string) (string, error) {
	if zero, ok := k.leftOut(); ok && s == "" {
		return zero, nil
	}
	switch k {
	case Size:
		n, err := ParseSize(s)
		return fmt.Sprint(n), err
	case Duration:
		d, err := ParseDuration(s)
		return d.String(), err
	case Reference:
		return NormaliseReference(s)
	case Platform:
		return NormalisePlatform(s)
	case SwapSize:
		n, err := ParseSwapSize(s)
		return fmt.Sprint(n), err
	case CPUSet:
		return NormaliseCPUSet(s)
	case Ulimit:
		soft, hard, err := ParseUlimit(s)
		return FormatUlimit(soft, hard), err
	default:
		name, retries, err := ParseRestart(s)
		return fmt.Sprintf("%s:%d", name, retries), err
	}
}

// leftOut returns what the empty string means, where it means the same as to leave a value out.
func (k Kind) leftOut() (normal string, ok bool) {
	switch k {
	case Size, SwapSize:
		return "0", true
	case Platform, CPUSet, Duration:
		return "", true
	case Restart:
		return "no:0", true
	case Reference, Ulimit:
	}
	return "", false
}

// Check says what is wrong with a string.
func (k Kind) Check(s string) error {
	_, err := k.normalise(s)
	return err
}

// CheckElement says what is wrong with an element of a collection: it can't be left out by being empty.
func (k Kind) CheckElement(s string) error {
	if _, ok := k.leftOut(); ok && s == "" {
		return fmt.Errorf("a %s is missing", k)
	}
	return k.Check(s)
}

// Plain returns the one spelling of all strings that mean the same, or the string itself where it means
// nothing.
func (k Kind) Plain(s string) string {
	if plain, err := k.normalise(s); err == nil {
		return plain
	}
	return s
}

// Same reports whether two strings mean the same. What has no meaning is the same only by its letters.
func (k Kind) Same(a, b string) bool {
	x, err := k.normalise(a)
	y, other := k.normalise(b)
	if err != nil || other != nil {
		return a == b
	}
	return x == y
}

// Type is the type of an attribute that holds such a string.
type Type struct {
	basetypes.StringType
	Kind Kind
}

// String names the type.
func (t Type) String() string { return "meaning.Type[" + string(t.Kind) + "]" }

// Equal compares types.
func (t Type) Equal(o attr.Type) bool { return t == o }

// ValueType returns a value of this type.
func (t Type) ValueType(context.Context) attr.Value { return Value{Kind: t.Kind} }

// ValueFromString makes a value of this type.
func (t Type) ValueFromString(_ context.Context, s basetypes.StringValue) (basetypes.StringValuable, diag.Diagnostics) {
	return Value{StringValue: s, Kind: t.Kind}, nil
}

// ValueFromTerraform makes a value of this type.
func (t Type) ValueFromTerraform(ctx context.Context, v tftypes.Value) (attr.Value, error) {
	value, err := t.StringType.ValueFromTerraform(ctx, v)
	if err != nil {
		return nil, err
	}
	s, ok := value.(basetypes.StringValue)
	if !ok {
		return nil, fmt.Errorf("%T is no string", value)
	}
	return Value{StringValue: s, Kind: t.Kind}, nil
}

// Value is such a string: null, unknown, or known.
type Value struct {
	basetypes.StringValue
	Kind Kind
}

// New makes a known value.
func New(kind Kind, s string) Value {
	return Value{StringValue: basetypes.NewStringValue(s), Kind: kind}
}

// Null makes a null value.
func Null(kind Kind) Value { return Value{StringValue: basetypes.NewStringNull(), Kind: kind} }

// Type returns the value's type.
func (v Value) Type(context.Context) attr.Type { return Type{Kind: v.Kind} }

// Equal compares by spelling.
func (v Value) Equal(o attr.Value) bool {
	other, ok := o.(Value)
	return ok && v.Kind == other.Kind && v.StringValue.Equal(other.StringValue)
}

// StringSemanticEquals compares by meaning.
func (v Value) StringSemanticEquals(_ context.Context, o basetypes.StringValuable) (bool, diag.Diagnostics) {
	other, ok := o.(Value)
	return ok && v.Kind.Same(v.ValueString(), other.ValueString()), nil
}

// ValidateAttribute says what is wrong with a configured value.
func (v Value) ValidateAttribute(_ context.Context, req xattr.ValidateAttributeRequest, resp *xattr.ValidateAttributeResponse) {
	if v.IsNull() || v.IsUnknown() {
		return
	}
	if _, err := v.Kind.normalise(v.ValueString()); err != nil {
		// Terraform does not show the line of what is nested in an attribute: the text names it.
		resp.Diagnostics.AddAttributeError(req.Path, fmt.Sprintf("Invalid %s %q for %s", v.Kind, v.ValueString(), req.Path), err.Error()+".")
	}
}

// Or is the value with this meaning, in v's spelling where v has it.
func (v Value) Or(s string) Value {
	if !v.IsNull() && !v.IsUnknown() && v.Kind.Same(v.ValueString(), s) {
		return v
	}
	return New(v.Kind, s)
}

// KeepSpelling plans the spelling that the state has where a new one means the same, so that
// neither a change nor a replacement is planned for it. Terraform allows a plan to keep the prior
// value of a configured attribute.
func KeepSpelling(kind Kind) planmodifier.String { return keepSpelling{kind} }

type keepSpelling struct{ kind Kind }

func (k keepSpelling) Description(context.Context) string {
	return "another spelling of the same " + string(k.kind) + " is no change"
}
func (k keepSpelling) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

func (k keepSpelling) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.StateValue.IsNull() || req.PlanValue.IsNull() || req.PlanValue.IsUnknown() {
		return
	}
	if k.kind.Same(req.StateValue.ValueString(), req.PlanValue.ValueString()) {
		resp.PlanValue = req.StateValue
	}
}
