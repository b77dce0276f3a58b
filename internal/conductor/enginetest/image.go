// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package enginetest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/client"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Program is where the image of the tests has its program. It is the image's entrypoint.
const Program = "/program"

// ImageOptions say what an image has besides the program.
type ImageOptions struct {
	// Command are the program's default arguments; nil is ["sleep"].
	Command []string
	Env     map[string]string
	Labels  map[string]string
	// Health is the test of a health check that runs every 500 ms; nil is no check.
	Health  []string
	Volumes []string
	Expose  []string
	User    string
	// Random adds a layer with that many random bytes, which no engine has yet.
	Random int64
}

// programSource is compiled from here, not from the directory, so that the cache key and what is
// compiled are the same bytes.
//
//go:embed program/main.go
var programSource []byte

// Image makes an image on the engine, without a builder and without a registry, and returns its
// reference. The test's clean-up removes it.
func (e *Engine) Image(opts ImageOptions) string {
	e.t.Helper()
	ref := e.Name("image-"+unique()) + ":1"
	e.Load(ref, opts)
	return ref
}

// Load makes an image on the engine under a reference, whose repository is one of [Engine.Name].
func (e *Engine) Load(ref string, opts ImageOptions) {
	e.t.Helper()
	img := e.build(opts)
	tag, err := name.NewTag(ref)
	e.must(err, "read the reference "+ref)
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(tarball.Write(tag, img, writer)) }()
	defer func() { _ = reader.Close() }()
	answer, err := e.Docker.ImageLoad(e.context(), reader, client.ImageLoadWithQuiet(true))
	e.must(err, "load the image "+ref)
	defer answer.Body.Close()
	// The engine reports a failure inside the stream.
	for decoder := json.NewDecoder(answer.Body); ; {
		var message struct {
			Error string `json:"error"`
		}
		err := decoder.Decode(&message)
		if errors.Is(err, io.EOF) {
			return
		}
		e.must(err, "load the image "+ref)
		if message.Error != "" {
			e.t.Fatalf("Unable to load the image %s: %s", ref, message.Error)
		}
	}
}

// build makes an image. Its author is the test, so that its ID is too: tests that remove their
// image at the same time do not meet.
func (e *Engine) build(opts ImageOptions) v1.Image {
	e.t.Helper()
	layer, err := programLayer(e.t)
	e.must(err, "make the layer of the program")
	layers := []v1.Layer{layer}
	if opts.Random > 0 {
		layer, err := randomLayer(opts.Random)
		e.must(err, "make the random layer")
		layers = append(layers, layer)
	}
	img, err := mutate.AppendLayers(empty.Image, layers...)
	e.must(err, "make the image")
	file, err := img.ConfigFile()
	e.must(err, "make the image")
	file = file.DeepCopy()
	file.Author = e.prefix
	file.OS, file.Architecture = "linux", runtime.GOARCH
	file.Created = v1.Time{Time: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}
	file.Config = v1.Config{
		Entrypoint: []string{Program},
		Cmd:        opts.Command,
		Env:        []string{"PATH=/"},
		Labels:     opts.Labels,
		User:       opts.User,
	}
	if opts.Command == nil {
		file.Config.Cmd = []string{"sleep"}
	}
	for k, v := range opts.Env {
		file.Config.Env = append(file.Config.Env, k+"="+v)
	}
	if opts.Health != nil {
		file.Config.Healthcheck = &v1.HealthConfig{Test: opts.Health, Interval: 500 * time.Millisecond, Retries: 2}
	}
	file.Config.Volumes = set(opts.Volumes)
	file.Config.ExposedPorts = set(opts.Expose)
	img, err = mutate.ConfigFile(img, file)
	e.must(err, "make the image")
	return img
}

func set(keys []string) map[string]struct{} {
	if keys == nil {
		return nil
	}
	m := map[string]struct{}{}
	for _, k := range keys {
		m[k] = struct{}{}
	}
	return m
}

// program is the layer with the program. A process makes it once: its digests cost more than the rest of an image.
var program struct {
	once  sync.Once
	layer v1.Layer
	err   error
}

func programLayer(tb testing.TB) (v1.Layer, error) {
	tb.Helper()
	program.once.Do(func() {
		packed, err := packedProgram(tb)
		if err != nil {
			program.err = err
			return
		}
		program.layer, program.err = layerOf(packed)
	})
	return program.layer, program.err
}

// packedProgram compiles the program once per machine, compiler and source, and keeps it in the user's cache
// directory, packed as a layer.
func packedProgram(tb testing.TB) ([]byte, error) {
	tb.Helper()
	key := sha256.New()
	fmt.Fprintln(key, runtime.Version(), runtime.GOARCH)
	key.Write(programSource)
	cache, err := os.UserCacheDir()
	if err != nil { // no home directory, as for some service users
		cache = tb.TempDir()
	}
	folder := filepath.Join(cache, "gantry-test")
	path := filepath.Join(folder, hex.EncodeToString(key.Sum(nil))+".tar.gz")
	if packed, err := os.ReadFile(path); !errors.Is(err, os.ErrNotExist) {
		return packed, err
	}
	compiled, err := compile(tb)
	if err != nil {
		return nil, err
	}
	packed, err := pack("program", 0o755, compiled)
	if err != nil {
		return nil, err
	}
	return packed, write(folder, path, packed)
}

func compile(tb testing.TB) ([]byte, error) {
	tb.Helper()
	folder := tb.TempDir()
	source, program := filepath.Join(folder, "main.go"), filepath.Join(folder, "program")
	if err := os.WriteFile(source, programSource, 0o600); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*Patience)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, source)
	build.Dir = folder
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=")
	if output, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, output)
	}
	return os.ReadFile(program)
}

// write puts a file in place at once: another test process may look for it at the same time.
func write(folder, path string, content []byte) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(folder, "new-*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err := errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return os.Rename(file.Name(), path)
}

func pack(path string, mode int64, content []byte) ([]byte, error) {
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zipped)
	if err := archive.WriteHeader(&tar.Header{Name: path, Mode: mode, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
		return nil, err
	}
	if _, err := archive.Write(content); err != nil {
		return nil, err
	}
	if err := errors.Join(archive.Close(), zipped.Close()); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

func randomLayer(size int64) (v1.Layer, error) {
	content := make([]byte, size)
	rand.Read(content)
	packed, err := pack("random-"+unique(), 0o644, content)
	if err != nil {
		return nil, err
	}
	return layerOf(packed)
}

func layerOf(packed []byte) (v1.Layer, error) {
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(packed)), nil
	})
}
