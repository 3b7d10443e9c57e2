package bifocal

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"unsafe"
)

// Events are structs: a field a column, by its type and tags.
//
//	MerchantID string                                a required text at the path merchant_id
//	Coupon     bifocal.Opt[string]                   a text that may be absent
//	Amount     bifocal.Decimal2 `path:"total.gross"` a dotted path; also `path:"/items/0/price"`, a JSON
//	                                                 Pointer, and `path:""`, the whole payload as Binary
//	Time       bifocal.Timestamp `path:"@time"`      of the record, not the payload; also @offset, @id, …
//
// A struct with an embedded [OneOf] is one of several kinds of events.

// readPlan is how an event of one type is read, made once.
type readPlan struct {
	inputs []Field
	only   *Filter
	groups []group
	// tag is the column that chooses the group, -1 if there is but one.
	tag int
}

// group is a struct of fields: the event itself, or what a pointer of a OneOf points to.
type group struct {
	t         reflect.Type
	name      string
	pointerAt uintptr
	fields    []eventField
}

type eventField struct {
	column int
	path   string
	offset uintptr
	// okAt is where an Opt says whether it is there, from the offset.
	okAt  uintptr
	isOpt bool
	// value is the type without Opt.
	value reflect.Type
}

func newReadPlan(t reflect.Type) (*readPlan, error) {
	plan := &readPlan{tag: -1}
	variants, one, isOneOf, err := variantsOf(t)
	if err != nil {
		return nil, err
	}
	if !isOneOf {
		return plan, plan.addGroup(group{t: t})
	}
	tag := one.Tag.Get("path")
	if tag == "" {
		return nil, fmt.Errorf("%s: OneOf needs the tag `path`: where the text is that chooses", t)
	}
	plan.only = &Filter{Path: tag}
	for _, variant := range variants {
		name := columnName(variant)
		plan.only.OneOf = append(plan.only.OneOf, name)
		if err := plan.addGroup(group{t: variant.Type.Elem(), name: name, pointerAt: variant.Offset}); err != nil {
			return nil, err
		}
	}
	plan.requireWhatAllHave()
	plan.tag = len(plan.inputs)
	plan.inputs = append(plan.inputs, Field{Name: tag, Path: tag, Kind: KindText, Required: true})
	return plan, nil
}

func (p *readPlan) addGroup(g group) error {
	if g.t.Kind() != reflect.Struct {
		return fmt.Errorf("%s is no event: an event is a struct", g.t)
	}
	for i := range g.t.NumField() {
		field := g.t.Field(i)
		value, okAt, isOpt := unwrap(field.Type)
		kind, ok := kindOf(value)
		if !ok || !field.IsExported() {
			return fmt.Errorf("%s.%s: %s is no exported field of an event", g.t, field.Name, field.Type)
		}
		input := Field{Name: columnName(field), Kind: kind, Required: !isOpt}
		path, said := field.Tag.Lookup("path")
		if input.Path = path; !said {
			input.Path = input.Name
		}
		// Groups share a column if they read the same type at the same path.
		column := -1
		for _, other := range p.groups {
			for _, known := range other.fields {
				if p.inputs[known.column].Path == input.Path && known.value == value {
					column = known.column
				}
			}
		}
		if column < 0 {
			column = len(p.inputs)
			p.inputs = append(p.inputs, input)
		}
		g.fields = append(g.fields, eventField{column, shownPath(input.Path), field.Offset, okAt, isOpt, value})
	}
	p.groups = append(p.groups, g)
	return nil
}

// shownPath is a path as a person reads it in a reason: the whole payload has no name.
func shownPath(path string) string {
	if path == "" {
		return "payload"
	}
	return path
}

// requireWhatAllHave: the host rejects events without a column that every group needs.
func (p *readPlan) requireWhatAllHave() {
	for column := range p.inputs {
		all := true
		for _, g := range p.groups {
			all = all && slices.ContainsFunc(g.fields, func(f eventField) bool { return f.column == column && !f.isOpt })
		}
		p.inputs[column].Required = all
	}
}

// blockRows is how many events are read at once: column by column, so that what depends on a column is
// done once a block, and few enough to stay in the first cache.
const blockRows = 128

// eventReader reads the events of one chunk.
type eventReader[E any] struct {
	plan    *readPlan
	sources []*source
	rows    int
	events  []E
	// blocks has memory for the structs of each group; of a plain event it is events.
	blocks []unsafe.Pointer
	// chosen is the group of each code of the tag.
	chosen []int
	// unfit is why a row of the block cannot be read, by row; nil if all can.
	unfit map[int]string
	// from is the first row of the block.
	from int
}

func openSources(inputs []Field, columns []Column, rows int) ([]*source, error) {
	if len(columns) != len(inputs) {
		return nil, fmt.Errorf("%d columns for %d inputs", len(columns), len(inputs))
	}
	sources := make([]*source, len(inputs))
	for i, field := range inputs {
		var err error
		if sources[i], err = openSource(field, &columns[i], rows); err != nil {
			return nil, err
		}
		for row := 0; field.Required && len(sources[i].validity) > 0 && row < rows; row++ {
			if !sources[i].isPresent(row) {
				return nil, fmt.Errorf("input '%s' is required but absent in row %d", field.Name, row)
			}
		}
	}
	return sources, nil
}

func openEvents[E any](plan *readPlan, columns []Column, rows int) (*eventReader[E], error) {
	sources, err := openSources(plan.inputs, columns, rows)
	if err != nil {
		return nil, err
	}
	r := &eventReader[E]{plan: plan, sources: sources, rows: rows, events: make([]E, min(rows, blockRows))}
	if plan.tag < 0 {
		r.blocks = []unsafe.Pointer{unsafe.Pointer(unsafe.SliceData(r.events))}
		return r, nil
	}
	for _, g := range plan.groups {
		r.blocks = append(r.blocks, reflect.MakeSlice(reflect.SliceOf(g.t), len(r.events), len(r.events)).UnsafePointer())
	}
	for _, text := range sources[plan.tag].texts {
		r.chosen = append(r.chosen, slices.Index(plan.only.OneOf, text))
	}
	return r, nil
}

// read reads the block of events from a row on, and returns how many there are.
func (r *eventReader[E]) read(from int) int {
	n := min(r.rows-from, len(r.events))
	r.from, r.unfit = from, nil
	if r.plan.tag < 0 {
		for i := range r.plan.groups[0].fields {
			r.readField(0, &r.plan.groups[0].fields[i], n)
		}
		return n
	}
	for i := range r.plan.groups {
		for j := range r.plan.groups[i].fields {
			r.readField(i, &r.plan.groups[i].fields[j], n)
		}
	}
	clear(r.events)
	tag := r.sources[r.plan.tag]
	for i := range n {
		code := tag.codes[from+i]
		chosen := r.chosen[code]
		if chosen < 0 {
			r.refuse(from+i, r.plan.only.Path, "'"+tag.texts[code]+"' is no event of this transform")
			continue
		}
		g := &r.plan.groups[chosen]
		event := unsafe.Pointer(&r.events[i])
		*at[unsafe.Pointer](unsafe.Add(event, g.pointerAt)) = unsafe.Add(r.blocks[chosen], uintptr(i)*g.t.Size())
	}
	return n
}

func (r *eventReader[E]) refuse(row int, path, why string) {
	if r.unfit == nil {
		r.unfit = map[int]string{}
	}
	// Of several reasons the first field's counts.
	if _, known := r.unfit[row]; !known {
		r.unfit[row] = path + ": " + why
	}
}

// isOf says whether a row is read by the group: a fault in a field is no fault of rows of other groups.
func (r *eventReader[E]) isOf(row, group int) bool {
	return r.plan.tag < 0 || r.chosen[r.sources[r.plan.tag].codes[row]] == group
}

func (r *eventReader[E]) readField(group int, f *eventField, n int) {
	s, size := r.sources[f.column], r.plan.groups[group].t.Size()
	p := unsafe.Add(r.blocks[group], f.offset)
	scatter(s, f.value.Kind(), p, size, r.from, n)
	if f.isOpt {
		for i := range n {
			*at[bool](unsafe.Add(p, uintptr(i)*size+f.okAt)) = s.isPresent(r.from + i)
		}
	}
	if len(s.validity) > 0 {
		for i := range n {
			if row := r.from + i; !s.isPresent(row) {
				if one := unsafe.Add(p, uintptr(i)*size); f.value.Kind() == reflect.String {
					*at[string](one) = ""
				} else {
					clear(unsafe.Slice(at[byte](one), f.value.Size()))
				}
				if !f.isOpt && r.isOf(row, group) {
					r.refuse(row, f.path, "is missing")
				}
			}
		}
	}
	if least, greatest, narrow := limits(f.value.Kind()); narrow {
		for i, word := range s.words[r.from : r.from+n] {
			if row := r.from + i; (word < least || word > greatest) && s.isPresent(row) && r.isOf(row, group) {
				r.refuse(row, f.path, fmt.Sprintf("%d is not within %s", word, shownLimits(f.value.Kind())))
			}
		}
	}
}

// scatter writes n values of a column, from a row on, to memory from p on, size bytes apart. Absent ones
// are written as they lie in the column.
func scatter(s *source, kind reflect.Kind, p unsafe.Pointer, size uintptr, from, n int) {
	switch s.kind.tag {
	case tagText:
		if len(s.texts) == 0 {
			return // no row has a text
		}
		// As words: the source keeps the texts alive, so a collector need not be told of each.
		texts := unsafe.Slice((*words2)(unsafe.Pointer(unsafe.SliceData(s.texts))), len(s.texts))
		for i, code := range s.codes[from : from+n] {
			*at[words2](unsafe.Add(p, uintptr(i)*size)) = texts[code]
		}
	case tagBinary, tagJSON:
		for i := range n {
			*at[string](unsafe.Add(p, uintptr(i)*size)) = s.wide(from + i)
		}
	case tagBoolean:
		for i, one := range s.bytes[from : from+n] {
			*at[bool](unsafe.Add(p, uintptr(i)*size)) = one != 0
		}
	default:
		scatterWords(s.words[from:from+n], kind, p, size)
	}
}

// words2 is a string as it lies in memory.
type words2 struct{ data, length uintptr }

func scatterWords(words []int64, kind reflect.Kind, p unsafe.Pointer, size uintptr) {
	switch kind {
	case reflect.Int8, reflect.Uint8:
		for i, word := range words {
			*at[int8](unsafe.Add(p, uintptr(i)*size)) = int8(word)
		}
	case reflect.Int16, reflect.Uint16:
		for i, word := range words {
			*at[int16](unsafe.Add(p, uintptr(i)*size)) = int16(word)
		}
	case reflect.Int32, reflect.Uint32:
		for i, word := range words {
			*at[int32](unsafe.Add(p, uintptr(i)*size)) = int32(word)
		}
	default:
		for i, word := range words {
			*at[int64](unsafe.Add(p, uintptr(i)*size)) = word
		}
	}
}

// limits of a type that does not hold all integers of a column.
func limits(kind reflect.Kind) (least, greatest int64, narrow bool) {
	switch kind {
	case reflect.Int8:
		return math.MinInt8, math.MaxInt8, true
	case reflect.Int16:
		return math.MinInt16, math.MaxInt16, true
	case reflect.Int32:
		return math.MinInt32, math.MaxInt32, true
	case reflect.Uint8:
		return 0, math.MaxUint8, true
	case reflect.Uint16:
		return 0, math.MaxUint16, true
	case reflect.Uint32:
		return 0, math.MaxUint32, true
	case reflect.Uint64:
		return 0, math.MaxInt64, true
	}
	return 0, 0, false
}

func shownLimits(kind reflect.Kind) string {
	if kind == reflect.Uint64 {
		return "0 and 18446744073709551615"
	}
	least, greatest, _ := limits(kind)
	return fmt.Sprintf("%d and %d", least, greatest)
}
