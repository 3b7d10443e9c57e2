package bifocal

import (
	"fmt"
	"reflect"
	"slices"
	"unsafe"
)

// Machine takes its inputs one after the other: a state machine, sessions, deduplication. A pointer to the
// machine implements it; the zero machine is the one before its first input.
//
// Both the machine and its input are structs of values, Opt, slices, parts of states, structs of these, or
// a [OneOf]; their canonical bytes are those of their fields one after the other. An input takes at least
// one byte.
type Machine[I any] interface{ Step(input I) }

// Ordered runs a [Machine] over the events of a cell in the order of the log, however the log is cut:
// Watch Ordered[Watch, Step], cell.Watch.Push(Step{…}). Never order-free.
//
// A state is *anchored*, a machine that has run from the beginning of its cell, or *floating*, inputs that
// wait for what precedes them. What a fold makes floats; the host merges it onto the anchored state at its
// left, which runs the machine; two floating states concatenate.
//
// Bytes: 1 and the machine, or 0 and the inputs one after the other behind the number of their bytes
// (LEB128). Shows nothing by itself: a transform with a machine has a Present, which asks for the
// [Ordered.Machine].
type Ordered[M, I any] struct {
	varied
	// machine is nil while the state is floating.
	machine *M
	inputs  []byte
	// codecs of machine and input, found at the first use.
	codecs *machineCodecs
}

type machineCodecs struct{ machine, input *codec }

func (o *Ordered[M, I]) known() *machineCodecs {
	if o.codecs == nil {
		machine, err := codecOf(reflect.TypeFor[M]())
		if err == nil {
			var input *codec
			if input, err = codecOf(reflect.TypeFor[I]()); err == nil {
				o.codecs = &machineCodecs{machine, input}
				return o.codecs
			}
		}
		panic(err.Error()) // refused by check, before anything is folded
	}
	return o.codecs
}

// Push is the next input of the machine.
func (o *Ordered[M, I]) Push(input I) {
	if o.machine != nil {
		any(o.machine).(Machine[I]).Step(input)
		return
	}
	length := len(o.inputs)
	o.inputs = o.known().input.encode(unsafe.Pointer(&input), o.inputs)
	if len(o.inputs) == length {
		// The number of inputs is known by their bytes alone.
		panic("an input of a machine must encode to at least one byte")
	}
}

// Machine is the machine after all inputs so far; of a floating state as if its inputs were the first.
// It is the caller's, to read and to change.
func (o *Ordered[M, I]) Machine() *M {
	copied := *o
	copied.machine = new(M)
	if o.machine != nil {
		encoded := o.known().machine.encode(unsafe.Pointer(o.machine), nil)
		o.known().machine.decode(unsafe.Pointer(copied.machine), &reader{rest: encoded})
	}
	if err := copied.run(o.inputs); err != nil {
		panic("an input of a machine does not decode from what it encoded to: " + err.Error())
	}
	return copied.machine
}

// IsAnchored says whether the machine has run from the beginning of its cell.
func (o *Ordered[M, I]) IsAnchored() bool { return o.machine != nil }

func (o *Ordered[M, I]) run(inputs []byte) error {
	machine := any(o.machine).(Machine[I])
	return o.each(inputs, func(input I) { machine.Step(input) })
}

func (o *Ordered[M, I]) each(inputs []byte, do func(I)) error {
	r := reader{rest: inputs}
	for len(r.rest) > 0 {
		var input I
		o.known().input.decode(unsafe.Pointer(&input), &r)
		if r.err != nil {
			return r.err
		}
		do(input)
	}
	return nil
}

func (o *Ordered[M, I]) traits() traits { return traits{kind: KindJSON, anchored: true, hidden: true} }

func (o *Ordered[M, I]) check() error {
	if _, is := any(new(M)).(Machine[I]); !is {
		return fmt.Errorf("*%s is no machine: it needs a method Step(%s)", reflect.TypeFor[M](), reflect.TypeFor[I]())
	}
	if _, err := codecOf(reflect.TypeFor[M]()); err != nil {
		return err
	}
	_, err := codecOf(reflect.TypeFor[I]())
	return err
}

func (o *Ordered[M, I]) begin() { o.machine = new(M) }

func (o *Ordered[M, I]) encode(b []byte) []byte {
	if o.machine != nil {
		return o.known().machine.encode(unsafe.Pointer(o.machine), append(b, 1))
	}
	return append(appendVarint(append(b, 0), uint64(len(o.inputs))), o.inputs...)
}

func (o *Ordered[M, I]) decode(r *reader) {
	switch r.byte() {
	case 0:
		o.inputs = r.bytes()
		if err := o.each(o.inputs, func(I) {}); err != nil {
			r.fail(err)
		}
	case 1:
		o.machine = new(M)
		o.known().machine.decode(unsafe.Pointer(o.machine), r)
	default:
		r.fail(malformed("neither an anchored nor a floating state"))
	}
}

func (o *Ordered[M, I]) merge(later part) error {
	other := later.(*Ordered[M, I])
	if other.machine != nil {
		return errAnchored
	}
	if o.machine == nil {
		o.inputs = append(slices.Clip(o.inputs), other.inputs...)
		return nil
	}
	return o.run(other.inputs)
}

func (o *Ordered[M, I]) present() (datum, error) {
	panic("a machine shows nothing by itself")
}
