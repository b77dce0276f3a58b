// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/customtypes"
)

var _ provider.ProviderWithFunctions = (*gantry)(nil)

func (p *gantry) Functions(context.Context) []func() function.Function {
	return []func() function.Function{newReferenceFunction, newSizeFunction, newDurationFunction, newEnvFileFunction}
}

// textFunction is a function of one text.
type textFunction struct {
	name       string
	definition function.Definition
	// run gives what the text means.
	run func(text string) (any, error)
}

func (f *textFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = f.name
}

func (f *textFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = f.definition
}

func (f *textFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var text string
	if resp.Error = req.Arguments.Get(ctx, &text); resp.Error != nil {
		return
	}
	result, err := f.run(text)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, result)
}

type referenceModel struct {
	Name       types.String `tfsdk:"name"`
	Registry   types.String `tfsdk:"registry"`
	Repository types.String `tfsdk:"repository"`
	Tag        types.String `tfsdk:"tag"`
	Digest     types.String `tfsdk:"digest"`
}

func newReferenceFunction() function.Function {
	return &textFunction{
		name: "parse_image_reference",
		definition: function.Definition{
			Summary: "The parts of an image reference",
			MarkdownDescription: "Gives `name` (the reference with registry and tag spelled out), `registry`, `repository`, `tag` and `digest` of an image reference. " +
				"What is left out gets its usual value: `nginx` is `docker.io/library/nginx:latest`. `tag` is null where there is only a digest, `digest` where there is none.",
			Parameters: []function.Parameter{function.StringParameter{Name: "reference", MarkdownDescription: "`[registry/]name[:tag][@digest]`"}},
			Return: function.ObjectReturn{AttributeTypes: map[string]attr.Type{
				"name": types.StringType, "registry": types.StringType, "repository": types.StringType, "tag": types.StringType, "digest": types.StringType,
			}},
		},
		run: func(text string) (any, error) {
			whole, err := customtypes.NormaliseReference(text)
			if err != nil {
				return nil, err
			}
			rest, digest, _ := strings.Cut(whole, "@")
			registry, rest, _ := strings.Cut(rest, "/")
			repository, tag, _ := strings.Cut(rest, ":")
			return referenceModel{
				Name: types.StringValue(whole), Registry: types.StringValue(registry), Repository: types.StringValue(repository),
				Tag: stringOrNull(tag), Digest: stringOrNull(digest),
			}, nil
		},
	}
}

func newSizeFunction() function.Function {
	return &textFunction{
		name: "parse_size",
		definition: function.Definition{
			Summary:             "The bytes of a size",
			MarkdownDescription: "Gives the number of bytes of a size such as `512m` or `1.5g`. Units are powers of 1024.",
			Parameters:          []function.Parameter{function.StringParameter{Name: "size", MarkdownDescription: "A number and a unit of `b`, `k`, `m` or `g`."}},
			Return:              function.Int64Return{},
		},
		run: func(text string) (any, error) { return customtypes.ParseSize(text) },
	}
}

func newDurationFunction() function.Function {
	return &textFunction{
		name: "parse_duration",
		definition: function.Definition{
			Summary:             "The seconds of a duration",
			MarkdownDescription: "Gives the number of seconds of a duration such as `500ms` or `1m30s`, as a fraction where needed.",
			Parameters:          []function.Parameter{function.StringParameter{Name: "duration", MarkdownDescription: "Numbers and units of `us`, `ms`, `s`, `m` or `h`."}},
			Return:              function.Float64Return{},
		},
		run: func(text string) (any, error) {
			d, err := customtypes.ParseDuration(text)
			return d.Seconds(), err
		},
	}
}

func newEnvFileFunction() function.Function {
	return &textFunction{
		name: "parse_env_file",
		definition: function.Definition{
			Summary: "An environment file as a map",
			MarkdownDescription: "Gives the variables of an environment file (`.env`) as a map, by the rules of Compose: comments, `export`, quotes, and `${OTHER}` for a variable defined before. " +
				"Variables of the machine that runs Terraform are not taken in.",
			Parameters: []function.Parameter{function.StringParameter{Name: "text", MarkdownDescription: "The content of the file, for example `file(\"app.env\")`."}},
			Return:     function.MapReturn{ElementType: types.StringType},
		},
		run: func(text string) (any, error) {
			return dotenv.UnmarshalWithLookup(text, func(string) (string, bool) { return "", false })
		},
	}
}
