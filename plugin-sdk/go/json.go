package bifocal

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"time"
)

// exactMax: beyond it a double, which is all that many readers of JSON have, no longer tells
// neighbours apart.
const exactMax = 1 << 53

// appendDatum appends a presented value as JSON, by the rules of the host's own output: integers beyond
// 2^53 as strings, NaN and infinities null, times in RFC 3339, binary in base64.
func appendDatum(b []byte, kind Kind, d datum) []byte {
	if !d.present {
		return append(b, "null"...)
	}
	switch kind.tag {
	case tagBoolean:
		return strconv.AppendBool(b, d.number != 0)
	case tagInteger:
		if magnitude(d.number) > exactMax {
			return append(strconv.AppendInt(append(b, '"'), d.number, 10), '"')
		}
		return strconv.AppendInt(b, d.number, 10)
	case tagFloat:
		return appendFloat(b, math.Float64frombits(uint64(d.number)))
	case tagText:
		return appendText(b, d.text)
	case tagBinary:
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, stringBytes(d.text))
		return append(b, '"')
	case tagTimestamp:
		return append(append(append(b, '"'), Timestamp(d.number).String()...), '"')
	case tagDecimal:
		return appendDecimal(b, widen(d.number), kind.digits)
	}
	return append(b, d.text...)
}

// appendFloat appends the shortest text that reads back as the same number: with a point, or with an
// exponent where the number is below 10^-4 or from 10^16 on.
func appendFloat(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	if size := math.Abs(v); size != 0 && size < 1e-4 || size >= 1e16 {
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', -1, 64), "e")
		power, _ := strconv.Atoi(exponent)
		return strconv.AppendInt(append(append(b, mantissa...), 'e'), int64(power), 10)
	}
	text := strconv.FormatFloat(v, 'f', -1, 64)
	b = append(b, text...)
	if !strings.Contains(text, ".") {
		b = append(b, ".0"...)
	}
	return b
}

func appendText(b []byte, text string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// String is RFC 3339 with Z, milliseconds only if they are not 0: 2001-01-03T13:05:00Z. Years beyond
// four digits, which RFC 3339 lacks, have as many as they need.
func (t Timestamp) String() string {
	const day = 86_400_000
	days, ms := int64(t)/day, int64(t)%day
	if ms < 0 {
		days, ms = days-1, ms+day
	}
	year, month, date := civil(days)
	b := appendPadded(nil, year, 4)
	b = appendPadded(append(b, '-'), month, 2)
	b = appendPadded(append(b, '-'), date, 2)
	b = appendPadded(append(b, 'T'), ms/3_600_000, 2)
	b = appendPadded(append(b, ':'), ms/60_000%60, 2)
	b = appendPadded(append(b, ':'), ms/1000%60, 2)
	if ms%1000 != 0 {
		b = appendPadded(append(b, '.'), ms%1000, 3)
	}
	return string(append(b, 'Z'))
}

// TimestampOf is the time with what is finer than a millisecond cut off.
func TimestampOf(t time.Time) Timestamp { return Timestamp(t.UnixMilli()) }

// Add is the time so much later.
func (t Timestamp) Add(d time.Duration) Timestamp { return t + Timestamp(d.Milliseconds()) }

// appendPadded fills up to width with zeros, behind a minus that counts as a character.
func appendPadded(b []byte, n int64, width int) []byte {
	if n < 0 {
		b, width = append(b, '-'), width-1
	}
	digits := strconv.FormatUint(magnitude(n), 10)
	for range width - len(digits) {
		b = append(b, '0')
	}
	return append(b, digits...)
}

// civil is year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
// Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
func civil(day int64) (year, month, date int64) {
	day += 719_468
	era := day / 146_097
	if day%146_097 < 0 {
		era--
	}
	ofEra := day - era*146_097
	yearOfEra := (ofEra - ofEra/1460 + ofEra/36_524 - ofEra/146_096) / 365
	ofYear := ofEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	fromMarch := (5*ofYear + 2) / 153
	date = ofYear - (153*fromMarch+2)/5 + 1
	month = fromMarch + 3
	year = era*400 + yearOfEra
	if month > 12 {
		month, year = month-12, year+1
	}
	return year, month, date
}
