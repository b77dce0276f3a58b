// Copyright (c) The gantry authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	containertypes "github.com/docker/docker/api/types/container"
)

// AttributeRow is all that the tests know of one attribute of gantry_container. Whatever is checked of it is made
// from its row: what is planned, that it goes to an engine and back, that a real engine has it, what drifts, what an
// import finds, and what it means to leave it out. What is nested has a row as "parent.child"; what it is in has one for
// what is checked of the whole.
type AttributeRow struct {
	// Values are two of its values; nil is none. A real engine is asked for the first, and then for the second.
	Values two
	// Change is the change that is planned without an engine, where that is not the one of Values.
	Change two
	// More are further values, in spellings that a person may use. Random configurations have these and the others.
	More []any
	// NotRandom says why random configurations don't have it.
	NotRandom string
	// Empty is what its empty values mean.
	Empty emptyRow

	// Within is what stands around the assignment, with %s in its place; empty at the top level.
	Within string
	// Lines replace Values and Within, where it takes more than one assignment.
	Lines pair
	// Beside are further lines of both configurations.
	Beside string
	// Runs has the container run; the others are only created.
	Runs bool
	// Nothing says that a change of it alone is not seen: it is write-only.
	Nothing bool
	// Seen returns what the engine has of it, and Want is what that has to be, as JSON.
	Seen func(Look) any
	Want pair
	// Without is what the engine has when it is removed from the configuration; empty where the table
	// says no more of that than of another change.
	Without string
	// Outside changes it behind gantry's back, and Shows are the attributes that differ then: nil is
	// the one that the row is about.
	Outside outsider
	Shows   []string
	// API is the first version of the Engine API that knows it.
	API string
	// Replaces says that a change of it does, unlike one of what it is in.
	Replaces bool
	// Discards says what a host lacks whose engine leaves it out, with a warning: then the request is
	// looked at.
	Discards string
	// Refuses asks for it in a request of the test's own: there are engines that refuse it.
	Refuses func(*containertypes.HostConfig)
}

// two and pair are one for the first and one for the second value.
type (
	two  [2]any
	pair [2]string
)

// notSetting is why random configurations do without an attribute that only gantry has a word for.
const notSetting = "it is about operations, and no setting that an engine reports"

// Fixtures are what the rows need on the engine, and beside Terraform.
type Fixtures struct {
	Image, OtherImage string
	// Donor is a container of somebody else's, with a volume.
	Donor string
	// Front and Back are networks; Front has the subnets that V4 and V6 begin.
	Front, Back, V4, V6 string
	Volume, OtherVolume string
	// Directory is one of the host.
	Directory string
	// Source and OtherSource are files with the contents "one" and "two".
	Source, OtherSource string
	Ports               [2]string
	// Name makes a name for what a row itself makes.
	Name func(suffix string) string
}

// AttributeRows has a row for every attribute of gantry_container that a configuration can have.
func AttributeRows(f Fixtures) map[string]AttributeRow {
	rows := make(map[string]AttributeRow)
	for _, block := range []func(Fixtures) map[string]AttributeRow{
		baseRows, commandRows, environmentRows, lifecycleRows, processRows, limitsRows, securityRows, devicesRows, namespacesRows,
		networkingRows, networksRows, portsRows, mountsRows, healthcheckRows, filesRows, placementRows,
	} {
		maps.Copy(rows, block(f))
	}
	return rows
}

// rowsOfNoEngine are the rows for tests that have no engine.
func rowsOfNoEngine() map[string]AttributeRow {
	return AttributeRows(Fixtures{
		Image: "redis:1", OtherImage: "redis:2", Donor: "donor", Front: "front", Back: "back", V4: "10.1.2.", V6: "fd00:9a::", Volume: "data", OtherVolume: "other",
		Directory: "/srv", Source: "/one", OtherSource: "/two", Ports: [2]string{"8080", "8081"}, Name: strings.Clone,
	})
}

// Line is what a configuration has with one of the two values; with none, nothing but what is around.
func (row AttributeRow) Line(name string, value int) string {
	if row.Lines != (pair{}) {
		return row.Lines[value] + "\n" + row.Beside
	}
	assignment := ""
	if v := row.Values[value]; v != nil {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		assignment = name[strings.LastIndexByte(name, '.')+1:] + " = " + string(text)
	}
	return row.Around(assignment)
}

// Around is what a configuration has around an assignment.
func (row AttributeRow) Around(assignment string) string {
	if row.Within != "" {
		assignment = fmt.Sprintf(row.Within, assignment)
	}
	return assignment + "\n" + row.Beside
}

// change is one way to change an attribute; the effects of the blocks say what that does.
type change struct{ from, to any }

// allChanges has a change of every attribute that can be configured and is in a plan.
func allChanges() map[string]change {
	all, effects := make(map[string]change), containerTables().effects
	for name, row := range rowsOfNoEngine() {
		c := change{row.Change[0], row.Change[1]}
		if c == (change{}) {
			c = change{row.Values[0], row.Values[1]}
		}
		if !strings.Contains(name, ".") && !row.Nothing && effects[name] != places {
			all[name] = c
		}
	}
	return all
}

// choices are values for random configurations.
func choices() map[string][]any {
	return valuesOfRows(func(_ string, row AttributeRow) bool { return row.NotRandom == "" })
}

// valuesOfRows has the values of the rows that it is to take, by the attribute that they are of or nested in, whose row
// has to be one of them.
func valuesOfRows(takes func(root string, row AttributeRow) bool) map[string][]any {
	all, rows := make(map[string][]any), rowsOfNoEngine()
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		row := rows[name]
		root, _, _ := strings.Cut(name, ".")
		if !takes(root, row) || !takes(root, rows[root]) {
			continue
		}
		for _, v := range slices.Concat(row.Values[:], row.More) {
			if v != nil {
				all[root] = append(all[root], within(name, v)[root])
			}
		}
	}
	return all
}

// emptiesOfContainers are the rows of gantry_container: what means to leave an attribute out does so to every
// container that was made without it, of a bare image and of the rich one.
func emptiesOfContainers() map[string]emptyRow {
	rows := make(map[string]emptyRow)
	for name, row := range rowsOfNoEngine() {
		if row.Empty.in == nil {
			row.Empty.in = func(v any) values { return within(name, v) }
		}
		rows[name] = row.Empty
	}
	return rows
}

// Every attribute has a row that is complete, and nothing else has.
func TestEveryAttributeHasARow(t *testing.T) {
	t.Parallel()
	rows, all := rowsOfNoEngine(), choices()
	leaves := ContainerAttributes(t.Context())
	for name := range configurable("gantry_container", newCore(t).schema.Block.Attributes) {
		name = strings.TrimPrefix(name, "gantry_container.")
		row, ok := rows[name]
		delete(rows, name)
		e, leaf := leaves[name]
		root, _, nested := strings.Cut(name, ".")
		chosen := row.Values != (two{}) || row.Lines != (pair{})
		switch {
		case !ok:
			t.Errorf("no row tests %s: it belongs into the container_rows_BLOCK_test.go of its block", name)
		case e == places: // It takes engines, and not values.
		case leaf && (!chosen || row.Seen == nil || row.Want == (pair{})):
			t.Errorf("the row of %s lacks Values, Seen or Want: what a real engine has of it", name)
		case leaf && e == inPlaceUnlessRemoved && row.Without == "":
			t.Errorf("the row of %s lacks Without: what there is when it is removed", name)
		case !nested && !row.Nothing && row.Values == (two{}) && row.Change == (two{}):
			t.Errorf("the row of %s lacks Change: without it no plan of a change is tested", name)
		case len(all[root]) == 0 && row.NotRandom == "" && !nested:
			t.Errorf("the row of %s has no values and no NotRandom: nothing finds that expand, translate, observe, refresh or imports lacks it", name)
		case len(row.More) > 0 && row.NotRandom != "":
			t.Errorf("the row of %s has values for random configurations, and says why they have none", name)
		}
	}
	for name := range rows {
		t.Errorf("%s has a row and does not exist", name)
	}
}

// within is a configuration with a value of an attribute, and with what is around that if it is nested.
func within(name string, v any) values {
	i := strings.LastIndexByte(name, '.')
	parent, nested := name[:max(i, 0)], values{name[i+1:]: v}
	mount := func(kind, source any, options values) values {
		return values{"mounts": values{fmt.Sprintf("/%v", kind): values{"type": kind, "source": source}.with(options)}}
	}
	sources := map[string]any{"bind": "/tmp", "volume": "data", "tmpfs": nil, "image": "data:1"}
	_, isOptions := sources[name[i+1:]]
	kind, ofOptions := strings.CutPrefix(parent, "mounts.")
	switch {
	case parent == "":
		return nested
	case parent == "mounts" && isOptions:
		return mount(name[i+1:], sources[name[i+1:]], nested)
	case ofOptions:
		return mount(kind, sources[kind], values{kind: nested})
	case parent == "mounts":
		return values{"mounts": values{"/m": values{"type": "volume", "source": "data"}.with(nested)}}
	case parent == "ports":
		return values{"ports": []any{values{"target": "80"}.with(nested)}}
	case parent == "networks":
		return values{"networks": values{"front": nested}}
	case parent == "healthcheck":
		return values{"healthcheck": values{"test": []any{"CMD", "/check"}}.with(nested)}
	case parent == "devices":
		return values{"devices": values{"/dev/null": nested}}
	case parent == "device_requests": // An engine without such a driver creates the container, and can't start it.
		request := values{"count": 1, "driver": "nvidia", "capabilities": []any{[]any{"gpu"}}}
		return values{"desired_state": "stopped", "device_requests": []any{request.with(nested)}}
	case parent == "files":
		return values{"files": values{"/f": values{"content": "x"}.with(nested)}}
	default:
		return values{parent: nested}
	}
}
