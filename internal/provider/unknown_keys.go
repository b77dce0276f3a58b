// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	"github.com/zclconf/go-cty/cty/msgpack"

	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/pruned"
	"github.com/gantry-provider/terraform-provider-gantry/internal/provider/unknownkeys"
)

// registrySource is the provider's address in any registry, without the host.
const registrySource = "gantry-provider/gantry"

// keyChecker is the provider's server, which reports keys that Terraform has dropped.
//
// Terraform validates a configuration in a walk of its own, with a provider that is not configured,
// before validate, plan, apply, refresh, test and destroy. Later walks validate again, configured;
// among them is the apply of a saved plan, whose configuration the files need not be any more, and
// which must not fail by them. So nothing is reported once the provider is configured.
type keyChecker struct {
	*pruned.Server
	// dir is the directory of the root module, and dataDir where Terraform installs modules.
	dir, dataDir string

	mu         sync.Mutex
	configured bool
	// read reports whether findings and types are there.
	read     bool
	findings unknownkeys.Findings
	types    unknownkeys.Schemas
	// told are the places of the keys that were reported: equal blocks are validated one by one.
	told map[hcl.Range]bool
	// own is the provider's configuration, until it is checked. Its validation alone does not tell
	// whether the provider is about to be configured.
	own *tfprotov6.DynamicValue
}

func newKeyChecker(server *pruned.Server) *keyChecker {
	// A provider's working directory is the root module's directory, also with -chdir.
	return &keyChecker{Server: server, dir: ".", dataDir: cmp.Or(os.Getenv("TF_DATA_DIR"), ".terraform"), told: make(map[hcl.Range]bool)}
}

func (s *keyChecker) ConfigureProvider(ctx context.Context, req *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	s.mu.Lock()
	s.configured = true
	s.mu.Unlock()
	return s.Server.ConfigureProvider(ctx, req)
}

func (s *keyChecker) ValidateProviderConfig(ctx context.Context, req *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	s.mu.Lock()
	s.own = req.Config
	s.mu.Unlock()
	return s.Server.ValidateProviderConfig(ctx, req)
}

func (s *keyChecker) ValidateResourceConfig(ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	resp, err := s.Server.ValidateResourceConfig(ctx, req)
	if err == nil {
		resp.Diagnostics = append(resp.Diagnostics, s.check(ctx, unknownkeys.Resource, req.TypeName, req.Config)...)
	}
	return resp, err
}

func (s *keyChecker) ValidateDataResourceConfig(ctx context.Context, req *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	resp, err := s.Server.ValidateDataResourceConfig(ctx, req)
	if err == nil {
		resp.Diagnostics = append(resp.Diagnostics, s.check(ctx, unknownkeys.Data, req.TypeName, req.Config)...)
	}
	return resp, err
}

func (s *keyChecker) ValidateActionConfig(ctx context.Context, req *tfprotov6.ValidateActionConfigRequest) (*tfprotov6.ValidateActionConfigResponse, error) {
	resp, err := s.Server.ValidateActionConfig(ctx, req)
	if err == nil {
		resp.Diagnostics = append(resp.Diagnostics, s.check(ctx, unknownkeys.Action, req.ActionType, req.Config)...)
	}
	return resp, err
}

// check returns what is wrong with the block of a configuration, and with the provider's own.
func (s *keyChecker) check(ctx context.Context, kind unknownkeys.Kind, typeName string, config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.configured || !s.prepare(ctx) {
		return nil
	}
	found := s.of(kind, typeName, config)
	if s.own != nil {
		found = append(found, s.of(unknownkeys.Provider, "", s.own)...)
		s.own = nil
	}
	var diags []*tfprotov6.Diagnostic
	for _, f := range found {
		if !s.told[f.Range] {
			s.told[f.Range] = true
			diags = append(diags, unknownKey(f))
		}
	}
	return diags
}

// prepare reads the files, once. It reports whether there is anything to find.
func (s *keyChecker) prepare(ctx context.Context) bool {
	if s.read {
		return s.findings.Some()
	}
	s.read = true
	schemas, err := s.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return false
	}
	s.types = blockTypes(schemas)
	s.findings = unknownkeys.Find(unknownkeys.Source{Dir: s.dir, DataDir: s.dataDir, Provider: registrySource, Schemas: s.types})
	return s.findings.Some()
}

// of returns the unknown keys of the block that this configuration comes from.
func (s *keyChecker) of(kind unknownkeys.Kind, typeName string, config *tfprotov6.DynamicValue) []unknownkeys.Finding {
	typ, ok := s.types[kind][typeName]
	if !ok || config == nil {
		return nil
	}
	decode, raw := msgpack.Unmarshal, config.MsgPack
	if raw == nil {
		decode, raw = ctyjson.Unmarshal, config.JSON
	}
	v, err := decode(raw, typ)
	if err != nil {
		return nil
	}
	return s.findings.For(kind, typeName, v)
}

// unknownKey is an error, or a warning about a module that is not the user's to edit.
func unknownKey(f unknownkeys.Finding) *tfprotov6.Diagnostic {
	at := pathText(f.Path)
	help := fmt.Sprintf("Its keys are %s.", strings.Join(f.Known, ", "))
	if f.Nearest != "" {
		help = fmt.Sprintf("Did you mean %q?", f.Nearest)
	}
	d := &tfprotov6.Diagnostic{
		Severity: tfprotov6.DiagnosticSeverityError,
		Summary:  fmt.Sprintf("Unknown key %q in %s of %s", f.Key, at, blockName(f)),
		Detail: fmt.Sprintf("%s:%d has the key %q, which an object of %s does not have, and Terraform leaves it out without an error of its own. %s",
			f.Range.Filename, f.Range.Start.Line, f.Key, at, help),
	}
	if f.Kind != unknownkeys.Provider { // Provider settings are reported with the first resource.
		d.Attribute = attributePath(f.Path)
	}
	if f.Installed {
		d.Severity = tfprotov6.DiagnosticSeverityWarning
		d.Detail += " The file belongs to an installed module: the setting has no effect until the module's author corrects it."
	}
	return d
}

func blockName(f unknownkeys.Finding) string {
	switch {
	case f.Kind == unknownkeys.Provider && f.Name != "":
		return fmt.Sprintf("provider %q (%s)", f.Type, f.Name)
	case f.Kind == unknownkeys.Provider:
		return fmt.Sprintf("provider %q", f.Type)
	case f.Kind == unknownkeys.Resource:
		return f.Type + "." + f.Name
	default:
		return fmt.Sprintf("%s.%s.%s", f.Kind, f.Type, f.Name)
	}
}

// pathText writes a path as in a reference: mounts["/srv"].
func pathText(path cty.Path) string {
	var b strings.Builder
	for _, step := range path {
		switch step := step.(type) {
		case cty.GetAttrStep:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(step.Name)
		case cty.IndexStep:
			if step.Key.Type() == cty.String {
				fmt.Fprintf(&b, "[%q]", step.Key.AsString())
			} else {
				fmt.Fprintf(&b, "[%s]", step.Key.AsBigFloat().String())
			}
		}
	}
	return b.String()
}

func attributePath(path cty.Path) *tftypes.AttributePath {
	out := tftypes.NewAttributePath()
	for _, step := range path {
		switch step := step.(type) {
		case cty.GetAttrStep:
			out = out.WithAttributeName(step.Name)
		case cty.IndexStep:
			if step.Key.Type() == cty.String {
				out = out.WithElementKeyString(step.Key.AsString())
			} else {
				index, _ := step.Key.AsBigFloat().Int64()
				out = out.WithElementKeyInt(int(index))
			}
		}
	}
	return out
}

// blockTypes are the types of what the provider's blocks hold.
func blockTypes(schemas *tfprotov6.GetProviderSchemaResponse) unknownkeys.Schemas {
	out := unknownkeys.Schemas{
		unknownkeys.Resource: make(map[string]cty.Type), unknownkeys.Data: make(map[string]cty.Type),
		unknownkeys.Action:   make(map[string]cty.Type),
		unknownkeys.Provider: {"": ctyType(schemas.Provider.ValueType())},
	}
	for name, s := range schemas.ResourceSchemas {
		out[unknownkeys.Resource][name] = ctyType(s.ValueType())
	}
	for name, s := range schemas.DataSourceSchemas {
		out[unknownkeys.Data][name] = ctyType(s.ValueType())
	}
	for name, s := range schemas.ActionSchemas {
		out[unknownkeys.Action][name] = ctyType(s.Schema.ValueType())
	}
	return out
}

func ctyType(typ tftypes.Type) cty.Type {
	switch typ := typ.(type) {
	case tftypes.Object:
		attributes := make(map[string]cty.Type, len(typ.AttributeTypes))
		for name, t := range typ.AttributeTypes {
			attributes[name] = ctyType(t)
		}
		return cty.Object(attributes)
	case tftypes.Map:
		return cty.Map(ctyType(typ.ElementType))
	case tftypes.List:
		return cty.List(ctyType(typ.ElementType))
	case tftypes.Set:
		return cty.Set(ctyType(typ.ElementType))
	}
	switch {
	case typ.Is(tftypes.String):
		return cty.String
	case typ.Is(tftypes.Number):
		return cty.Number
	case typ.Is(tftypes.Bool):
		return cty.Bool
	}
	return cty.DynamicPseudoType
}
