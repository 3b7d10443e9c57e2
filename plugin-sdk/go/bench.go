//go:build !wasip1

package bifocal

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// TB is what tests need of a *testing.T.
type TB interface {
	Helper()
	Fatalf(format string, arguments ...any)
}

// Bench tries a plugin in its own tests, without a host: JSON events in, rows and rejections out, and the
// laws of the contract tried on every cut. What fails, fails the test. Slow on purpose, so that it is
// plain.
//
//	bench := bifocal.NewBench(t, transform)
//	bench.Append(`{"ts":"2026-11-20T21:04:00Z","merchant_id":"m-17","currency":"EUR","amount":12.5,"status":"completed"}`)
//	bench.Want(`{"merchant_id":"m-17","currency":"EUR","window":"2026-11-20T21:00:00Z","amount":12.50,"orders":1,"largest":12.50}`)
//	bench.CheckLaws()
type Bench struct {
	t           TB
	plugin      Plugin
	settings    string
	description Description
	records     []record
	// unfit events lack an input or have one of the wrong type.
	unfit []RejectedEvent
	next  int64
}

// RejectedEvent is an event that is not in the rows, and why.
type RejectedEvent struct {
	Offset int64
	Reason string
}

type record struct {
	offset int64
	time   Timestamp
	inputs []datum
}

// NewBench is a bench without events; settings, a JSON object, are for a plugin of [ExportWith].
func NewBench(t TB, plugin Plugin, settings ...string) *Bench {
	t.Helper()
	b := &Bench{t: t, plugin: plugin, settings: "{}"}
	if len(settings) > 0 {
		b.settings = settings[0]
	}
	var err error
	if b.description, err = plugin.Describe(b.settings); err != nil {
		t.Fatalf("describe: %v", err)
	}
	return b
}

// Description is what the plugin says of itself.
func (b *Bench) Description() Description { return b.description }

// Append appends events, a JSON object each. Their time is where the transform's Time says, else 0.
func (b *Bench) Append(events ...string) {
	b.t.Helper()
	for _, event := range events {
		var at Timestamp
		if path := b.annotation("time"); path != "" {
			var err error
			if at, err = eventTime(JSON(event), path, b.annotation("time-unit")); err != nil {
				b.t.Fatalf("event %d: %v", b.next, err)
			}
		}
		b.AppendAt(at, event)
	}
}

// AppendAt appends an event with a time of its own.
func (b *Bench) AppendAt(at Timestamp, event string) {
	b.t.Helper()
	offset := b.next
	b.next++
	if only := b.description.Only; only != nil {
		raw, _ := rawAt(JSON(event), only.Path)
		if text, err := raw.Text(); err != nil || !slices.Contains(only.OneOf, text) {
			return // ignored
		}
	}
	one := record{offset: offset, time: at}
	for _, field := range b.description.Inputs {
		d, err := inputOf(field, offset, at, event, b.annotation("time-unit"))
		if err != nil {
			b.unfit = append(b.unfit, RejectedEvent{offset, err.Error()})
			return
		}
		one.inputs = append(one.inputs, d)
	}
	b.records = append(b.records, one)
}

func (b *Bench) annotation(name string) string {
	for _, one := range b.description.Annotations {
		if one.Name == name {
			return one.Value
		}
	}
	return ""
}

// Want fails the test if the rows are not these: JSON objects, in the order in which a host has them.
func (b *Bench) Want(rows ...string) {
	b.t.Helper()
	got := b.Rows()
	for i := range max(len(rows), len(got)) {
		var want, have string
		if i < len(rows) {
			want = compact(rows[i])
		}
		if i < len(got) {
			have = got[i]
		}
		if want != have {
			b.t.Fatalf("row %d:\n  want %s\n  have %s", i, want, have)
		}
	}
}

func compact(row string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(row)) != nil {
		return row
	}
	return b.String()
}

// Rows is the view: one JSON object a cell, of its key, its window and its outputs.
func (b *Bench) Rows() []string {
	b.t.Helper()
	rows, err := b.present(b.cells())
	if err != nil {
		b.t.Fatalf("present: %v", err)
	}
	return rows
}

// cells is all cells in the order in which a host has them, with whole states.
func (b *Bench) cells() []benchCell {
	b.t.Helper()
	whole := b.fold(0, len(b.records))
	var cells []benchCell
	for _, place := range whole.sorted(b.description.Keys) {
		cell := whole.cells[place]
		if b.description.Initial != nil {
			cell.state = b.mergeOne(b.description.Initial, cell.state)
		}
		cells = append(cells, cell)
	}
	return cells
}

// present is a row for each cell.
func (b *Bench) present(cells []benchCell) ([]string, error) {
	keys, windows, states := newBuilders(b.description.Keys), []byte(nil), Blobs{}
	for _, cell := range cells {
		for i, d := range cell.key {
			keys[i].push(d)
		}
		windows = appendUint64(windows, uint64(cell.window))
		states.Append(cell.state)
	}
	outputs, err := b.plugin.Present(finishAll(keys), windows, states)
	if err != nil {
		return nil, err
	}
	var rows []string
	for row, cell := range cells {
		text := []byte{'{'}
		member := func(name string, kind Kind, d datum) {
			if len(text) > 1 {
				text = append(text, ',')
			}
			text = appendDatum(append(appendText(text, name), ':'), kind, d)
		}
		for i, field := range b.description.Keys {
			member(field.Name, field.Kind, cell.key[i])
		}
		if !b.description.Window.isGlobal() {
			member("window", KindTimestamp, number(cell.window))
		}
		for i, field := range b.description.Outputs {
			member(field.Name, field.Kind, outputs[i].datum(field.Kind, row))
		}
		rows = append(rows, string(append(text, '}')))
	}
	return rows, nil
}

// Rejected is the events that are not in the rows, ascending.
func (b *Bench) Rejected() []RejectedEvent {
	b.t.Helper()
	rejected := append(b.fold(0, len(b.records)).rejected, b.unfit...)
	slices.SortStableFunc(rejected, func(a, b RejectedEvent) int { return cmp.Compare(a.Offset, b.Offset) })
	return rejected
}

// CheckLaws tries the laws on the events so far: *split* at every cut, *associative* at cuts into three,
// *monotone* on every event, *order-free* if it is claimed. It fails the test at the first breach.
func (b *Bench) CheckLaws() {
	b.t.Helper()
	all := len(b.records)
	whole := b.fold(0, all)
	for cut := range all + 1 {
		left, right := b.fold(0, cut), b.fold(cut, all)
		merged := b.merge(left, right)
		b.same(fmt.Sprintf("split, cut at %d of %d", cut, all), whole, merged)
		if b.description.OrderFree {
			swapped := b.merge(right, left)
			swapped.rejected = merged.rejected
			b.same(fmt.Sprintf("order-free, cut at %d of %d", cut, all), merged, swapped)
		}
		middle := cut / 2
		first, second := b.fold(0, middle), b.fold(middle, cut)
		other := b.merge(first, b.merge(second, right))
		b.same(fmt.Sprintf("associative, cuts at %d and %d of %d", middle, cut, all), whole, other)
	}
	for row := range all {
		alone := b.fold(row, row+1)
		is := func(one RejectedEvent) bool { return one.Offset == b.records[row].offset }
		i, j := slices.IndexFunc(alone.rejected, is), slices.IndexFunc(whole.rejected, is)
		if (i < 0) != (j < 0) || i >= 0 && alone.rejected[i] != whole.rejected[j] {
			b.t.Fatalf("law monotone: event %d alone is %v, among others %v", b.records[row].offset, alone.rejected, whole.rejected)
		}
	}
}

// benchPart is the cells of some events, by key and window in their bytes, and the rejections among them.
type benchPart struct {
	cells    map[string]benchCell
	rejected []RejectedEvent
}

type benchCell struct {
	key    []datum
	window int64
	state  []byte
}

func (p benchPart) sorted(keys []Field) []string {
	var places []string
	for place := range p.cells {
		places = append(places, place)
	}
	slices.SortFunc(places, func(x, y string) int {
		a, b := p.cells[x], p.cells[y]
		for i, field := range keys {
			if order := compareDatums(field.Kind, a.key[i], b.key[i]); order != 0 {
				return order
			}
		}
		return cmp.Compare(a.window, b.window)
	})
	return places
}

// compareDatums has null first, text and binary by bytes, all else by number.
func compareDatums(kind Kind, a, b datum) int {
	switch {
	case a.present != b.present && !a.present:
		return -1
	case a.present != b.present:
		return 1
	case kind == KindText || kind == KindBinary:
		return strings.Compare(a.text, b.text)
	}
	return cmp.Compare(a.number, b.number)
}

// chunk is the records from one on up to another, as a host hands them over.
func (b *Bench) chunk(from, to int) Events {
	inputs, times := newBuilders(b.description.Inputs), []byte(nil)
	for _, record := range b.records[from:to] {
		times = appendUint64(times, uint64(record.time))
		for i, d := range record.inputs {
			inputs[i].push(d)
		}
	}
	return Events{times, finishAll(inputs)}
}

func (b *Bench) fold(from, to int) benchPart {
	b.t.Helper()
	folded, err := b.plugin.Fold(b.settings, b.chunk(from, to))
	if err != nil {
		b.t.Fatalf("fold of events %d to %d: %v", from, to, err)
	}
	part := benchPart{cells: map[string]benchCell{}}
	for _, one := range folded.Rejected {
		part.rejected = append(part.rejected, RejectedEvent{b.records[from+one.Row].offset, one.Reason})
	}
	for row := range folded.Cells.States.Len() {
		cell := benchCell{state: folded.Cells.States.At(row)}
		if !b.description.Window.isGlobal() {
			cell.window = cast[int64](folded.Cells.Windows)[row]
		}
		place := strconv.FormatInt(cell.window, 10)
		for i, field := range b.description.Keys {
			d := folded.Cells.Keys[i].datum(field.Kind, row)
			cell.key = append(cell.key, d)
			place = string(appendDatum(append([]byte(place), ' '), field.Kind, d))
		}
		if _, known := part.cells[place]; known {
			b.t.Fatalf("two cells are %s", place)
		}
		part.cells[place] = cell
	}
	return part
}

func (b *Bench) mergeOne(left, right []byte) []byte {
	b.t.Helper()
	var lefts, rights Blobs
	lefts.Append(left)
	rights.Append(right)
	merged, err := b.plugin.Merge(lefts, rights)
	if err != nil {
		b.t.Fatalf("merge: %v", err)
	}
	return merged.At(0)
}

func (b *Bench) merge(left, right benchPart) benchPart {
	b.t.Helper()
	merged := benchPart{cells: map[string]benchCell{}, rejected: slices.Concat(left.rejected, right.rejected)}
	for place, cell := range left.cells {
		merged.cells[place] = cell
	}
	for place, cell := range right.cells {
		if before, known := merged.cells[place]; known {
			cell.state = b.mergeOne(before.state, cell.state)
		}
		merged.cells[place] = cell
	}
	return merged
}

func (b *Bench) same(law string, want, have benchPart) {
	b.t.Helper()
	if !slices.Equal(want.rejected, have.rejected) {
		b.t.Fatalf("law %s: rejected %v and %v", law, want.rejected, have.rejected)
	}
	for _, parts := range [][2]benchPart{{want, have}, {have, want}} {
		for place, cell := range parts[0].cells {
			if other, known := parts[1].cells[place]; !known || !bytes.Equal(cell.state, other.state) {
				b.t.Fatalf("law %s: %s is %x and %x", law, place, cell.state, other.state)
			}
		}
	}
}

// CheckFixtures tries every CASE/{events,expected,rejected}.ndjson in a directory, with the settings in
// CASE/settings.json if it is there, and the laws on the events of each. A line of rejected is
// {"offset":N,"reason":"…"}: the reason given must contain this one.
func CheckFixtures(t TB, plugin Plugin, directory string) {
	t.Helper()
	for _, at := range casesIn(t, directory) {
		settings := "{}"
		if text, err := os.ReadFile(filepath.Join(at, "settings.json")); err == nil {
			settings = string(text)
		}
		bench := NewBench(within{t, at}, plugin, settings)
		bench.Append(lines(t, filepath.Join(at, "events.ndjson"))...)
		bench.Want(lines(t, filepath.Join(at, "expected.ndjson"))...)
		bench.wantRejected(lines(t, filepath.Join(at, "rejected.ndjson")))
		bench.CheckLaws()
	}
}

// casesIn is the folders in a directory that have events.
func casesIn(t TB, directory string) []string {
	t.Helper()
	cases, _ := filepath.Glob(filepath.Join(directory, "*", "events.ndjson"))
	if len(cases) == 0 {
		t.Fatalf("%s: no case is there", directory)
	}
	for i, events := range cases {
		cases[i] = filepath.Dir(events)
	}
	return cases
}

// CheckVectors tries every CASE/{events,expected,rejected,states}.ndjson in a directory, with the events' times
// at a path: what one transform in several languages must agree on, the bytes of its states above all. Rows
// that are out of range are not expected; why an event does not fit its inputs is for a host to say.
func CheckVectors(t TB, plugin Plugin, time, directory string) {
	t.Helper()
	for _, at := range casesIn(t, directory) {
		bench := NewBench(within{t, at}, plugin)
		for _, event := range lines(t, filepath.Join(at, "events.ndjson")) {
			when, err := eventTime(JSON(event), time, "")
			if err != nil {
				t.Fatalf("%s: %v", at, err)
			}
			bench.AppendAt(when, event)
		}
		bench.wantCells(lines(t, filepath.Join(at, "states.ndjson")), lines(t, filepath.Join(at, "expected.ndjson")))
		bench.wantRejected(lines(t, filepath.Join(at, "rejected.ndjson")))
		if len(bench.records) <= lawsMax {
			bench.CheckLaws()
		}
	}
}

// lawsMax is for how many events of a case the laws are tried at every cut, which takes their square.
const lawsMax = 120

func (b *Bench) wantCells(states, rows []string) {
	b.t.Helper()
	cells := b.cells()
	if len(cells) != len(states) {
		b.t.Fatalf("%d cells, not %d", len(cells), len(states))
	}
	for i, line := range states {
		var want struct {
			Window *int64
			State  string
		}
		if err := json.Unmarshal([]byte(line), &want); err != nil {
			b.t.Fatalf("%s: %v", line, err)
		}
		if state := hex.EncodeToString(cells[i].state); state != want.State || want.Window != nil && *want.Window != cells[i].window {
			b.t.Fatalf("cell %d: want %s\nhave window %d, state %s", i, line, cells[i].window, state)
		}
	}
	var have []string
	for _, cell := range cells {
		row, err := b.present([]benchCell{cell})
		if err != nil && !strings.HasPrefix(err.Error(), "out of range: ") {
			b.t.Fatalf("present: %v", err)
		}
		have = append(have, row...)
	}
	if len(have) != len(rows) {
		b.t.Fatalf("%d rows, not %d", len(have), len(rows))
	}
	for i, want := range rows {
		if plain(want) != plain(have[i]) {
			b.t.Fatalf("row %d:\n  want %s\n  have %s", i, want, have[i])
		}
	}
}

// plain is a row with every number as a fraction: a host and a state write the same number in other ways.
func plain(row string) string {
	decoder := json.NewDecoder(strings.NewReader(row))
	decoder.UseNumber()
	var shown strings.Builder
	for {
		token, err := decoder.Token()
		if err != nil {
			return shown.String()
		}
		if number, is := token.(json.Number); is {
			fraction, _ := new(big.Rat).SetString(number.String())
			token = fraction
		}
		fmt.Fprintf(&shown, "%T %v ", token, token)
	}
}

func (b *Bench) wantRejected(want []string) {
	b.t.Helper()
	rejected := b.Rejected()
	if len(want) != len(rejected) {
		b.t.Fatalf("%d rejected events, not %d: %v", len(rejected), len(want), rejected)
	}
	for i, line := range want {
		var expected RejectedEvent
		if err := json.Unmarshal([]byte(line), &expected); err != nil {
			b.t.Fatalf("%s: %v", line, err)
		}
		unfit := slices.Contains(b.unfit, rejected[i]) && strings.Contains(expected.Reason, ": expected ")
		if expected.Offset != rejected[i].Offset || !unfit && !strings.Contains(rejected[i].Reason, expected.Reason) {
			b.t.Fatalf("rejection %d: want %v, have %v", i, expected, rejected[i])
		}
	}
}

// within names the case in what fails.
type within struct {
	TB
	at string
}

func (w within) Fatalf(format string, arguments ...any) {
	w.Helper()
	w.TB.Fatalf("%s: %s", w.at, fmt.Sprintf(format, arguments...))
}

func lines(t TB, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v", err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// inputOf is the value of an input, or why the event is to be rejected.
func inputOf(field Field, offset int64, at Timestamp, event, unit string) (datum, error) {
	var d datum
	switch {
	case field.Path == "":
		d = textual(event)
	case field.Path == "@offset":
		d = number(offset)
	case field.Path == "@time" || field.Path == "@ingested":
		d = number(int64(at))
	case field.Path[0] != '@':
		if raw, ok := rawAt(JSON(event), field.Path); ok {
			if d, ok = parse(field.Kind, raw, unit); !ok {
				return d, fmt.Errorf("%s: %s is not of kind %s", field.Path, raw, field.Kind)
			}
		}
	}
	if field.Required && !d.present {
		return d, fmt.Errorf("%s: is missing", field.Path)
	}
	return d, nil
}

// rawAt is the JSON at a path; false if nothing or null is there.
func rawAt(event JSON, path string) (JSON, bool) {
	steps := strings.Split(path, ".")
	if pointer, is := strings.CutPrefix(path, "/"); is {
		steps = strings.Split(pointer, "/")
		for i, step := range steps {
			steps[i] = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
		}
	}
	for _, step := range steps {
		if list, err := event.List(1 << 30); err == nil {
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(list) {
				return "", false
			}
			event = list[i]
			continue
		}
		member, ok, err := event.Member(step)
		if err != nil || !ok {
			return "", false
		}
		event = member
	}
	return event, !event.IsNull()
}

func parse(kind Kind, raw JSON, unit string) (datum, bool) {
	text, notText := raw.Text()
	switch kind.tag {
	case tagBoolean:
		v, err := raw.Boolean()
		if v {
			return number(1), err == nil
		}
		return number(0), err == nil
	case tagInteger:
		n, err := raw.Integer()
		return number(n), err == nil
	case tagFloat:
		f, err := raw.Float()
		return float(f), err == nil
	case tagText:
		return textual(text), notText == nil
	case tagBinary:
		b, err := base64.StdEncoding.DecodeString(text)
		return textual(string(b)), notText == nil && err == nil
	case tagTimestamp:
		if _, err := raw.Integer(); err == nil && unit == "" {
			return datum{}, false // a number of which the unit is not known
		}
		t, err := instant(raw, unit)
		return number(int64(t)), err == nil
	case tagDecimal:
		if notText != nil {
			text = raw.text()
		}
		units, err := parseUnits(text, int(kind.digits))
		return number(units), err == nil
	}
	return textual(string(raw)), true
}

func eventTime(event JSON, path, unit string) (Timestamp, error) {
	raw, ok := rawAt(event, path)
	if !ok {
		return 0, fmt.Errorf("%s: the time is missing", path)
	}
	t, err := instant(raw, unit)
	return t, Within(path, err)
}

// instant is an epoch number in a unit, ms if none is said; or RFC 3339, also without a zone, which is
// UTC, with a space for the T, or a date alone. What is finer than a millisecond is cut off.
func instant(raw JSON, unit string) (Timestamp, error) {
	if n, err := raw.Integer(); err == nil {
		switch unit {
		case "s":
			return TimestampOf(time.Unix(n, 0)), nil
		case "us":
			return TimestampOf(time.UnixMicro(n)), nil
		case "ns":
			return TimestampOf(time.Unix(0, n)), nil
		}
		return Timestamp(n), nil
	}
	text, err := raw.Text()
	if err != nil {
		return 0, raw.expected("a time")
	}
	if len(text) > 10 && text[10] == ' ' {
		text = text[:10] + "T" + text[11:]
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return TimestampOf(t), nil
		}
	}
	return 0, raw.expected("a time")
}
