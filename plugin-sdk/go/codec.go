package bifocal

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Canonical bytes: equal values have equal bytes, and only those bytes decode. Numbers are
// little-endian and of fixed width; text, binary and sequences begin with their length as a LEB128 of
// 64 bits; what is optional begins with a byte 0 or 1.

var errShort = errors.New("malformed state: it ends within a value")

func malformed(what string) error { return errors.New("malformed state: " + what) }

// reader takes values off the front of bytes. After its first error all that it reads is zero.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = nil
}

// take is the next n bytes, not copied; nil if there are fewer.
func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.fail(errShort)
		return nil
	}
	head := r.rest[:n:n]
	r.rest = r.rest[n:]
	return head
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// bool is a byte 0 or 1; others are what.
func (r *reader) bool(what string) bool {
	b := r.byte()
	if b > 1 {
		r.fail(malformed(what))
	}
	return b == 1
}

func (r *reader) option() bool { return r.bool("an option other than 0 and 1") }

func (r *reader) varint() uint64 {
	var value uint64
	for shift := 0; shift < 64; shift += 7 {
		b := r.byte()
		if r.err != nil {
			return 0
		}
		if shift == 63 && b&0x7f > 1 {
			break
		}
		value |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if b == 0 && shift > 0 {
				r.fail(malformed("a padded number"))
				return 0
			}
			return value
		}
	}
	r.fail(malformed("a number of more than 64 bits"))
	return 0
}

// length is a number of elements. Each takes at least a byte, so more than there are bytes is refused
// before anything is allocated for it.
func (r *reader) length() int {
	n := r.varint()
	if r.err == nil && n > uint64(len(r.rest)) {
		r.fail(errShort)
		return 0
	}
	return int(n)
}

// bytes is a length and so many bytes.
func (r *reader) bytes() []byte { return r.take(r.length()) }

// end wants nothing to be left.
func (r *reader) end() error {
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("malformed state: %d bytes follow its end", len(r.rest))
	}
	return r.err
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendUint64(b []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(b, v) }

func appendVarint(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }
