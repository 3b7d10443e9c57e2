package bifocal

import (
	"fmt"
	"reflect"
	"unsafe"
)

// OneOf, embedded in a struct of pointers, makes it one of several: exactly one of the pointers is set.
//
// As an event, OneOf has the tag `path`: where the text is that chooses. Events with another text there,
// or none, are ignored, and each field of the chosen struct is required by its kind of event alone:
//
//	type Payment struct {
//		bifocal.OneOf `path:"status"`
//		Declined *Declined `name:"declined"`
//		Approved *Approved `name:"approved"`
//	}
//
// As an input of a machine it is the number of the pointer, from 0, in a byte, and what it points to.
type OneOf struct{}

var typeOneOf = reflect.TypeFor[OneOf]()

// variantsOf is the pointers of a OneOf; false if the type is none.
func variantsOf(t reflect.Type) ([]reflect.StructField, reflect.StructField, bool, error) {
	if t.Kind() != reflect.Struct || t.NumField() == 0 || t.Field(0).Type != typeOneOf || !t.Field(0).Anonymous {
		return nil, reflect.StructField{}, false, nil
	}
	var variants []reflect.StructField
	for i := 1; i < t.NumField(); i++ {
		field := t.Field(i)
		if field.Type.Kind() != reflect.Pointer || field.Type.Elem().Kind() != reflect.Struct || !field.IsExported() {
			return nil, t.Field(0), true, fmt.Errorf("%s.%s: a OneOf has exported pointers to structs and nothing else", t, field.Name)
		}
		variants = append(variants, field)
	}
	if len(variants) == 0 || len(variants) > 256 {
		return nil, t.Field(0), true, fmt.Errorf("%s: a OneOf has from 1 to 256 pointers", t)
	}
	return variants, t.Field(0), true, nil
}

// codec is the canonical bytes of a type: a value, a slice, an Opt, a part of a state, a struct of these,
// or a OneOf. Slices have their length in front.
type codec struct {
	encode func(p unsafe.Pointer, b []byte) []byte
	// decode reads into zeroed memory.
	decode func(p unsafe.Pointer, r *reader)
}

// codecs by type, each made once.
var codecs = map[reflect.Type]*codec{}

func codecOf(t reflect.Type) (*codec, error) {
	if known, ok := codecs[t]; ok {
		return known, nil
	}
	made, err := newCodec(t)
	if err == nil {
		codecs[t] = made
	}
	return made, err
}

func newCodec(t reflect.Type) (*codec, error) {
	if _, is := reflect.New(t).Interface().(part); is {
		own := func(p unsafe.Pointer) part { return reflect.NewAt(t, p).Interface().(part) }
		return &codec{
			encode: func(p unsafe.Pointer, b []byte) []byte { return own(p).encode(b) },
			decode: func(p unsafe.Pointer, r *reader) { own(p).decode(r) },
		}, nil
	}
	if value, okAt, is := unwrap(t); is {
		kind := value.Kind()
		return &codec{
			encode: func(p unsafe.Pointer, b []byte) []byte {
				if !*at[bool](unsafe.Add(p, okAt)) {
					return append(b, 0)
				}
				return appendAt(kind, p, append(b, 1))
			},
			decode: func(p unsafe.Pointer, r *reader) {
				if r.option() {
					*at[bool](unsafe.Add(p, okAt)) = true
					readAt(value, p, r)
				}
			},
		}, nil
	}
	if _, is := kindOf(t); is {
		kind := t.Kind()
		return &codec{
			encode: func(p unsafe.Pointer, b []byte) []byte { return appendAt(kind, p, b) },
			decode: func(p unsafe.Pointer, r *reader) { readAt(t, p, r) },
		}, nil
	}
	switch t.Kind() {
	case reflect.Slice:
		return sliceCodec(t)
	case reflect.Struct:
		if variants, _, is, err := variantsOf(t); is || err != nil {
			return oneOfCodec(t, variants, err)
		}
		return structCodec(t)
	}
	return nil, fmt.Errorf("%s has no canonical bytes: use values, slices, Opt, parts of states, structs of these", t)
}

func sliceCodec(t reflect.Type) (*codec, error) {
	element, err := codecOf(t.Elem())
	if err != nil {
		return nil, err
	}
	return &codec{
		encode: func(p unsafe.Pointer, b []byte) []byte {
			s := reflect.NewAt(t, p).Elem()
			b = appendVarint(b, uint64(s.Len()))
			for i := range s.Len() {
				b = element.encode(s.Index(i).Addr().UnsafePointer(), b)
			}
			return b
		},
		decode: func(p unsafe.Pointer, r *reader) {
			s := reflect.NewAt(t, p).Elem()
			for range r.length() {
				one := reflect.New(t.Elem())
				element.decode(one.UnsafePointer(), r)
				if r.err != nil {
					return
				}
				s.Set(reflect.Append(s, one.Elem()))
			}
		},
	}, nil
}

func structCodec(t reflect.Type) (*codec, error) {
	type member struct {
		*codec
		offset uintptr
	}
	var members []member
	for i := range t.NumField() {
		one, err := codecOf(t.Field(i).Type)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t, t.Field(i).Name, err)
		}
		members = append(members, member{one, t.Field(i).Offset})
	}
	return &codec{
		encode: func(p unsafe.Pointer, b []byte) []byte {
			for _, one := range members {
				b = one.encode(unsafe.Add(p, one.offset), b)
			}
			return b
		},
		decode: func(p unsafe.Pointer, r *reader) {
			for _, one := range members {
				one.decode(unsafe.Add(p, one.offset), r)
			}
		},
	}, nil
}

func oneOfCodec(t reflect.Type, variants []reflect.StructField, err error) (*codec, error) {
	if err != nil {
		return nil, err
	}
	var inner []*codec
	for _, variant := range variants {
		one, err := codecOf(variant.Type.Elem())
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t, variant.Name, err)
		}
		inner = append(inner, one)
	}
	return &codec{
		encode: func(p unsafe.Pointer, b []byte) []byte {
			for i, variant := range variants {
				if to := *at[unsafe.Pointer](unsafe.Add(p, variant.Offset)); to != nil {
					return inner[i].encode(to, append(b, byte(i)))
				}
			}
			panic(t.String() + ": none of the OneOf is set")
		},
		decode: func(p unsafe.Pointer, r *reader) {
			i := int(r.byte())
			if i >= len(variants) {
				r.fail(malformed("a variant that there is not"))
				return
			}
			one := reflect.New(variants[i].Type.Elem())
			inner[i].decode(one.UnsafePointer(), r)
			reflect.NewAt(variants[i].Type, unsafe.Add(p, variants[i].Offset)).Elem().Set(one)
		},
	}, nil
}
