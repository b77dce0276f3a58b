// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package customtypes

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/docker/go-units"
)

// bare is the number below which a size without a unit is taken for a mistake: the engine's
// smallest memory limit is 6 MiB, and who means bytes writes more digits.
const bare = 1 << 20

// most is more memory than there is; some processors make the highest number of what overflows.
const most = 1 << 60

// ParseSize parses a size as the Compose specification spells byte values ("512m", "1.5g",
// "65536k", "1073741824"). It gives bytes; units are powers of 1024.
func ParseSize(s string) (int64, error) {
	n, err := units.RAMInBytes(s)
	if err != nil || strings.TrimSpace(s) != s || n < 0 || n > most {
		return 0, errors.New(`a size is a number and a unit of b, k, m or g, for example "512m" or "1.5g"`)
	}
	if number, err := strconv.ParseFloat(s, 64); err == nil && number > 0 && n < bare {
		return 0, fmt.Errorf(`%s are bytes: did you mean "%sm"? To mean bytes, write "%sb"`, s, s, s)
	}
	return n, nil
}

// FormatSize spells a number of bytes with the largest unit that keeps it exact.
func FormatSize(n int64) string {
	for _, unit := range []struct {
		name string
		size int64
	}{{"g", 1 << 30}, {"m", 1 << 20}, {"k", 1 << 10}} {
		if n != 0 && n%unit.size == 0 {
			return strconv.FormatInt(n/unit.size, 10) + unit.name
		}
	}
	return strconv.FormatInt(n, 10) + "b"
}

// ParseDuration parses a duration as the Compose specification spells it: "500ms", "90s", "1m30s".
func ParseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, errors.New(`a duration is made of numbers and units of us, ms, s, m or h, for example "30s" or "1m30s", and is not negative`)
	}
	return d, nil
}

// FormatDuration spells a duration without its empty parts: "1m", not "1m0s".
func FormatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// NormaliseReference returns an image reference with its registry and its tag spelled out
// ("nginx" is "docker.io/library/nginx:latest").
func NormaliseReference(s string) (string, error) {
	named, err := reference.ParseNormalizedNamed(s)
	if err != nil {
		return "", fmt.Errorf(`an image reference is [registry/]name[:tag][@digest], in lower case but for the tag, for example "ghcr.io/acme/app:1.4" (%w)`, err)
	}
	return reference.TagNameOnly(named).String(), nil
}

// NormalisePlatform returns a platform with its architecture's usual name and without a default
// variant ("linux/x86_64" is "linux/amd64", "linux/arm64/v8" is "linux/arm64").
func NormalisePlatform(s string) (string, error) {
	p, err := platforms.Parse(s)
	if err != nil || !strings.Contains(s, "/") {
		return "", errors.New(`a platform is os/architecture[/variant], for example "linux/arm64"`)
	}
	p = platforms.Normalize(p)
	return platforms.Format(p), nil
}

// ParseRestart parses a restart policy as the Compose specification spells it: "no", "always",
// "unless-stopped", "on-failure", "on-failure:3". The number is the most restarts; 0 is no bound.
func ParseRestart(s string) (name string, retries int, err error) {
	name, count, bounded := strings.Cut(s, ":")
	if bounded && name == "on-failure" {
		if retries, err = strconv.Atoi(count); err == nil && retries >= 0 && retries <= math.MaxInt32 {
			return name, retries, nil
		}
	} else if !bounded && (name == "no" || name == "always" || name == "unless-stopped" || name == "on-failure") {
		return name, 0, nil
	}
	return "", 0, errors.New(`a restart policy is "no", "always", "unless-stopped", "on-failure" or "on-failure:N"`)
}

// FormatRestart spells a restart policy.
func FormatRestart(name string, retries int) string {
	if name == "" {
		return "no"
	}
	if name == "on-failure" && retries > 0 {
		return fmt.Sprintf("%s:%d", name, retries)
	}
	return name
}

// ParseSwapSize parses a limit of memory and swap together: a size, or "-1" for none.
func ParseSwapSize(s string) (int64, error) {
	if s == "-1" {
		return -1, nil
	}
	n, err := ParseSize(s)
	if err != nil {
		return 0, fmt.Errorf(`%w; "-1" is no limit`, err)
	}
	return n, nil
}

// FormatSwapSize spells a limit of memory and swap.
func FormatSwapSize(n int64) string {
	if n < 0 {
		return "-1"
	}
	return FormatSize(n)
}

// mostCPUs is more than a kernel can be built for.
const mostCPUs = 8192

// NormaliseCPUSet returns a set of CPUs or memory nodes in ascending ranges: "3,0-1,2" is "0-3".
func NormaliseCPUSet(s string) (string, error) {
	wrong := errors.New(`a set of CPUs is made of numbers and ranges, for example "0-2,4"`)
	var in [mostCPUs]bool
	for part := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.ParseUint(first, 10, 16)
		to, other := strconv.ParseUint(last, 10, 16)
		if err != nil || other != nil || from > to || to >= mostCPUs {
			return "", wrong
		}
		for n := from; n <= to; n++ {
			in[n] = true
		}
	}
	var parts []string
	for n := 0; n < mostCPUs; n++ {
		if !in[n] {
			continue
		}
		first := n
		for n+1 < mostCPUs && in[n+1] {
			n++
		}
		if first == n {
			parts = append(parts, strconv.Itoa(n))
			continue
		}
		parts = append(parts, fmt.Sprintf("%d-%d", first, n))
	}
	return strings.Join(parts, ","), nil
}

// ParseUlimit parses a ulimit as the Docker CLI spells it: "1024:2048" are the soft and the hard
// limit, "1024" is both; -1 is none.
func ParseUlimit(s string) (soft, hard int64, err error) {
	first, last, both := strings.Cut(s, ":")
	if !both {
		last = first
	}
	soft, err = strconv.ParseInt(first, 10, 64)
	hard, other := strconv.ParseInt(last, 10, 64)
	switch {
	case err != nil || other != nil || soft < -1 || hard < -1:
		return 0, 0, errors.New(`a ulimit is a number for both limits, or "soft:hard", for example "1024:2048"; -1 is no limit`)
	case hard != -1 && (soft == -1 || soft > hard):
		return 0, 0, fmt.Errorf("the soft limit %d is above the hard limit %d", soft, hard)
	}
	return soft, hard, nil
}

// FormatUlimit spells a ulimit, with one number where the limits are the same.
func FormatUlimit(soft, hard int64) string {
	if soft == hard {
		return strconv.FormatInt(soft, 10)
	}
	return fmt.Sprintf("%d:%d", soft, hard)
}
