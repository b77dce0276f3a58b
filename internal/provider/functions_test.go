// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func call(t *testing.T, f function.Function, text string) (attr.Value, *function.FuncError) {
	t.Helper()
	var definition function.DefinitionResponse
	f.Definition(t.Context(), function.DefinitionRequest{}, &definition)
	result, err := definition.Definition.Return.NewResultData(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	resp := function.RunResponse{Result: result}
	f.Run(t.Context(), function.RunRequest{Arguments: function.NewArgumentsData([]attr.Value{types.StringValue(text)})}, &resp)
	return resp.Result.Value(), resp.Error
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("a", 64)
	for _, tt := range []struct {
		f          func() function.Function
		text, want string
	}{
		{newReferenceFunction, "nginx", `{"digest":<null>,"name":"docker.io/library/nginx:latest","registry":"docker.io","repository":"library/nginx","tag":"latest"}`},
		{newReferenceFunction, "127.0.0.1:5000/a/b:1", `{"digest":<null>,"name":"127.0.0.1:5000/a/b:1","registry":"127.0.0.1:5000","repository":"a/b","tag":"1"}`},
		{newReferenceFunction, "ghcr.io/a/b@" + digest, `{"digest":"` + digest + `","name":"ghcr.io/a/b@` + digest + `","registry":"ghcr.io","repository":"a/b","tag":<null>}`},
		{newSizeFunction, "1.5g", "1610612736"},
		{newDurationFunction, "1m30s", "90.000000"},
		{newDurationFunction, "500ms", "0.500000"},
		{newEnvFileFunction, "# a comment\nexport A=1\nB=\"two ${A}\"\nC='as ${A} is'\nD=x # trailing\nE=${HOME}\nF=${E:-none}\n",
			`{"A":"1","B":"two 1","C":"as ${A} is","D":"x","E":"","F":"none"}`},
		{newEnvFileFunction, "", "{}"},
	} {
		got, err := call(t, tt.f(), tt.text)
		if err != nil || got.String() != tt.want {
			t.Errorf("%q: %s (%v), want %s", tt.text, got, err, tt.want)
		}
	}
	for text, f := range map[string]func() function.Function{
		"UPPER/Case": newReferenceFunction, "512x": newSizeFunction, "-1s": newDurationFunction, "A='unfinished": newEnvFileFunction,
	} {
		if got, err := call(t, f(), text); err == nil || err.FunctionArgument == nil {
			t.Errorf("%q is taken: %s", text, got)
		}
	}
}

// What a file does not say does not come from the machine.
func TestEnvFileIsAlone(t *testing.T) {
	t.Setenv("GANTRY_OUTSIDE", "secret")
	got, err := call(t, newEnvFileFunction(), "A=${GANTRY_OUTSIDE}\n")
	if err != nil || strings.Contains(got.String(), "secret") {
		t.Errorf("%s (%v)", got, err)
	}
}
