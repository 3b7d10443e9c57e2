package bifocal

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON is the text of one JSON value as it stands in the payload. Its methods read it where it stands:
// no tree is built, and what does not fit is an error whose text says what was expected and found;
// return it and the event is rejected with it.
//
//	items, err := basket.Items.List(32)
//	for _, item := range items {
//		sku, err := item.Required("sku") …
type JSON string

func (j JSON) expected(what string) error {
	const shownMax = 40
	found := j.text()
	if runes := []rune(found); len(runes) > shownMax {
		found = string(runes[:shownMax]) + "…"
	}
	return fmt.Errorf("expected %s, found %s", what, found)
}

// List is the elements of a list, at most so many: more are an error, so that what one event costs is
// bounded by the transform and not by who sends it.
func (j JSON) List(most int) ([]JSON, error) {
	s := scanner{text: string(j)}
	var elements []JSON
	more := false
	s.blank()
	if s.peek() != '[' || !s.list(func(element JSON) {
		if more = len(elements) == most; !more {
			elements = append(elements, element)
		}
	}) || !s.end() {
		return nil, j.expected("a list")
	}
	if more {
		return nil, j.expected(fmt.Sprintf("a list of at most %d", most))
	}
	return elements, nil
}

// Member is the member of an object that has this name, of several the last one; false if it is missing
// or null.
func (j JSON) Member(name string) (JSON, bool, error) {
	s := scanner{text: string(j)}
	var found JSON
	s.blank()
	if s.peek() != '{' || !s.object(func(key string, value JSON) {
		if key == name {
			found = value
		}
	}) || !s.end() {
		return "", false, j.expected("an object")
	}
	return found, found != "" && !found.IsNull(), nil
}

// Required is the member that has this name, which must be there and not null.
func (j JSON) Required(name string) (JSON, error) {
	member, ok, err := j.Member(name)
	if err == nil && !ok {
		err = j.expected("a member '" + name + "'")
	}
	return member, err
}

// Text is a string without its quotes and escapes.
func (j JSON) Text() (string, error) {
	s := scanner{text: string(j)}
	s.blank()
	if text, ok := s.string(); ok && s.end() {
		return text, nil
	}
	return "", j.expected("a text")
}

// Integer is an integer of 64 bits, without fraction or exponent.
func (j JSON) Integer() (int64, error) {
	if text := j.text(); isNumber(text) {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, j.expected("an integer of 64 bits")
}

// Float is the double nearest to a number.
func (j JSON) Float() (float64, error) {
	if text := j.text(); isNumber(text) {
		if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(f, 0) {
			return f, nil
		}
	}
	return 0, j.expected("a number")
}

// DecimalIn reads a decimal from the characters of a number or of a text.
func DecimalIn[D Digits](j JSON) (Decimal[D], error) {
	text, err := j.Text()
	if err != nil {
		text = j.text()
	}
	if d, err := ParseDecimal[D](text); err == nil {
		return d, nil
	}
	var d D
	return 0, j.expected(fmt.Sprintf("a decimal with at most %d digits after the point", d.digits()))
}

// Boolean is true or false.
func (j JSON) Boolean() (bool, error) {
	switch j.text() {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, j.expected("true or false")
}

// IsNull says whether the value is null.
func (j JSON) IsNull() bool { return j.text() == "null" }

// Within says where an error was found: the error of a part becomes one of the whole.
func Within(name string, err error) error {
	if err == nil {
		return nil
	}
	return errors.New(name + ": " + err.Error())
}

// text is without the blanks around it.
func (j JSON) text() string { return strings.Trim(string(j), " \t\n\r") }

// isNumber: what Go's own parsers take beyond JSON begins or goes on otherwise.
func isNumber(text string) bool {
	s := scanner{text: text}
	return s.number() && s.at == len(text)
}

// scanner walks over JSON. Its methods return false where the text is none; they leave blanks behind
// what they read to who calls them.
type scanner struct {
	text string
	at   int
}

func (s *scanner) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

func (s *scanner) blank() {
	for s.at < len(s.text) && strings.IndexByte(" \t\n\r", s.text[s.at]) >= 0 {
		s.at++
	}
}

func (s *scanner) end() bool {
	s.blank()
	return s.at == len(s.text)
}

func (s *scanner) literal(word string) bool {
	if !strings.HasPrefix(s.text[s.at:], word) {
		return false
	}
	s.at += len(word)
	return true
}

// list calls back with each element of the list that begins here.
func (s *scanner) list(element func(JSON)) bool {
	return s.sequence('[', ']', func() bool {
		from := s.at
		if !s.value() {
			return false
		}
		element(JSON(s.text[from:s.at]))
		return true
	})
}

// object calls back with each member of the object that begins here.
func (s *scanner) object(member func(string, JSON)) bool {
	return s.sequence('{', '}', func() bool {
		key, ok := s.string()
		s.blank()
		if !ok || !s.literal(":") {
			return false
		}
		s.blank()
		from := s.at
		if !s.value() {
			return false
		}
		member(key, JSON(s.text[from:s.at]))
		return true
	})
}

func (s *scanner) sequence(open, close byte, one func() bool) bool {
	if s.peek() != open {
		return false
	}
	s.at++
	s.blank()
	if s.peek() == close {
		s.at++
		return true
	}
	for {
		if !one() {
			return false
		}
		s.blank()
		switch s.peek() {
		case ',':
			s.at++
			s.blank()
		case close:
			s.at++
			return true
		default:
			return false
		}
	}
}

// value skips a value. Stacks grow in Go, so depth is no danger.
func (s *scanner) value() bool {
	switch s.peek() {
	case '[':
		return s.list(func(JSON) {})
	case '{':
		return s.object(func(string, JSON) {})
	case '"':
		_, ok := s.string()
		return ok
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	}
	return s.number()
}

func (s *scanner) digits() bool {
	from := s.at
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.at++
	}
	return s.at > from
}

func (s *scanner) number() bool {
	s.literal("-")
	if s.literal("0") {
		if c := s.peek(); c >= '0' && c <= '9' {
			return false
		}
	} else if !s.digits() {
		return false
	}
	if s.literal(".") && !s.digits() {
		return false
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.at++
		if c := s.peek(); c == '+' || c == '-' {
			s.at++
		}
		return s.digits()
	}
	return true
}

// string reads the string that begins here; it allocates only if there are escapes.
func (s *scanner) string() (string, bool) {
	if s.peek() != '"' {
		return "", false
	}
	s.at++
	from := s.at
	var unescaped []byte
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '"':
			tail := s.text[from:s.at]
			s.at++
			if unescaped == nil {
				return tail, true
			}
			return string(append(unescaped, tail...)), true
		case c == '\\':
			unescaped = append(unescaped, s.text[from:s.at]...)
			r, ok := s.escape()
			if !ok {
				return "", false
			}
			unescaped = utf8.AppendRune(unescaped, r)
			from = s.at
		case c < 0x20:
			return "", false
		default:
			s.at++
		}
	}
	return "", false
}

func (s *scanner) escape() (rune, bool) {
	s.at++ // the backslash
	c := s.peek()
	s.at++
	if i := strings.IndexByte(`"\/bfnrt`, c); c != 0 && i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), true
	}
	if c != 'u' {
		return 0, false
	}
	r, ok := s.unit()
	if ok && utf16.IsSurrogate(r) {
		if !s.literal(`\u`) {
			return 0, false
		}
		var low rune
		low, ok = s.unit()
		r = utf16.DecodeRune(r, low)
		ok = ok && r != utf8.RuneError
	}
	return r, ok
}

func (s *scanner) unit() (rune, bool) {
	if len(s.text)-s.at < 4 {
		return 0, false
	}
	unit, err := strconv.ParseUint(s.text[s.at:s.at+4], 16, 16)
	s.at += 4
	return rune(unit), err == nil
}
