// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

// Command actionschemas reads what `terraform providers schema -json` prints, and writes it with
// the schemas of the provider's actions: a Terraform before 1.14, or an OpenTofu, leaves them out,
// and the documentation that is generated has to be the same with any.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/gantry-provider/terraform-provider-gantry/internal/provider"
)

func main() {
	if err := complete(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "actionschemas:", err)
		os.Exit(1)
	}
}

// object is a JSON object: what is not known here passes through.
type object = map[string]any

func complete(ctx context.Context, in io.Reader, out io.Writer) error {
	var printed object
	if err := json.NewDecoder(in).Decode(&printed); err != nil {
		return fmt.Errorf("reading the schemas: %w", err)
	}
	providers, ok := printed["provider_schemas"].(object)
	if !ok || len(providers) != 1 {
		return errors.New("the schemas of exactly one provider are expected")
	}
	server := provider.NewServer("", hclog.NewNullLogger())() //nolint:contextcheck // It makes the server once and for all.
	schemas, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return err
	}
	actions := make(object, len(schemas.ActionSchemas))
	for name, action := range schemas.ActionSchemas {
		block := action.Schema.Block
		actions[name] = object{"block": object{
			"attributes": attributes(block.Attributes), "description": block.Description, "description_kind": kind(block.DescriptionKind),
		}}
	}
	for _, p := range providers {
		schema, ok := p.(object)
		if !ok {
			return errors.New("the provider's schema is no object")
		}
		schema["action_schemas"] = actions
	}
	return json.NewEncoder(out).Encode(printed)
}

func attributes(list []*tfprotov6.SchemaAttribute) object {
	all := make(object, len(list))
	for _, a := range list {
		one := object{"description": a.Description, "description_kind": kind(a.DescriptionKind)}
		for flag, set := range map[string]bool{"required": a.Required, "optional": a.Optional, "sensitive": a.Sensitive, "write_only": a.WriteOnly} {
			if set {
				one[flag] = true
			}
		}
		if a.NestedType != nil {
			one["nested_type"] = object{"attributes": attributes(a.NestedType.Attributes), "nesting_mode": nesting(a.NestedType.Nesting)}
		} else {
			one["type"] = a.Type
		}
		all[a.Name] = one
	}
	return all
}

func nesting(mode tfprotov6.SchemaObjectNestingMode) string {
	switch mode {
	case tfprotov6.SchemaObjectNestingModeList:
		return "list"
	case tfprotov6.SchemaObjectNestingModeSet:
		return "set"
	case tfprotov6.SchemaObjectNestingModeMap:
		return "map"
	default:
		return "single"
	}
}

func kind(k tfprotov6.StringKind) string {
	if k == tfprotov6.StringKindMarkdown {
		return "markdown"
	}
	return "plain"
}
